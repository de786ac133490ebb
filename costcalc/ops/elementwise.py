"""Arithmetic, comparison, logic and selection of tensors, element by element, with broadcasting.

A comparison that depends on a symbol has no value.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DType, TensorType, Value
from costcalc.core.registry import cost_rule, describe, shape_rule, value_rule
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common.axes import broadcast, broadcast_types, pointwise_values
from costcalc.ops.common.elements import (
    ADD,
    DIVIDE,
    FMOD,
    MAXIMUM,
    MINIMUM,
    MODULO,
    MULTIPLY,
    POWER,
    SUBTRACT,
    Arithmetic,
    Binary,
    element_function,
    fold_elements,
)
from costcalc.ops.common.ratio import Number, difference, store_element
from costcalc.ops.common.selection_reads import count_taken

KIND = {
    "Add": "add",
    "Sub": "add",
    "Mul": "multiply",
    "Div": "divide",
    "Mod": "divide",
    "BitShift": "multiply",
    "BitwiseAnd": "compare",
    "BitwiseOr": "compare",
    "BitwiseXor": "compare",
}

traits(*KIND, "Pow", "Min", "Max", "Sum", "Mean", in_place=True)

traits("Add", arithmetic="add", keeps="nothing")

traits("Sub", arithmetic="subtract", keeps="nothing")

traits("Mul", arithmetic="multiply")

traits("Div", arithmetic="divide")

traits("Sum", "Mean", keeps="nothing")

describe("Adds two tensors element by element.", "Add")

describe("Subtracts the second tensor from the first element by element.", "Sub")

describe("Multiplies two tensors element by element.", "Mul")

describe("Divides the first tensor by the second element by element.", "Div")

describe("Gives the remainder of a division element by element.", "Mod")

describe("Raises the elements of the first tensor to the powers of the second.", "Pow")

describe("Shifts the bits of each element.", "BitShift")

describe("Combines the bits of two tensors element by element.", "BitwiseAnd", "BitwiseOr", "BitwiseXor")

describe("Gives the least of the tensors' elements at each place.", "Min")

describe("Gives the greatest of the tensors' elements at each place.", "Max")

describe("Adds several tensors element by element.", "Sum")

describe("Averages several tensors element by element.", "Mean")


@shape_rule(*KIND, "Pow")
def binary_shape(a: TensorType, b: TensorType) -> TensorType:
    """The shape that a and b broadcast to; the element type of a."""
    assert a.shape is not None and b.shape is not None
    return TensorType(a.dtype, broadcast(a.shape, b.shape))


def _register_cost(op_type: str, kind: str) -> None:
    @cost_rule(op_type)
    def binary_cost(a: TensorType, b: TensorType, *, out: TensorType) -> Cost:
        """One operation per output element (a subtraction is an addition, a remainder a division, a shift a
        multiplication, and bitwise logic counts with the comparisons)."""
        return Cost(work=elementwise_work(kind, "elementwise", out.elements))


for _op_type, _kind in KIND.items():
    _register_cost(_op_type, _kind)


@cost_rule("Pow")
def pow_cost(a: TensorType, b: TensorType, *, out: TensorType) -> Cost:
    """One operation per output element: a multiplication where the exponent is known to be 2, else a transcendental."""
    square = b.value is not None and len(b.value) == 1 and b.value[0] == 2
    return Cost(work=elementwise_work("multiply" if square else "transcendental", "elementwise", out.elements))


@shape_rule("Min", "Max", "Sum", "Mean")
def variadic_shape(*inputs: TensorType) -> TensorType:
    """The shape that all inputs broadcast to."""
    if not inputs:
        raise ShapeError("no input is given, the operator needs one or more", "name them in `from:`")
    return TensorType(inputs[0].dtype, broadcast_types(*inputs))


@cost_rule("Min", "Max")
def extreme_cost(*inputs: TensorType, out: TensorType) -> Cost:
    """#inputs − 1 comparisons per output element."""
    return Cost(work=elementwise_work("compare", "elementwise", out.elements, len(inputs) - 1))


@cost_rule("Sum")
def sum_cost(*inputs: TensorType, out: TensorType) -> Cost:
    """#inputs − 1 additions per output element."""
    return Cost(work=elementwise_work("add", "elementwise", out.elements, len(inputs) - 1))


@cost_rule("Mean")
def mean_cost(*inputs: TensorType, out: TensorType) -> Cost:
    """#inputs − 1 additions and one division per output element."""
    additions = elementwise_work("add", "elementwise", out.elements, len(inputs) - 1)
    return Cost(work=additions + elementwise_work("divide", "elementwise", out.elements))


def _register_value(op_type: str, arithmetic: Arithmetic) -> None:
    @value_rule(op_type)
    def elementwise_value(*inputs: TensorType, out: TensorType) -> Value | None:
        """The operation on the elements at each place, from left to right."""
        function = element_function(arithmetic, out.dtype)
        return pointwise_values(lambda *elements: fold_elements(function, elements), out, *inputs)


_register_value("Add", ADD)

_register_value("Sub", SUBTRACT)

