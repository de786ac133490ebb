"""Costs of nodes -> the totals of a graph, and the columns in which a node's part is unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from costcalc.analysis.cost import NodeCost
from costcalc.analysis.layers import LAYER_QUANTITIES, LayerFigures, layer_figures
from costcalc.core.dim import Dim
from costcalc.core.quantities import CATALOGUE, Certainty


class CostSums(NamedTuple):
    """totals are the sums of LAYER_TOTALS over all runs of all nodes, without the parts that are unknown; incomplete
    names the columns that such parts are missing from; unknown says that some operator has no rule."""

    totals: dict[str, Dim]
    incomplete: frozenset[str]
    unknown: bool


def sum_figures(figures: Iterable[LayerFigures]) -> dict[str, Dim]:
    """Figures of layers -> their sums by quantity, exact; what is not known of a layer is left out.

    A mapping that several layers share (equal layers do) is added once, times their number.
    """
    figures = tuple(figures)
    runs = Counter(map(id, figures))
    distinct = [(own, runs[key]) for key, own in {id(own): own for own in figures}.items()]
    return {
        name: sum([value * count for own, count in distinct if (value := own[name]) is not None])
        for name in LAYER_QUANTITIES
    }


def sum_costs(costs: Iterable[NodeCost]) -> CostSums:
    """Costs of a graph's nodes, each for one run -> their sums over all runs."""
    shared: dict[Any, LayerFigures] = {}
    figures, unknown = [], False
    for item in costs:
        figures.append(layer_figures(item, shared))
        unknown = unknown or item.state == "unknown"
    distinct = {id(own): own for own in figures}.values()
    incomplete = {name for own in distinct for name, value in own.items() if value is None} if unknown else ()
    return CostSums(sum_figures(figures), frozenset(incomplete), unknown)


def total_certainty(key: str, incomplete: Collection[str], upper: bool) -> Certainty:
    """What is certain of a quantity where parts of these columns are unknown, and where an open If counts its dearer
    branch (upper)."""
    quantity = CATALOGUE[key]
    if quantity.certainty != "exact":
        return quantity.certainty
    lower = any(column in incomplete for column in quantity.columns)
    return "estimate" if lower and upper else "lower" if lower else "upper" if upper else "exact"
