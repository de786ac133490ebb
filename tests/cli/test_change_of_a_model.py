"""From end to end: in a repository a model is made dearer, renamed, or its lock rewritten, and every place says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.cli import call, run
from support.repository import begin, commit, git, needs_git
from support.verdict_readers import READ

import costcalc

MODEL = """name: Net
input: [N, 3, 16, 16]
layers:
  - conv: {filters: 8, kernel: 3, pad: same, bias: false}
    as: stem
  - relu
  - conv: {filters: 16, kernel: 3, pad: same, bias: false}
    as: head
"""
CONFIG = """models:
  - path: models/net.yaml
    name: net
    max_increase: {macs: 2%}
"""
STEM, HEAD = 16 * 16 * 3 * 9 * 8, 16 * 16 * 8 * 9 * 16
BEFORE, AFTER = STEM + HEAD, STEM + 2 * HEAD
ALLOWED = BEFORE * 2 // 100
OVER = f"{HEAD - ALLOWED:,}"  # the head is doubled, and two per cent of the whole are allowed
LINE = 7  # of the head

pytestmark = needs_git


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """main has a model, its config and its lock; the working tree is on the branch `change`."""
    for name in [n for n in os.environ if n.startswith(("GITHUB_", "CI_", "COSTCALC_"))]:
        monkeypatch.delenv(name)
    folder = begin(tmp_path, monkeypatch)
    (folder / "models").mkdir()
    monkeypatch.chdir(folder)
    write(MODEL)
    Path("costcalc.yaml").write_text(CONFIG, encoding="utf-8")
    assert run(["lock"]) == 0
    commit(folder)
    git(folder, "switch", "-q", "-c", "change")
    return folder


def write(model: str) -> None:
    Path("models/net.yaml").write_text(model, encoding="utf-8")


def doubled(folder: Path) -> None:
    """The branch with the head of twice as many filters."""
    write(MODEL.replace("filters: 16", "filters: 32"))
    commit(folder, "double the head")


def asked(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    return call(capsys, *args)[:2]


def difference(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, Any]:
    code, out = asked(capsys, "diff", *args, "--format", "json")
    (found,) = json.loads(out)["diffs"]
    assert code == 0 and isinstance(found, dict)
    return found


def test_main_keeps_to_its_budget(capsys: pytest.CaptureFixture[str]) -> None:
    assert [asked(capsys, *args)[0] for args in (["check"], ["lock", "--check"])] == [0, 0]
    assert asked(capsys, "diff", "--git", "main") == (0, "No difference in 1 model since main\n")


def test_a_doubled_layer_is_caught_and_named(repository: Path) -> None:
    doubled(repository)
    outcome = costcalc.check()
    (verdict,) = outcome.verdicts
    assert outcome.exit_code == 1
    assert (verdict.code, verdict.layer) == ("CC201", "head")
    assert (verdict.value, verdict.baseline, verdict.headroom) == (AFTER, BEFORE, ALLOWED - HEAD)
    assert verdict.layer_growth == ("head", HEAD, 2 * HEAD, "", 0), "and nothing that follows grew more"
    assert verdict.place == ("models/net.yaml", LINE, 5)
    assert f"exceeded by {OVER}" in verdict.fact


@pytest.mark.parametrize("form", READ)
def test_every_format_says_the_same(form: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doubled(repository)
    code, out = asked(capsys, "check", "--format", form)
    assert code == 1
    sentence, place, layer = READ[form](out)
    percent = (HEAD - ALLOWED) * 100 / (BEFORE + ALLOWED)
    assert (
        f"exceeded by {OVER} ({percent:.1f}%)" in sentence.replace("%25", "%")
        and f"{HEAD:,}" in sentence
        and f"{2 * HEAD:,}" in sentence
    )
    assert place == ("models/net.yaml", LINE)
    assert layer == "head"


def test_the_diff_shows_exactly_one_changed_layer(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doubled(repository)
    new = "models/net.yaml"
    for sides in (("--git", "main"), ("--git", "main...change"), (f"main:{new}", new), ("costcalc.lock.json", new)):
        found = difference(capsys, *sides)
        (layer,) = found["layers"]
        assert (layer["status"], layer["after"], layer["change"]) == ("changed", "head", "filters 16 → 32")
        assert found["totals"]["macs"]["difference"] == HEAD
        assert found["causes"]["macs"] == {"channels": HEAD}
    code, out = asked(capsys, "diff", "--git", "main", "--fail-on", "macs>+2%", "--format", "markdown")
    assert code == 1
    assert f"| \\~ | head | Conv | filters 16 → 32 | {HEAD:,} | {2 * HEAD:,} | +{HEAD:,} |" in out
    comment = asked(capsys, "check", "--format", "markdown")[1]
    assert f"| head | Conv | filters 16 → 32 | {HEAD:,} | {2 * HEAD:,} | +{HEAD:,} |" in comment


def test_a_renamed_and_an_inserted_layer_are_just_that(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(MODEL.replace("as: stem", "as: entry").replace("  - relu\n", "  - batch_norm\n  - relu\n"))
    commit(repository)
    found = difference(capsys, "--git", "main")
    layers = [(layer["status"], layer["before"], layer["after"]) for layer in found["layers"]]
    assert layers == [("renamed", "stem", "entry"), ("added", None, "batch_norm")]
    assert found["causes"].keys() >= {"flops", "params"} and all(
        c.keys() == {"added"} for c in found["causes"].values()
    )
    assert asked(capsys, "check")[0] == 0
    assert asked(capsys, "lock", "--check")[0] == 1


def test_a_branch_that_rewrites_its_own_lock_is_still_caught(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doubled(repository)
    assert asked(capsys, "lock")[0] == 0
    commit(repository, "lock")
    assert asked(capsys, "check")[0] == 0
    for revision in ("main", "main...HEAD", "main:costcalc.lock.json"):
        code, out = asked(capsys, "check", "--baseline", revision, "--format", "github")
        assert code == 1 and f"exceeded by {OVER}" in out


def test_a_shell_sees_the_exit_codes(repository: Path) -> None:
    doubled(repository)
    codes = [
        subprocess.run([sys.executable, "-m", "costcalc", *args.split()], capture_output=True, check=False).returncode
        for args in ("check", "check --exit-zero", "lock --check", "diff --git main", "check --baseline nope")
    ]
    assert codes == [1, 0, 1, 0, 2]
