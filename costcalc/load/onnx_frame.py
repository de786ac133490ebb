"""Names inside graphs, subgraphs and functions: what a name stands for in the builder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from costcalc.ir import TensorType
from costcalc.load.onnx_records import NodeProto


class Frame(NamedTuple):
    """Where names are looked up: env maps the names of this (sub)graph or function to the builder's; a subgraph sees
    its parent's too. values is the path before the names of what it defines, names that before its nodes' names.
    attributes are those of the enclosing function's call."""

    env: dict[str, str]
    parent: Frame | None = None
    values: str = ""
    names: str = ""
    scope: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = {}
    depth: int = 0

    def find(self, name: str) -> str:
        """The builder's name of a value."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.env:
                return frame.env[name]
            frame = frame.parent
        return name

    def define(self, name: str) -> str:
        """The builder's name of a value that this graph computes."""
        if not name or not self.values:
            return name
        if name not in self.env:
            self.env[name] = f"{self.values}/{name.lstrip('/')}"
        return self.env[name]


class Call(NamedTuple):
    """A node with its names and attributes as the builder knows them."""

    op_type: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    domain: str
    scope: tuple[str, ...]


def missing(frame: Frame, node: NodeProto, types: Mapping[str, TensorType], top: bool) -> str:
    """The first value that a node reads and nothing has computed yet, or ""."""
    for name in node.input:
        found = name if top else frame.find(name)
        if found and found not in types:
            return found
    return ""
