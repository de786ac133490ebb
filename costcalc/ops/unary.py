"""Functions of one number, element by element, and casts (Cast, CastLike, BitCast).

A cast changes the element type and does no counted arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from costcalc.core.dim import Poly, bounds, maximum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DTYPE_OF_CODE, DType, TensorType, Value
from costcalc.core.registry import cost_rule, describe, free, shape_rule, value_rule
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common import ratio
from costcalc.ops.common.axes import pointwise_values
from costcalc.ops.common.ratio import ExtentRatio, Number, difference, is_symbolic, store_element, truncate

KIND = {
    "Abs": "compare",
    "Acos": "transcendental",
    "Acosh": "transcendental",
    "Asin": "transcendental",
    "Asinh": "transcendental",
    "Atan": "transcendental",
    "Atanh": "transcendental",
    "BitwiseNot": "compare",
    "Ceil": "compare",
    "Cos": "transcendental",
    "Cosh": "transcendental",
    "Erf": "transcendental",
    "Exp": "exp",
    "Floor": "compare",
    "Log": "transcendental",
    "Neg": "add",
    "Reciprocal": "divide",
    "Round": "compare",
    "Sign": "compare",
    "Sin": "transcendental",
    "Sinh": "transcendental",
    "Sqrt": "transcendental",
    "Tan": "transcendental",
}

TESTS = ("Not", "IsNaN", "IsInf")

traits(*KIND, *TESTS, in_place=True)

traits("Exp", "Sqrt", "Reciprocal", keeps="output")

traits("Neg", keeps="nothing")

traits("Abs", "Exp", "Sqrt", non_negative=True)

describe("Computes a function of each element.", *KIND, *TESTS)

describe("Gives its input as it is.", "Identity")

describe("Draws ones with the given probabilities, zeros otherwise.", "Bernoulli")

describe(
    "Drops values at random while training; at inference, as counted here, it gives its input as it is.", "Dropout"
)


@shape_rule(*KIND)
def unary_shape(x: TensorType) -> TensorType:
    """The input's shape and element type."""
    return TensorType(x.dtype, x.shape)


@shape_rule(*TESTS)
def test_shape(x: TensorType) -> TensorType:
    """Booleans of the input's shape."""
    return TensorType(DType.BOOL, x.shape)


def _register_cost(op_type: str, kind: str) -> None:
    @cost_rule(op_type)
    def unary_cost(x: TensorType, *, out: TensorType) -> Cost:
        """One operation per output element (rounding, signs, tests and bits count with the comparisons, a negation as
        an addition, a reciprocal as a division)."""
        return Cost(work=elementwise_work(kind, "elementwise", out.elements))


for _op_type in TESTS:
    _register_cost(_op_type, "compare")

for _op_type, _kind in KIND.items():
    _register_cost(_op_type, _kind)


def absolute(x: Number) -> Number | None:
    """|x|; of a Dim max(x, -x) where its sign depends on a symbol."""
    if isinstance(x, ExtentRatio):
        low, high = bounds(x.num)
        return x if low >= 0 else ratio.negate(x) if high <= 0 else None
    return maximum(x, -x) if isinstance(x, Poly) else abs(x)


def sign(x: Number) -> int | None:
    """-1, 0 or 1; None where that depends on a symbol."""
    low, high = ratio.difference(x, 0)
    return 1 if low > 0 else -1 if high < 0 else 0 if low == high == 0 else None


def square_root(x: Number) -> float | None:
    """√x; None of a negative number and of a symbol."""
    return math.sqrt(x) if not isinstance(x, (Poly, ExtentRatio)) and x >= 0 else None


def reciprocal(x: Number) -> Number | None:
    """1 / x; None of 0 and of a symbol."""
    return None if is_symbolic(x) or x == 0 else 1 / x  # type: ignore[operator]


def _register_value(op_type: str, function: Callable[[Any], Any]) -> None:
    @value_rule(op_type)
    def unary_value(x: TensorType, *, out: TensorType) -> Value | None:
        """The function of each element."""
        return pointwise_values(lambda element: store_element(function(element), out.dtype), out, x)


_register_value("Abs", absolute)

_register_value("Neg", ratio.negate)

_register_value("Sign", sign)

_register_value("Floor", ratio.floor)

_register_value("Ceil", ratio.ceil)

_register_value("Round", ratio.round_even)

_register_value("Sqrt", square_root)

_register_value("Reciprocal", reciprocal)

_register_value("BitwiseNot", lambda x: -x - 1)

_register_value("Not", lambda x: not x)

