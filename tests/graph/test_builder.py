"""Types that shape rules gave are kept only where they hold for the next node too."""

from __future__ import annotations

import pytest

from costcalc.analysis.cost import cost_graph
from costcalc.core import registry
from costcalc.core.assumptions import collect_assumptions
from costcalc.core.dim import symbol
from costcalc.core.formula import Cost
from costcalc.core.ir import DType
from costcalc.core.memo import Memo
from costcalc.graph.builder import GraphBuilder
from costcalc.graph.inference import InferenceCache
from costcalc.ops import load_operator


def test_equal_nodes_are_asked_once() -> None:
    builder = GraphBuilder("g", "", {"": 17})
    builder.cache = InferenceCache({})
    builder.add_input("x", DType.FLOAT32, (2, 3))
    for i in range(5):
        builder.add("Relu", ["x"], name=f"relu{i}")
    assert len(builder.cache.types) == 1


def test_nodes_with_symbols_of_their_own_keep_them() -> None:
    """Two NonZero of one input type: one is bound to 5, the other stays open."""
    builder = GraphBuilder("g", "", {"": 17}, binding={"a.nonzero": 5})
    builder.cache = InferenceCache({})
    builder.add_input("x", DType.FLOAT32, (2, 3))
    builder.add("NonZero", ["x"], name="a")
    builder.add("NonZero", ["x"], name="b")
    assert builder.types["a"].shape == (2, 5)
    assert builder.types["b"].shape == (2, symbol("nonzero2"))
    assert not builder.cache.types


def test_equal_nodes_with_symbols_are_inferred_once_and_assume_the_same_each_time() -> None:
    """Two sums of n and m rows need n = m; whoever collects assumptions at the second is told too."""
    builder = GraphBuilder("g", "", {"": 17})
    builder.cache = InferenceCache({})
    builder.add_input("x", DType.FLOAT32, (symbol("n"), 4))
    builder.add_input("y", DType.FLOAT32, (symbol("m"), 4))
    collected = []
    for name in ("a", "b"):
        with collect_assumptions() as assumptions:
            builder.add("Add", ["x", "y"], name=name)
        collected.append(tuple(assumptions))
    assert builder.types["a"] is builder.types["b"]
    assert [str(a) for a in collected[0]] == ["n = m"]
    assert collected[0] == collected[1]
    assert not builder.cache.types


def test_elements_and_attributes_make_a_difference() -> None:
    builder = GraphBuilder("g", "", {"": 17})
    builder.add_input("x", DType.FLOAT32, (2, 12))
    for name, shape in (("a", (3, 8)), ("b", (4, 6))):
        builder.add_constant(f"{name}_shape", DType.INT64, (2,), shape)
        builder.add("Reshape", ["x", f"{name}_shape"], name=name)
        assert builder.types[name].shape == shape
    for axis, shape in ((0, (1, 24)), (2, (24, 1))):
        builder.add("Flatten", ["x"], {"axis": axis}, name=f"flat{axis}")
        assert builder.types[f"flat{axis}"].shape == shape


def test_attributes_without_a_hash() -> None:
    builder = GraphBuilder("g", "", {"": 17})
    builder.add_input("x", DType.FLOAT32, (2, 3))
    for name in "ab":
        builder.add("Transpose", ["x"], {"perm": [1, 0]}, name=name)
        assert builder.types[name].shape == (3, 2)


def test_answers_hold_for_the_next_graph_but_not_for_another_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph after it gives the same; where the operator has another rule by then, that one is asked."""
    shapes = []
    for rule in (registry.SHAPE_RULES["", "Relu"], registry.SHAPE_RULES["", "Flatten"]):
        monkeypatch.setitem(registry.SHAPE_RULES, ("", "Relu"), rule)
        builder = GraphBuilder("g", "", {"": 17})
        builder.add_input("x", DType.FLOAT32, (2, 3, 4))
        builder.add("Relu", ["x"], name="y")
        shapes.append(builder.types["y"].shape)
    assert shapes == [(2, 3, 4), (2, 12)]


def test_no_more_answers_are_kept_than_a_process_has_room_for() -> None:
    cache = InferenceCache(Memo("test", 8))
    for i in range(8 + 3):
        cache.store(i, ())
    assert sorted(cache.types) == [8, 9, 10]


def test_figures_hold_for_the_next_graph_but_not_for_another_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """An elementwise operator costs one operation an element; by another rule none; freed by registration none."""
    builder = GraphBuilder("g", "", {"": 17})
    builder.add_input("x", DType.FLOAT32, (2, 3, 5))
    builder.add("Relu", ["x"], name="y")
    graph = builder.build(["y"])
    assert [cost_graph(graph)[0].flops for _ in range(2)] == [2 * 3 * 5] * 2
    load_operator("", "Erf")
    monkeypatch.setitem(
        registry.COST_RULES, ("", "Relu"), registry.COST_RULES["", "Erf"]._replace(function=lambda x, out: Cost())
    )
    assert cost_graph(graph)[0].flops == 0
    monkeypatch.setattr(registry, "FREE_OPS", registry.FREE_OPS | {("", "Relu")})
    assert cost_graph(graph)[0].state == "free"


def test_a_value_that_is_read_twice_moves_once() -> None:
    """Sum(a, a, b, c) and Sum(a, d, b, b) have inputs of equal types; the first reads one 2×3 and two 1×3, the second
    two 2×3 and one 1×3, of four bytes each, and both write 2×3."""
    traffic = []
    for names in (["a", "a", "b", "c"], ["a", "d", "b", "b"]):
        builder = GraphBuilder("g", "", {"": 17})
        for name, rows in (("a", 2), ("b", 1), ("c", 1), ("d", 2)):
            builder.add_input(name, DType.FLOAT32, (rows, 3))
        builder.add("Sum", names, name="y")
        traffic.append(cost_graph(builder.build(["y"]))[0].traffic_bytes)
    assert traffic == [(6 + 3 + 3 + 6) * 4, (6 + 6 + 3 + 6) * 4]
