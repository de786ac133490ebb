"""Reads a graph out of the wire format; its nodes stay where they stand."""

from __future__ import annotations

from costcalc.load.onnx_records import GraphProto, Span, ValueInfoProto
from costcalc.load.onnx_tensor import SparseTensorProto, TensorProto, sparse_tensor, tensor
from costcalc.load.onnx_types import value_info
from costcalc.load.wire import Buffer, fields, string


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
