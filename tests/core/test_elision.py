"""Names as a table prints them, given back to costcalc."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.core.elision import bind_options, list_symbols, match_elided, match_pattern, natural_key
from costcalc.core.errors import UsageError
from costcalc.rules import DType, Graph, GraphBuilder
from costcalc.studies.options import Settings
from costcalc.studies.pipeline import analyze
from costcalc.views.explain import explain_report

NAMES = ("/blocks/0/attn/MatMul", "/blocks/1/attn/MatMul", "/blocks/10/attn/MatMul", "x[0]")


def test_an_elision_stands_for_at_least_two_signs() -> None:
    assert match_elided("…1/attn/MatMul", NAMES) == ["/blocks/1/attn/MatMul"]
    assert match_elided("/bl…10/attn/MatMul", NAMES) == ["/blocks/10/attn/MatMul"]
    assert match_elided("~1/attn/MatMul", NAMES) == ["/blocks/1/attn/MatMul"]
    assert match_elided("/blocks/1…/attn/MatMul", NAMES) == []
    assert match_elided("…", NAMES) == match_elided("/blocks", NAMES) == []


def test_a_pattern_is_a_name_a_shortened_name_or_a_glob() -> None:
    assert match_pattern("x[0]", NAMES, "layers") == ["x[0]"]
    assert match_pattern("*/1/*", NAMES, "layers") == ["/blocks/1/attn/MatMul"]
    assert match_pattern("…/1/attn/MatMul", NAMES, "layers") == ["/blocks/1/attn/MatMul"]
    with pytest.raises(UsageError, match="fits 3 layers; which one of /blocks/0"):
        match_pattern("…attn/MatMul", NAMES, "layers")


def long_names() -> Graph:
    b = GraphBuilder("Net", "net.onnx", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    for name in ("/encoder/layers.0/attention/query/MatMul", "/encoder/layers.1/attention/query/MatMul"):
        w = b.add_initializer(f"{name}.w", DType.FLOAT32, (8, 8))
        (x,) = b.add("MatMul", [x, w], name=name)
    return b.build([x])


def test_what_a_table_prints_can_be_pasted() -> None:
    graph = long_names()
    report = costcalc.analyze(graph)
    assert explain_report(report, "…s.1/attention/query/MatMul").layer == "/encoder/layers.1/attention/query/MatMul"
    step = analyze(graph, Settings()) and costcalc.analyze(graph, training={"freeze": ("…s.1/attention/query/MatMul",)})
    assert step.step.params["frozen"] == 64


def test_symbols_are_listed_in_order_and_not_all() -> None:
    names = [f"nonzero{i}" for i in (10, 2, 1, 100)]
    assert list_symbols(names) == "nonzero1, nonzero2, nonzero10, nonzero100"
    assert list_symbols([f"y{i}" for i in range(2_000)], 4) == "y0, y1, y2 and 1,997 more"
    assert bind_options(names[:2]) == "--dim nonzero2=… --dim nonzero10=…"
    assert bind_options([f"y{i}" for i in range(90)]) == "--dim y0=… and so on, or all 90 with --dim '*=…'"
    assert sorted(["a²", "a2", "2a", "", "b"], key=natural_key)[0] == ""
    assert sorted(["n10", "n9", "n009", "n" + "9" * 5_000], key=natural_key) == ["n9", "n009", "n10", "n" + "9" * 5_000]
