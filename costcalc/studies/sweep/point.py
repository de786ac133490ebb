"""One combination of a sweep -> its row: the model is built anew and costed, or why that cannot be.

Graph -> the figures of one point of a sweep: the totals of a report, without its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.analysis.cost import cost_nodes
from costcalc.analysis.memory.liveness import live_bytes, schedule
from costcalc.core.dim import Dim, Poly, symbols
from costcalc.core.errors import CostcalcError, UnknownOperatorError, UsageError
from costcalc.core.ir import Graph
from costcalc.core.quantities import TOTALS
from costcalc.graph.bind import bind_graph
from costcalc.studies.options import Settings
from costcalc.studies.pipeline import load
from costcalc.studies.sweep.axes import Value, where
from costcalc.studies.sweep.space import Space

FIGURES = TOTALS

PEAK = FIGURES.index("peak_activation_bytes")

OTHERS = ("lower_bound", "upper_bound", "error")
"""What a point has beside its figures: whether some operator is unknown, whether an open If counts its dearer branch,
why there are no figures."""


class Totals(NamedTuple):
    """The figures in the order of FIGURES. The peak is None where it was not asked for, or holds open symbols: it is
    the greatest of live, what each step needs, each formula once."""

    figures: tuple[Dim | None, ...]
    lower_bound: bool
    upper_bound: bool
    live: Sequence[Dim]


def totals(graph: Graph, with_peak: bool = True) -> Totals:
    """The totals of a graph, as costcalc.analysis.report.analyze_graph sums them up; unknown parts are left out."""
    macs: Dim = 0
    flops: Dim = 0
    params: Dim = 0
    buffers: Dim = 0
    weights: Dim = 0
    activations: Dim = 0
    traffic: Dim = 0
    unknown = False
    for cost in cost_nodes(graph):
        count, storage = cost.node.count, cost.storage
        if cost.macs is not None and cost.flops is not None:
            macs = macs + cost.macs * count
            flops = flops + cost.flops * count
        if cost.activation_bytes is not None:
            activations = activations + cost.activation_bytes * count
        if cost.traffic_bytes is not None:
            traffic = traffic + cost.traffic_bytes * count
        params = params + storage.params
        buffers = buffers + storage.buffers
        weights = weights + storage.weight_bytes
        unknown = unknown or cost.state == "unknown"
    live = tuple(dict.fromkeys(live_bytes(schedule(graph)))) if with_peak else ()
    peak = None if not live or any(isinstance(d, Poly) for d in live) else max(live)
    figures = (macs, flops, params, buffers, weights, activations, peak, traffic)
    return Totals(figures, unknown, bool(graph.choices), live)


Row = tuple[Any, ...]
"""The axes' values, the FIGURES (None where they are not known), and OTHERS."""


class Recipe(NamedTuple):
    """All that a row follows from; it travels to other processes. options are load's that are the same everywhere."""

    source: Any
    space: Space
    options: Mapping[str, Any]
    with_peak: bool = True
    strict: bool = False


def built(recipe: Recipe, params: Mapping[str, Any], dims: Mapping[str, Any]) -> Graph:
    """The graph with parameters and symbols bound; a symbol that is bound to its own name stays open."""
    if isinstance(recipe.source, Graph):
        bound = {name: value for name, value in dims.items() if value != name}
        for assumption in recipe.source.assumptions:
            assumption.check(bound)
        return bind_graph(recipe.source, bound)
    return load(recipe.source, Settings.of(params=params, dims=dims, **recipe.options))


def row(recipe: Recipe, point: Sequence[Value]) -> Row:
    """The row of a combination. UsageError for what no combination could mend; strict lets every error out."""
    try:
        found = totals(built(recipe, *recipe.space.at(point)), recipe.with_peak)
        refuse_open(found.figures)
        if found.lower_bound and recipe.strict:
            raise UnknownOperatorError("an operator has no rule", "leave --strict out to see a lower bound")
    except UsageError:
        raise
    except CostcalcError as error:
        if recipe.strict:
            fact = f"{error.fact} ({where(recipe.space.grid.axes, point)})"
            raise type(error)(fact, error.remedy, error.place) from error
        return failed(point, error)
    return row_of(point, found)


def row_of(point: Sequence[Value], found: Totals) -> Row:
    """A row of figures that are numbers."""
    return (*point, *found.figures, found.lower_bound, found.upper_bound, None)


def failed(point: Sequence[Value], error: CostcalcError) -> Row:
    """A row without figures, with the error on one line."""
    return (*point, *(None,) * len(FIGURES), None, None, " ".join(str(error).split()))


def refuse_open(figures: Sequence[Dim | None], known: Sequence[str] = ()) -> None:
    """UsageError where a figure holds a symbol that is not known: a sweep gives numbers."""
    names = [name for name in symbols(*(f for f in figures if f is not None)) if name not in known]
    if names:
        raise UsageError(
            f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} open, and a sweep gives numbers",
            "bind it: " + " ".join(f"--dim {name}=…" for name in names),
        )
