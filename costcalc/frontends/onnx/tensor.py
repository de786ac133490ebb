"""TensorProto without its payload: the elements are skipped in place; only small tensors, which shapes and axes are
computed from, are decoded.
"""

from __future__ import annotations

import math
import struct
from typing import Any, NamedTuple

from costcalc.core.errors import LoadError
from costcalc.core.ir import DTYPE_OF_CODE, DType, TensorType, Value
from costcalc.frontends.onnx.wire import REMEDY, Buffer, read_fields, read_string, read_varints, to_int64

SMALL_INTEGER, SMALL_FLOAT = 4096, 64
"""Elements of the largest integer or bool tensor, and of the largest float tensor, that are decoded."""

Chunk = tuple[int, int, int]


class TensorProto(NamedTuple):
    """A stored tensor: payload tells where in buf its elements stand, as (field key, begin, end)."""

    name: str
    dims: tuple[int, ...]
    data_type: int
    payload: tuple[Chunk, ...]
    external: bool
    buf: Buffer

    @property
    def dtype(self) -> DType:
        return DTYPE_OF_CODE.get(self.data_type, DType.UNDEFINED)

    def type(self) -> TensorType:
        """The tensor's type, with its elements where it is small."""
        return TensorType(self.dtype, self.dims, decode_elements(self))


_PAYLOAD = frozenset((34, 37, 40, 42, 50, 56, 58, 74, 81, 82, 88, 90))
"""The keys of float_data, int32_data, string_data, int64_data, raw_data, double_data, uint64_data, packed or not."""

_FLOAT_DATA = frozenset((34, 37, 81, 82))
"""float_data and double_data; the other fields hold integers, and the bits of float16."""

_RAW = 74

_FORMAT = {
    DType.FLOAT32: "f",
    DType.FLOAT64: "d",
    DType.FLOAT16: "e",
    DType.INT8: "b",
    DType.INT16: "h",
    DType.INT32: "i",
    DType.INT64: "q",
    DType.UINT8: "B",
    DType.UINT16: "H",
    DType.UINT32: "I",
    DType.UINT64: "Q",
    DType.BOOL: "?",
    DType.BFLOAT16: "H",
}

_SIZE = {t: struct.calcsize(f"<{c}") for t, c in _FORMAT.items()}


def parse_tensor(buf: Buffer, at: int, end: int) -> TensorProto:
    """Reads a TensorProto; external data is not looked at."""
    name, dims, data_type, external = "", [], 0, False
    payload: list[Chunk] = []
    for key, a, b in read_fields(buf, at, end):
        if key == 8:
            dims.append(a)
        elif key == 16:
            data_type = a
        elif key == 66:
            name = read_string(buf, a, b)
        elif key in _PAYLOAD:
            if len(payload) <= SMALL_INTEGER:
                payload.append((key, a, b))
        elif key == 112:
            external = a == 1
        elif key == 10:
            dims += read_varints(buf, a, b)
    if dims and max(dims) >= 1 << 63:
        raise LoadError(f"the tensor {name!r} has a negative extent", REMEDY)
    return TensorProto(name, tuple(dims), data_type, tuple(payload), external, buf)


class SparseTensorProto(NamedTuple):
    """A tensor stored as its non-zero values; dims is its full shape."""

    values: TensorProto
    dims: tuple[int, ...]

    def type(self) -> TensorType:
        return TensorType(self.values.dtype, self.dims)


def parse_sparse_tensor(buf: Buffer, at: int, end: int) -> SparseTensorProto:
    """Reads a SparseTensorProto; where its values stand (indices) is not looked at."""
    values, dims = TensorProto("", (), 0, (), False, buf), []
    for key, a, b in read_fields(buf, at, end):
        if key == 10:
            values = parse_tensor(buf, a, b)
        elif key == 24:
            dims.append(a)
        elif key == 26:
            dims += read_varints(buf, a, b)
    return SparseTensorProto(values, tuple(dims))


def decode_elements(t: TensorProto) -> Value | None:
    """The elements of a small tensor of integers, bools or floats; None where it is large, external, stripped of its
    data, or of another type."""
    dtype = t.dtype
    code = _FORMAT.get(dtype)
    if code is None or t.external:
        return None
    n = math.prod(t.dims)
    if n > (SMALL_FLOAT if dtype.is_float else SMALL_INTEGER):
        return None
    if n == 0:
        return ()
    if not t.payload:
        return None
    key, a, b = t.payload[0]
    if key == _RAW:
        if b - a != n * _SIZE[dtype]:
            raise LoadError(f"the tensor {t.name!r} has {n} elements of {dtype} in {b - a} bytes", REMEDY)
        values: tuple[Any, ...] = struct.unpack_from(f"<{n}{code}", t.buf, a)
    else:
        values = _typed(t, dtype)
        if len(values) != n:
            raise LoadError(f"the tensor {t.name!r} has {len(values)} elements where its shape needs {n}", REMEDY)
    return tuple(map(_bfloat16, values)) if dtype is DType.BFLOAT16 else values


def _bfloat16(bits: int) -> float:
    value: float = struct.unpack("<f", struct.pack("<I", (bits & 0xFFFF) << 16))[0]
    return value


def _float16(bits: int) -> float:
    value: float = struct.unpack("<e", struct.pack("<H", bits & 0xFFFF))[0]
    return value


def _typed(t: TensorProto, dtype: DType) -> tuple[Any, ...]:
    """The elements in float_data, int32_data, int64_data, double_data or uint64_data."""
    out: list[Any] = []
    if any((key in _FLOAT_DATA) != (dtype in (DType.FLOAT32, DType.FLOAT64)) for key, _, _ in t.payload):
        raise LoadError(f"the elements of the tensor {t.name!r} are of another type than {dtype}", REMEDY)
    for key, a, b in t.payload:
        if key in (37, 34):
            out += struct.unpack_from(f"<{(b - a) // 4}f", t.buf, a)
        elif key in (81, 82):
            out += struct.unpack_from(f"<{(b - a) // 8}d", t.buf, a)
        elif key in (40, 56, 88):
            out.append(a)
        elif key in (42, 58, 90):
            out += read_varints(t.buf, a, b)
    if dtype is DType.FLOAT16:
        return tuple(map(_float16, out))
    if dtype is DType.BOOL:
        return tuple(map(bool, out))
    return tuple(out) if dtype.is_float or dtype.label.startswith("u") else tuple(map(to_int64, out))