_register_value("IsNaN", lambda x: isinstance(x, float) and math.isnan(x))


@value_rule("IsInf")
def is_inf_value(x: TensorType, *, out: TensorType, detect_negative: int = 1, detect_positive: int = 1) -> Value | None:
    """Whether each element is an infinity of a sign that is looked for."""
    infinities = (-math.inf,) * bool(detect_negative) + (math.inf,) * bool(detect_positive)
    return pointwise_values(lambda element: element in infinities, out, x)


@shape_rule("Identity")
def identity_shape(x: TensorType) -> TensorType:
    """The input's type, its value included."""
    return x


free("Identity", view=True)

traits("Identity", passes_on="same", fusion="joins")


@shape_rule("Dropout")
def dropout_shape(
    x: TensorType, drop: TensorType | None = None, training_mode: TensorType | None = None, *, opset: int = 13
) -> tuple[TensorType, ...]:
    """The input's type; the mask has its shape, in booleans since opset 10."""
    return x, TensorType(DType.BOOL if opset >= 10 else x.dtype, x.shape)


free("Dropout", view=True)

traits("Dropout", keeps="mask", fusion="joins")


@shape_rule("Bernoulli")
def bernoulli_shape(x: TensorType, *, dtype: int = 0) -> TensorType:
    """The input's shape, in the type of the attribute dtype, by default the input's own."""
    return TensorType(DTYPE_OF_CODE[dtype] if dtype else x.dtype, x.shape)


@cost_rule("Bernoulli")
def bernoulli_cost(x: TensorType, *, out: TensorType) -> Cost:
    """One comparison per output element; drawing the random number is not counted."""
    return Cost(work=elementwise_work("compare", "elementwise", out.elements))


traits("Bernoulli", random=True)

free("Cast", "CastLike", "BitCast")

traits("Cast", passes_on="converted", fusion="joins")

traits("Cast", "CastLike", keeps="nothing")

describe("Each element is converted to another type.", "Cast", "CastLike")

describe("Each element's bits are read as another type.", "BitCast")


def dtype_of(code: int) -> DType:
    """The element type of a TensorProto.DataType number."""
    dtype = DTYPE_OF_CODE.get(code)
    if dtype is None:
        raise ShapeError(f"{code} is no element type of ONNX", "give a TensorProto.DataType")
    return dtype


@shape_rule("Cast")
def cast_shape(x: TensorType, *, to: int) -> TensorType:
    """The shape stays."""
    dtype = dtype_of(to)
    return TensorType(dtype, x.shape, None if x.value is None else convert_elements(x.value, dtype))


@least_work_rule("CastLike")
def cast_like_least_work(use: OperatorUse) -> LeastWork:
    """The second input, of which only the type is taken."""
    return LeastWork(0, unused=frozenset((1,)))


@shape_rule("CastLike")
def cast_like_shape(x: TensorType, like: TensorType) -> TensorType:
    """The shape stays; the element type is that of the second input."""
    return TensorType(like.dtype, x.shape, None if x.value is None else convert_elements(x.value, like.dtype))


@shape_rule("BitCast")
def bit_cast_shape(x: TensorType, *, to: int) -> TensorType:
    """The shape stays; both types are equally wide."""
    dtype = dtype_of(to)
    if dtype.bits != x.dtype.bits:
        raise ShapeError(
            f"the bits of {x.dtype} ({x.dtype.bits}) cannot be read as {dtype} ({dtype.bits})",
            "name a type of the same width, or use Cast",
        )
    return TensorType(dtype, x.shape)


def convert_elements(value: Value, dtype: DType) -> Value | None:
    """The elements as `dtype`: floats are truncated towards zero for integers, any number but 0 is true, what a narrow
    type cannot hold is rounded or wraps around (INT64_MAX becomes -1 in int32). What depends on a symbol stays as it is
    in integer and float tensors, so that extents survive a detour through floats. None where it is not followed."""
    convert = _to_bool if dtype is DType.BOOL else _to_integer if dtype.is_integer else _to_float
    if dtype is DType.STRING:
        return None
    result = tuple([convert(x, dtype) for x in value])
    return None if None in result else result


def _to_integer(x: Any, dtype: DType) -> Any:
    return store_element(int(x) if x.__class__ is bool else truncate(x), dtype)


def _to_float(x: Any, dtype: DType) -> Any:
    return store_element(int(x) if x.__class__ is bool else x, dtype)


def _to_bool(x: Any, dtype: DType) -> bool | None:
    if isinstance(x, (int, float)):
        return x != 0
    low, high = difference(x, 0)
    return True if low > 0 or high < 0 else None
