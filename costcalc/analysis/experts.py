"""Graph with mixtures of experts -> the parameters that one token uses, and how many experts a step of several tokens
reads."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from costcalc.core.dim import Dim, sum_dims
from costcalc.core.ir import Graph, Node
from costcalc.core.traits import traits_of
from costcalc.graph.parameters import find_stored_tensors


class Routing(NamedTuple):
    """A mixture of experts, and how many of them a token goes to."""

    experts: int
    top_k: int

    def fewest(self, tokens: int) -> int:
        """Distinct experts that so many tokens read at least: all of them go to the same."""
        return self.top_k if tokens else 0

    def most(self, tokens: int) -> int:
        """Distinct experts that so many tokens read at most: no two of them share one, as long as there are others."""
        return min(self.experts, self.top_k * tokens)

    def expected(self, tokens: int) -> float:
        """The mean number of distinct experts that so many tokens read, where every token goes to any top_k of them
        with the same probability, whatever the others do: E · (1 - (1 - k / E)^tokens)."""
        if self.top_k >= self.experts:
            return float(self.experts if tokens else 0)
        return -self.experts * math.expm1(tokens * math.log1p(-self.top_k / self.experts))


def routing_of(node: Node, graph: Graph) -> Routing | None:
    """A node -> the routing of its mixture of experts; None where it is none, or its number of experts is not known."""
    routed = traits_of(node).routed
    if routed is None:
        return None
    positions, attribute = routed
    name = next((node.inputs[i] for i in sorted(positions) if i < len(node.inputs) and node.inputs[i]), "")
    shape = graph.types[name].shape if name else None
    experts = shape[0] if shape else None
    return Routing(experts, int(node.attributes.get(attribute, 1))) if isinstance(experts, int) and experts else None


def routings(graph: Graph) -> Iterator[Routing]:
    """The routings of a graph's mixtures of experts, each once."""
    yield from dict.fromkeys(filter(None, [routing_of(node, graph) for node in graph.nodes]))


def active_params(graph: Graph) -> Dim | None:
    """Graph -> the parameters that one token uses: of the tensors with a slice for each expert, those of the top_k
    experts that it goes to, and all others; None where the graph has no mixture of experts.

    A router's correction bias, one value an expert, is learned without a gradient (arXiv:2408.15664) and stored as a
    buffer: it is no parameter in transformers, but one of the values that a token uses, and counts here.
    """
    routing_by_index = {i: routing for i, node in enumerate(graph.nodes) if (routing := routing_of(node, graph))}
    if not routing_by_index:
        return None
    counts, biases = [], {(routing.experts,) for routing in routing_by_index.values()}
    for item in find_stored_tensors(graph):
        routing = routing_by_index.get(item.owner)
        is_bias = item.kind == "buffer" and item.type.shape in biases
        if item.kind != "param" and not is_bias:
            continue
        extent = item.type.shape[0] if item.type.shape else None
        is_sliced = routing is not None and extent == routing.experts
        counts.append(item.values * routing.top_k // routing.experts if routing and is_sliced else item.values)
    return sum_dims(counts)


def expected_groups(routing: Routing, groups: int) -> Fraction:
    """Routing and number of groups that the experts are spread over -> the mean number of the other groups that a token
    goes to, with uniform routing."""
    each = routing.experts // groups
    missed = Fraction(math.comb(routing.experts - each, routing.top_k), math.comb(routing.experts, routing.top_k))
    return (groups - 1) * (1 - missed)
