"""The messages of onnx.proto that costing needs, as light records: nodes and payloads stay in the file until they are
asked for, documentation and metadata are passed over."""

from __future__ import annotations

from typing import Any, NamedTuple

from costcalc.load.onnx_tensor import SparseTensorProto, TensorProto
from costcalc.load.wire import Buffer

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
