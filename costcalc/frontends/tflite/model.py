"""The tables of a `.tflite` file -> TfliteModel: its subgraphs with their tensors and operators, as plain data.

Field numbers are those of the schema (schema.fbs of LiteRT). Constants stay in the file: a tensor knows where its bytes
are, and only small ones are read, when a shape needs them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from costcalc.core.budget import MAX_RANK, check_limit
from costcalc.core.errors import LoadError
from costcalc.core.ir import DType, Quantisation, SparseStorage, TensorType, Value
from costcalc.frontends.tflite.flatbuffer import (
    REMEDY,
    Buffer,
    FlatTable,
    Vector,
    damage_error,
    read_numbers,
    read_root,
)
from costcalc.frontends.tflite.flexbuffer import MAX_OPTIONS, read_custom_options
from costcalc.frontends.tflite.operators import BUILTIN_OPERATORS, CUSTOM, ELEMENT_TYPES, read_attributes

VERSION = 3
"""The version of the schema; files of versions 0 to 2 were never released."""

_PLACEHOLDER = 127
"""The old field of an operator's code, of 8 bits, where the code is larger."""

VALUE_CODES = {DType.INT32: "i", DType.INT64: "q", DType.BOOL: "?", DType.INT16: "h", DType.UINT32: "I"}
"""Element types of the small constants that shapes are made of, by their codes in the struct module."""

MAX_VALUES = 512
"""Elements of the largest constant that is read."""


class Tensor(NamedTuple):
    """A tensor: its name ("" where it has none), its type as stored and the extents that may change (-1, else the
    same), and its data. data is None where it is computed, and Vector(0, n) where its n bytes lie in another file. code
    is that of its element type in the schema and shape its extents, also where its type has none; buffer is the index
    of its buffer, external the number of one outside the file (0: none)."""

    name: str
    type: TensorType
    signature: tuple[int, ...]
    data: Vector | None
    quantisation: Quantisation | None
    sparse: SparseStorage | None
    is_variable: bool
    has_rank: bool
    code: int
    shape: tuple[int, ...]
    buffer: int
    external: int = 0


class OperatorCall(NamedTuple):
    """A call of an operator: its name, whether it is a custom one, its inputs and outputs (tensors' indexes, -1 for an
    absent one), and its attributes."""

    name: str
    is_custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attributes: Mapping[str, Any]


class Subgraph(NamedTuple):
    """Tensors, and the operators between inputs and outputs, in execution order."""

    name: str
    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[OperatorCall, ...]


class Signature(NamedTuple):
    """An entry point of the file: its key, the subgraph that it runs, and what it calls that one's inputs and outputs,
    as (name, index of the tensor)."""

    key: str
    subgraph: int
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]


class TfliteModel(NamedTuple):
    """A file: its subgraphs, of which the first is the network unless a signature names another, its bytes, and where
    its buffers lie in them (None of an empty one)."""

    buffer: Buffer
    subgraphs: tuple[Subgraph, ...]
    signatures: tuple[Signature, ...]
    description: str
    buffers: tuple[Vector | None, ...]

    def values(self, tensor: Tensor) -> Value | None:
        """The elements of a small stored tensor of integers or truth values; None of any other."""
        code, elements = VALUE_CODES.get(tensor.type.dtype), tensor.type.elements
        if code is None or tensor.data is None or not tensor.data.offset or tensor.quantisation is not None:
            return None
        if not isinstance(elements, int) or elements > MAX_VALUES or tensor.type.nbytes != tensor.data.length:
            return None
        return read_numbers(self.buffer, Vector(tensor.data.offset, elements), code)


