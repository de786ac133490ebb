"""An activation before a max pool → behind it."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex, operator
from costcalc.suggest.between import activation_layer
from costcalc.suggest.pieces import Change, Emit, Knobs, Match, own
from costcalc.suggest.registry import EXACT, rule


@rule("pool_first", "activation behind its max pool", accuracy=EXACT,
      source="max(f(a), f(b)) = f(max(a, b)) for an f that never falls")  # fmt: skip
def pool_first(flow: GraphIndex, knobs: Knobs) -> Iterator[Match]:
    """The largest of the activated values is the activated largest value, if the activation never falls: it is computed
    for what the pool leaves, a quarter of the values of a 2×2 pool."""
    graph = flow.graph
    for i, pool in enumerate(graph.nodes):
        at = flow.producers.get(pool.inputs[0]) if operator(pool) == ("", "MaxPool") else None
        if at is None or any(pool.outputs[1:]) or not traits_of(graph.nodes[at]).monotone:
            continue
        before = graph.nodes[at]
        moved = activation_layer(flow, before)
        if moved is None or flow.only_reader(before.outputs[0]) != i or before.attributes.get("alpha", 1) < 0:
            continue
        pieces = (own(_again(flow, i)), moved)
        change = Change((at, i), before.inputs[:1], pieces, pool.outputs[0], i, ("max_pool",))
        yield Match((before.name, pool.name), (change,))


def _again(flow: GraphIndex, index: int) -> Emit:
    node = flow.graph.nodes[index]
    return lambda site: site.op("MaxPool", site.inputs, node.attributes)
