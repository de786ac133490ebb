"""Builds small ONNX models in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

from onnx import FunctionProto, NodeProto, TensorProto, ValueInfoProto, helper


def info(name: str, kind: int = TensorProto.FLOAT, shape: Sequence[int | str | None] | None = None) -> ValueInfoProto:
    """An input or output of a graph; without a shape, not even the rank is known."""
    return helper.make_tensor_value_info(name, kind, shape)


def weight(name: str, *shape: int, kind: int = TensorProto.FLOAT) -> TensorProto:
    """A stored tensor of zeros."""
    data = bytes(helper.tensor_dtype_to_np_dtype(kind).itemsize * prod(shape))
    return helper.make_tensor(name, kind, shape, data, raw=True)


def model(
    nodes: Iterable[NodeProto],
    inputs: Iterable[ValueInfoProto],
    outputs: Iterable[str],
    stored: Iterable[TensorProto] = (),
    functions: Iterable[FunctionProto] = (),
    opsets: Mapping[str, int] | None = None,
    name: str = "g",
) -> bytes:
    """A serialized model; opsets are the versions by domain, of ONNX's own 17 unless they say otherwise. The outputs'
    types are left open."""
    graph = helper.make_graph(list(nodes), name, list(inputs), [info(output) for output in outputs], list(stored))
    imports = [helper.make_opsetid(*item) for item in {"": 17, **(opsets or {})}.items()]
    proto: Any = helper.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=9)
    data: bytes = proto.SerializeToString()
    return data