def read_model(buffer: Buffer) -> TfliteModel:
    """The bytes of a file -> its model. LoadError where it is damaged, or of another version."""
    root = read_root(buffer)
    version = root.number(0, "I")
    if version != VERSION:
        raise LoadError(f"it is of version {version} of the schema", f"version {VERSION} is read: convert it again")
    codes = [_operator_name(table) for table in root.tables(1)]
    buffers = [_find_data(table) for table in root.tables(4)]
    external = {table.number(0, "I"): Vector(0, table.number(3, "Q")) for table in root.tables(9)}
    subgraphs = tuple([_read_subgraph(table, codes, buffers, external) for table in root.tables(2)])
    if not subgraphs:
        raise LoadError("it holds no subgraph", REMEDY)
    signatures = tuple([_read_signature(table, subgraphs) for table in root.tables(7)])
    return TfliteModel(buffer, subgraphs, signatures, root.text(3), tuple(buffers))


def _read_signature(table: FlatTable, subgraphs: tuple[Subgraph, ...]) -> Signature:
    """A SignatureDef. LoadError where it names a subgraph or a tensor that is not there."""
    index = table.number(4, "I")
    if index >= len(subgraphs):
        raise damage_error(f"a signature runs subgraph {index:,} of {len(subgraphs):,}", table.position)
    tensors = len(subgraphs[index].tensors)
    names = [[(entry.text(0), entry.number(1, "I")) for entry in table.tables(field)] for field in (0, 1)]
    if any(i >= tensors for pairs in names for _, i in pairs):
        raise damage_error("a signature names a tensor that is not there", table.position)
    return Signature(table.text(2), index, tuple(names[0]), tuple(names[1]))


def _operator_name(table: FlatTable) -> tuple[str, bool]:
    """An OperatorCode -> (name, whether it is a custom operator). A code that the schema does not have is an unknown
    operator by its number."""
    code = table.number(0, "b")
    if code == _PLACEHOLDER or table.number(3, "i"):
        code = max(code if code != _PLACEHOLDER else 0, table.number(3, "i"))
    if code == CUSTOM:
        return table.text(1) or "CUSTOM", True
    if 0 <= code < len(BUILTIN_OPERATORS):
        return BUILTIN_OPERATORS[code], False
    return f"BUILTIN_{code}", False


def _find_data(table: FlatTable) -> Vector | None:
    """A Buffer -> where its bytes lie: in a vector of their own, or behind the flatbuffer (files beyond 2 GB), by
    offset and size; None where it has none. LoadError where they reach beyond the file."""
    data = table.vector(0, 1)
    if data.length:
        return data
    offset, size = table.number(1, "Q"), table.number(2, "Q")
    if offset <= 1 or not size:  # 1 stands for an offset that is not written yet
        return None
    if offset + size > len(table.buffer):
        raise damage_error(f"a buffer of {size:,} bytes at {offset:,} reaches beyond the file", table.position)
    return Vector(offset, size)


def _read_subgraph(
    table: FlatTable, codes: list[tuple[str, bool]], buffers: list[Vector | None], external: Mapping[int, Vector]
) -> Subgraph:
    tensors = tuple([_read_tensor(t, buffers, external) for t in table.tables(0)])
    operators = tuple([_read_operator(t, codes, len(tensors)) for t in table.tables(3)])
    inputs, outputs = (_read_indexes(table, field, len(tensors)) for field in (1, 2))
    return Subgraph(table.text(4), tensors, inputs, outputs, operators)


def _read_indexes(table: FlatTable, field: int, count: int) -> tuple[int, ...]:
    """A vector of tensors' indexes; -1 for one that is absent. LoadError for an index that no tensor has."""
    indexes = table.numbers(field, "i")
    if any(not -1 <= i < count for i in indexes):
        raise damage_error(f"an index of a tensor is not below {count:,}", table.position)
    return indexes


def _read_operator(table: FlatTable, codes: list[tuple[str, bool]], tensors: int) -> OperatorCall:
    index = table.number(0, "I")
    if index >= len(codes):
        raise damage_error(f"operator code {index:,} is not among the {len(codes):,} of the file", table.position)
    name, is_custom = codes[index]
    inputs, outputs = (_read_indexes(table, field, tensors) for field in (1, 2))
    attributes = read_custom_options(name, _find_options(table)) if is_custom else read_attributes(name, table)
    return OperatorCall(name, is_custom, inputs, outputs, attributes)


