"""Functions of one number, activations, and what passes its input on."""

from __future__ import annotations

import math
from typing import Any

import pytest
from support.operator_rules import BOOL, F16, F32, I64, cost, run, shape, t, work

from costcalc.core import registry
from costcalc.core.dim import maximum, symbol
from costcalc.core.errors import ShapeError
from costcalc.core.traits import TRAITS
from costcalc.ops import activation, unary

SEQ = symbol("seq")
X = t(2, 3, 4)


def value(op_type: str, *elements: Any, dtype: Any = F32, **attributes: Any) -> Any:
    """The function of known elements."""
    return run(op_type, t(len(elements), dtype=dtype, value=elements), **attributes)[0].value


@pytest.mark.parametrize(("op_type", "kind"), unary.KIND.items())
def test_unary(op_type: str, kind: str) -> None:
    assert run(op_type, X)[0] == X
    assert work(cost(op_type, X)) == {(kind, "elementwise"): 24}


@pytest.mark.parametrize("op_type", unary.TESTS)
def test_tests_give_booleans(op_type: str) -> None:
    assert run(op_type, X)[0] == t(2, 3, 4, dtype=BOOL)
    assert cost(op_type, X).flops == 24


@pytest.mark.parametrize("op_type", [*activation.PIECEWISE, "Clip"])
def test_piecewise_linear_activations(op_type: str) -> None:
    assert run(op_type, X)[0] == X
    assert work(cost(op_type, X)) == {("compare", "activation"): 24}


@pytest.mark.parametrize("op_type", activation.SMOOTH)
def test_smooth_activations(op_type: str) -> None:
    assert run(op_type, X)[0] == X
    assert work(cost(op_type, X)) == {("transcendental", "activation"): 24}


def test_prelu() -> None:
    assert run("PRelu", X, t(3, 1))[0] == X
    assert cost("PRelu", X, t(3, 1)).flops == 24
    assert TRAITS["", "PRelu"].weights == {1}
    with pytest.raises(ShapeError, match="the slope"):
        run("PRelu", t(1, 4), t(3, 1))


def test_swiglu() -> None:
    assert run("SwiGLU", X, X, opset=28)[0] == X
    assert cost("SwiGLU", X, X, opset=28).flops == 2 * 24
    with pytest.raises(ShapeError):
        run("SwiGLU", X, t(2, 3, 5), opset=28)


def test_integer_values() -> None:
    assert value("Neg", 3, SEQ, dtype=I64) == (-3, -SEQ)
    assert value("Abs", -3, SEQ, -SEQ, SEQ - 5, dtype=I64) == (3, SEQ, SEQ, maximum(SEQ - 5, 5 - SEQ))
    assert value("Sign", -3, 0, SEQ, dtype=I64) == (-1, 0, 1)
    assert value("Sign", SEQ - 5, dtype=I64) is None
    assert value("BitwiseNot", 5, SEQ, dtype=I64) == (-6, -SEQ - 1)
    assert value("Relu", -3, SEQ, dtype=I64) == (0, SEQ)


def test_float_values() -> None:
    assert value("Floor", -1.5, 1.5) == (-2.0, 1.0)
    assert value("Ceil", -1.5, 1.5) == (-1.0, 2.0)
    assert value("Round", 0.5, 1.5, -2.5) == (0.0, 2.0, -2.0)
    assert value("Sqrt", 196.0) == (14.0,)
    assert value("Sqrt", -1.0) is None
    assert value("Reciprocal", 4.0) == (0.25,)
    assert value("Reciprocal", 0.0) is None
    assert value("IsNaN", 1.0, math.nan) == (False, True)
    assert value("IsInf", 1.0, -math.inf, math.inf) == (False, True, True)
    assert value("IsInf", 1.0, -math.inf, math.inf, detect_negative=0) == (False, False, True)


def test_clip() -> None:
    x = t(3, dtype=I64, value=(-1, SEQ, 700))
    low, high = t(dtype=I64, value=(0,)), t(dtype=I64, value=(600,))
    assert run("Clip", x, low)[0].value == (0, SEQ, 700)
    found = run("Clip", x, low, high)[0].value
    assert found is not None
    assert (found[0], found[2]) == (0, 600)
    assert run("Clip", x, None, t(dtype=I64))[0].value is None
    assert value("Clip", -1.0, 2.5, 9.0, min=0.0, max=6.0, opset=6) == (0.0, 2.5, 6.0)


def test_identity_and_dropout_pass_on() -> None:
    x = t(2, value=(1.0, 2.0))
    assert run("Identity", x)[0] == x
    assert run("Dropout", x)[0] == x
    assert run("Dropout", x, opset=7, n=2)[1].dtype is F32
    assert run("Dropout", x, t(), t(dtype=BOOL), n=2)[1] == t(2, dtype=BOOL)
    for op_type in ("Identity", "Dropout"):
        assert registry.rule_state("", op_type) == "free"
        assert TRAITS["", op_type].view


def test_bernoulli() -> None:
    assert run("Bernoulli", X, dtype=F16.code)[0] == t(2, 3, 4, dtype=F16)
    assert shape("Bernoulli", X) == (2, 3, 4)
    assert cost("Bernoulli", X).flops == 24
