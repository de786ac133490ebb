"""`--baseline`: a lock file, or the config's lock file at a git revision."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.cli import run
from support.repository import begin, commit, needs_git

from costcalc import CostcalcError
from costcalc.rules import LoadError, UsageError
from costcalc.studies.check.budget import Config
from costcalc.studies.check.config_file import read
from costcalc.studies.check.lock_file import read_baseline

NET = "input: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 3, bias: false}\n"
MACS = 6 * 6 * 4 * 27


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A project inside of a repository: main has 4 filters locked, the working tree 8."""
    folder = begin(tmp_path, monkeypatch) / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("net.yaml").write_text(NET, encoding="utf-8")
    Path("costcalc.yaml").write_text("models: [net.yaml]\n", encoding="utf-8")
    assert run(["lock"]) == 0
    commit(tmp_path)
    Path("net.yaml").write_text(NET.replace("4", "8"), encoding="utf-8")
    assert run(["lock"]) == 0
    return read("costcalc.yaml")


def macs(text: str, config: Config) -> object:
    entry = read_baseline(text, config).find("net.yaml")
    assert entry is not None
    return entry.snapshot.totals["macs"]


@needs_git
def test_a_file_or_a_revision(config: Config) -> None:
    assert macs("costcalc.lock.json", config) == 2 * MACS
    assert (
        macs("main", config) == macs("main...HEAD", config) == macs("main:project/costcalc.lock.json", config) == MACS
    )
    assert read_baseline("main", config).source == "main:costcalc.lock.json"


@needs_git
def test_the_config_may_stand_elsewhere(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    far = replace(config, folder=Path.cwd())
    monkeypatch.chdir("/")
    assert macs("main", far) == MACS


@needs_git
def test_an_existing_file_wins(config: Config) -> None:
    Path("main").write_bytes(Path("costcalc.lock.json").read_bytes())
    assert macs("main", config) == 2 * MACS


@needs_git
def test_what_is_no_baseline(config: Config) -> None:
    with pytest.raises(UsageError, match="git knows no revision 'mian'; did you mean 'main'"):
        read_baseline("mian", config)
    with pytest.raises(LoadError, match=r"there is no lock file old\.json; write it with `costcalc lock`"):
        read_baseline("old.json", config)
    with pytest.raises(LoadError, match=r"main has no lock file other\.json; write it there with"):
        read_baseline("main", replace(config, lock="other.json"))
    with pytest.raises(CostcalcError, match=r"main:project/net\.yaml:1:1: it is no lock file"):
        read_baseline("main:project/net.yaml", config)
