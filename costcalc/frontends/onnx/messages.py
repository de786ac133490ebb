"""Bytes of onnx.proto's messages -> light records: models, graphs, nodes, types and tensors without their payloads.

Nodes and payloads stay in the file until they are needed: documentation, metadata and elements are skipped in place;
only small tensors, from which shapes and axes are computed, are decoded.
"""

from __future__ import annotations

import math
import struct
from typing import Any, NamedTuple

from costcalc.core.errors import LoadError
from costcalc.core.ir import DTYPE_OF_CODE, DType, SparseStorage, TensorType, Value
from costcalc.frontends.onnx.wire import REMEDY, Buffer, read_fields, read_string, read_varints, to_int64

Span = tuple[int, int]


class TypeProto(NamedTuple):
    """A declared type. kind is tensor, sparse, sequence, optional, map, opaque or "" (absent). A tensor's dims hold
    ints, names, or None where they are absent; dims is None where even the rank is. element is the type of a sequence's
    or optional's elements."""

    kind: str = ""
    elem_type: int = 0
    dims: tuple[int | str | None, ...] | None = None
    element: TypeProto | None = None


class ValueInfoProto(NamedTuple):
    """A value's name and declared type."""

    name: str
    type: TypeProto


class AttributeProto(NamedTuple):
    """value is an int, float, str, TensorType (of a dense or sparse tensor), GraphProto or TypeProto, or a tuple of
    those. ref is the name of the enclosing function's attribute that it takes its value from, else ""."""

    name: str
    value: Any
    ref: str


class NodeProto(NamedTuple):
    """scopes is what torch's exporter writes under pkg.torch.onnx.name_scopes: a Python list of strings, as text."""

    op_type: str
    domain: str
    overload: str
    name: str
    input: tuple[str, ...]
    output: tuple[str, ...]
    attribute: tuple[AttributeProto, ...]
    scopes: str


class GraphProto(NamedTuple):
    """A graph; node and value_info hold the (begin, end) offsets of the messages in buf."""

    name: str
    node: tuple[Span, ...]
    initializer: tuple[TensorProto, ...]
    sparse_initializer: tuple[SparseTensorProto, ...]
    input: tuple[ValueInfoProto, ...]
    output: tuple[ValueInfoProto, ...]
    value_info: tuple[Span, ...]
    buf: Buffer


class FunctionProto(NamedTuple):
    """A local function; node holds the offsets of its nodes in buf."""

    name: str
    domain: str
    overload: str
    input: tuple[str, ...]
    output: tuple[str, ...]
    attribute: tuple[AttributeProto, ...]
    node: tuple[Span, ...]
    opset: dict[str, int]
    buf: Buffer


class ModelProto(NamedTuple):
    """A model: its graph, its opset by domain, and its local functions."""

    ir_version: int
    producer: str
    opset: dict[str, int]
    graph: GraphProto | None
    functions: tuple[FunctionProto, ...]


def parse_value_info(buf: Buffer, start: int, end: int) -> ValueInfoProto:
    """Reads a ValueInfoProto."""
    name, type_ = "", TypeProto()
    for key, a, b in read_fields(buf, start, end):
        if key == 10:
            name = read_string(buf, a, b)
        elif key == 18:
            type_ = parse_type(buf, a, b)
    return ValueInfoProto(name, type_)


_KINDS = {10: "tensor", 34: "sequence", 42: "map", 66: "sparse", 74: "optional", 58: "opaque"}

_MAX_TYPE_DEPTH = 16


def parse_type(buf: Buffer, start: int, end: int, depth: int = 0) -> TypeProto:
    """Reads a TypeProto."""
    if depth > _MAX_TYPE_DEPTH:
        raise LoadError(f"types are nested more than {_MAX_TYPE_DEPTH} deep (at byte {start})", REMEDY)
    for key, a, b in read_fields(buf, start, end):
        kind = _KINDS.get(key)
        if kind in ("tensor", "sparse"):
            return _tensor_type(kind, buf, a, b)
        if kind in ("sequence", "optional"):
            spans = [(c, d) for k, c, d in read_fields(buf, a, b) if k == 10]
            return TypeProto(kind, element=parse_type(buf, *spans[-1], depth + 1) if spans else None)
        if kind:
            return TypeProto(kind)
    return TypeProto()


def _tensor_type(kind: str, buf: Buffer, start: int, end: int) -> TypeProto:
    elem_type, dims = 0, None
    for key, a, b in read_fields(buf, start, end):
        if key == 8:
            elem_type = a
        elif key == 18:
            dims = tuple([_dim(buf, c, d) for k, c, d in read_fields(buf, a, b) if k == 10])
    return TypeProto(kind, elem_type, dims)


