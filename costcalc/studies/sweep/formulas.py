"""Combinations that differ in symbols only: the model is built once with them open, and its formulas are evaluated over
all their values at once.

It is as exact as building the model for each: what a graph with open symbols takes for granted is checked at every
point, and a point that breaks it is built by itself. Where formulas cannot stand for the bound graph (an operator
without a rule, an If that is still open, a question that no formula decides) every point is built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from costcalc.core.assumptions import Assumption
from costcalc.core.dim import Dim
from costcalc.core.errors import CostcalcError, UsageError
from costcalc.studies.sweep import point
from costcalc.studies.sweep.axes import Axis, Value
from costcalc.studies.sweep.point import PEAK, Recipe, Row, built, refuse_open, totals
from costcalc.studies.sweep.vector import Columns


class Formulas(NamedTuple):
    """The figures of all points with the same parameters, as formulas over the symbols that vary; the peak is the
    greatest of live."""

    figures: tuple[Dim, ...]
    live: Sequence[Dim]
    assumptions: tuple[Assumption, ...]


def formulas(recipe: Recipe, params: Mapping[str, Any], dims: Mapping[str, Any]) -> Formulas | None:
    """The formulas of a structure; None where each of its points must be built. UsageError for what no point mends."""
    names = [axis.name for axis in recipe.space.grid.axes if axis.dim and axis.varies]
    try:
        graph = built(recipe, params, {**dims, **{name: name for name in names}})
        found = totals(graph, recipe.with_peak)
    except UsageError:
        raise
    except CostcalcError:
        return None
    figures = tuple(0 if i == PEAK or f is None else f for i, f in enumerate(found.figures))
    refuse_open((*figures, *found.live, *(d for a in graph.assumptions for d in (a.left, a.right))), names)
    if found.lower_bound or found.upper_bound:
        return None
    return Formulas(figures, found.live, graph.assumptions)


def rows(recipe: Recipe, given: Formulas, numbers: Sequence[int]) -> list[Row]:
    """The rows of combinations, in their order, that have the same parameters."""
    grid = recipe.space.grid
    first = grid.point(numbers[0])
    fixed = [value for axis, value in zip(grid.axes, first, strict=True) if not axis.dim]
    dims = [axis for axis in grid.axes if axis.dim]
    columns, figures, broken = _evaluated(given, dims, numbers, recipe.with_peak)
    ends = (repeat(False), repeat(False), repeat(None))
    made: list[Row] = list(zip(*map(repeat, fixed), *columns, *figures, *ends, strict=False))
    for at in broken:
        made[at] = point.row(recipe, made[at][: len(grid.axes)])
    return made


def holds(recipe: Recipe, given: Formulas, first: int) -> bool:
    """Whether the first and the last of a structure's points, built by themselves, have the figures that the formulas
    give: a last look, for nothing but a mistake of ours would make them differ."""
    grid = recipe.space.grid
    ends = [first, first + grid.inner - 1]
    return rows(recipe, given, ends) == [point.row(recipe, grid.point(number)) for number in ends]


Found = tuple[list[Any], list[Any], Sequence[int]]


def _evaluated(given: Formulas, dims: Sequence[Axis], numbers: Sequence[int], with_peak: bool) -> Found:
    import numpy as np

    index = np.arange(numbers.start, numbers.stop) if isinstance(numbers, range) else np.array(numbers, dtype=object)
    values: dict[str, Any] = {}
    for axis in reversed(dims):
        size = len(axis.values)
        values[axis.name] = _array(axis.values)[(index % size).astype(np.int64)]
        index = index // size
    columns = Columns(values)
    figures = [columns.of(f).values for f in given.figures]
    if with_peak:
        figures[PEAK] = columns.greatest(given.live).values
    broken = np.zeros(columns.length, dtype=bool)
    for a in given.assumptions:
        left, right = columns.of(a.left).values, columns.of(a.right).values
        broken |= (left != right) if a.relation == "=" else (left < right)
    lists = [np.broadcast_to(f, columns.length).tolist() for f in figures]
    if not with_peak:
        lists[PEAK] = [None] * columns.length
    return [values[axis.name].tolist() for axis in dims], lists, np.flatnonzero(broken).tolist()


def _array(values: Sequence[Value]) -> Any:
    import numpy as np

    if isinstance(values, range) and max(values[0], values[-1]) < 2**63:
        return np.arange(values.start, values.stop, values.step, dtype=np.int64)
    return np.array(list(values), dtype=object if max(values) >= 2**63 else np.int64)
