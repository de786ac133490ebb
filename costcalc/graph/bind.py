"""Types, formulas and graphs with symbols + values of the symbols -> the same with the symbols bound."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from costcalc.core.arguments import check_mapping
from costcalc.core.dim import Poly, substitute
from costcalc.core.errors import UsageError
from costcalc.core.formula import Cost
from costcalc.core.ir import Graph, bind_type


def check_binding(dims: Mapping[str, int], names: Collection[str]) -> None:
    """UsageError where dims is no mapping, a symbol is not among the names, or a value is no whole number of at least
    1."""
    for name, value in check_mapping("dims", dims).items():
        if name not in names:
            raise UsageError(f"the report has no symbol {name!r}", "it has " + (", ".join(sorted(names)) or "none"))
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise UsageError(f"{name} is bound to {value!r}", "give a whole number of at least 1")


def bind_graph(graph: Graph, dims: Mapping[str, int]) -> Graph:
    """A graph and values of symbols -> the graph with them bound in every type and count."""
    types = {name: bind_type(t, dims) for name, t in graph.types.items()}
    nodes = [n if isinstance(n.count, int) else replace(n, count=substitute(n.count, dims)) for n in graph.nodes]
    stored = {name: types[name] for name in graph.initializers}
    return replace(graph, types=types, nodes=tuple(nodes), initializers=stored, symbols={**graph.symbols, **dims})


def bind_cost(cost: Cost, dims: Mapping[str, int]) -> Cost:
    """A cost and values of symbols -> the same formulas with them bound."""

    def bind(item: Any) -> Any:
        if isinstance(item, Poly):
            return substitute(item, dims)
        if isinstance(item, tuple):
            parts = [bind(x) for x in item]
            return type(item)(*parts) if hasattr(item, "_fields") else tuple(parts)
        return item

    bound: Cost = bind(cost)
    return bound
