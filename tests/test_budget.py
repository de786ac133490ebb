"""Budgets: kept, broken, or not to be told."""

import pytest
from click.testing import CliRunner
from made import unknown

from costcalc import analyze
from costcalc.budget.totals import Limit, judge
from costcalc.cli.commands import cli
from costcalc.cli.run import run
from costcalc.errors import UndecidedError, UnknownOperatorError, UsageError
from costcalc.report import analyze_graph


def test_exactly_the_limit_is_kept_and_one_more_is_not() -> None:
    report = analyze("standard_conv")
    (at, below) = judge(report, [Limit("macs", 2160), Limit("macs", 2159)])
    assert at.kept
    assert not below.kept


def test_a_budget_of_ten_macs_fails_on_an_lstm() -> None:
    assert run(["check", "lstm_classifier", "--dim", "seq=10", "--max", "macs=10"]) == 1


def test_symbols_are_decided_or_refused() -> None:
    report = analyze("lstm_classifier")
    (verdict,) = judge(report, [Limit("macs", 10)])
    assert not verdict.kept, "every length is above"
    with pytest.raises(UndecidedError, match="--dim seq="):
        judge(report, [Limit("macs", 10**9)])


def test_unknown_operators_are_never_taken_as_zero() -> None:
    report = analyze_graph(unknown())
    (name,) = {u.op_type for u in report.unknown if u.domain} or {report.unknown[0].op_type}
    with pytest.raises(UnknownOperatorError, match=name):
        judge(report, [Limit("macs", 10**15)])
    assert judge(report, [Limit("macs", 10**15)], [u.op_type for u in report.unknown])[0].kept
    assert not judge(report, [Limit("params", 0)])[0].kept, "what is known breaks it already"


def test_an_unknown_quantity_is_refused() -> None:
    with pytest.raises(UsageError, match="no total 'mac'"):
        judge(analyze("standard_conv"), [Limit("mac", 1)])


def test_the_command() -> None:
    args = ["check", "mobilenet", "--max", "macs=600M", "--max", "params=4M"]
    assert run(args) == 1
    result = CliRunner().invoke(cli, args)
    assert result.output.splitlines() == [
        "ok    macs 568,740,352 of 600,000,000  94.8%",
        "over  params 4,231,976 of 4,000,000  105.8%",
    ]
