"""The sizes that an open model is drawn at: limits where there are some, examples else, and figures that are theirs."""

from __future__ import annotations

from typing import Any

import pytest
from support.paths import ONNX_FILES

import costcalc
from costcalc.analysis.drawing_point import drawing_point
from costcalc.analysis.report import analyze_graph
from costcalc.core.assumptions import Assumption
from costcalc.core.dim import Poly, minimum
from costcalc.rules import DType, GraphBuilder, symbol


@pytest.mark.parametrize(
    ("model", "limits", "examples"),
    [
        ("resnet50", {}, {}),
        ("gpt2", {"seq": 1024}, {}),
        ("llama_7b", {}, {"seq": 128}),
        (ONNX_FILES / "resnet18__ts_dynhw.onnx", {}, {"height": 224, "width": 224}),
        (ONNX_FILES / "toy_lstm__ts_dynamic.onnx", {}, {"time": 128}),
        (ONNX_FILES / "toy_loop__ts.onnx", {}, {"trips": 1}),
    ],
)
def test_sizes_and_the_figures_at_them(model: Any, limits: dict[str, int], examples: dict[str, int]) -> None:
    report = costcalc.analyze(model)
    point = drawing_point(report)
    assert (dict(point.limits), dict(point.examples)) == (limits, examples)
    assert point.is_worst_case == (bool(limits) and not examples) and not point.report.open_symbols
    again = report.bind(point.sizes)
    assert point.report.totals == again.totals
    for key, total in report.totals.items():
        bound = point.upper_bound(total)
        assert bound is None or not point.is_worst_case or bound == point.report.totals[key]
        assert isinstance(total, Poly) or bound is None


def test_a_batch_stands_at_one_beside_a_sequence() -> None:
    b = GraphBuilder("open", "", {"": 17})
    x = b.add_input("tokens", DType.FLOAT32, (symbol("rows"), symbol("columns"), 8))
    (y,) = b.add("Relu", [x], name="relu")
    assert dict(drawing_point(analyze_graph(b.build([y]))).examples) == {"rows": 1, "columns": 128}


def test_an_assumption_of_a_most_is_a_limit() -> None:
    seq = symbol("seq")
    assert Assumption(seq, "=", minimum(seq, 512)).largest() == ("seq", 512)
    assert Assumption(64, ">=", seq).largest() == ("seq", 64)
    assert Assumption(seq, ">=", 4).largest() is None and Assumption(seq, "=", symbol("other")).largest() is None
    assert Assumption(64, ">=", 2 * seq).largest() is None