_register_value("Mul", MULTIPLY)

_register_value("Div", DIVIDE)

_register_value("Pow", POWER)

_register_value("Min", MINIMUM)

_register_value("Max", MAXIMUM)

_register_value("Sum", ADD)


@value_rule("Mod")
def mod_value(a: TensorType, b: TensorType, *, out: TensorType, fmod: int = 0) -> Value | None:
    """The remainder with the divisor's sign, or with the dividend's where fmod is set."""
    return pointwise_values(element_function(FMOD if fmod else MODULO, out.dtype), out, a, b)


@value_rule("BitShift")
def shift_value(a: TensorType, b: TensorType, *, out: TensorType, direction: str = "LEFT") -> Value | None:
    """a · 2ᵇ, or ⌊a / 2ᵇ⌋; shifts beyond the width are not followed."""
    bits = out.dtype.bits

    def shift(x: Dim, n: Dim) -> Number | None:
        if not isinstance(n, int) or not 0 <= n < bits:
            return None
        return store_element(x // (1 << n) if direction == "RIGHT" else x * (1 << n), out.dtype)

    return pointwise_values(shift, out, a, b)


def _bitwise_values(function: Binary, a: TensorType, b: TensorType, out: TensorType) -> Value | None:
    def element(x: Dim, y: Dim) -> int | None:
        return int(function(x, y)) if isinstance(x, int) and isinstance(y, int) else None

    return pointwise_values(element, out, a, b)


@value_rule("BitwiseAnd")
def bitwise_and_value(a: TensorType, b: TensorType, *, out: TensorType) -> Value | None:
    """The bits set in both."""
    return _bitwise_values(operator.and_, a, b, out)


@value_rule("BitwiseOr")
def bitwise_or_value(a: TensorType, b: TensorType, *, out: TensorType) -> Value | None:
    """The bits set in either."""
    return _bitwise_values(operator.or_, a, b, out)


@value_rule("BitwiseXor")
def bitwise_xor_value(a: TensorType, b: TensorType, *, out: TensorType) -> Value | None:
    """The bits set in one of them."""
    return _bitwise_values(operator.xor, a, b, out)


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
    return Cost(work=elementwise_work("compare", "elementwise", out.elements))


def is_equal(a: Number, b: Number) -> bool | None:
    """Whether a = b; None where that depends on a symbol."""
    if a == b:
        return True
    low, high = difference(a, b)
    return False if low > 0 or high < 0 else None


def is_less(a: Number, b: Number) -> bool | None:
    """Whether a < b; None where that depends on a symbol."""
    low, high = difference(a, b)
    return True if high < 0 else False if low >= 0 else None


def _swap_operands(
    function: Callable[[Number, Number], bool | None], negated: bool
) -> Callable[[Number, Number], bool | None]:
    def compare(a: Number, b: Number) -> bool | None:
        result = function(b, a)
        return result if result is None or not negated else not result

    return compare


def _register_comparison_value(op_type: str, function: Callable[[Number, Number], bool | None]) -> None:
    @value_rule(op_type)
    def compare_value(a: TensorType, b: TensorType, *, out: TensorType) -> Value | None:
        """What the comparison gives for each pair of elements."""
        return pointwise_values(function, out, a, b)


_register_comparison_value("Equal", is_equal)

_register_comparison_value("Less", is_less)

_register_comparison_value("Greater", _swap_operands(is_less, negated=False))

_register_comparison_value("LessOrEqual", _swap_operands(is_less, negated=True))

_register_comparison_value("GreaterOrEqual", lambda a, b: None if is_less(a, b) is None else not is_less(a, b))

_register_comparison_value("And", lambda a, b: bool(a and b))

_register_comparison_value("Or", lambda a, b: bool(a or b))

_register_comparison_value("Xor", lambda a, b: bool(a) != bool(b))


@least_work_rule("Where")
def where_least_work(use: OperatorUse) -> LeastWork:
    """Elements that the condition does not take: a stored condition is read, any other may take all from the other
    tensor."""
    condition, x, y = use.types
    assert condition is not None and x is not None and y is not None
    return LeastWork(0, {1: count_taken(condition, x, True), 2: count_taken(condition, y, False)})


@shape_rule("Where")
def where_shape(condition: TensorType, x: TensorType, y: TensorType) -> TensorType:
    """The shape that all three broadcast to."""
    return TensorType(x.dtype, broadcast_types(condition, x, y))


@value_rule("Where")
def where_value(condition: TensorType, x: TensorType, y: TensorType, *, out: TensorType) -> Value | None:
    """x or y, as the condition decides. Of an open condition only elements equal in both are known; where all of it
    holds, or none, only the tensor that is taken needs to be known."""
    if condition.value is None:
        return pointwise_values(lambda a, b: a if a == b else None, out, x, y)
    if condition.value and all(condition.value):
        return pointwise_values(lambda a: a, out, x)
    if not any(condition.value):
        return pointwise_values(lambda b: b, out, y)
    return pointwise_values(lambda c, a, b: a if c else b, out, condition, x, y)
