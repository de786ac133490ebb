"""Symbols bound to numbers in what has been built and costed already: types, formulas, graphs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from costcalc.dim import Poly, substitute
from costcalc.formula import Cost
from costcalc.ir import Graph, bind_type


def bind_graph(graph: Graph, dims: Mapping[str, int]) -> Graph:
    """The graph with symbols bound in every type and count."""
    types = {name: bind_type(t, dims) for name, t in graph.types.items()}
    nodes = [n if isinstance(n.count, int) else replace(n, count=substitute(n.count, dims)) for n in graph.nodes]
    stored = {name: types[name] for name in graph.initializers}
    return replace(graph, types=types, nodes=tuple(nodes), initializers=stored, symbols={**graph.symbols, **dims})


def bind_cost(cost: Cost, dims: Mapping[str, int]) -> Cost:
    """The same formulas with symbols bound."""

    def bind(item: Any) -> Any:
        if isinstance(item, Poly):
            return substitute(item, dims)
        if isinstance(item, tuple):
            parts = [bind(x) for x in item]
            return type(item)(*parts) if hasattr(item, "_fields") else tuple(parts)
        return item

    bound: Cost = bind(cost)
    return bound
