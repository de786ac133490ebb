"""Bytes of the activations that are kept for the backward pass: all of them, or with the blocks checkpointed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from costcalc.core.traits import traits_of
from costcalc.dim import Dim, bounds, maximum, remedy
from costcalc.errors import UndecidedError, UsageError
from costcalc.ir import Graph
from costcalc.training.flow import Flow
from costcalc.training.saved import Kept


class Checkpoint(NamedTuple):
    """Blocks at one depth of the block tree: only their inputs are kept, the rest is computed again, one block at a
    time. nodes are the indices of what is computed again."""

    depth: int
    blocks: int
    nodes: tuple[int, ...]
    nbytes: Dim


class Store:
    """Sizes of values; a view is its source, a weight takes no room of its own. Dropout, a view where a network is
    used, gives a new value where it is trained. What the body of a loop keeps is kept once a trip."""

    def __init__(self, graph: Graph, flow: Flow) -> None:
        self.graph, self.weights = graph, flow.weights
        self.source: dict[str, str] = {}
        self.runs: dict[str, Dim] = {}
        for node in graph.nodes:
            if node.count.__class__ is not int or node.count != 1:
                self.runs |= dict.fromkeys((*node.inputs, *node.outputs), node.count)
            if traits_of(node).view and traits_of(node).keeps != "mask":
                self.source[node.outputs[0]] = self.source.get(node.inputs[0], node.inputs[0])

    def roots(self, values: Iterable[str]) -> dict[str, None]:
        """The buffers of values, each once."""
        found = dict.fromkeys(self.source.get(v, v) for v in values if v)
        types = self.graph.types
        return {v: None for v in found if v not in self.weights and types[v].shape is not None}

    def nbytes(self, roots: Iterable[str]) -> Dim:
        """Their bytes; what is known before the network runs takes none."""
        inputs = self.graph.inputs
        total: Dim = 0
        for name in roots:
            kind = self.graph.types[name]
            if kind.value is None or name in inputs:
                total = total + kind.nbytes * self.runs.get(name, 1)
        return total


def all_kept(store: Store, kept: Mapping[int, Kept]) -> Dim:
    """Bytes where nothing is computed again; a value that several layers keep counts once."""
    values = [v for item in kept.values() for v in item.values]
    return store.nbytes(store.roots(values)) + _extra(kept.values())


def best(store: Store, kept: Mapping[int, Kept]) -> Checkpoint:
    """The depth of the block tree at which checkpoints leave the least to keep. UsageError where there is no block."""
    scopes = [node.scope for node in store.graph.nodes]
    depths = range(1, max(map(len, scopes), default=0) + 1)
    found = [_at(depth, scopes, store, kept) for depth in depths]
    if not found:
        raise UsageError("the model has no blocks to checkpoint", "leave --checkpoint out")
    least = found[0]
    for other in found[1:]:
        low, high = bounds(other.nbytes - least.nbytes)
        if low < 0 < high:
            raise UndecidedError("which blocks to checkpoint depends on open extents", remedy(other.nbytes))
        least = other if low < 0 else least
    return least


def _at(depth: int, scopes: Sequence[tuple[str, ...]], store: Store, kept: Mapping[int, Kept]) -> Checkpoint:
    blocks: dict[tuple[str, ...], list[int]] = {}
    for index, scope in enumerate(scopes):
        if len(scope) >= depth:
            blocks.setdefault(scope[:depth], []).append(index)
    blocks = {path: members for path, members in blocks.items() if any(i in kept for i in members)}
    again = {i for members in blocks.values() for i in members}
    always = store.roots(v for i, item in kept.items() if i not in again for v in item.values)
    nodes = store.graph.nodes
    for members in blocks.values():
        own = {v for i in members for v in nodes[i].outputs}
        always |= store.roots(v for i in members for v in nodes[i].inputs if v not in own)
    largest: Dim = 0
    for members in blocks.values():
        mine = [kept[i] for i in members if i in kept]
        values = store.roots(v for item in mine for v in item.values)
        largest = maximum(largest, store.nbytes(v for v in values if v not in always) + _extra(mine))
    outside = _extra(item for i, item in kept.items() if i not in again)
    return Checkpoint(depth, len(blocks), tuple(sorted(again)), store.nbytes(always) + outside + largest)


def _extra(items: Iterable[Kept]) -> Dim:
    total: Dim = 0
    for item in items:
        total = total + item.extra
    return total
