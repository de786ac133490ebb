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
    cells = column(items, at, at, 0, timed)
    if COLUMNS[key].kind in ("name", "text", "shape"):
        order = sorted(range(len(items)), key=lambda i: str(cells[i]))
    else:
        order = sorted(range(len(items)), key=lambda i: magnitude(cells[i]), reverse=True)
    return [items[i] for i in order]


def column(
    items: Sequence[Row | Group],
    key: str,
    basis: str,
    whole: Amount,
    timed: Mapping[str, Computed] = {},
) -> list[Any]:
    """The values of one column."""
    if key in timed:
        return [timed[key].cell(item) for item in items]
    if key in ("share", "bar"):
        return _shares(column(items, basis, basis, whole), whole)
    if columns.is_quantity(key):
        get = columns.quantity(key)
        return [add(map(get, i.rows)) if isinstance(i, Group) else get(i) for i in items]
    return [columns.value(item, key) for item in items]


def _shares(amounts: Sequence[Amount], whole: Amount) -> list[float | None]:
    if isinstance(whole, AtLeast):
        whole = whole.value
    if isinstance(whole, int) and whole:
        n = whole
        return [a / n if a.__class__ is int else None for a in amounts]
    return [share(None if isinstance(a, AtLeast) else a, whole) for a in amounts]
