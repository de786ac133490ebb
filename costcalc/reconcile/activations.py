"""Activations that a graph writes in several nodes: x · sigmoid(x), the GELU with its error function, hard-swish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from costcalc.ir import Node
from costcalc.reconcile.reading import Reading

GATES = {"Sigmoid": "silu", "Erf": "gelu", "HardSigmoid": "hard_swish", "Clip": "hard_swish"}
"""What makes a product of x and a function of x an activation."""

SIMPLE = {
    ("", "Relu"): "relu",
    ("", "LeakyRelu"): "leaky_relu",
    ("", "PRelu"): "prelu",
    ("", "Elu"): "elu",
    ("", "HardSwish"): "hard_swish",
    ("", "Swish"): "silu",
    ("", "Gelu"): "gelu",
    ("com.microsoft", "Gelu"): "gelu",
    ("com.microsoft", "FastGelu"): "gelu",
    ("com.microsoft", "QuickGelu"): "silu",
}
"""Activations that are one operator."""


class Activation(NamedTuple):
    """An activation: its kind, its nodes, the value that it is taken of and the value that it gives."""

    kind: str
    nodes: tuple[int, ...]
    x: str
    y: str


def activation(reading: Reading, index: int) -> Activation | None:
    """The activation that a node is, or is the last but one node of; None where it is none."""
    node = reading.graph.nodes[index]
    kind = SIMPLE.get((node.domain, node.op_type))
    if kind is None and node.op_type == "Clip" and bounds(reading, node) == (0, 6):
        kind = "relu6"
    if kind is not None:
        return Activation(kind, (index,), node.inputs[0], node.outputs[0])
    return _gated(reading, index, node) if node.op_type == "Mul" else None


def bounds(reading: Reading, node: Node) -> tuple[float | None, float | None]:
    """The limits of a Clip, from its attributes or its stored inputs."""
    low, high = (
        reading.number(node.inputs[i]) if len(node.inputs) > i else node.attributes.get(name)
        for i, name in ((1, "min"), (2, "max"))
    )
    return low, high


def _gated(reading: Reading, index: int, node: Node) -> Activation | None:
    """A product of x, or of a multiple of x, and a gate that is a function of x."""
    moving = reading.moving(node)
    if len(moving) != 2:
        return None
    a, b = (dict(_chain(reading, name)) for name in moving)
    x = next((value for value in a if value in b), None)
    if x is None:
        return None
    nodes = [i for chain in (a, b) for i in _behind(chain, x)]
    kinds = [GATES[op] for i in nodes if (op := reading.graph.nodes[i].op_type) in GATES]
    if not kinds:
        return None
    y, found = node.outputs[0], [*nodes, index]
    after = reading.only_reader(y)
    if kinds[0] != "silu" and after is not None and reading.scales(reading.graph.nodes[after]):
        found.append(after)
        y = reading.graph.nodes[after].outputs[0]
    return Activation(kinds[0], tuple(sorted(set(found))), x, y)


def _behind(chain: dict[str, int | None], x: str) -> Iterator[int]:
    """The nodes of a chain that stand behind x."""
    for value, index in chain.items():
        if value == x:
            return
        if index is not None:
            yield index


def _chain(reading: Reading, value: str) -> Iterator[tuple[str, int | None]]:
    """A value, and what it is a function of, back along gates and scales; each with the node that computes it."""
    for _ in range(LONGEST):
        index = reading.producers.get(value)
        yield value, index
        node = None if index is None else reading.graph.nodes[index]
        if node is None or not (node.op_type in GATES or reading.scales(node)):
            return
        value = reading.moving(node)[0]


LONGEST = 7
"""No gate is a longer chain."""
