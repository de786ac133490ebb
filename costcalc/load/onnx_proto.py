"""Reads models and functions out of the wire format."""

from __future__ import annotations

from costcalc.load.onnx_graphs import add_node, graph
from costcalc.load.onnx_nodes import attribute, plain_domain
from costcalc.load.onnx_records import AttributeProto, FunctionProto, ModelProto, Span
from costcalc.load.wire import Buffer, damaged, fields, signed, string


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


def _function(buf: Buffer, at: int, end: int) -> FunctionProto:
    name = domain = overload = ""
    inputs: list[str] = []
    outputs: list[str] = []
    defaults: list[AttributeProto] = []
    nodes: list[Span] = []
    opset: dict[str, int] = {}
    for key, a, b in fields(buf, at, end):
        if key == 58:
            add_node(nodes, a, b)
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
    if not name:
        raise damaged("a function has no name", at)
    return FunctionProto(
        name, domain, overload, tuple(inputs), tuple(outputs), tuple(defaults), tuple(nodes), opset, buf
    )
