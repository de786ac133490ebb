"""Tensors from shapes, attributes or random numbers: Shape, Size, Constant, ConstantOfShape, Range, EyeLike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from costcalc.core.dim import Dim, bounds, maximum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DType, TensorType, Value
from costcalc.core.registry import FreshSymbol, cost_rule, describe, free, shape_rule, value_rule
from costcalc.core.traits import traits
from costcalc.ops.common.axes import vector_length
from costcalc.ops.common.ratio import ExtentRatio
from costcalc.ops.unary import dtype_of

traits("Shape", "Size", "EyeLike", "RandomNormalLike", "RandomUniformLike", reads="shape")

free("Shape", "Size", "Constant", "ConstantOfShape", "Range", "EyeLike")

RANDOM = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial")

free(*RANDOM)

traits(*RANDOM, random=True)

describe("The extents of the input.", "Shape")

describe("The number of elements of the input.", "Size")

describe("A tensor that stands in the graph.", "Constant")

describe("A tensor of one repeated number.", "ConstantOfShape")

describe("Numbers from start to limit, delta apart.", "Range")

describe("Ones on a diagonal, zeros elsewhere.", "EyeLike")

describe("Random numbers; drawing them is no counted arithmetic.", *RANDOM)

describe("A window function, a sum of cosines.", "BlackmanWindow", "HannWindow", "HammingWindow")


@shape_rule("Shape")
def shape_shape(x: TensorType, *, start: int = 0, end: int | None = None) -> TensorType:
    """[how many axes start:end selects], with the extents as its elements."""
    assert x.shape is not None
    value = x.shape[start:end]
    return TensorType(DType.INT64, (len(value),), value)


@shape_rule("Size")
def size_shape(x: TensorType) -> TensorType:
    """A scalar: the number of elements."""
    return TensorType(DType.INT64, (), (x.elements,))


@shape_rule("Constant")
def constant_shape(
    *,
    value: TensorType | None = None,
    sparse_value: TensorType | None = None,
    value_int: int | None = None,
    value_ints: Sequence[int] | None = None,
    value_float: float | None = None,
    value_floats: Sequence[float] | None = None,
    value_string: str | None = None,
    value_strings: Sequence[str] | None = None,
) -> TensorType:
    """The tensor that the attribute holds."""
    for tensor in (value, sparse_value):
        if tensor is not None:
            return tensor
    for scalar, elements, dtype in (
        (value_int, value_ints, DType.INT64),
        (value_float, value_floats, DType.FLOAT32),
        (value_string, value_strings, DType.STRING),
    ):
        if scalar is not None:
            return TensorType(dtype, (), (scalar,))
        if elements is not None:
            return TensorType(dtype, (len(elements),), tuple(elements))
    raise ShapeError("Constant has no value", "give value, value_int, value_ints, value_float or value_floats")


@shape_rule("ConstantOfShape")
def constant_of_shape_shape(shape: TensorType, *, value: TensorType | None = None, fresh: FreshSymbol) -> TensorType:
    """The shape that the input holds; new symbols where its contents are not known."""
    dtype = DType.FLOAT32 if value is None else value.dtype
    if shape.value is None:
        return TensorType(dtype, tuple([fresh(f"extent{i}") for i in range(vector_length(shape))]))
    if any(isinstance(extent, int) and extent < 0 for extent in shape.value):
        raise ShapeError(f"the shape {list(shape.value)} has a negative extent", "give extents of 0 or more")
    return TensorType(dtype, shape.value)


@value_rule("ConstantOfShape")
def constant_of_shape_value(shape: TensorType, *, value: TensorType | None = None, out: TensorType) -> Value | None:
    """The attribute `value`, repeated; 0 by default."""
    if value is None:
        return (0.0,) * int(out.elements)
    return None if value.value is None else value.value * int(out.elements)


@shape_rule("Range")
def range_shape(start: TensorType, limit: TensorType, delta: TensorType, *, fresh: FreshSymbol) -> TensorType:
    """[max(⌈(limit - start) / delta⌉, 0)]; a new symbol where one of them is not known, or the sign of delta is not."""
    values = _range_values(start, limit, delta)
    extent = None if values is None else range_extent(*values)
    return TensorType(start.dtype, (fresh("length") if extent is None else extent,))


def _range_values(*inputs: TensorType) -> tuple[Any, Any, Any] | None:
    if any(t.value is None or isinstance(t.value[0], ExtentRatio) for t in inputs):
        return None
    start, limit, delta = (_reduce_float(t.value[0]) for t in inputs if t.value)
    return start, limit, delta


def _reduce_float(x: Any) -> Any:
    """A float without a fractional part -> an int, as only ints mix with symbols."""
    return int(x) if isinstance(x, float) and x.is_integer() else x


def range_extent(start: Any, limit: Any, delta: Any) -> Dim | None:
    """The number of elements of a Range, exactly; None where the sign of delta depends on a symbol, or a number is not
    finite. Floats count as the fractions that they are, over one denominator."""
    numbers = [x for x in (start, limit, delta) if isinstance(x, float)]
    if not all(map(math.isfinite, numbers)):
        return None
    denominator = math.lcm(*(Fraction(x).denominator for x in numbers))
    if denominator != 1:
        start, limit, delta = (
            int(Fraction(x) * denominator) if isinstance(x, float) else x * denominator for x in (start, limit, delta)
        )
    if delta == 0:
        raise ShapeError("the delta of a Range is 0", "use another step")
    low, high = bounds(delta)
    if low <= 0 <= high:
        return None
    distance, step = (limit - start, delta) if low > 0 else (start - limit, -delta)
    return maximum((distance + (step - 1)) // step, 0)


@value_rule("Range")
def range_value(start: TensorType, limit: TensorType, delta: TensorType, *, out: TensorType) -> Value | None:
    """start, start + delta, …"""
    values = _range_values(start, limit, delta)
    if values is None:
        return None
    first, _, step = values
    if isinstance(first, float) or isinstance(step, float):
        if not isinstance(first, (int, float)) or not isinstance(step, (int, float)):
            return None
        first, step = float(first), float(step)
    return tuple([first + i * step for i in range(int(out.elements))])


@shape_rule("EyeLike")
def eye_like_shape(x: TensorType, *, dtype: int | None = None) -> TensorType:
    """The shape of the input."""
    return TensorType(x.dtype if dtype is None else dtype_of(dtype), x.shape)


@shape_rule("RandomNormal", "RandomUniform")
def random_shape(*, shape: Sequence[int], dtype: int = 1) -> TensorType:
    """The shape that the attribute gives."""
    return TensorType(dtype_of(dtype), tuple(shape))


@shape_rule("RandomNormalLike", "RandomUniformLike")
def random_like_shape(x: TensorType, *, dtype: int | None = None) -> TensorType:
    """The shape of the input."""
    return TensorType(x.dtype if dtype is None else dtype_of(dtype), x.shape)


@shape_rule("Multinomial")
def multinomial_shape(x: TensorType, *, sample_size: int = 1, dtype: int = 6) -> TensorType:
    """x [batch, classes] -> [batch, sample_size]."""
    assert x.shape is not None
    if len(x.shape) != 2:
        raise ShapeError(f"the input is of rank {len(x.shape)}", "give [batch, classes]")
    return TensorType(dtype_of(dtype), (x.shape[0], sample_size))


@shape_rule("BlackmanWindow", "HannWindow", "HammingWindow")
def window_shape(size: TensorType, *, output_datatype: int = 1, fresh: FreshSymbol) -> TensorType:
    """[size]; a new symbol where it is not known."""
    return TensorType(dtype_of(output_datatype), (fresh("size") if size.value is None else size.value[0],))


@cost_rule("HannWindow", "HammingWindow")
def window_cost(size: TensorType, *, out: TensorType) -> Cost:
    """Per element one cosine, one multiplication, one addition."""
    return _cosine_cost(out, 1)


@cost_rule("BlackmanWindow")
def blackman_cost(size: TensorType, *, out: TensorType) -> Cost:
    """Per element two cosines, two multiplications, two additions."""
    return _cosine_cost(out, 2)


def _cosine_cost(out: TensorType, terms: int) -> Cost:
    kinds = ("transcendental", "multiply", "add")
    return Cost(work=sum((elementwise_work(kind, "elementwise", out.elements, terms) for kind in kinds), ()))
