"""What shape rules answered is remembered only where it holds for the next node too."""

from __future__ import annotations

import pytest

from costcalc import registry
from costcalc.asked import MOST, Asked
from costcalc.build import GraphBuilder
from costcalc.dim import symbol
from costcalc.ir import DType


def test_equal_nodes_are_asked_once() -> None:
    builder = GraphBuilder("g", "", {"": 17})
    builder.asked = Asked({})
    builder.add_input("x", DType.FLOAT32, (2, 3))
    for i in range(5):
        builder.add("Relu", ["x"], name=f"relu{i}")
    assert len(builder.asked.known) == 1


def test_nodes_with_symbols_of_their_own_keep_them() -> None:
    """Two NonZero of one input type: one is bound to 5, the other stays open."""
    builder = GraphBuilder("g", "", {"": 17}, binding={"a.nonzero": 5})
    builder.asked = Asked({})
    builder.add_input("x", DType.FLOAT32, (2, 3))
    builder.add("NonZero", ["x"], name="a")
    builder.add("NonZero", ["x"], name="b")
    assert builder.types["a"].shape == (2, 5)
    assert builder.types["b"].shape == (2, symbol("b.nonzero"))
    assert not builder.asked.known


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
    for rule in (registry.SHAPES["", "Relu"], registry.SHAPES["", "Flatten"]):
        monkeypatch.setitem(registry.SHAPES, ("", "Relu"), rule)
        builder = GraphBuilder("g", "", {"": 17})
        builder.add_input("x", DType.FLOAT32, (2, 3, 4))
        builder.add("Relu", ["x"], name="y")
        shapes.append(builder.types["y"].shape)
    assert shapes == [(2, 3, 4), (2, 12)]


def test_no_more_answers_are_kept_than_a_process_has_room_for() -> None:
    asked = Asked({})
    for i in range(MOST + 3):
        asked.keep(i, (), ())
    assert len(asked.known) == 3
