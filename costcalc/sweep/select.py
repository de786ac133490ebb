"""Rows -> the rows that are asked for: in order, the first few, the Pareto front, the best that meet a condition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from costcalc.errors import UsageError
from costcalc.sweep.axis_text import split
from costcalc.sweep.dominance import unbeaten
from costcalc.sweep.point import Row
from costcalc.sweep.query import Read, expression

DOWN, UP = ("max", "desc"), ("min", "asc")


class Goal(NamedTuple):
    """What rows are ordered or judged by: a column or an expression; the greater is the better, or the less."""

    text: str
    greatest: bool
    read: Read

    def of(self, row: Row) -> Any:
        """The value, turned so that less is better; None where it is not known."""
        value = self.read(row)
        if value is None or not self.greatest:
            return value
        if isinstance(value, (str, list)):
            raise UsageError(f"{self.text} is {value!r}, no number", "order words upwards")
        return -value


def goals(texts: str | Sequence[str], columns: Sequence[str]) -> tuple[Goal, ...]:
    """`macs,resolution:max` or a list of such; `-macs` and `macs:desc` are the greatest first, too."""
    parts = [part for text in ([texts] if isinstance(texts, str) else texts) for part in split(text)]
    return tuple(_goal(part, columns) for part in parts)


def _goal(part: str, columns: Sequence[str]) -> Goal:
    name, colon, way = part.rpartition(":")
    if colon and way.strip().lower() in DOWN + UP:
        return Goal(name.strip(), way.strip().lower() in DOWN, expression(name, columns))
    if part.startswith("-") and part[1:].strip() in columns:
        return Goal(part[1:].strip(), True, expression(part[1:], columns))
    return Goal(part, False, expression(part, columns))


def ordered(rows: Sequence[Row], by: Sequence[Goal]) -> list[Row]:
    """The rows by the first goal, where that is equal by the next; rows whose figures are not known come last."""

    def key(row: Row) -> list[tuple[bool, Any]]:
        values = [goal.of(row) for goal in by]
        return [(value is None, _rank(value)) for value in values]

    return sorted(rows, key=key)


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before words before lists: an axis may hold all."""
    if value is None:
        return 0, 0
    if isinstance(value, list):
        return 2, [_rank(v) for v in value]
    return (1, value) if isinstance(value, str) else (0, value)


def front(rows: Iterable[Row], by: Sequence[Goal]) -> list[Row]:
    """The rows that no other beats: none is as good in every goal and better in one. Equal ones all stay; the order is
    the rows' own. Rows whose figures are not known do not count."""
    known: list[tuple[tuple[Any, ...], Row]] = []
    for row in rows:
        values = tuple(goal.of(row) for goal in by)
        if None not in values:
            known.append((_numbers(values, by), row))
    kept = set(unbeaten(sorted({values for values, _ in known})))
    return [row for values, row in known if values in kept]


def _numbers(values: tuple[Any, ...], by: Sequence[Goal]) -> tuple[Any, ...]:
    for value, goal in zip(values, by, strict=True):
        if isinstance(value, bool) or not isinstance(value, (int, Fraction)):
            raise UsageError(f"{goal.text} is {value!r}, no number", "a goal is a number: macs, params, resolution:max")
    return values


def best(rows: Iterable[Row], goal: Goal, fits: Callable[[Row], bool]) -> list[Row]:
    """The rows with the best value of those that fit; several where they are equal."""
    found: list[Row] = []
    value: Any = None
    for row in rows:
        mine = goal.of(row)
        if mine is None or not fits(row):
            continue
        (mine,) = _numbers((mine,), (goal,))
        if value is None or mine < value:
            found, value = [row], mine
        elif mine == value:
            found.append(row)
    return found