def _find_options(table: FlatTable) -> bytes:
    """The options of a custom operator: in a vector of their own, or behind the flatbuffer by offset and size; none
    where they are longer than options are."""
    data, size = table.vector(5, 1), table.number(10, "Q")
    if not data.length and size:
        data = Vector(table.number(9, "Q"), size)
        if data.offset + size > len(table.buffer):
            raise damage_error(f"options of {size:,} bytes reach beyond the file", table.position)
    return bytes(table.buffer[data.offset : data.offset + data.length]) if data.length <= MAX_OPTIONS else b""


def _read_tensor(table: FlatTable, buffers: list[Vector | None], external: Mapping[int, Vector]) -> Tensor:
    code = table.number(1, "b")
    if not 0 <= code < len(ELEMENT_TYPES):
        raise LoadError(f"the element type {code} is not known", "it was written for a newer schema")
    shape, signature = _read_shape(table, 0), _read_shape(table, 7)
    if min(shape, default=0) < 0:
        raise damage_error(f"a tensor has the shape {list(shape)}", table.position)
    if len(signature) != len(shape):
        signature = shape
    index = table.number(2, "I")
    if index >= len(buffers) and index:
        raise damage_error(f"buffer {index:,} is not among the {len(buffers):,} of the file", table.position)
    data, outside = buffers[index] if buffers else None, table.number(10, "I")
    if outside:
        data = external.get(outside)
    dtype = ELEMENT_TYPES[code]
    type_ = TensorType(dtype, shape if dtype is not DType.UNDEFINED else None)
    sparse = _read_sparsity(table.table(6), type_, data)
    if data is not None and sparse is None and dtype.bits and type_.nbytes != data.length:
        raise damage_error(f"a tensor of {type_.nbytes} bytes has {data.length:,} in the file", table.position)
    return Tensor(
        table.text(3),
        type_,
        signature,
        data,
        _read_quantisation(table.table(4)),
        sparse,
        bool(table.number(5, "?")),
        bool(table.number(8, "?")) or bool(shape),
        code,
        shape,
        index,
        outside,
    )


def _read_shape(table: FlatTable, field: int) -> tuple[int, ...]:
    vector = table.vector(field, 4)
    check_limit(vector.length, MAX_RANK, "axes of a tensor")
    return read_numbers(table.buffer, vector, "i")


def _read_quantisation(table: FlatTable | None) -> Quantisation | None:
    """QuantizationParameters -> how many scales; None where there are none: min and max alone quantise nothing."""
    if table is None:
        return None
    is_blockwise = table.number(4, "B") == 2  # QuantizationDetails: BlockwiseQuantization
    scales, zero_points = table.vector(2, 4), table.vector(3, 8)
    if not scales.length and not is_blockwise:
        return None
    scale = struct.unpack_from("<f", table.buffer, scales.offset)[0] if scales.length else 0.0
    zero_point = struct.unpack_from("<q", table.buffer, zero_points.offset)[0] if zero_points.length else 0
    bounds = table.vector(0, 4).length + table.vector(1, 4).length
    axis = table.number(6, "i")
    return Quantisation(scales.length, axis, is_blockwise, scale, zero_point, zero_points.length, bounds)


def _read_sparsity(table: FlatTable | None, type_: TensorType, data: Vector | None) -> SparseStorage | None:
    """SparsityParameters of a stored tensor -> its values, by the bytes that the file has of them, and the bytes of
    its indices; None where it is dense."""
    if table is None or data is None or not type_.dtype.bits:
        return None
    index_bytes = 0
    for dimension in table.tables(2):
        for kind, field in ((2, 3), (4, 5)):
            size = {1: 4, 2: 2, 3: 1}.get(dimension.number(kind, "B"))  # Int32Vector, Uint16Vector, Uint8Vector
            indices = dimension.table(field) if size else None
            index_bytes += indices.vector(0, size).length * size if indices is not None and size else 0
    return SparseStorage(data.length * 8 // type_.dtype.bits, index_bytes)
