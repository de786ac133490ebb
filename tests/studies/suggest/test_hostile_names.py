"""The working of a suggestion and its diff: names of a file are words there, whatever they try."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli import run
from support.networks import made

NAME = "::add-mask::<b>@org/team\x1b[2J|`\u202e"


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown", "html"])
def test_hostile_names(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"""\
name: {json.dumps(NAME)}
source: {json.dumps(NAME)}
input: [N, 8, 8, 8]
layers:
  - conv: {{filters: 8, kernel: 3, pad: 1}}
    as: "GH-12"   # <script>alert(1)</script> \u202e
  - relu
"""
    for args in ([], ["1"]):
        assert run(["suggest", made(tmp_path, text), *args, "--format", form]) == 0
        out = capsys.readouterr().out
        assert out and not any(c in out for c in "\x1b\u202e" if form != "json")
        assert form != "html" or ("<b>" not in out and "<script>" not in out)
