"""Rooflines -> the columns that a table has with devices: time, what bounds it, how much of the peak is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from costcalc.columns import COLUMNS, TIMED, Column, Group
from costcalc.roofline import Bound, Roofline
from costcalc.rows import Row

Cell = Callable[["Row | Group"], Any]


class Computed(NamedTuple):
    """A column that is computed from a roofline, and how."""

    column: Column
    cell: Cell


def computed(given: Sequence[Roofline]) -> dict[str, Computed]:
    """The columns of the devices, by key."""
    found: dict[str, Computed] = {}
    for one in given:
        bounds = {id(row): bound for row, bound in zip(one.report.rows, one.layers, strict=True)}
        for key in TIMED:
            column = COLUMNS[key]
            if len(given) > 1:
                column = column._replace(key=f"{key}:{one.profile.id}", title=f"{column.title} {one.profile.id}")
            found[column.key] = Computed(column, _cell(key, bounds))
    return found


def expanded(keys: Sequence[str], given: Sequence[Roofline]) -> list[str]:
    """Column names as asked for; `time` stands for each device's."""
    if len(given) < 2:
        return list(keys)
    found: list[str] = []
    for key in keys:
        found += [f"{key}:{one.profile.id}" for one in given] if key in TIMED else [key]
    return found


def defaults(keys: Sequence[str], given: Sequence[Roofline]) -> list[str]:
    """The usual columns with a device: intensity, time and bound in the place of shares."""
    several = len(given) > 1
    kept = [key for key in keys if key not in ("share", "bar", "params")]
    more = [f"{key}:{one.profile.id}" if several else key for one in given for key in TIMED[:2]]
    return [*kept, "intensity", *more]


def _cell(key: str, bounds: dict[int, Bound]) -> Cell:
    def cell(item: Row | Group) -> Any:
        rows = item.rows if isinstance(item, Group) else (item,)
        mine = [bounds[id(row)] for row in rows]
        if key == "bound":
            found = {bound.by for bound in mine} - {""}
            return found.pop() if len(found) == 1 else "both" if found else ""
        known = [(bound.seconds, bound.compute) for bound in mine if bound.seconds is not None]
        seconds = sum((s for s, _ in known), Fraction(0))
        if not known:
            return None
        if key == "time":
            return float(seconds)
        return float(sum((c or Fraction(0) for _, c in known), Fraction(0)) / seconds) if seconds else None

    return cell
