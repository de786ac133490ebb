"""Types, formulas and graphs with symbols + values of the symbols -> the same with the symbols bound."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from costcalc.core.arguments import check_mapping
from costcalc.core.dim import Poly, limited_range, substitute
from costcalc.core.errors import AssumptionError, UsageError
from costcalc.core.formula import Cost
from costcalc.core.ir import Graph, bind_type


def check_binding(dims: Mapping[str, int], names: Collection[str]) -> None:
    """UsageError where dims is no mapping, a symbol is not among the names, or a value is no whole number of at least
    0."""
    for name, value in check_mapping("dims", dims).items():
        if name not in names:
            raise UsageError(f"the report has no symbol {name!r}", "it has " + (", ".join(sorted(names)) or "none"))
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise UsageError(f"{name} is bound to {value!r}", "give a whole number of at least 0")


def bind_graph(graph: Graph, dims: Mapping[str, int]) -> Graph:
    """A graph and values of symbols -> the graph with them bound in every type and count."""
    types = {name: bind_type(t, dims) for name, t in graph.types.items()}
    nodes = [n if isinstance(n.count, int) else n._replace(count=substitute(n.count, dims)) for n in graph.nodes]
    stored = {name: types[name] for name in graph.initializers}
    limits = {name: substitute(limit, dims) for name, limit in graph.upper_bounds.items() if name not in dims}
    return graph._replace(
        types=types,
        nodes=tuple(nodes),
        initializers=stored,
        symbols={**graph.symbols, **dims},
        settings={**graph.settings, "dims": {**graph.settings.get("dims", {}), **dims}},
        upper_bounds=limits,
    )


def check_limits(graph: Graph, dims: Mapping[str, int]) -> None:
    """AssumptionError where a value is larger than its symbol, which depends on data, can be."""
    limits = resolve_limits(graph)
    for name, value in dims.items():
        if name in graph.upper_bounds:
            limit = limited_range(substitute(graph.upper_bounds[name], dims), limits)[1]
            if value > limit:
                raise AssumptionError(
                    f"{name} is bound to {value:,}", f"it is {int(limit):,} at most: bind a smaller value"
                )


def resolve_limits(graph: Graph) -> dict[str, int]:
    """A graph -> by each symbol that depends on data, the largest number that it can be, where there is one."""
    limits: dict[str, int] = {}
    for _ in range(len(graph.upper_bounds) + 1):
        before = dict(limits)
        for name, limit in graph.upper_bounds.items():
            high = limited_range(limit, limits)[1]
            if high < limits.get(name, math.inf):  # min(a, 2^63 - 1) has a limit before a has one, and a lower one then
                limits[name] = int(high)
        if limits == before:
            break
    return limits


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
