"""`--baseline`: a lock file, or the config's lock file at a git revision."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli import call, run
from support.repository import begin, commit, needs_git

NET = "input: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 3, bias: false}\n"
MACS = 6 * 6 * 4 * 27

pytestmark = needs_git


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project inside of a repository: main has 4 filters locked, the working tree 8."""
    folder = begin(tmp_path, monkeypatch) / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("net.yaml").write_text(NET, encoding="utf-8")
    Path("costcalc.yaml").write_text("models: [net.yaml]\nmax_increase: {macs: 0}\n", encoding="utf-8")
    assert run(["lock"]) == 0
    commit(tmp_path)
    Path("net.yaml").write_text(NET.replace("4", "8"), encoding="utf-8")
    assert run(["lock"]) == 0
    return folder


def macs(capsys: pytest.CaptureFixture[str], baseline: str, *args: str) -> object:
    """The MACs of the model in a baseline, as `check` says them."""
    out = call(capsys, "check", "--baseline", baseline, "--format", "json", *args)[1]
    (model,) = json.loads(out)["models"]
    return model["baseline_totals"]["macs"]


def test_a_file_or_a_revision(capsys: pytest.CaptureFixture[str]) -> None:
    assert macs(capsys, "costcalc.lock.json") == 2 * MACS
    for revision in ("main", "main...HEAD", "main:project/costcalc.lock.json"):
        assert macs(capsys, revision) == MACS


def test_the_config_may_stand_elsewhere(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir("/")
    assert macs(capsys, "main", "--config", str(project / "costcalc.yaml")) == MACS


def test_an_existing_file_wins(capsys: pytest.CaptureFixture[str]) -> None:
    Path("main").write_bytes(Path("costcalc.lock.json").read_bytes())
    assert macs(capsys, "main") == 2 * MACS


@pytest.mark.parametrize(
    ("baseline", "config", "words"),
    [
        ("mian", "", "git knows no revision 'mian'; did you mean 'main'"),
        ("old.json", "", "there is no lock file old.json; write it with `costcalc lock`"),
        ("main:other.json", "", "main has no lock file other.json; write it there with"),
        ("main:project/net.yaml", "", "main:project/net.yaml:1:1: it is no lock file"),
    ],
)
def test_what_is_no_baseline(baseline: str, config: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Path("costcalc.yaml").open("a", encoding="utf-8") as file:
        file.write(config)
    code, _, err = call(capsys, "check", "--baseline", baseline)
    assert code == 2 and words in err