def _dim(buf: Buffer, start: int, end: int) -> int | str | None:
    for key, a, b in read_fields(buf, start, end):
        if key == 8:
            return to_int64(a)
        if key == 18:
            return read_string(buf, a, b)
    return None


def element_type(code: int, owner: str) -> DType:
    """TensorProto.DataType -> the element type. LoadError, with its owner, for 0 (undefined) and for an unknown one."""
    dtype = DTYPE_OF_CODE.get(code, DType.UNDEFINED)
    if dtype is DType.UNDEFINED:
        raise LoadError(f"{owner} has the element type {code}, which is none of ONNX's", REMEDY)
    return dtype


SMALL_INTEGER, SMALL_FLOAT = 4096, 64
"""Elements of the largest integer or bool tensor, and of the largest float tensor, that are decoded."""

Chunk = tuple[int, int, int]


class TensorProto(NamedTuple):
    """A stored tensor; payload holds the offsets of its elements in buf, as (field key, begin, end)."""

    name: str
    dims: tuple[int, ...]
    data_type: int
    payload: tuple[Chunk, ...]
    external: bool
    buf: Buffer

    @property
    def dtype(self) -> DType:
        """The element type. LoadError for an unknown one."""
        return element_type(self.data_type, f"the tensor {self.name!r}")

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


def parse_tensor(buf: Buffer, start: int, end: int) -> TensorProto:
    """Reads a TensorProto; external data is not looked at."""
    name, dims, data_type, external = "", [], 0, False
    payload: list[Chunk] = []
    for key, a, b in read_fields(buf, start, end):
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
    """A tensor stored as its non-zero values and their indices; dims is its full shape."""

    values: TensorProto
    indices: TensorProto
    dims: tuple[int, ...]

    @property
    def storage(self) -> SparseStorage:
        """How many values are stored, and the bytes of their indices (int64)."""
        return SparseStorage(math.prod(self.values.dims), math.prod(self.indices.dims) * 8)

    def type(self) -> TensorType:
        """The type of the full tensor, without elements."""
        return TensorType(self.values.dtype, self.dims)


def parse_sparse_tensor(buf: Buffer, start: int, end: int) -> SparseTensorProto:
    """Reads a SparseTensorProto; the elements of its indices are not looked at."""
    values = indices = TensorProto("", (), 0, (), False, buf)
    dims = []
    for key, a, b in read_fields(buf, start, end):
        if key == 10:
            values = parse_tensor(buf, a, b)
        elif key == 18:
            indices = parse_tensor(buf, a, b)
        elif key == 24:
            dims.append(a)
        elif key == 26:
            dims += read_varints(buf, a, b)
    return SparseTensorProto(values, indices, tuple(dims))


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
        values = _decode_typed_data(t, dtype)
        if len(values) != n:
            raise LoadError(f"the tensor {t.name!r} has {len(values)} elements where its shape needs {n}", REMEDY)
    return tuple(map(_bfloat16, values)) if dtype is DType.BFLOAT16 else values


def _bfloat16(bits: int) -> float:
    value: float = struct.unpack("<f", struct.pack("<I", (bits & 0xFFFF) << 16))[0]
    return value


def _float16(bits: int) -> float:
    value: float = struct.unpack("<e", struct.pack("<H", bits & 0xFFFF))[0]
    return value


def _decode_typed_data(t: TensorProto, dtype: DType) -> tuple[Any, ...]:
    """The elements in float_data, int32_data, int64_data, double_data or uint64_data."""
    elements: list[Any] = []
    if any((key in _FLOAT_DATA) != (dtype in (DType.FLOAT32, DType.FLOAT64)) for key, _, _ in t.payload):
        raise LoadError(f"the elements of the tensor {t.name!r} are of another type than {dtype}", REMEDY)
    for key, a, b in t.payload:
        if key in (37, 34):
            elements += struct.unpack_from(f"<{(b - a) // 4}f", t.buf, a)
        elif key in (81, 82):
            elements += struct.unpack_from(f"<{(b - a) // 8}d", t.buf, a)
        elif key in (40, 56, 88):
            elements.append(a)
        elif key in (42, 58, 90):
            elements += read_varints(t.buf, a, b)
    if dtype is DType.FLOAT16:
        return tuple(map(_float16, elements))
    if dtype is DType.BOOL:
        return tuple(map(bool, elements))
    return tuple(elements) if dtype.is_float or dtype.label.startswith("u") else tuple(map(to_int64, elements))
