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


def test_from_another_folder_the_option_is_named(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models of a revision are read in the repository of the working directory."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    config = str(repository / "costcalc.yaml")
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    code, _, err = call(capsys, "check", "--config", config, "--baseline", "main")
    assert code == 2 and "--baseline main: the working directory is in no git repository" in err
    git(elsewhere, "init", "-q")
    code, _, err = call(capsys, "check", "--config", config, "--baseline", "main")
    assert code == 2 and "--baseline main: " in err and "go to its repository" in err


def test_growth_over_what_is_measured_there(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From every folder of the repository, against main and against where the branch began."""
    write(repository, **{"m/a.yaml": WIDER})
    commit(repository, "wider")
    git(repository, "switch", "-q", "main")
    write(repository, **{"m/a.yaml": WIDER, "m/b.yaml": WIDER})
    commit(repository, "wider on main, too")
    git(repository, "switch", "-q", "branch")
    for folder in (repository, repository / "m"):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            assert call(capsys, "check", "--baseline", "main")[0] == 0
            code, out, _ = call(capsys, "check", "--baseline", "main...HEAD")
            assert code == 1 and "6 of 12 limits are exceeded" in out


@pytest.mark.parametrize(
    ("config", "moves"),
    [
        ("models: [{path: m/a.yaml, name: A}, m/b.yaml]\nmax_increase: 5%\n", {}),
        ("models: [../m/*.yaml]\nmax_increase: 5%\n", {"costcalc.yaml": "x/costcalc.yaml"}),
        (CONFIG, {"costcalc.yaml": "costcalc.yml"}),
        ("models: [n/*.yaml]\nmax_increase: 5%\n", {"m/a.yaml": "n/a.yaml", "m/b.yaml": "n/b.yaml"}),
    ],
)
def test_a_model_under_another_name_is_neither_new_nor_gone(
    repository: Path, config: str, moves: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """An entry that got a name, a config that moved or was renamed, files that moved: growth is held as before."""
    remark = "# what git needs to see that a file was renamed\n" * 8
    write(repository, **{"m/a.yaml": remark + NET, "m/b.yaml": NET.replace("3, 8, 8", "5, 8, 8")})
    commit(repository, "another model")
    git(repository, "branch", "-f", "main")
    for old, new in moves.items():
        (repository / new).parent.mkdir(exist_ok=True)
        git(repository, "mv", old, new)
    file = moves.get("costcalc.yaml", "costcalc.yaml")
    write(repository, **{file: config})
    commit(repository, "moved")
    code, out, _ = call(capsys, "check", "--config", file, "--baseline", "main")
    assert code == 0 and out.endswith("all 12 limits are kept\n")
    assert "new since" not in out and "no longer a model" not in out
    (a,) = repository.glob("[mn]/a.yaml")
    a.write_text(remark + WIDER, encoding="utf-8")
    assert call(capsys, "check", "--config", file, "--baseline", "main")[0] == 1


def test_limits_of_growth_that_hold_nothing_are_not_told_as_kept(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new model has none to grow from; neither has one that cannot be read as it is there, which is not new."""
    git(repository, "switch", "-q", "main")
    write(repository, **{"m/a.yaml": "input: ["})
    commit(repository, "broken")
    git(repository, "switch", "-q", "branch")
    code, out, _ = call(capsys, "check", "--baseline", "main")
    assert code == 0 and "CC308: m/a.yaml cannot be read as it is at main" in " ".join(out.split())
    assert "new since" not in out
    unheld = "6 limits of growth hold nothing yet, for there is no figure to grow from"
    assert f"all 6 limits are kept; {unheld}; 1 warning" in " ".join(out.split())
    write(repository, **{"m/c.yaml": NET.replace("3, 8, 8", "7, 8, 8")})
    out = " ".join(call(capsys, "check", "--baseline", "main")[1].split())
    assert "new since main, so no increase is held: m/c.yaml" in out and "12 limits of growth hold nothing yet" in out


def test_of_a_revision_only_the_models_that_are_checked_are_measured(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that cannot be read there is in nobody's way while another one is checked."""
    write(repository, **{"m/b.yaml": "input: [N, 3"})
    commit(repository, "b is broken")
    git(repository, "branch", "-f", "main")
    write(repository, **{"m/a.yaml": WIDER, "m/b.yaml": NET})
    code, out, _ = call(capsys, "check", "m/a.yaml", "--baseline", "main")
    assert code == 1 and "+100.0%" in out and "m/b.yaml" not in out


def test_a_model_that_was_deleted(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(repository, **{"costcalc.yaml": CONFIG.replace("m/*.yaml", "m/a.yaml, m/gone/config.json")})
    code, out, _ = call(capsys, "check", "--baseline", "main")
    assert code == 2
    assert "there is no file m/gone/config.json: correct the path, or take the entry out" in " ".join(out.split())
