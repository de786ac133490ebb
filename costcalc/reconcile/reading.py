"""A graph as it is read by a counter: what is stored, who computes a value, who reads it, and walks along them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from costcalc.cost import NodeCost, cost_graph
from costcalc.dim import Dim
from costcalc.ir import Graph, Node, TensorType

VIEWS = frozenset(("Identity", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Gather", "Slice", "Split",
                   "Cast", "Dropout", "Expand"))  # fmt: skip
"""What gives the same numbers, or some of them, in another shape."""

SCALES = frozenset(("Mul", "Div", "Add", "Sub"))
"""Operators that scale or shift where their other operand is one stored number."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A graph with its costs; producers gives the index of the node that computes a value, readers those that read its
    elements; stored are the values that no input's elements change: stored tensors, shapes, what is computed of
    them; tables those of them that are several decimals, or are computed of stored ones and of no shape."""

    graph: Graph
    costs: tuple[NodeCost, ...]
    producers: Mapping[str, int]
    readers: Mapping[str, tuple[int, ...]]
    stored: frozenset[str]
    tables: frozenset[str]

    def type(self, value: str) -> TensorType:
        return self.graph.types[value]

    def elements(self, value: str) -> Dim:
        return self.graph.types[value].elements

    def producer(self, value: str) -> Node | None:
        index = self.producers.get(value)
        return None if index is None else self.graph.nodes[index]

    def moving(self, node: Node) -> tuple[str, ...]:
        """The inputs that are not stored."""
        return tuple(name for name in node.inputs if name and name not in self.stored)

    def scalar(self, value: str) -> bool:
        """Whether a value is one stored number."""
        return value in self.stored and self.type(value).shape is not None and self.elements(value) == 1

    def number(self, value: str) -> float | None:
        """The one number that a stored value holds, where it is known."""
        held = self.type(value).value if value else None
        return float(held[0]) if held is not None and len(held) == 1 and not hasattr(held[0], "terms") else None

    def scales(self, node: Node) -> bool:
        """Whether a node scales or shifts one value by a stored number."""
        moving = self.moving(node)
        return node.op_type in SCALES and len(moving) == 1 and all(map(self.scalar, set(node.inputs) - {*moving, ""}))

    def back(self, value: str, through: Iterable[str] = VIEWS, scaled: bool = False) -> str:
        """The value that another one is a view of; with scaled, of which it is a view times a number."""
        while (node := self.producer(value)) is not None:
            moving = self.moving(node)
            if len(moving) != 1 or not (node.op_type in through or (scaled and self.scales(node))):
                break
            value = moving[0]
        return value

    def only_reader(self, value: str) -> int | None:
        """The index of the node that reads a value, where there is exactly one."""
        found = self.readers.get(value, ())
        return found[0] if len(found) == 1 and value not in self.graph.outputs else None


def read(graph: Graph) -> Reading:
    """A graph's Reading."""
    computed = {name for node in graph.nodes for name in node.outputs}
    moving = computed.union(graph.inputs).difference(graph.initializers)
    stored = {name for node in graph.nodes for name in node.inputs if name and name not in moving}
    producers: dict[str, int] = {}
    readers: dict[str, list[int]] = {}
    tables = {name for name in stored if _is_table(graph.types[name])}
    shapes: set[str] = set()
    for index, node in enumerate(graph.nodes):
        shape_only = node.op_type in ("Shape", "Size")
        for name in () if shape_only else dict.fromkeys(filter(None, node.inputs)):
            readers.setdefault(name, []).append(index)
        producers.update((name, index) for name in node.outputs if name)
        known = all(name in stored for name in node.inputs if name) and not node.op_type.startswith("Random")
        if known or shape_only:
            stored.update(filter(None, node.outputs))
        if shape_only or (known and not shapes.isdisjoint(node.inputs)):
            shapes.update(node.outputs)
        elif known:
            tables.update(name for name in node.outputs if name and _is_table(graph.types[name]))
    held = {name: tuple(indexes) for name, indexes in readers.items()}
    return Reading(graph, cost_graph(graph), producers, held, frozenset(stored), frozenset(tables))


def _is_table(t: TensorType) -> bool:
    return t.dtype.is_float and t.shape is not None and t.elements != 1
