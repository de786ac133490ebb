"""Patterns on a list of paths find what glob finds on disk."""

from __future__ import annotations

import glob
from pathlib import Path

import pytest

from costcalc.studies.check.targets import match_paths

PATHS = (
    "net.yaml",
    "a.yaml",
    "models/net.yaml",
    "models/deep/net.yaml",
    "models/deep/er/b.onnx",
    "models/.hidden.yaml",
    ".git/config.yaml",
    "other/x[1].yaml",
    "other/x1.yaml",
    "m+/a.b.yaml",
    "models/deep/-.yaml",
)


@pytest.mark.parametrize(
    "pattern",
    [
        "*.yaml",
        "?.yaml",
        "models/*.yaml",
        "models/**/*.yaml",
        "**/*.yaml",
        "**",
        "models/**",
        "*/*",
        "*/deep/*",
        "models/*/[nb]*",
        "other/x[0-9].yaml",
        "other/x[!0-9]*.yaml",
        "other/x[[]1].yaml",
        "m+/*",
        ".git/*",
        "models/.*",
        "[am]*",
        "models/deep/[]-]*",
        "./models/*.yaml",
        "nothing/*",
    ],
)
def test_as_on_disk(pattern: str, tmp_path: Path) -> None:
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    found = glob.glob(pattern, root_dir=tmp_path, recursive=True)  # noqa: PTH207
    files = {path.removeprefix("./") for path in found if (tmp_path / path).is_file()}
    assert match_paths(pattern, PATHS) == sorted(files)
