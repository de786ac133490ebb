"""The columns a table can have, and how a layer's row, or a group of rows, gives each of them a raw value.

Rows → the values of a column, and rows in the order of their values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.analysis.grouping import Group
from costcalc.analysis.layers import Row
from costcalc.core.amount import Amount, AtLeast, add, magnitude
from costcalc.core.dim import Dim
from costcalc.core.errors import UsageError, one_of
from costcalc.core.formula import KINDS, ROLES
from costcalc.core.quantities import CATALOGUE
from costcalc.core.units import share
from costcalc.views.table import Column

Get = Callable[[Row], "Dim | None"]

BACKWARD = "backward_macs"
"""The column that only a report with training has."""

TIMED = ("time", "bound", "utilisation")
"""The columns that a report has for each device; with several devices each is `time:NAME`."""


def quantity_column(key: str, importance: int, value: Callable[[Any], Any] | None = None) -> Column:
    """A quantity of the catalogue as a column, with its title and its kind."""
    return Column(key, CATALOGUE[key].title, CATALOGUE[key].kind, importance, value)


COLUMNS = {
    column.key: column
    for column in (
        Column("name", "Layer", "name", 100),
        Column("op", "Operator", "text", 70),
        Column("output", "Output", "shape", 60),
        quantity_column("macs", 90),
        quantity_column("backward_macs", 85),
        quantity_column("flops", 75),
        quantity_column("params", 65),
        quantity_column("buffers", 40),
        quantity_column("weight_bytes", 45),
        quantity_column("activation_bytes", 45),
        quantity_column("traffic_bytes", 42),
        quantity_column("intensity", 43),
        quantity_column("time", 88),
        Column("bound", "Bound by", "text", 72),
        Column("utilisation", "Of peak", "share", 44),
        Column("share", "Share", "share", 80),
        Column("bar", "", "bar", 25),
        Column("layers", "Layers", "number", 50),
        Column("count", "Runs", "number", 35),
        Column("dtype", "Type", "text", 30),
        Column("scope", "Block", "text", 30),
        Column("state", "State", "text", 30),
        *(Column(kind, f"{kind.capitalize()}", "number", 30) for kind in (*KINDS, *ROLES)),
    )
}


def quantity(key: str) -> Get:
    """Reads a figure off a row: a quantity that layers have, or the operations of one kind or role."""
    if key in CATALOGUE:
        return lambda row: row.amounts.get(key)
    if key in KINDS:
        return lambda row: _operations(row, lambda work: bool(work.kind == key))
    return lambda row: _operations(row, lambda work: bool(work.role == key))


def _operations(row: Row, chosen: Callable[[Any], bool]) -> Dim | None:
    if row.cost is None:
        return None
    result: Dim = 0
    for work in row.cost.work:
        if chosen(work):
            result = result + work.formula.value
    return result * row.count


def is_quantity(key: str) -> bool:
    return COLUMNS[key].kind in ("number", "bytes") and key not in ("layers", "count")


def readers(key: str) -> tuple[Callable[[Row], Any], Callable[[Group], Any]]:
    """What reads the raw value of a column that is not a quantity, a share or a bar off a row, and off a group."""
    return _of_row[key], _of_group[key]


def _types(row: Row) -> tuple[Any, ...]:
    return tuple([output.type.shape for output in row.outputs])


def _intensity(rows: Iterable[Row]) -> float | None:
    """FLOPs for each byte of traffic; None where either is a formula or unknown."""
    flops = traffic = 0
    for row in rows:
        work, moved = row.amounts["flops"], row.amounts["traffic_bytes"]
        if not isinstance(work, int) or not isinstance(moved, int):
            return None
        flops, traffic = flops + work, traffic + moved
    return flops / traffic if traffic else None


def _one(names: Iterable[str]) -> str:
    found = set(names)
    return found.pop() if len(found) == 1 else ""


_of_row: dict[str, Callable[[Any], Any]] = {
    "name": lambda row: row.name,
    "op": lambda row: row.operator,
    "output": _types,
    "layers": lambda row: 1,
    "intensity": lambda row: _intensity((row,)),
    "count": lambda row: row.count,
    "dtype": lambda row: str(row.outputs[0].type.dtype) if row.outputs else "",
    "scope": lambda row: "/".join(row.scope),
    "state": lambda row: row.state,
}

_of_group: dict[str, Callable[[Any], Any]] = {
    "name": lambda group: group.name,
    "op": lambda group: _one(row.operator for row in group.rows),
    "output": lambda group: _types(group.rows[-1]) if group.whole and group.rows else (),
    "layers": lambda group: len(group.rows),
    "intensity": lambda group: _intensity(group.rows),
    "count": lambda group: sum((row.count for row in group.rows), 0),
    "dtype": lambda group: _one(_of_row["dtype"](row) for row in group.rows),
    "scope": lambda group: "",
    "state": lambda group: _one(row.state for row in group.rows),
}


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
    if is_quantity(key):
        get = quantity(key)
        return [add(map(get, i.rows)) if isinstance(i, Group) else get(i) for i in items]
    of_row, of_group = readers(key)
    return [of_group(i) if isinstance(i, Group) else of_row(i) for i in items]


def _shares(amounts: Sequence[Amount], whole: Amount) -> list[float | None]:
    if isinstance(whole, AtLeast):
        whole = whole.value
    if isinstance(whole, int) and whole:
        n = whole
        return [a / n if a.__class__ is int else None for a in amounts]
    return [share(None if isinstance(a, AtLeast) else a, whole) for a in amounts]


Cell = Callable[["Row | Group"], Any]


class Computed(NamedTuple):
    """A column that is computed from a roofline, and how."""

    column: Column
    cell: Cell
