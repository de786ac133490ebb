"""What a body added to the builder: forgotten where it is not taken, multiplied where it runs several times."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from costcalc.dim import Dim
from costcalc.load.onnx_walk import Walker


class Mark(NamedTuple):
    """How much a walker and its builder hold."""

    types: int
    nodes: int
    initializers: int
    notes: int
    data_symbols: int
    choices: int


def mark(walker: Walker) -> Mark:
    """Remembers how much is there."""
    b = walker.builder
    return Mark(len(b.types), len(b.nodes), len(b.initializers), len(b.notes), len(b.data_symbols), len(walker.choices))


def rollback(walker: Walker, start: Mark) -> None:
    """Forgets what was added since."""
    b = walker.builder
    for held, size in (
        (b.types, start.types),
        (b.initializers, start.initializers),
        (b.data_symbols, start.data_symbols),
    ):
        for key in list(islice(held, size, None)):
            del held[key]
    for node in b.nodes[start.nodes :]:
        walker.used.pop(node.name, None)
    del b.nodes[start.nodes :]
    del b.notes[start.notes :]
    del walker.choices[start.choices :]
    walker.defined.constants = [name for name in walker.defined.constants if name in b.types]


def repeat(walker: Walker, start: Mark, times: Dim) -> None:
    """Multiplies how often the nodes added since run."""
    nodes = walker.builder.nodes
    nodes[start.nodes :] = [replace(n, count=n.count * times) for n in nodes[start.nodes :]]
