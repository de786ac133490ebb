"""Combinations that differ in symbols only: the model is built once with them open, and its formulas are evaluated over
all their values at once.

It is as exact as building the model for each: what a graph with open symbols takes for granted is checked at every
point, and a point that breaks it, or that has an extent of 0, is built by itself. Where formulas cannot stand for the
bound graph (an operator without a rule, an If that is still open, a question that no formula decides) every point is
built; so it is for quantities beyond the totals, and for the peak of an execution other than node by node.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any, NamedTuple

from costcalc.analysis.report import NODE_BY_NODE
from costcalc.core.assumptions import Assumption
from costcalc.core.dim import Dim
from costcalc.core.errors import CostcalcError, UsageError
from costcalc.studies.sweep import point
from costcalc.studies.sweep.axes import SweepAxis, Value
from costcalc.studies.sweep.columns import Row, refuse_open_symbols
from costcalc.studies.sweep.point import PEAK, SweepRecipe, build_graph, point_totals
from costcalc.studies.sweep.space import Bindings
from costcalc.studies.sweep.vector import Columns


class Formulas(NamedTuple):
    """The figures of all points with the same parameters and settings, as formulas over the symbols that vary;
    the peak is the greatest of live."""

    figures: tuple[Dim, ...]
    live: Sequence[Dim]
    assumptions: tuple[Assumption, ...]


def find_formulas(recipe: SweepRecipe, bindings: Bindings) -> Formulas | None:
    """The formulas of a structure; None where each of its points must be built. UsageError for what no point mends."""
    names = [axis.name for axis in recipe.space.grid.axes if axis.dim and axis.varies]
    execution = recipe.settings_at(bindings).execution
    if recipe.quantities or (recipe.with_peak and execution != NODE_BY_NODE):
        return None  # sizes decide what is fused, laid out or bounded
    try:
        open_bindings = bindings._replace(dims={**bindings.dims, **{name: name for name in names}})
        graph = build_graph(recipe, open_bindings)
        totals = point_totals(graph, recipe.with_peak)
    except UsageError:
        raise
    except CostcalcError:
        return None
    figures = tuple(0 if i == PEAK or f is None else f for i, f in enumerate(totals.figures))
    refuse_open_symbols((*figures, *totals.live, *(d for a in graph.assumptions for d in (a.left, a.right))), names)
    if totals.lower_bound or totals.upper_bound:
        return None
    return Formulas(figures, totals.live, graph.assumptions)


def evaluate_rows(recipe: SweepRecipe, formulas: Formulas, numbers: Sequence[int]) -> list[Row]:
    """The rows of combinations, in their order, that have the same parameters and settings."""
    grid = recipe.space.grid
    first = grid.point(numbers[0])
    fixed = [value for axis, value in zip(grid.axes, first, strict=True) if not axis.dim]
    dims = [axis for axis in grid.axes if axis.dim]
    columns, figures, violations = _evaluate_formulas(formulas, dims, numbers, recipe.with_peak)
    states = (repeat(False), repeat(False), repeat(None), repeat(None), repeat(None))
    rows: list[Row] = list(zip(*map(repeat, fixed), *columns, *figures, *states, strict=False))
    for position in violations:
        rows[position] = point.compute_row(recipe, rows[position][: len(grid.axes)])
    return rows


def confirm_formulas(recipe: SweepRecipe, formulas: Formulas, first: int) -> bool:
    """Whether the first and the last of a structure's points, built by themselves, have the figures that the formulas
    give: a last look, for nothing but a mistake of ours would make them differ."""
    grid = recipe.space.grid
    ends = [first, first + grid.points_per_structure - 1]
    return evaluate_rows(recipe, formulas, ends) == [point.compute_row(recipe, grid.point(number)) for number in ends]


Evaluation = tuple[list[Any], list[Any], Sequence[int]]


def _evaluate_formulas(
    formulas: Formulas, dims: Sequence[SweepAxis], numbers: Sequence[int], with_peak: bool
) -> Evaluation:
    import numpy as np

    index = np.arange(numbers.start, numbers.stop) if isinstance(numbers, range) else np.array(numbers, dtype=object)
    values: dict[str, Any] = {}
    for axis in reversed(dims):
        size = len(axis.values)
        values[axis.name] = _array(axis.values)[(index % size).astype(np.int64)]
        index = index // size
    columns = Columns(values)
    figures = [columns.evaluate(f).values for f in formulas.figures]
    if with_peak:
        figures[PEAK] = columns.greatest(formulas.live).values
    violated = np.zeros(columns.length, dtype=bool)
    for a in formulas.assumptions:
        left, right = columns.evaluate(a.left).values, columns.evaluate(a.right).values
        violated |= (left != right) if a.relation == "=" else (left < right)
    for axis in dims:  # formulas hold for extents of at least 1
        violated |= np.broadcast_to(values[axis.name] == 0, columns.length).astype(bool)
    lists = [np.broadcast_to(f, columns.length).tolist() for f in figures]
    if not with_peak:
        lists[PEAK] = [None] * columns.length
    return [values[axis.name].tolist() for axis in dims], lists, np.flatnonzero(violated).tolist()


def _array(values: Sequence[Value]) -> Any:
    import numpy as np

    if isinstance(values, range) and max(values[0], values[-1]) < 2**63:
        return np.arange(values.start, values.stop, values.step, dtype=np.int64)
    return np.array(list(values), dtype=object if max(values) >= 2**63 else np.int64)
