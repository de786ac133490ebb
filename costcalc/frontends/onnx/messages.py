"""The messages of onnx.proto that costing needs, as light records: nodes and payloads stay in the file until they are
asked for, documentation and metadata are passed over.

Reads the types that an ONNX file declares: ValueInfoProto and TypeProto.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from costcalc.core.errors import LoadError
from costcalc.frontends.onnx.tensor import SparseTensorProto, TensorProto
from costcalc.frontends.onnx.wire import REMEDY, Buffer, read_fields, read_string, to_int64

Span = tuple[int, int]


class TypeProto(NamedTuple):
    """kind is tensor, sparse, sequence, optional, map, opaque or "" (not given). A tensor's dims hold ints, names, or
    None for what is not given; dims is None where even the rank is not. element is a sequence's or optional's."""

    kind: str = ""
    elem_type: int = 0
    dims: tuple[int | str | None, ...] | None = None
    element: TypeProto | None = None


class ValueInfoProto(NamedTuple):
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
    """node and value_info tell where the messages stand in buf."""

    name: str
    node: tuple[Span, ...]
    initializer: tuple[TensorProto, ...]
    sparse_initializer: tuple[SparseTensorProto, ...]
    input: tuple[ValueInfoProto, ...]
    output: tuple[ValueInfoProto, ...]
    value_info: tuple[Span, ...]
    buf: Buffer


class FunctionProto(NamedTuple):
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
    ir_version: int
    producer: str
    opset: dict[str, int]
    graph: GraphProto | None
    functions: tuple[FunctionProto, ...]


def parse_value_info(buf: Buffer, at: int, end: int) -> ValueInfoProto:
    """Reads a ValueInfoProto."""
    name, type_ = "", TypeProto()
    for key, a, b in read_fields(buf, at, end):
        if key == 10:
            name = read_string(buf, a, b)
        elif key == 18:
            type_ = parse_type(buf, a, b)
    return ValueInfoProto(name, type_)


_KINDS = {10: "tensor", 34: "sequence", 42: "map", 66: "sparse", 74: "optional", 58: "opaque"}

_DEEPEST_TYPE = 16


def parse_type(buf: Buffer, at: int, end: int, depth: int = 0) -> TypeProto:
    """Reads a TypeProto."""
    if depth > _DEEPEST_TYPE:
        raise LoadError(f"types are nested more than {_DEEPEST_TYPE} deep (at byte {at})", REMEDY)
    for key, a, b in read_fields(buf, at, end):
        kind = _KINDS.get(key)
        if kind in ("tensor", "sparse"):
            return _tensor_type(kind, buf, a, b)
        if kind in ("sequence", "optional"):
            spans = [(c, d) for k, c, d in read_fields(buf, a, b) if k == 10]
            return TypeProto(kind, element=parse_type(buf, *spans[-1], depth + 1) if spans else None)
        if kind:
            return TypeProto(kind)
    return TypeProto()


def _tensor_type(kind: str, buf: Buffer, at: int, end: int) -> TypeProto:
    elem_type, dims = 0, None
    for key, a, b in read_fields(buf, at, end):
        if key == 8:
            elem_type = a
        elif key == 18:
            dims = tuple([_dim(buf, c, d) for k, c, d in read_fields(buf, a, b) if k == 10])
    return TypeProto(kind, elem_type, dims)


def _dim(buf: Buffer, at: int, end: int) -> int | str | None:
    for key, a, b in read_fields(buf, at, end):
        if key == 8:
            return to_int64(a)
        if key == 18:
            return read_string(buf, a, b)
    return None
