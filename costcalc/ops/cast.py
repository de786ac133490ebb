"""Cast, CastLike and BitCast: another element type, the same shape. Free: no arithmetic is done on the numbers."""

from __future__ import annotations

from typing import Any

from costcalc.core.traits import traits
from costcalc.errors import ShapeError
from costcalc.ir import DTYPE_OF_CODE, DType, TensorType, Value
from costcalc.ops.ratio import difference, stored, truncate
from costcalc.registry import describe, free, shape_rule

free("Cast", "CastLike", "BitCast")
traits("Cast", passes_on="converted", fusion="joins")
traits("Cast", "CastLike", keeps="nothing")
describe("Each element is converted to another type.", "Cast", "CastLike")
describe("Each element's bits are read as another type.", "BitCast")


def dtype_of(code: int) -> DType:
    """The element type of a TensorProto.DataType number."""
    found = DTYPE_OF_CODE.get(code)
    if found is None:
        raise ShapeError(f"{code} is no element type of ONNX", "give a TensorProto.DataType")
    return found


@shape_rule("Cast")
def cast_shape(x: TensorType, *, to: int) -> TensorType:
    """The shape stays."""
    dtype = dtype_of(to)
    return TensorType(dtype, x.shape, None if x.value is None else converted(x.value, dtype))


@shape_rule("CastLike")
def cast_like_shape(x: TensorType, like: TensorType) -> TensorType:
    """The shape stays; the element type is that of the second input."""
    return TensorType(like.dtype, x.shape, None if x.value is None else converted(x.value, like.dtype))


@shape_rule("BitCast")
def bit_cast_shape(x: TensorType, *, to: int) -> TensorType:
    """The shape stays; both types are equally wide."""
    dtype = dtype_of(to)
    if dtype.bits != x.dtype.bits:
        raise ShapeError(f"the bits of {x.dtype} ({x.dtype.bits}) cannot be read as {dtype} ({dtype.bits})",
                         "name a type of the same width, or use Cast")  # fmt: skip
    return TensorType(dtype, x.shape)


def converted(value: Value, dtype: DType) -> Value | None:
    """The elements as `dtype`: floats are truncated towards zero for integers, any number but 0 is true, what a narrow
    type cannot hold is rounded or wraps around (INT64_MAX becomes -1 in int32). What depends on a symbol stays as it is
    in integer and float tensors, so that extents survive a detour through floats. None where it is not followed."""
    one = _to_bool if dtype is DType.BOOL else _to_integer if dtype.is_integer else _to_float
    if dtype is DType.STRING:
        return None
    result = tuple([one(x, dtype) for x in value])
    return None if None in result else result


def _to_integer(x: Any, dtype: DType) -> Any:
    return stored(int(x) if x.__class__ is bool else truncate(x), dtype)


def _to_float(x: Any, dtype: DType) -> Any:
    return stored(int(x) if x.__class__ is bool else x, dtype)


def _to_bool(x: Any, dtype: DType) -> bool | None:
    if isinstance(x, (int, float)):
        return x != 0
    low, high = difference(x, 0)
    return True if low > 0 or high < 0 else None
