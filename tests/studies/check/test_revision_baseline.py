"""A git revision as the baseline: its lock file, or its models as they are measured there."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import call
from support.repository import begin, commit, git, needs_git

pytestmark = needs_git

NET = "input: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 3, bias: false}\n"
WIDER = NET.replace("filters: 4", "filters: 8")
CONFIG = "models: [m/*.yaml]\nmax_increase: 5%\n"


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """main has two models and a config without a lock file; the branch, which is checked out, equals it."""
    folder = begin(tmp_path / "repository", monkeypatch)
    write(folder, **{"m/a.yaml": NET, "m/b.yaml": NET, "costcalc.yaml": CONFIG})
    commit(folder, "main")
    git(folder, "switch", "-q", "-c", "branch")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("revision", ["main", "main...HEAD", "main:old.lock.json"])
def test_outside_of_a_repository_the_option_is_named(
    tmp_path: Path, revision: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, **{"m/a.yaml": NET, "costcalc.yaml": CONFIG})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    code, out, err = call(capsys, "check", "--baseline", revision)
    assert (code, out) == (2, "")
    assert f"--baseline {revision}: the working directory is in no git repository" in err
    assert "go to a repository, or name a file in place of a revision" in err


def test_a_revision_that_is_none_names_the_option(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "check", "--baseline", "mian")
    assert code == 2 and "--baseline mian: git knows no revision 'mian'; did you mean 'main'?" in err
