"""Reads a graph out of the wire format; its nodes stay where they stand."""

from __future__ import annotations

from costcalc.errors import LoadError
from costcalc.load.onnx_records import GraphProto, Span, ValueInfoProto
from costcalc.load.onnx_tensor import SparseTensorProto, TensorProto, sparse_tensor, tensor
from costcalc.load.onnx_types import value_info
from costcalc.load.wire import Buffer, damaged, fields, string

MOST_NODES = 1_000_000
"""Nodes of the largest graph that is read."""
SMALLEST = 3
"""Bytes of the smallest node, and of the smallest value: those that have an operator or a name."""


def add_node(spans: list[Span], at: int, end: int) -> None:
    """Remembers where a node stands; LoadError for one that can have no operator, and for too many."""
    if end - at < SMALLEST:
        raise damaged("a node has no operator", at)
    if len(spans) >= MOST_NODES:
        raise LoadError(f"a graph has more than {MOST_NODES:,} nodes", "simplify it")
    spans.append((at, end))


def add_name(seen: set[str], name: str, what: str, at: int) -> None:
    """Remembers a name that must be there, and once."""
    if not name:
        raise damaged(f"{what} has no name", at)
    if name in seen:
        raise damaged(f"{what} {name!r} is given twice", at)
    seen.add(name)


def graph(buf: Buffer, at: int, end: int) -> GraphProto:
    """Reads a GraphProto."""
    name = ""
    nodes: list[Span] = []
    initializers: list[TensorProto] = []
    sparse: list[SparseTensorProto] = []
    inputs: list[ValueInfoProto] = []
    outputs: list[ValueInfoProto] = []
    infos: list[Span] = []
    stored: set[str] = set()
    given: set[str] = set()
    for key, a, b in fields(buf, at, end):
        if key == 10:
            add_node(nodes, a, b)
        elif key == 18:
            name = string(buf, a, b)
        elif key == 42:
            initializers.append(tensor(buf, a, b))
            add_name(stored, initializers[-1].name, "an initializer", a)
        elif key == 90:
            inputs.append(value_info(buf, a, b))
            add_name(given, inputs[-1].name, "an input", a)
        elif key == 98:
            outputs.append(value_info(buf, a, b))
            if not outputs[-1].name:
                raise damaged("an output has no name", a)
        elif key == 106 and b - a >= SMALLEST:
            infos.append((a, b))
        elif key == 122:
            sparse.append(sparse_tensor(buf, a, b))
            add_name(stored, sparse[-1].values.name, "an initializer", a)
    lists = (tuple(nodes), tuple(initializers), tuple(sparse), tuple(inputs), tuple(outputs), tuple(infos))
    return GraphProto(name, *lists, buf)
