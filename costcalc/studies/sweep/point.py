"""One combination of a sweep -> its row: the model is built anew and costed, or why that cannot be.

The totals come from the nodes' costs alone; where quantities beyond them are asked for, the model is measured as every
other question measures it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from costcalc.analysis.layers import sum_costs, total_certainty
from costcalc.analysis.memory import memory_totals
from costcalc.analysis.memory.liveness import live_bytes, make_schedule
from costcalc.analysis.options import ExecutionOptions
from costcalc.analysis.report import NODE_BY_NODE
from costcalc.core.dim import Dim, Poly
from costcalc.core.errors import CostcalcError, UnknownOperatorError, UsageError
from costcalc.core.ir import Graph
from costcalc.core.quantities import TOTALS
from costcalc.core.quantity import Certainty, QuantityRef
from costcalc.graph.bind import bind_graph
from costcalc.studies.options import Settings
from costcalc.studies.pipeline import load
from costcalc.studies.sweep import measurements
from costcalc.studies.sweep.axes import Value, change_settings, describe_point
from costcalc.studies.sweep.columns import STATES, TOTAL_REFS, Row, SweepColumns, refuse_open_symbols
from costcalc.studies.sweep.space import Bindings, Space

PEAK = TOTALS.index("peak_activation_bytes")


class PointTotals(NamedTuple):
    """The figures in the order of TOTALS. The peak is None where it was not asked for, or holds open symbols: it is the
    greatest of live, what each step needs, each formula once. incomplete names the columns of which parts are
    unknown."""

    figures: tuple[Dim | None, ...]
    lower_bound: bool
    upper_bound: bool
    incomplete: frozenset[str]
    live: Sequence[Dim]


def point_totals(graph: Graph, with_peak: bool = True, execution: ExecutionOptions = NODE_BY_NODE) -> PointTotals:
    """The totals of a graph as costcalc.analysis.report.analyze_graph has them, without its rows."""
    sums = sum_costs(graph)
    totals: dict[str, Dim | None] = {**sums.totals, "peak_activation_bytes": None}
    live: Sequence[Dim] = ()
    if with_peak and execution == NODE_BY_NODE:
        live = tuple(dict.fromkeys(live_bytes(make_schedule(graph))))
        if not any(isinstance(d, Poly) for d in live):
            totals["peak_activation_bytes"] = max(live)
    elif with_peak:
        totals["peak_activation_bytes"] = memory_totals(graph, execution).get("peak_activation_bytes")
    figures = tuple([totals[key] for key in TOTALS])
    return PointTotals(figures, sums.unknown, bool(graph.choices), sums.incomplete, live)


class SweepRecipe(NamedTuple):
    """The inputs of every row; it travels to other processes. settings are those that are the same everywhere,
    quantities what is measured beyond the totals."""

    source: Any
    space: Space
    settings: Settings = Settings()
    quantities: tuple[QuantityRef, ...] = ()
    with_peak: bool = True
    strict: bool = False

    @property
    def columns(self) -> SweepColumns:
        """The columns of the rows."""
        return SweepColumns(self.space.grid.axes, self.quantities)

    def settings_at(self, bindings: Bindings) -> Settings:
        """The settings of a combination."""
        settings = self.settings._replace(params=bindings.params, dims=bindings.dims)
        return change_settings(settings, bindings.settings) if bindings.settings else settings


def build_graph(recipe: SweepRecipe, bindings: Bindings) -> Graph:
    """The graph of a combination; a symbol that is bound to its own name stays open."""
    if isinstance(recipe.source, Graph):
        bound = {name: value for name, value in bindings.dims.items() if value != name}
        for assumption in recipe.source.assumptions:
            assumption.check(bound)
        return bind_graph(recipe.source, bound)
    return load(recipe.source, recipe.settings_at(bindings))


def compute_row(recipe: SweepRecipe, point: Sequence[Value]) -> Row:
    """The row of a combination. UsageError for what no combination could mend; strict lets every error out."""
    try:
        bindings = recipe.space.bind(point)
        if recipe.quantities:
            return _measured_row(recipe, point, bindings)
        execution = recipe.settings_at(bindings).execution if bindings.settings else recipe.settings.execution
        totals = point_totals(build_graph(recipe, bindings), recipe.with_peak, execution)
        refuse_open_symbols(totals.figures)
        _refuse_unknown(recipe, totals.lower_bound)
    except UsageError:
        raise
    except CostcalcError as error:
        if recipe.strict:
            fact = f"{error.fact} ({describe_point(recipe.space.grid.axes, point)})"
            raise type(error)(fact, error.remedy, error.place) from error
        return error_row(recipe, point, error)
    certainties = None
    if totals.incomplete or totals.upper_bound:
        certainties = _inexact_certainties(
            (key, total_certainty(key, totals.incomplete, totals.upper_bound)) for key in TOTALS
        )
    return (*point, *totals.figures, totals.lower_bound, totals.upper_bound, certainties, None, None)


def _measured_row(recipe: SweepRecipe, point: Sequence[Value], bindings: Bindings) -> Row:
    """A row with quantities beyond the totals."""
    graph = build_graph(recipe, bindings) if isinstance(recipe.source, Graph) else None
    settings = recipe.settings_at(bindings)
    figures = measurements().measure_point(graph or recipe.source, settings, (*TOTAL_REFS, *recipe.quantities))
    _refuse_unknown(recipe, figures.lower_bound)
    certainties = _inexact_certainties(figures.certainties)
    return (
        *point,
        *figures.values,
        figures.lower_bound,
        figures.upper_bound,
        certainties,
        figures.refusals or None,
        None,
    )


def _inexact_certainties(pairs: Iterable[tuple[str, Certainty]]) -> tuple[tuple[str, Certainty], ...] | None:
    """Certainties by quantity -> those that are not exact; None where all are."""
    return tuple([pair for pair in pairs if pair[1] != "exact"]) or None


def _refuse_unknown(recipe: SweepRecipe, lower_bound: bool) -> None:
    if lower_bound and recipe.strict:
        raise UnknownOperatorError("an operator has no rule", "leave --strict out to see a lower bound")


def error_row(recipe: SweepRecipe, point: Sequence[Value], error: CostcalcError) -> Row:
    """A row without figures, with the error on one line."""
    missing = len(TOTALS) + len(recipe.quantities) + len(STATES) - 1
    return (*point, *(None,) * missing, " ".join(str(error).split()))
