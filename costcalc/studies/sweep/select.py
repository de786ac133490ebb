"""Rows -> the rows that are selected: in order, the first few, the Pareto front, the best that meet a condition.

Only an earlier point in lexicographic order can beat a later one (less is better), and in two goals the latest that is
kept does if any does. For more goals numpy compares ranks, which are as exact as the values.

For an optimum the points are tried from the best downwards, and the first that meets the condition ends it. Where the
goal follows from the axes alone, a model that is worse than one that fits is never built. Nothing is assumed about how
costs grow: the result is that of trying every point, those that are equally good included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any, NamedTuple

from costcalc.core.errors import UsageError
from costcalc.core.quantities import CATALOGUE
from costcalc.studies.sweep.axes import Grid, split_values
from costcalc.studies.sweep.batches import BLOCK_POINTS, MIN_FORMULA_POINTS
from costcalc.studies.sweep.columns import Row, is_number
from costcalc.studies.sweep.executor import distribution, row_blocks
from costcalc.studies.sweep.point import SweepRecipe
from costcalc.studies.sweep.query import RowFunction, compile_expression, parse_expression

Values = tuple[Any, ...]


def non_dominated_points(points: Sequence[Values]) -> list[Values]:
    """The points that are nowhere worse than another and better somewhere, for every other."""
    if points and len(points[0]) > 2:
        return _non_dominated_by_rank(points)
    front: list[Values] = []
    for values in points:
        if not front or any(x > y for x, y in zip(front[-1], values, strict=True)):
            front.append(values)
    return front


def _non_dominated_by_rank(points: Sequence[Values]) -> list[Values]:
    import numpy as np

    ranks = np.empty((len(points[0]) - 1, len(points)), dtype=np.int32)  # the first goal's are ascending
    for row, column in zip(ranks, list(zip(*points, strict=True))[1:], strict=True):
        rank = {value: position for position, value in enumerate(sorted(set(column)))}
        row[:] = [rank[value] for value in column]
    on_front = np.ones(len(points), dtype=bool)
    for position in range(len(points)):
        if on_front[position]:
            on_front[position + 1 :] &= (ranks[:, position + 1 :] < ranks[:, position : position + 1]).any(axis=0)
    return [points[position] for position in np.flatnonzero(on_front).tolist()]


DOWN, UP = ("max", "desc"), ("min", "asc")


class RowSelection(NamedTuple):
    """Which rows of a sweep: those that meet the condition, on the Pareto front, the best that meets another, in order,
    the first few."""

    where: str | None = None
    pareto: str | Sequence[str] | None = None
    maximize: str | None = None
    minimize: str | None = None
    subject_to: str | None = None
    sort: str | Sequence[str] | None = None
    top: int | None = None

    @property
    def streams(self) -> bool:
        """Whether each row stands for itself, so that it can be written as soon as it is there."""
        return not (self.pareto or self.maximize or self.minimize or self.sort or self.top is not None)

    def names(self) -> Iterator[str]:
        """The names of columns in the conditions and the goals. UsageError where one is no expression."""
        for condition in (self.where, self.subject_to):
            if condition:
                yield from parse_expression(condition).names()
        for goals in (self.pareto, self.maximize, self.minimize, self.sort):
            yield from goal_names(goals or ())


def goal_names(goals: str | Sequence[str]) -> Iterator[str]:
    """The names of columns in goals."""
    for goal in _split_goals(goals):
        yield from parse_expression(_split_direction(goal)[0]).names()


class Goal(NamedTuple):
    """The key by which rows are ordered or compete: a column or an expression; the greater is the better, or the
    less."""

    text: str
    greatest: bool
    evaluate: RowFunction

    def sort_value(self, row: Row) -> Any:
        """Row -> its value, with the sign changed where more is better; None where it is not known."""
        value = self.evaluate(row)
        if value is None or not self.greatest:
            return value
        if isinstance(value, (str, list)):
            raise UsageError(f"{self.text} is {value!r}, no number", "order words upwards")
        return -value


def parse_goals(texts: str | Sequence[str], columns: Sequence[str], compete: bool = False) -> tuple[Goal, ...]:
    """`macs,resolution:max` or a list of such; `-macs` and `macs:desc` are the greatest first, too. compete says that
    rows compete in the goals: of tokens per second or arithmetic intensity more is then better, where no direction is
    written."""
    return tuple(_parse_goal(goal, columns, compete) for goal in _split_goals(texts))


def _split_goals(texts: str | Sequence[str]) -> list[str]:
    return [goal for text in ([texts] if isinstance(texts, str) else texts) for goal in split_values(text)]


def _split_direction(goal: str) -> tuple[str, str]:
    """`macs:desc` -> the expression and the word behind it, "" where there is none."""
    name, colon, direction = goal.rpartition(":")
    direction = direction.strip().lower()
    return (name.strip(), direction) if colon and direction in DOWN + UP else (goal, "")


def _parse_goal(goal: str, columns: Sequence[str], compete: bool) -> Goal:
    text, direction = _split_direction(goal)
    if direction:
        return Goal(text, direction in DOWN, compile_expression(text, columns))
    if goal.startswith("-") and goal[1:].strip() in columns:
        return Goal(goal[1:].strip(), True, compile_expression(goal[1:], columns))
    quantity = CATALOGUE.get(goal.partition(".")[0]) if goal in columns else None
    greatest = compete and quantity is not None and not quantity.less_is_better
    return Goal(goal, greatest, compile_expression(goal, columns))


def sort_rows(rows: Sequence[Row], goals: Sequence[Goal]) -> list[Row]:
    """The rows by the first goal, where that is equal by the next; rows whose figures are not known come last."""

    def key(row: Row) -> list[tuple[bool, Any]]:
        values = [goal.sort_value(row) for goal in goals]
        return [(value is None, _sort_key(value)) for value in values]

    return sorted(rows, key=key)


def _sort_key(value: Any) -> tuple[int, Any]:
    """Numbers before words before lists: an axis may hold all."""
    if value is None:
        return 0, 0
    if isinstance(value, list):
        return 2, [_sort_key(v) for v in value]
    return (1, value) if isinstance(value, str) else (0, value)


def pareto_rows(rows: Iterable[Row], goals: Sequence[Goal]) -> list[Row]:
    """The rows that no other beats: none is as good in every goal and better in one. Equal ones all stay; the order is
    the rows' own. Rows whose figures are not known do not count."""
    candidates: list[tuple[tuple[Any, ...], Row]] = []
    for row in rows:
        values = tuple(goal.sort_value(row) for goal in goals)
        if None not in values:
            candidates.append((_check_numbers(values, goals), row))
    front = set(non_dominated_points(sorted({values for values, _ in candidates})))
    return [row for values, row in candidates if values in front]


