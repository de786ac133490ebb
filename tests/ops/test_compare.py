"""Comparisons, logic and Where: booleans that control flow is decided by."""

from __future__ import annotations

from typing import Any

import pytest
from support.operator_rules import BOOL, F32, I64, cost, onnx_shapes, run, scalar, shape, t, value, work

from costcalc.core.dim import symbol

SEQ = symbol("seq")


@pytest.mark.parametrize(
    ("op_type", "a", "b", "expected"),
    [
        ("Equal", 3, 3, True),
        ("Equal", SEQ, -1, False),
        ("Equal", SEQ, SEQ, True),
        ("Equal", SEQ, SEQ + 1, False),
        ("Equal", SEQ, 5, None),
        ("Less", 2, 3, True),
        ("Less", 3, 3, False),
        ("Less", SEQ, SEQ + 1, True),
        ("Less", SEQ, 1, False),
        ("Less", SEQ, 5, None),
        ("Greater", SEQ, 0, True),
        ("Greater", 3, 3, False),
        ("LessOrEqual", 3, 3, True),
        ("LessOrEqual", 1, SEQ, True),
        ("LessOrEqual", 2, SEQ, None),
        ("GreaterOrEqual", SEQ, 1, True),
        ("GreaterOrEqual", 2, 3, False),
        ("GreaterOrEqual", SEQ, 2, None),
    ],
)
def test_comparisons(op_type: str, a: Any, b: Any, expected: bool | None) -> None:
    found = value(op_type, scalar(a), scalar(b))
    assert found == (None if expected is None else (expected,))
    assert found is None or type(found[0]) is bool


def test_logic() -> None:
    a, b = t(4, dtype=BOOL, value=(True, True, False, False)), t(4, dtype=BOOL, value=(True, False, True, False))
    assert run("And", a, b)[0].value == (True, False, False, False)
    assert run("Or", a, b)[0].value == (True, True, True, False)
    assert run("Xor", a, b)[0].value == (False, True, True, False)
    assert run("Not", a)[0].value == (False, False, True, True)


def test_types_and_counts() -> None:
    assert run("Less", t(2, 1), t(3))[0] == t(2, 3, dtype=BOOL)
    assert work(cost("Equal", t(2, 1), t(3))) == {("compare", "elementwise"): 6}
    assert run("Where", t(2, 1, dtype=BOOL), t(3), t(1))[0] == t(2, 3, dtype=F32)
    assert work(cost("Where", t(2, 1, dtype=BOOL), t(3), t(1))) == {("compare", "elementwise"): 6}


@pytest.mark.parametrize("opset", [9, 16, 24])
def test_where_shapes_are_onnxs(opset: int) -> None:
    for shapes in ([(3,), (2, 1), ()], [(1,), (1,), (1,)], [(2, 3), (2, 3), (2, 3)]):
        types = [t(*shapes[0], dtype=BOOL), t(*shapes[1]), t(*shapes[2])]
        assert [shape("Where", *types, opset=opset)] == onnx_shapes("Where", *types, opset=opset)


def test_where_values() -> None:
    """Expand's shape, as exporters write it: -1 stands for an extent that stays."""
    given = t(2, dtype=I64, value=(-1, SEQ))
    ones = t(2, dtype=I64, value=(1, 1))
    condition = run("Equal", given, t(dtype=I64, value=(-1,)))[0]
    assert run("Where", condition, ones, given)[0].value == (1, SEQ)
    open_condition = t(2, dtype=BOOL)
    assert run("Where", open_condition, ones, ones)[0].value == (1, 1)
    assert run("Where", open_condition, ones, given)[0].value is None
    yes, no = t(dtype=BOOL, value=(True,)), t(dtype=BOOL, value=(False,))
    assert run("Where", yes, given, t(2, dtype=I64))[0].value == (-1, SEQ)
    assert run("Where", no, t(2, dtype=I64), given)[0].value == (-1, SEQ)
