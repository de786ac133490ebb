"""Bytes in protobuf's wire format -> ModelProto, GraphProto, functions, nodes and attributes.

Nodes of a graph stay in the buffer until they are read one by one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from sys import intern
from typing import Any

from costcalc.core.errors import LoadError
from costcalc.core.ir import TensorType
from costcalc.frontends.onnx.messages import (
    AttributeProto,
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    Span,
    SparseTensorProto,
    TensorProto,
    ValueInfoProto,
    parse_sparse_tensor,
    parse_tensor,
    parse_type,
    parse_value_info,
)
from costcalc.frontends.onnx.wire import Buffer, damage_error, read_fields, read_string, read_varints, to_int64

MAX_NODES = 1_000_000
"""Nodes of the largest graph that is read."""

MIN_NODE_BYTES = 3
"""Bytes of the smallest node, and of the smallest value: those that have an operator or a name."""


def add_node(spans: list[Span], start: int, end: int) -> None:
    """Adds the offsets of a node to the spans; LoadError for a message that can hold no operator, and for too many
    nodes."""
    if end - start < MIN_NODE_BYTES:
        raise damage_error("a node has no operator", start)
    if len(spans) >= MAX_NODES:
        raise LoadError(f"a graph has more than {MAX_NODES:,} nodes", "simplify it")
    spans.append((start, end))


def add_name(names: set[str], name: str, owner: str, start: int) -> None:
    """Adds a name to those before. LoadError where it is empty or occurs twice."""
    if not name:
        raise damage_error(f"{owner} has no name", start)
    if name in names:
        raise damage_error(f"{owner} {name!r} is given twice", start)
    names.add(name)


def parse_graph(buf: Buffer, start: int, end: int) -> GraphProto:
    """Reads a GraphProto."""
    name = ""
    nodes: list[Span] = []
    initializers: list[TensorProto] = []
    sparse: list[SparseTensorProto] = []
    inputs: list[ValueInfoProto] = []
    outputs: list[ValueInfoProto] = []
    infos: list[Span] = []
    stored_names: set[str] = set()
    input_names: set[str] = set()
    for key, a, b in read_fields(buf, start, end):
        if key == 10:
            add_node(nodes, a, b)
        elif key == 18:
            name = read_string(buf, a, b)
        elif key == 42:
            initializers.append(parse_tensor(buf, a, b))
            add_name(stored_names, initializers[-1].name, "an initializer", a)
        elif key == 90:
            inputs.append(parse_value_info(buf, a, b))
            add_name(input_names, inputs[-1].name, "an input", a)
        elif key == 98:
            outputs.append(parse_value_info(buf, a, b))
            if not outputs[-1].name:
                raise damage_error("an output has no name", a)
        elif key == 106 and b - a >= MIN_NODE_BYTES:
            infos.append((a, b))
        elif key == 122:
            sparse.append(parse_sparse_tensor(buf, a, b))
            add_name(stored_names, sparse[-1].values.name, "an initializer", a)
    lists = (tuple(nodes), tuple(initializers), tuple(sparse), tuple(inputs), tuple(outputs), tuple(infos))
    return GraphProto(name, *lists, buf)


def normalise_domain(domain: str) -> str:
    """ "ai.onnx" is the other name of the default domain ""."""
    return "" if domain == "ai.onnx" else domain


_SCOPES = b"\x0a\x1apkg.torch.onnx.name_scopes\x12"

Cache = dict[bytes, AttributeProto]

_CACHED_BYTES = 128
"""Attributes up to this size are read once per spelling: networks repeat kernel_shape = [3, 3] a hundred times."""


def parse_nodes(buf: Buffer, spans: tuple[Span, ...], cache: Cache) -> Iterator[NodeProto]:
    """Offsets of nodes -> the nodes, one by one. Names of values are interned: each is looked up some ten times, and a
    lookup of the same object compares no letters."""
    for start, end in spans:
        op_type = domain = overload = name = scopes = ""
        inputs: list[str] = []
        outputs: list[str] = []
        attributes: list[AttributeProto] = []
        for key, a, b in read_fields(buf, start, end):
            if key == 10:
                inputs.append(intern(str(buf[a:b], "utf8", "backslashreplace")))
            elif key == 18:
                outputs.append(intern(str(buf[a:b], "utf8", "backslashreplace")))
            elif key == 42:
                if b - a > _CACHED_BYTES:
                    attributes.append(parse_attribute(buf, a, b))
                    continue
                spelling = buf[a:b]
                cached = cache.get(spelling)
                if cached is None:
                    cached = cache[spelling] = parse_attribute(buf, a, b)
                attributes.append(cached)
            elif key == 26:
                name = str(buf[a:b], "utf8", "backslashreplace")
            elif key == 34:
                op_type = intern(str(buf[a:b], "utf8", "backslashreplace"))
            elif key == 58:
                domain = normalise_domain(read_string(buf, a, b))
            elif key == 66:
                overload = read_string(buf, a, b)
            elif key == 74 and buf[a : a + len(_SCOPES)] == _SCOPES:
                scopes = next((read_string(buf, c, d) for k, c, d in read_fields(buf, a, b) if k == 18), "")
        if not op_type:
            raise damage_error("a node has no operator", start)
        yield NodeProto(op_type, domain, overload, name, tuple(inputs), tuple(outputs), tuple(attributes), scopes)


_EMPTY = {1: 0.0, 2: 0, 3: "", 6: (), 7: (), 8: (), 9: (), 10: (), 12: (), 14: ()}
"""AttributeProto.type -> the value where the field itself is left out: proto3 writers omit zeros and empty lists."""


def parse_attribute(buf: Buffer, start: int, end: int) -> AttributeProto:
    """Reads an AttributeProto."""
    name = ref = ""
    kind = 0
    value: Any = None
    elements: list[Any] = []
    for key, a, b in read_fields(buf, start, end):
        if key == 10:
            name = read_string(buf, a, b)
        elif key == 160:
            kind = a
        elif key == 24:
            value = to_int64(a)
        elif key == 64:
            elements.append(to_int64(a))
        elif key == 66:
            elements += map(to_int64, read_varints(buf, a, b))
        elif key == 21:
            (value,) = struct.unpack_from("<f", buf, a)
        elif key in (61, 58):
            elements += struct.unpack_from(f"<{(b - a) // 4}f", buf, a)
        elif key == 34:
            value = read_string(buf, a, b)
        elif key == 74:
            elements.append(read_string(buf, a, b))
        elif key in _MESSAGES:
            value = _MESSAGES[key](buf, a, b)
        elif key in _MESSAGE_LISTS:
            elements.append(_MESSAGE_LISTS[key](buf, a, b))
        elif key == 170:
            ref = read_string(buf, a, b)
    if elements or kind in (6, 7, 8, 9, 10, 12, 14):
        value = tuple(elements)
    elif value is None:
        value = _EMPTY.get(kind)
    return AttributeProto(name, value, ref)


def _dense(buf: Buffer, start: int, end: int) -> TensorType:
    return parse_tensor(buf, start, end).type()


def _sparse(buf: Buffer, start: int, end: int) -> TensorType:
    return parse_sparse_tensor(buf, start, end).type()


_MESSAGES: dict[int, Callable[[Buffer, int, int], Any]] = {42: _dense, 50: parse_graph, 114: parse_type, 178: _sparse}

_MESSAGE_LISTS: dict[int, Callable[[Buffer, int, int], Any]] = {
    82: _dense,
    90: parse_graph,
    122: parse_type,
    186: _sparse,
}


def parse_model(buf: Buffer) -> ModelProto:
    """Reads a ModelProto; LoadError where the bytes are none."""
    ir_version, producer, opset = 0, "", {}
    spans: list[Span] = []
    functions: list[FunctionProto] = []
    for key, a, b in read_fields(buf, 0, len(buf)):
        if key == 8:
            ir_version = a
        elif key == 18:
            producer = read_string(buf, a, b)
        elif key == 66:
            domain, version = _opset(buf, a, b)
            opset[domain] = version
        elif key == 58:
            spans.append((a, b))
        elif key == 202:
            functions.append(_function(buf, a, b))
    return ModelProto(ir_version, producer, opset, parse_graph(buf, *spans[-1]) if spans else None, tuple(functions))


def _opset(buf: Buffer, start: int, end: int) -> tuple[str, int]:
    domain, version = "", 1
    for key, a, b in read_fields(buf, start, end):
        if key == 10:
            domain = normalise_domain(read_string(buf, a, b))
        elif key == 16:
            version = to_int64(a)
    return domain, version


def _function(buf: Buffer, start: int, end: int) -> FunctionProto:
    name = domain = overload = ""
    inputs: list[str] = []
    outputs: list[str] = []
    defaults: list[AttributeProto] = []
    nodes: list[Span] = []
    opset: dict[str, int] = {}
    for key, a, b in read_fields(buf, start, end):
        if key == 58:
            add_node(nodes, a, b)
        elif key == 10:
            name = read_string(buf, a, b)
        elif key == 34:
            inputs.append(read_string(buf, a, b))
        elif key == 42:
            outputs.append(read_string(buf, a, b))
        elif key == 82:
            domain = normalise_domain(read_string(buf, a, b))
        elif key == 90:
            defaults.append(parse_attribute(buf, a, b))
        elif key == 106:
            overload = read_string(buf, a, b)
        elif key == 74:
            opset_domain, version = _opset(buf, a, b)
            opset[opset_domain] = version
    if not name:
        raise damage_error("a function has no name", start)
    return FunctionProto(
        name, domain, overload, tuple(inputs), tuple(outputs), tuple(defaults), tuple(nodes), opset, buf
    )
