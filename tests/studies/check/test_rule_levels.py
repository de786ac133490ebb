"""Every code can fail a check: those of limits and growth by themselves, what cannot be told by exit code 2, and what is
only noted or warned of where the config, or the command line, takes it as an error."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from support.repository import begin, commit

import costcalc
from costcalc.studies.check.budget import RuleLevels
from costcalc.studies.check.config_file import read_config_file
from costcalc.studies.check.revision_baseline import read_baseline
from costcalc.studies.check.rules import CANNOT_TELL, RULES, rule_level
from costcalc.studies.check.run import run
from costcalc.studies.check.verdict import CheckResult
from costcalc.views.check import headline

NET = "name: Net\ninput: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 1}\n"


def write(name: str, text: str) -> None:
    Path(name).write_text(text, encoding="utf-8")


def check(level: str, config: str = "", models: str = "[net.yaml]", baseline: bool = False) -> CheckResult:
    write("costcalc.yaml", f"{level}models: {models}\nlimits: {{macs: 1k}}\n{config}")
    found = read_config_file("costcalc.yaml")
    return run(found, read_baseline("main", found) if baseline else None, today=date(2026, 6, 1))


def stale_lock(level: str) -> CheckResult:
    check("")
    costcalc.lock()
    write("net.yaml", NET.replace("4", "5"))
    return check(level)


def unheld(level: str) -> CheckResult:
    write("free.yaml", NET)
    return check(level)


def comment(text: str, level: str, limit: str = "") -> CheckResult:
    write("net.yaml", f"# costcalc: {text}\n{NET}")
    return check(level, limit)


def in_repository(level: str, before: str, now: str, models: str = "[net.yaml]", replacement: str = "") -> CheckResult:
    with pytest.MonkeyPatch.context() as patch:
        begin(Path(), patch)
        check("", before)
        costcalc.lock()
        commit(Path(), "main")
        if replacement:
            Path("net.yaml").unlink()
            write("other.yaml", replacement)
        return check(level, now, models, baseline=True)


FINDINGS: dict[str, Callable[[str], CheckResult]] = {
    "CC301": stale_lock,
    "CC302": lambda level: comment("ignore CC001", level),
    "CC303": lambda level: comment("ignore CC011 until 2026-05", level, "layers: {'*': {macs: 1}}\n"),
    "CC304": lambda level: check(level, models="[net.yaml, {path: lenet5, limits: {macs: none}}]"),
    "CC305": unheld,
    "CC306": lambda level: comment("ignroe CC001", level),
    "CC307": lambda level: in_repository(level, "layers: {'*': {macs: 1k}}\n", "layers: {'*': {macs: 2k}}\n"),
    "CC308": lambda level: in_repository(
        level, "max_increase: {macs: 1%}\n", "max_increase: {macs: 1%}\n", "[other.yaml]", NET.replace("4", "5")
    ),
}


@pytest.mark.parametrize("code", RULES)
def test_every_code_can_fail_a_check(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for levels in (RuleLevels(error=(code,)), RuleLevels(("CC9",), ("CC",), ("CC",), (), (code,))):
        assert rule_level(code, levels) == "error"
    assert (RULES[code].level == "error") != (code in FINDINGS), (
        "what breaks nothing by itself is shown here to be able to"
    )
    if code not in FINDINGS:
        assert code[:3] in ("CC0", CANNOT_TELL, "CC2")
        return
    monkeypatch.chdir(tmp_path)
    write("net.yaml", NET)
    result = FINDINGS[code](f"error: [{code}]\n")
    found = [rule.code for rule in result.broken_rules if rule.level == "error"]
    assert (found, result.outcome) == ([code], "exceeded")
    assert result.statistics[code].errors == 1
    assert "rule is broken" in headline(result)


@pytest.mark.parametrize("code", FINDINGS)
def test_what_breaks_nothing_by_itself(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("net.yaml", NET)
    result = FINDINGS[code]("")
    noted = [note for note in result.notes if note.startswith(code)]
    warned = [rule for rule in result.broken_rules if rule.code == code]
    assert (len(noted), len(warned)) == ((1, 0) if RULES[code].level == "note" else (0, 1))
    assert result.outcome == ("exceeded" if code == "CC303" else "kept")


def test_the_longer_beginning_counts() -> None:
    assert rule_level("CC305", RuleLevels(warn=("CC3",), error=("CC305",))) == "error"
    assert rule_level("CC305", RuleLevels(warn=("CC305",), error=("CC3",))) == "warning"
    assert rule_level("CC305", RuleLevels(ignore=("CC3",), error=("CC305",))) == "error"
    assert rule_level("CC305", RuleLevels(ignore=("CC305",), error=("CC3",))) == ""
    assert rule_level("CC305", RuleLevels(select=("CC0",), error=("CC3",))) == "error"
    assert rule_level("CC001", RuleLevels(warn=("CC0",), error=("CC0",))) == "error"
