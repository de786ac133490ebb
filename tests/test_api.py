"""The Python API."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console
from support.graphs import separable, standard_conv, unknown

import costcalc
from costcalc import analyze
from costcalc.render.terminal import screen
from costcalc.rules import UsageError


def test_analyze_a_graph() -> None:
    report = costcalc.analyze(separable())
    assert isinstance(report, costcalc.Report)
    assert (report.macs, report.params, len(report.layers)) == (672, 42, 3)
    assert report.to_dict()["totals"]["macs"] == 672


def test_compare_graphs_and_reports() -> None:
    comparison = costcalc.compare(separable(), costcalc.analyze(standard_conv()))
    assert comparison.totals()["macs"] == (672, 2160)
    assert comparison.names == ("depthwise_separable", "standard_conv")


def test_equal_names_are_told_apart() -> None:
    assert costcalc.compare(separable(), separable()).names == ("made (1)", "made (2)")


def test_explain() -> None:
    assert "432 + 240 = 672" in str(costcalc.explain(separable()))


def test_load_is_a_function_whatever_was_imported_before() -> None:
    import costcalc.frontends

    graph = standard_conv()
    assert costcalc.load(graph) is graph


@pytest.mark.parametrize("dims", [{"N": -1}, {"N": 1.5}, {"N": True}])
def test_a_symbol_is_bound_to_a_whole_number(dims: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="N is bound to"):
        analyze("lenet5", dims=dims)


def test_bind_refuses_what_is_no_symbol() -> None:
    report = analyze("bert_base")
    with pytest.raises(UsageError, match="no symbol 'sq'"):
        report.bind({"sq": 7})
    with pytest.raises(UsageError, match="seq is bound to -1"):
        report.bind({"seq": -1})


def test_reports_and_comparisons_are_short_at_a_prompt_and_tables_in_print() -> None:
    report = costcalc.analyze("resnet152")
    assert repr(report) == f"<Report ResNet-152: {report.macs:,} MACs, {report.params:,} params>"
    assert str(report).startswith("ResNet-152") and "Accounted for" in str(report)
    comparison = costcalc.compare(separable(), standard_conv())
    assert repr(comparison) == "<Comparison of depthwise_separable, standard_conv>"
    assert "2,160  3.21×" in str(comparison)
    assert comparison._repr_html_().count("<table>") == 2


def test_a_lower_bound_is_one_at_a_prompt() -> None:
    assert repr(costcalc.analyze(unknown())).startswith("<Report unknown: ≥ ")


RESULTS: dict[str, Callable[[], Any]] = {
    "footprint": lambda: costcalc.footprint("lenet5"),
    "explanation": lambda: costcalc.explain("lenet5"),
    "roofline": lambda: costcalc.on_hardware("lenet5", "t4")[0],
    "comparison": lambda: costcalc.compare("lenet5", "alexnet"),
    "report": lambda: costcalc.analyze("lenet5"),
    "diff": lambda: costcalc.diff("lenet5", "lenet5", params={"classes": 12}),
    "suggestions": lambda: costcalc.suggest("lenet5"),
    "reconciliation": lambda: costcalc.reconcile("lenet5"),
    "sweep": lambda: costcalc.sweep("lenet5", dims={"N": [1, 2]}),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_session_and_a_notebook_show_a_result(name: str) -> None:
    result = RESULTS[name]()
    assert re.search("LeNet-?5", repr(result), re.I) and len(repr(result)) < 200
    assert "LeNet-5" in str(result) and str(result).count("\n") > 4
    assert result._repr_html_().startswith("<")
    assert json.dumps(result.to_dict())


@pytest.mark.parametrize("name", [name for name in RESULTS if name != "explanation"])
def test_rich_prints_the_tables_of_a_result(name: str) -> None:
    result, console = RESULTS[name](), Console(file=io.StringIO(), width=screen(to_file=True).width, record=True)
    console.print(result)
    printed = [line.rstrip() for line in console.export_text().rstrip().splitlines()]
    assert printed == [line.rstrip() for line in str(result).splitlines()]


def test_an_alignment_is_at_least_a_byte() -> None:
    with pytest.raises(UsageError, match="a whole number of at least 1"):
        costcalc.footprint("lenet5", align=0)


def test_the_symbols_that_a_model_has_are_named() -> None:
    with pytest.raises(UsageError, match="its batch is N"):
        costcalc.analyze("mobilenet", dims={"n": 2})
    with pytest.raises(UsageError, match="it has N, seq"):
        costcalc.analyze("bert_base", dims={"width": 2})
