"""Footprint -> what is materialised at each spatial resolution, the most of it: arXiv:1801.04381, table 3."""

from __future__ import annotations

from typing import NamedTuple

from costcalc.core.traits import traits_of
from costcalc.dim import Dim, bounds, prod
from costcalc.memory.footprint import Footprint

SPATIAL = (
    "convolution",
    "transposed_convolution",
    "deformable_convolution",
    "causal_convolution",
    "pool",
    "global_pool",
)
"""Kinds of operators whose tensors are [N, C, spatial …]."""


class Resolution(NamedTuple):
    """The spatial extents, the most channels of one tensor there, that tensor, its bytes, and how many there are."""

    extents: tuple[Dim, ...]
    channels: Dim
    tensor: str
    nbytes: Dim
    tensors: int


def resolutions(found: Footprint) -> tuple[Resolution, ...]:
    """Each resolution at which a convolution or a pool reads or writes what is materialised, the largest first (in
    order of appearance while extents are open)."""
    graph, plan = found.graph, found.plan
    maps: set[str] = set()
    for step in plan.steps:
        if any(traits_of(graph.nodes[i]).kind in SPATIAL for i in step.nodes):
            maps.update(step.reads, step.writes)
    most: dict[tuple[Dim, ...], Resolution] = {}
    for buffer in plan.buffers:
        shape = graph.types[buffer.name].shape
        if shape is None or len(shape) < 3 or maps.isdisjoint(buffer.values):
            continue
        extents = shape[2:]
        now = Resolution(extents, shape[1], buffer.name, buffer.nbytes, 1)
        before = most.get(extents)
        if before is not None:
            larger = bounds(now.nbytes)[0] > bounds(before.nbytes)[0]
            now = (now if larger else before)._replace(tensors=before.tensors + 1)
        most[extents] = now
    if all(isinstance(d, int) for extents in most for d in extents):
        return tuple(sorted(most.values(), key=lambda r: bounds(prod(r.extents))[0], reverse=True))
    return tuple(most.values())
