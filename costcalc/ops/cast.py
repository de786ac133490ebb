"""Cast, CastLike and BitCast: another element type, the same shape. Free: no arithmetic is done on the numbers."""

from __future__ import annotations

import math
import struct
from typing import Any

from costcalc.errors import ShapeError
from costcalc.ir import DTYPE_OF_CODE, DType, TensorType, Value
from costcalc.ops.ratio import difference, truncate
from costcalc.registry import describe, free, shape_rule

free("Cast", "CastLike", "BitCast")
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
    """The elements as `dtype`: floats are truncated towards zero for integers, any number but 0 is true. A Dim stays
    as it is in integer and float tensors, so that extents survive a detour through floats; float16 rounds numbers.
    None where it is open, or the type is narrower (nobody computes extents there)."""
    if dtype.is_float:
        if dtype.bits < 16 or dtype is DType.BFLOAT16:
            return None
        one_float = _to_float16 if dtype is DType.FLOAT16 else _to_float
        return tuple(map(one_float, value))
    one = _to_bool if dtype is DType.BOOL else _to_int if dtype.is_integer else None
    if one is None:
        return None
    result = tuple(map(one, value))
    if None in result:
        return None
    if dtype.is_integer and dtype.bits < 64:
        return tuple([_wrapped(x, dtype) for x in result])
    return result


def _to_float(x: Any) -> Any:
    return int(x) if x.__class__ is bool else x


def _to_float16(x: Any) -> Any:
    if not isinstance(x, (int, float)) or not math.isfinite(x):
        return x
    if abs(x) >= 65520:
        return math.copysign(math.inf, x)
    rounded = struct.unpack("e", struct.pack("e", x))[0]
    return int(rounded) if isinstance(x, int) else rounded


def _to_int(x: Any) -> Any:
    return int(x) if x.__class__ is bool else truncate(x)


def _to_bool(x: Any) -> bool | None:
    if isinstance(x, (int, float)):
        return x != 0
    low, high = difference(x, 0)
    return True if low > 0 or high < 0 else None


def _wrapped(x: Any, dtype: DType) -> Any:
    """An integer as two's complement keeps it in fewer bits (INT64_MAX becomes -1 in int32)."""
    if not isinstance(x, int):
        return x
    span = 1 << dtype.bits
    x %= span
    return x - span if x >= span >> 1 and not dtype.label.startswith("u") else x
