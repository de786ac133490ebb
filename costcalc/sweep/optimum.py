"""The greatest (or least) that fits: the points are tried from the best downwards, and the first that fits ends it.

Where the goal follows from the axes alone, a model that is worse than one that fits is never built. Nothing is assumed
about how costs grow: what is found is what trying every point would find, those that are equally good included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby

from costcalc.sweep.axis import Grid
from costcalc.sweep.batch import BLOCK, FEW
from costcalc.sweep.point import Recipe, Row
from costcalc.sweep.select import Goal, best
from costcalc.sweep.work import blocks

MOST = 2_000_000
"""Points whose order is held in memory; of more, all are built in the grid's order."""


def optimum(
    recipe: Recipe, numbers: Sequence[int], goal: Goal, fits: Callable[[Row], bool], jobs: int | None = None
) -> list[Row]:
    """The best of the grid's points of these numbers that fit, in the grid's order; () where none does."""
    grid = recipe.space.grid
    if len(numbers) > MOST or not _of_axes(goal, grid, numbers):
        return best((row for block in blocks(recipe, numbers, jobs) for row in block), goal, fits)
    at_once = BLOCK if grid.inner >= FEW else 1
    for level in levels(grid, numbers, goal, at_once):
        found = best((row for block in blocks(recipe, level, jobs) for row in block), goal, fits)
        if found:
            return found
    return []


def levels(grid: Grid, numbers: Sequence[int], goal: Goal, at_once: int = 1) -> Iterator[Sequence[int]]:
    """The points by the goal's value, the best first: those of one value together, and of so many values that there are
    at_once points where formulas are evaluated over many sooner than over one. Each group in the grid's order."""
    valued = sorted((goal.of(point), number) for number, point in zip(numbers, grid.points(numbers), strict=True))
    waiting: list[int] = []
    for _, group in groupby(valued, lambda item: item[0]):
        waiting += [number for _, number in group]
        if len(waiting) >= at_once:
            yield sorted(waiting)
            waiting = []
    yield sorted(waiting)


def _of_axes(goal: Goal, grid: Grid, numbers: Sequence[int]) -> bool:
    """Whether the goal can be told from the axes' values alone."""
    try:
        value = goal.of(grid.point(numbers[0]))
    except IndexError:  # a figure stands behind them in a row
        return False
    return type(value) in (int, Fraction)
