"""--statistics: how many findings each code has, as ruff counts them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli import call
from support.small_models import BROKEN, NET, write

CONFIG = """\
limits: {macs: 1, params: 1}
models: [a.yaml, b.yaml, broken.yaml]
warn: [CC003]
ignore: [{code: CC001, model: b.yaml}]
"""


def test_numbers_by_code(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    write(here, a_yaml=NET, b_yaml=NET, broken_yaml=BROKEN, costcalc_yaml=CONFIG)
    code, out, _ = call(capsys, "check", "--statistics")
    lines = [line.split() for line in out.splitlines() if line]
    assert code == 2
    assert lines[1:] == [
        ["Code", "Rule", "Exceeded", "Warnings", "Cannot", "be", "told", "Ignored"],
        ["CC001", "MACs", "1", "0", "0", "1"],
        ["CC102", "unreadable", "model", "0", "0", "1", "0"],
        ["CC003", "parameters", "0", "2", "0", "0"],
    ]
    document = json.loads(call(capsys, "check", "--statistics", "--format", "json")[1])
    assert [(row["code"], row["errors"], row["warnings"]) for row in document["statistics"]] == [
        ("CC001", 1, 0),
        ("CC102", 0, 0),
        ("CC003", 0, 2),
    ]
    assert "| CC001 | MACs |" in call(capsys, "check", "--statistics", "--format", "markdown")[1]
    code, _, err = call(capsys, "check", "--statistics", "--format", "sarif")
    assert code == 2 and "--statistics has no format sarif; there are table, json, markdown" in err
    assert call(capsys, "check", "--statistics", "--report", "sarif=x")[0] == 2


def test_exit_codes_are_those_of_the_check(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, a_yaml=NET, costcalc_yaml="models: [a.yaml]\nlimits: {macs: 1}\n")
    assert call(capsys, "check", "--statistics")[0] == 1
    assert call(capsys, "check", "--statistics", "--exit-zero")[0] == 0
    write(here, costcalc_yaml="models: [a.yaml]\nlimits: {macs: 1M}\n")
    assert call(capsys, "check", "--statistics")[:2] == (0, "the limit is kept\n")


def test_the_worst_codes_stand_first(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exceeded limits, then what cannot be told, warnings, ignored ones; of each the most frequent first, whatever the
    numbers of the others are."""
    write(here, a_yaml=NET, b_yaml=NET, broken_yaml=BROKEN)
    config = (
        "models: [a.yaml, b.yaml, broken.yaml]\nlimits: {macs: 1, flops: 1, params: 1, weight_bytes: 1}\n"
        "warn: [CC003]\nignore: [{code: CC005}, {code: CC002, model: a.yaml}, {code: CC001, model: a.yaml}, {code: CC001}]\n"
    )
    write(here, costcalc_yaml=config)
    document = json.loads(call(capsys, "check", "--statistics", "--format", "json")[1])
    assert [row["code"] for row in document["statistics"]] == ["CC002", "CC102", "CC003", "CC001", "CC005"]


def test_a_model_without_a_limit_is_no_limit(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that cannot be read is told as such, beside the limits of the others."""
    write(here, a_yaml=NET, broken_yaml=BROKEN)
    limited = "models: [{path: a.yaml, limits: {macs: 1M, params: 1M}}, {path: broken.yaml"
    write(here, costcalc_yaml=f"{limited}}}]\n")
    code, out, _ = call(capsys, "check")
    assert code == 2 and out.endswith("all 2 limits are kept; 1 model without a limit cannot be read\n")
    write(here, costcalc_yaml=f"{limited}, limits: {{macs: 1}}}}]\n")
    assert call(capsys, "check")[1].endswith("\n1 of 3 limits cannot be told\n")
