"""Revisions of git: which commit each names, and each way that asking fails."""

from pathlib import Path

import pytest
from support.repository import NET, commit, needs_git, two_branches
from support.repository import git as run

from costcalc import analyze
from costcalc.core.errors import CostcalcError, UsageError
from costcalc.frontends import git
from costcalc.frontends import git as revisions


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return two_branches(tmp_path / "repository", monkeypatch)


def said(revision: str) -> str:
    with pytest.raises(CostcalcError) as found:
        git.resolve_commit(revision)
    assert found.value.remedy
    return str(found.value)


@needs_git
def test_where_two_branches_parted(repository: Path) -> None:
    run(repository, "switch", "-q", "main")
    (repository / "models" / "net.yaml").write_text(NET.replace("4", "16"), encoding="utf-8")
    later = commit(repository)
    run(repository, "switch", "-q", "wide")
    assert revisions.read_file("main...HEAD", "models/net.yaml") == NET.encode()
    assert revisions.read_file("main...", "models/net.yaml") == NET.encode()
    assert git.resolve_commit("main") == later != git.resolve_commit("main...wide")
    run(repository, "switch", "-q", "--orphan", "alone")
    (repository / "other").touch()
    commit(repository)
    with pytest.raises(UsageError, match="no commit in common here; git fetch --unshallow"):
        git.resolve_commit("main...alone")


@needs_git
def test_revisions_that_are_none(repository: Path) -> None:
    assert said("mian") == "git knows no revision 'mian'; did you mean 'main'?"
    assert "`git fetch origin v1.0`" in said("v1.0")
    assert "`git fetch origin release`" in said("origin/release")
    assert "'--output=x' is no revision" in said("--output=x")
    assert "'-x' is no revision" in said("-x...main")
    run(repository, "update-ref", "refs/remotes/origin/develop", "main")
    assert said("develop") == "git knows no revision 'develop'; did you mean 'origin/develop'?"


@needs_git
def test_a_clone_as_a_ci_makes_it_says_what_to_fetch(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy is run as it is said, and works."""
    (repository / "later").touch()
    commit(repository)
    clone = repository.parent / "clone"
    run(repository.parent, "clone", "-q", "--depth", "1", "--branch", "wide", repository.as_uri(), "clone")
    monkeypatch.chdir(clone)
    words = said("origin/main")
    assert words.startswith(
        "git knows no revision 'origin/main'; this clone is shallow: fetch it before with `git fetch "
    )
    run(clone, *words.split("`")[1].split()[1:])
    assert git.resolve_commit("origin/main") == run(repository, "rev-parse", "main")
    run(clone, "update-ref", "-d", "refs/remotes/origin/main")
    assert "this clone is shallow: `git fetch --unshallow`" in said("HEAD~1")
    assert "`git fetch origin main`" in said("main")
    run(clone, "fetch", "-q", "--unshallow", "origin")
    assert git.resolve_commit("HEAD~1") == run(repository, "rev-parse", "wide~1")
    words = said("origin/main")
    assert "shallow" not in words
    run(clone, *words.split("`")[1].split()[1:])
    assert git.resolve_commit("origin/main") == run(repository, "rev-parse", "main")
    assert "fetch" not in said("HEAD~99")


def test_no_repository_and_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match="there is no folder nowhere"):
        git.repository_root("nowhere")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not installed, or not on the PATH; install git"):
        git.repository_root()
    with pytest.raises(UsageError, match=r"main:net\.yaml: git is not installed"):
        analyze("main:net.yaml")


@needs_git
def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "the working directory is in no git repository" in said("main")