def _check_numbers(values: tuple[Any, ...], goals: Sequence[Goal]) -> tuple[Any, ...]:
    for value, goal in zip(values, goals, strict=True):
        if not is_number(value):
            raise UsageError(f"{goal.text} is {value!r}, no number", "a goal is a number: macs, params, resolution:max")
    return values


def best_rows(rows: Iterable[Row], goal: Goal, fits: Callable[[Row], bool]) -> list[Row]:
    """The rows with the best value of those that fit; several where they are equal."""
    best: list[Row] = []
    best_value: Any = None
    for row in rows:
        value = goal.sort_value(row)
        if value is None or not fits(row):
            continue
        (value,) = _check_numbers((value,), (goal,))
        if best_value is None or value < best_value:
            best, best_value = [row], value
        elif value == best_value:
            best.append(row)
    return best


MAX_ORDERED_POINTS = 2_000_000
"""Points whose order is held in memory; of more, all are built in the grid's order."""


def find_optimum(
    recipe: SweepRecipe,
    numbers: Sequence[int],
    goal: Goal,
    fits: Callable[[Row], bool],
    jobs: int | None = None,
    executor: Any = None,
) -> list[Row]:
    """The best of the grid's points of these numbers that fit, in the grid's order; () where none does."""
    grid = recipe.space.grid
    if executor is not None and numbers:
        executor = distribution().open_pool(executor, recipe, numbers[0])  # once, and not for each level
    if len(numbers) > MAX_ORDERED_POINTS or not _depends_on_axes(goal, grid, numbers):
        return best_rows((row for block in row_blocks(recipe, numbers, jobs, executor) for row in block), goal, fits)
    min_points = BLOCK_POINTS if grid.points_per_structure >= MIN_FORMULA_POINTS else 1
    for level in group_by_value(grid, numbers, goal, min_points):
        optimum = best_rows((row for block in row_blocks(recipe, level, jobs, executor) for row in block), goal, fits)
        if optimum:
            return optimum
    return []


def group_by_value(grid: Grid, numbers: Sequence[int], goal: Goal, min_points: int = 1) -> Iterator[Sequence[int]]:
    """The points by the goal's value, the best first: those of one value together, and of so many values that there are
    min_points where formulas are evaluated over many sooner than over one. Each group in the grid's order."""
    ordered = sorted(
        (goal.sort_value(point), number) for number, point in zip(numbers, grid.points(numbers), strict=True)
    )
    level: list[int] = []
    for _, group in groupby(ordered, lambda item: item[0]):
        level += [number for _, number in group]
        if len(level) >= min_points:
            yield sorted(level)
            level = []
    yield sorted(level)


def _depends_on_axes(goal: Goal, grid: Grid, numbers: Sequence[int]) -> bool:
    """Whether the goal can be told from the axes' values alone."""
    try:
        value = goal.sort_value(grid.point(numbers[0]))
    except IndexError:  # a figure stands behind them in a row
        return False
    return type(value) in (int, Fraction)
