"""The messages of onnx.proto that costing needs, as light records over the file: nodes and payloads stay where they are
until they are asked for, documentation and metadata are passed over."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from costcalc.errors import LoadError
from costcalc.ir import TensorType
from costcalc.load.onnx_tensor import SparseTensorProto, TensorProto, sparse_tensor, tensor
from costcalc.load.wire import REMEDY, Buffer, fields, signed, string, varints

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


def model(buf: Buffer) -> ModelProto:
    """Reads a ModelProto; LoadError where the bytes are none."""
    ir_version, producer, opset = 0, "", {}
    spans: list[Span] = []
    functions: list[FunctionProto] = []
    for key, a, b in fields(buf, 0, len(buf)):
        if key == 8:
            ir_version = a
        elif key == 18:
            producer = string(buf, a, b)
        elif key == 66:
            domain, version = _opset(buf, a, b)
            opset[domain] = version
        elif key == 58:
            spans.append((a, b))
        elif key == 202:
            functions.append(_function(buf, a, b))
    return ModelProto(ir_version, producer, opset, graph(buf, *spans[-1]) if spans else None, tuple(functions))


def _opset(buf: Buffer, at: int, end: int) -> tuple[str, int]:
    domain, version = "", 1
    for key, a, b in fields(buf, at, end):
        if key == 10:
            domain = plain_domain(string(buf, a, b))
        elif key == 16:
            version = signed(a)
    return domain, version


def plain_domain(domain: str) -> str:
    """ "ai.onnx" is the other name of the default domain ""."""
    return "" if domain == "ai.onnx" else domain


def graph(buf: Buffer, at: int, end: int) -> GraphProto:
    """Reads a GraphProto."""
    name = ""
    nodes: list[Span] = []
    initializers: list[TensorProto] = []
    sparse: list[SparseTensorProto] = []
    inputs: list[ValueInfoProto] = []
    outputs: list[ValueInfoProto] = []
    infos: list[Span] = []
    for key, a, b in fields(buf, at, end):
        if key == 10:
            nodes.append((a, b))
        elif key == 18:
            name = string(buf, a, b)
        elif key == 42:
            initializers.append(tensor(buf, a, b))
        elif key == 90:
            inputs.append(value_info(buf, a, b))
        elif key == 98:
            outputs.append(value_info(buf, a, b))
        elif key == 106:
            infos.append((a, b))
        elif key == 122:
            sparse.append(sparse_tensor(buf, a, b))
    lists = (tuple(nodes), tuple(initializers), tuple(sparse), tuple(inputs), tuple(outputs), tuple(infos))
    return GraphProto(name, *lists, buf)


def _function(buf: Buffer, at: int, end: int) -> FunctionProto:
    name = domain = overload = ""
    inputs: list[str] = []
    outputs: list[str] = []
    defaults: list[AttributeProto] = []
    nodes: list[Span] = []
    opset: dict[str, int] = {}
    for key, a, b in fields(buf, at, end):
        if key == 58:
            nodes.append((a, b))
        elif key == 10:
            name = string(buf, a, b)
        elif key == 34:
            inputs.append(string(buf, a, b))
        elif key == 42:
            outputs.append(string(buf, a, b))
        elif key == 82:
            domain = plain_domain(string(buf, a, b))
        elif key == 90:
            defaults.append(attribute(buf, a, b))
        elif key == 106:
            overload = string(buf, a, b)
        elif key == 74:
            where, version = _opset(buf, a, b)
            opset[where] = version
    return FunctionProto(
        name, domain, overload, tuple(inputs), tuple(outputs), tuple(defaults), tuple(nodes), opset, buf
    )


_SCOPES = b"\x0a\x1apkg.torch.onnx.name_scopes\x12"

Cache = dict[bytes, AttributeProto]
_CACHED_BYTES = 128
"""Attributes up to this size are read once per spelling: networks repeat kernel_shape = [3, 3] a hundred times."""


def nodes(buf: Buffer, spans: tuple[Span, ...], cache: Cache) -> Iterator[NodeProto]:
    """Reads nodes one by one."""
    for at, end in spans:
        op_type = domain = overload = name = scopes = ""
        inputs: list[str] = []
        outputs: list[str] = []
        attributes: list[AttributeProto] = []
        for key, a, b in fields(buf, at, end):
            if key == 10:
                inputs.append(str(buf[a:b], "utf8", "backslashreplace"))
            elif key == 18:
                outputs.append(str(buf[a:b], "utf8", "backslashreplace"))
            elif key == 42:
                if b - a > _CACHED_BYTES:
                    attributes.append(attribute(buf, a, b))
                    continue
                spelling = buf[a:b]
                known = cache.get(spelling)
                if known is None:
                    known = cache[spelling] = attribute(buf, a, b)
                attributes.append(known)
            elif key == 26:
                name = str(buf[a:b], "utf8", "backslashreplace")
            elif key == 34:
                op_type = str(buf[a:b], "utf8", "backslashreplace")
            elif key == 58:
                domain = plain_domain(string(buf, a, b))
            elif key == 66:
                overload = string(buf, a, b)
            elif key == 74 and buf[a : a + len(_SCOPES)] == _SCOPES:
                scopes = next((string(buf, c, d) for k, c, d in fields(buf, a, b) if k == 18), "")
        yield NodeProto(op_type, domain, overload, name, tuple(inputs), tuple(outputs), tuple(attributes), scopes)


_EMPTY = {1: 0.0, 2: 0, 3: "", 6: (), 7: (), 8: (), 9: (), 10: (), 12: (), 14: ()}
"""AttributeProto.type -> the value where the field itself is left out: proto3 writers omit zeros and empty lists."""


def attribute(buf: Buffer, at: int, end: int) -> AttributeProto:
    """Reads an AttributeProto."""
    name = ref = ""
    kind = 0
    value: Any = None
    many: list[Any] = []
    for key, a, b in fields(buf, at, end):
        if key == 10:
            name = string(buf, a, b)
        elif key == 160:
            kind = a
        elif key == 24:
            value = signed(a)
        elif key == 64:
            many.append(signed(a))
        elif key == 66:
            many += map(signed, varints(buf, a, b))
        elif key == 21:
            (value,) = struct.unpack_from("<f", buf, a)
        elif key in (61, 58):
            many += struct.unpack_from(f"<{(b - a) // 4}f", buf, a)
        elif key == 34:
            value = string(buf, a, b)
        elif key == 74:
            many.append(string(buf, a, b))
        elif key in _MESSAGES:
            value = _MESSAGES[key](buf, a, b)
        elif key in _MESSAGE_LISTS:
            many.append(_MESSAGE_LISTS[key](buf, a, b))
        elif key == 170:
            ref = string(buf, a, b)
    if many or kind in (6, 7, 8, 9, 10, 12, 14):
        value = tuple(many)
    elif value is None:
        value = _EMPTY.get(kind)
    return AttributeProto(name, value, ref)


def value_info(buf: Buffer, at: int, end: int) -> ValueInfoProto:
    """Reads a ValueInfoProto."""
    name, type_ = "", TypeProto()
    for key, a, b in fields(buf, at, end):
        if key == 10:
            name = string(buf, a, b)
        elif key == 18:
            type_ = type_proto(buf, a, b)
    return ValueInfoProto(name, type_)


_KINDS = {10: "tensor", 34: "sequence", 42: "map", 66: "sparse", 74: "optional", 58: "opaque"}
_DEEPEST_TYPE = 16


def type_proto(buf: Buffer, at: int, end: int, depth: int = 0) -> TypeProto:
    """Reads a TypeProto."""
    if depth > _DEEPEST_TYPE:
        raise LoadError(f"types are nested more than {_DEEPEST_TYPE} deep (at byte {at})", REMEDY)
    for key, a, b in fields(buf, at, end):
        kind = _KINDS.get(key)
        if kind in ("tensor", "sparse"):
            return _tensor_type(kind, buf, a, b)
        if kind in ("sequence", "optional"):
            spans = [(c, d) for k, c, d in fields(buf, a, b) if k == 10]
            return TypeProto(kind, element=type_proto(buf, *spans[-1], depth + 1) if spans else None)
        if kind:
            return TypeProto(kind)
    return TypeProto()


def _tensor_type(kind: str, buf: Buffer, at: int, end: int) -> TypeProto:
    elem_type, dims = 0, None
    for key, a, b in fields(buf, at, end):
        if key == 8:
            elem_type = a
        elif key == 18:
            dims = tuple([_dim(buf, c, d) for k, c, d in fields(buf, a, b) if k == 10])
    return TypeProto(kind, elem_type, dims)


def _dim(buf: Buffer, at: int, end: int) -> int | str | None:
    for key, a, b in fields(buf, at, end):
        if key == 8:
            return signed(a)
        if key == 18:
            return string(buf, a, b)
    return None


def _dense(buf: Buffer, at: int, end: int) -> TensorType:
    return tensor(buf, at, end).type()


def _sparse(buf: Buffer, at: int, end: int) -> TensorType:
    return sparse_tensor(buf, at, end).type()


_MESSAGES = {42: _dense, 50: graph, 114: type_proto, 178: _sparse}
_MESSAGE_LISTS = {82: _dense, 90: graph, 122: type_proto, 186: _sparse}
