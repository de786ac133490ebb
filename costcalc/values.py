"""Rows → the values of a column, and rows in the order of their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from costcalc import columns
from costcalc.columns import COLUMNS, Group
from costcalc.core.amount import Amount, AtLeast, add, magnitude
from costcalc.errors import UsageError, one_of
from costcalc.rows import Row
from costcalc.units import share

if TYPE_CHECKING:
    from costcalc.timed import Computed


def known(key: str) -> str:
    """The column's name. UsageError where there is none."""
    if key not in COLUMNS:
        raise UsageError(f"there is no column {key!r}", one_of(key, COLUMNS))
    return key


def ordered(items: Sequence[Row | Group], key: str, timed: Mapping[str, Computed] = {}) -> Sequence[Row | Group]:
    """Largest first (texts from A to Z); what is equal stays in execution order. Times are the first device's."""
    known(key)
    if key in ("share", "bar"):
        key = "macs"
    at = next((name for name in timed if name.split(":")[0] == key), key)
    cells = column(items, at, timed)
    if COLUMNS[key].kind in ("name", "text", "shape"):
        order = sorted(range(len(items)), key=lambda i: str(cells[i]))
    else:
        order = sorted(range(len(items)), key=lambda i: magnitude(cells[i]), reverse=True)
    return [items[i] for i in order]


def columns_of(
    items: Sequence[Row | Group], keys: Sequence[str], basis: str, whole: Amount, timed: Mapping[str, Computed] = {}
) -> list[list[Any]]:
    """The values of several columns, each computed once: a bar draws a share, and a share is one of the basis."""
    made: dict[str, list[Any]] = {}
    for key in keys:
        if key not in ("share", "bar"):
            made[key] = column(items, key, timed)
    if made.keys() != set(keys):
        amounts = made[basis] if basis in made else column(items, basis)
        made["share"] = made["bar"] = _shares(amounts, whole)
    return [made[key] for key in keys]


def column(items: Sequence[Row | Group], key: str, timed: Mapping[str, Computed] = {}) -> list[Any]:
    """The values of one column that is no share."""
    if key in timed:
        return [timed[key].cell(item) for item in items]
    if columns.is_quantity(key):
        get = columns.quantity(key)
        return [add(map(get, i.rows)) if isinstance(i, Group) else get(i) for i in items]
    of_row, of_group = columns.readers(key)
    return [of_group(i) if isinstance(i, Group) else of_row(i) for i in items]


def _shares(amounts: Sequence[Amount], whole: Amount) -> list[float | None]:
    if isinstance(whole, AtLeast):
        whole = whole.value
    if isinstance(whole, int) and whole:
        n = whole
        return [a / n if a.__class__ is int else None for a in amounts]
    return [share(None if isinstance(a, AtLeast) else a, whole) for a in amounts]
