"""Elementwise arithmetic: broadcasting, counts, and the values that shapes are computed from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.operator_rules import F32, I8, I64, U8, cost, floats, ints, onnx_shapes, run, shape, t, value, work

from costcalc.core.dim import maximum, minimum, substitute, symbol
from costcalc.core.errors import ShapeError

SEQ = symbol("seq")


@pytest.mark.parametrize(
    ("op_type", "kind"),
    [("Add", "add"), ("Sub", "add"), ("Mul", "multiply"), ("Div", "divide"), ("Pow", "transcendental")],
)
def test_one_operation_per_output(op_type: str, kind: str) -> None:
    found = cost(op_type, t(2, 1, 5), t(3, 1))
    assert work(found) == {(kind, "elementwise"): 2 * 3 * 5}
    assert found.macs.value == 0


def test_a_square_is_a_multiplication() -> None:
    assert work(cost("Pow", t(3, 5), t(value=(2.0,)))) == {("multiply", "elementwise"): 15}


def test_variadic() -> None:
    three = t(2, 3), t(3), t(1)
    assert work(cost("Sum", *three)) == {("add", "elementwise"): 2 * 6}
    assert work(cost("Max", *three)) == {("compare", "elementwise"): 2 * 6}
    assert work(cost("Mean", *three)) == {("add", "elementwise"): 2 * 6, ("divide", "elementwise"): 6}
    assert cost("Min", t(2, 3)).flops == 0


@pytest.mark.parametrize(
    "shapes", [[(2, 3), (3,)], [(), (4,)], [(2, 1, 4), (3, 1)], [(1,), (5, 1)], [(0, 3), (1, 3)], [(2, 3), ()]]
)
@pytest.mark.parametrize("opset", [7, 13, 24])
def test_shapes_are_onnxs(shapes: list[tuple[int, ...]], opset: int) -> None:
    for op_type in ("Add", "Div", "Mul", "Pow", "Sub"):
        types = [t(*s) for s in shapes]
        assert [shape(op_type, *types, opset=opset)] == onnx_shapes(op_type, *types, opset=opset)


def test_extents_that_differ_are_refused() -> None:
    with pytest.raises(ShapeError, match="do not broadcast"):
        run("Add", t(2, 3), t(2, 4))


def test_integer_arithmetic() -> None:
    assert value("Add", ints(SEQ, 1), ints(-1, 2)) == (SEQ - 1, 3)
    assert value("Sub", ints(SEQ), ints(SEQ)) == (0,)
    assert value("Mul", ints(SEQ, 3), ints(2)) == (2 * SEQ, 6)
    assert value("Div", ints(-7, 7, 7, SEQ), ints(2, -2, 2, 2)) == (-3, -3, 3, SEQ // 2)
    assert value("Mod", ints(-7, 7, SEQ), ints(3, -3, 2)) == (2, -2, SEQ % 2)
    assert value("Mod", ints(-7, 7), ints(3, -3), fmod=1) == (-1, 1)
    assert value("Pow", ints(3, SEQ), ints(2)) == (9, SEQ * SEQ)
    assert value("Pow", ints(16), floats(0.5)) == (4,)
    assert value("Min", ints(512), ints(SEQ)) == (minimum(512, SEQ),)
    assert value("Max", ints(SEQ), ints(1), ints(0)) == (SEQ,)
    assert value("Max", ints(SEQ), ints(2)) == (maximum(2, SEQ),)


def test_what_is_not_known_has_no_value() -> None:
    assert value("Div", ints(1), ints(0)) is None
    assert value("Mod", ints(1), ints(0)) is None
    assert value("Add", ints(1), t(1, dtype=I64)) is None
    assert value("Pow", floats(-1.0), floats(0.5)) is None
    assert value("Div", floats(1.0), floats(0.0)) is None


def test_integers_wrap_around() -> None:
    assert value("Add", ints(2**63 - 1), ints(1)) == (-(2**63),)
    assert value("Sub", ints(3, dtype=U8), ints(5, dtype=U8)) == (254,)
    assert value("Mul", ints(100, dtype=I8), ints(2, dtype=I8)) == (-56,)


def test_bits() -> None:
    assert value("BitShift", ints(3, SEQ), ints(2), direction="LEFT") == (12, 4 * SEQ)
    assert value("BitShift", ints(13, SEQ), ints(2), direction="RIGHT") == (3, SEQ // 4)
    assert value("BitwiseAnd", ints(12), ints(10)) == (8,)
    assert value("BitwiseOr", ints(12), ints(10)) == (14,)
    assert value("BitwiseXor", ints(12), ints(10)) == (6,)


def test_float_arithmetic_rounds_as_float32() -> None:
    third = float(np.float32(1 / 3))
    assert value("Mul", floats(third), floats(3.0)) == (1.0,)
    assert value("Mul", floats(float(np.float32(0.7))), floats(10)) == (7.0,)
    assert value("Add", floats(1.0), floats(1e-9)) == (1.0,)


@given(
    st.integers(-50, 50), st.integers(-9, 9), st.integers(1, 9), st.integers(1, 200), st.sampled_from(["Div", "Mod"])
)
def test_division_binds(a: int, b: int, n: int, seq: int, op_type: str) -> None:
    for fmod in (0, 1) if op_type == "Mod" else (None,):
        how = {} if fmod is None else {"fmod": fmod}
        for divisor in (n, -n):
            ((open_value,),) = (value(op_type, ints(a * SEQ + b), ints(divisor), **how),)
            ((bound,),) = (value(op_type, ints(a * seq + b), ints(divisor), **how),)
            assert substitute(open_value, {"seq": seq}) == bound


def test_float_types_follow_the_first_input() -> None:
    assert run("Pow", t(2, dtype=I64), t(2))[0].dtype is I64
    assert run("Add", t(2), t(2))[0].dtype is F32
