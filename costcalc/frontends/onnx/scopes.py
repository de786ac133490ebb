"""A name in a graph, subgraph or function -> the name of that value in the builder."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, NamedTuple

from costcalc.core.ir import TensorType
from costcalc.frontends.onnx.messages import GraphProto, NodeProto
from costcalc.frontends.onnx.wire import read_fields

NameOwners = dict[str, tuple[str, str]]
"""The builder's names of values -> the frame and the name there that each stands for."""


class Frame(NamedTuple):
    """The names of a graph, subgraph or function call: env maps them to the builder's; a subgraph also finds its
    parent's. value_prefix is that of the names of the values that it defines, node_prefix that of its nodes' names.
    attributes are those of the enclosing function's call. origin is the graph's position in the file, the same in every
    call of a function and every trip of a loop."""

    env: dict[str, str]
    parent: Frame | None = None
    value_prefix: str = ""
    node_prefix: str = ""
    scope: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = {}
    depth: int = 0
    origin: tuple[Hashable, ...] = ()

    def find(self, name: str) -> str:
        """The builder's name of a value."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.env:
                return frame.env[name]
            frame = frame.parent
        return name

    def define(self, name: str, owners: NameOwners) -> str:
        """The builder's name of a value that this graph computes: no other value has it."""
        if not name or not self.value_prefix:
            return name
        if name not in self.env:
            path = unique = f"{self.value_prefix}/{name.lstrip('/')}"
            value, n = (self.value_prefix, name), 1
            while owners.setdefault(unique, value) != value:
                unique, n = f"{path}_{n}", n + 1
            self.env[name] = unique
        return self.env[name]


class ResolvedNode(NamedTuple):
    """A node with the builder's names of its values, and its attributes with references to the function's call
    replaced."""

    op_type: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    domain: str
    scope: tuple[str, ...]
    origin: tuple[Hashable, ...] = ()


def file_names(graph: GraphProto) -> NameOwners:
    """The names that the file's own graph needs."""
    return {name: ("", name) for name in _names(graph)}


def _names(graph: GraphProto) -> Iterator[str]:
    for items in (graph.input, graph.initializer):
        yield from (item.name for item in items)
    yield from (s.values.name for s in graph.sparse_initializer)
    for start, end in graph.node:
        yield from (
            str(graph.buf[a:b], "utf8", "backslashreplace")
            for key, a, b in read_fields(graph.buf, start, end)
            if key == 18
        )


def find_missing_value(frame: Frame, node: NodeProto, types: Mapping[str, TensorType], top: bool) -> str:
    """The first value that a node reads and nothing has computed yet, or ""."""
    for name in node.input:
        value = name if top else frame.find(name)
        if value and value not in types:
            return value
    return ""
