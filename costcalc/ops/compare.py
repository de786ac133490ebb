"""Comparisons, logic, and the choice between two tensors. A comparison that depends on a symbol has no value."""

from __future__ import annotations

from collections.abc import Callable

from costcalc.core.traits import traits
from costcalc.formula import Cost, per
from costcalc.ir import DType, TensorType, Value
from costcalc.ops.broadcast import broadcast, broadcast_types, pointwise
from costcalc.ops.ratio import Number, difference
from costcalc.registry import cost_rule, describe, shape_rule, value_rule

COMPARISONS = ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor")

traits("And", "Or", "Xor", "Where", in_place=True)
traits("Where", keeps="indices")
describe("Compares two tensors element by element.", *COMPARISONS[:5])
describe("Combines two boolean tensors element by element.", *COMPARISONS[5:])
describe("Takes each element from the first tensor where the condition holds, else from the second.", "Where")


@shape_rule(*COMPARISONS)
def compare_shape(a: TensorType, b: TensorType) -> TensorType:
    """Booleans of the shape that a and b broadcast to."""
    assert a.shape is not None and b.shape is not None
    return TensorType(DType.BOOL, broadcast(a.shape, b.shape))


@cost_rule(*COMPARISONS, "Where")
def compare_cost(*inputs: TensorType, out: TensorType) -> Cost:
    """One comparison (or selection) per output element."""
    return Cost(work=per("compare", "elementwise", out.elements))


def equal(a: Number, b: Number) -> bool | None:
    """Whether a = b; None where that depends on a symbol."""
    if a == b:
        return True
    low, high = difference(a, b)
    return False if low > 0 or high < 0 else None


def less(a: Number, b: Number) -> bool | None:
    """Whether a < b; None where that depends on a symbol."""
    low, high = difference(a, b)
    return True if high < 0 else False if low >= 0 else None


def _swapped(
    function: Callable[[Number, Number], bool | None], negated: bool
) -> Callable[[Number, Number], bool | None]:
    def compare(a: Number, b: Number) -> bool | None:
        answer = function(b, a)
        return answer if answer is None or not negated else not answer

    return compare


def _register_value(op_type: str, function: Callable[[Number, Number], bool | None]) -> None:
    @value_rule(op_type)
    def compare_value(a: TensorType, b: TensorType, *, out: TensorType) -> Value | None:
        """What the comparison gives for each pair of elements."""
        return pointwise(function, out, a, b)


_register_value("Equal", equal)
_register_value("Less", less)
_register_value("Greater", _swapped(less, negated=False))
_register_value("LessOrEqual", _swapped(less, negated=True))
_register_value("GreaterOrEqual", lambda a, b: None if less(a, b) is None else not less(a, b))
_register_value("And", lambda a, b: bool(a and b))
_register_value("Or", lambda a, b: bool(a or b))
_register_value("Xor", lambda a, b: bool(a) != bool(b))


@shape_rule("Where")
def where_shape(condition: TensorType, x: TensorType, y: TensorType) -> TensorType:
    """The shape that all three broadcast to."""
    return TensorType(x.dtype, broadcast_types(condition, x, y))


@value_rule("Where")
def where_value(condition: TensorType, x: TensorType, y: TensorType, *, out: TensorType) -> Value | None:
    """x or y, as the condition decides. Of an open condition only elements equal in both are known; where all of it
    holds, or none, only the tensor that is taken needs to be known."""
    if condition.value is None:
        return pointwise(lambda a, b: a if a == b else None, out, x, y)
    if condition.value and all(condition.value):
        return pointwise(lambda a: a, out, x)
    if not any(condition.value):
        return pointwise(lambda b: b, out, y)
    return pointwise(lambda c, a, b: a if c else b, out, condition, x, y)
