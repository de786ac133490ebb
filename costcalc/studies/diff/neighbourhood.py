"""Layers → who reads whom, and a number for the neighbourhood of each: alike neighbourhoods have the same one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from costcalc.studies.diff.snapshot import SnapshotLayer

Edges = tuple[tuple[int, ...], ...]
"""The neighbours of each node, by index."""

SOURCES = 4
"""How many sources of a value are followed; a sum of fifty residual branches is known by the last ones."""


class Neighbourhood(NamedTuple):
    """Who gives what a layer reads, and who reads what it gives."""

    up: Edges
    down: Edges


def dataflow(layers: Sequence[SnapshotLayer]) -> Neighbourhood:
    """The dataflow between layers."""
    producer: dict[str, int] = {}
    up: list[tuple[int, ...]] = []
    for index, layer in enumerate(layers):
        sources = [producer[t.name] for t in layer.inputs if t.name in producer]
        up.append(tuple(dict.fromkeys(sources)))
        for tensor in layer.outputs:
            producer[tensor.name] = index
    return Neighbourhood(tuple(up), _reversed(up))


def contract(graph: Neighbourhood, selected: Sequence[bool]) -> Neighbourhood:
    """The dataflow between the layers that are kept, through those that are not (all get an entry)."""
    reach: list[tuple[int, ...]] = []
    up: list[tuple[int, ...]] = []
    for index, sources in enumerate(graph.up):
        found: set[int] = set()
        for source in sources:
            found.update((source,) if selected[source] else reach[source])
        nearest = tuple(sorted(found, reverse=True)[:SOURCES])
        reach.append(nearest)
        up.append(nearest if selected[index] else ())
    return Neighbourhood(tuple(up), _reversed(up))


def _reversed(up: Sequence[tuple[int, ...]]) -> Edges:
    down: list[list[int]] = [[] for _ in up]
    for index, sources in enumerate(up):
        for source in sources:
            down[source].append(index)
    return tuple(map(tuple, down))


class Numbers:
    """Gives equal things equal numbers, in both versions alike."""

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: dict[Hashable, int] = {}

    def of(self, thing: Hashable) -> int:
        """The number of a thing."""
        return self.known.setdefault(thing, len(self.known))


def lineage_labels(labels: Sequence[int], edges: Edges, order: Sequence[int], numbers: Numbers) -> list[int]:
    """A number for each node and everything behind it: its own label and its neighbours' numbers. order is such that
    neighbours come first."""
    found = [0] * len(labels)
    for index in order:
        found[index] = numbers.of((labels[index], tuple(sorted([found[i] for i in edges[index]]))))
    return found


def neighbourhood_labels(labels: Sequence[int], graph: Neighbourhood, radius: int, numbers: Numbers) -> list[int]:
    """Weisfeiler-Lehman: a number for each node and what stands within radius steps up and down."""
    found = list(labels)
    for _ in range(radius):
        found = [
            numbers.of((own, tuple(sorted([found[i] for i in up])), tuple(sorted([found[i] for i in down]))))
            for own, up, down in zip(found, graph.up, graph.down, strict=True)
        ]
    return found
