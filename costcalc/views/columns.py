"""The columns a table can have, and how a layer's row, or a group of rows, gives each of them a raw value.

Rows → the values of a column, and rows in the order of their values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from costcalc.analysis.grouping import LayerGroup
from costcalc.analysis.layers import LayerCost
from costcalc.core.amount import Amount, LowerBound, magnitude, sum_amounts
from costcalc.core.dim import Dim
from costcalc.core.errors import UsageError, suggest_choice
from costcalc.core.formula import KINDS, ROLES
from costcalc.core.quantities import CATALOGUE
from costcalc.core.units import share
from costcalc.views.table import Column

Get = Callable[[LayerCost], "Dim | None"]

Item = LayerCost | LayerGroup

BACKWARD = "backward_macs"
"""The column that only a report with training has."""

TIMED = ("time", "bound", "utilisation")
"""The columns that a report has for each device; with several devices each is `time:NAME`."""


@dataclass(frozen=True, slots=True)
class ItemReader:
    """Reads a column's raw value off a layer's row, and off a group of rows."""

    of_row: Callable[[LayerCost], Any]
    of_group: Callable[[LayerGroup], Any]

    def __call__(self, item: Item) -> Any:
        return self.of_group(item) if isinstance(item, LayerGroup) else self.of_row(item)


def quantity_column(key: str, importance: int, value: Callable[[Any], Any] | None = None) -> Column:
    """A quantity of the catalogue as a column, with its title and its kind."""
    return Column(key, CATALOGUE[key].title, CATALOGUE[key].kind, importance, value)


def amount_reader(key: str) -> Get:
    """Reads a figure off a row: a quantity that layers have, or the operations of one kind or role."""
    if key in CATALOGUE:
        return lambda row: row.figures.get(key)
    if key in KINDS:
        return lambda row: _operations(row, lambda work: bool(work.kind == key))
    return lambda row: _operations(row, lambda work: bool(work.role == key))


def _operations(row: LayerCost, chosen: Callable[[Any], bool]) -> Dim | None:
    if row.cost is None:
        return None
    result: Dim = 0
    for work in row.cost.work:
        if chosen(work):
            result = result + work.formula.value
    return result * row.count


def _amounts(key: str) -> ItemReader:
    """A figure of a row; of a group the sum of its rows'."""
    read = amount_reader(key)
    return ItemReader(read, lambda group: sum_amounts(map(read, group.rows)))


def _alike(read: Callable[[LayerCost], str]) -> ItemReader:
    """A word of a row; of a group the one that all its rows have, "" where they differ."""

    def of_group(group: LayerGroup) -> str:
        found = set(map(read, group.rows))
        return found.pop() if len(found) == 1 else ""

    return ItemReader(read, of_group)


def _shapes(row: LayerCost) -> tuple[Any, ...]:
    return tuple([output.type.shape for output in row.outputs])


def _intensity(rows: Iterable[LayerCost]) -> float | None:
    """FLOPs for each byte of traffic; None where either is a formula or unknown."""
    flops = traffic = 0
    for row in rows:
        work, moved = row.figures["flops"], row.figures["traffic_bytes"]
        if not isinstance(work, int) or not isinstance(moved, int):
            return None
        flops, traffic = flops + work, traffic + moved
    return flops / traffic if traffic else None


_NAME = ItemReader(lambda row: row.name, lambda group: group.name)

_OUTPUT = ItemReader(_shapes, lambda group: _shapes(group.rows[-1]) if group.is_block and group.rows else ())

_INTENSITY = ItemReader(lambda row: _intensity((row,)), lambda group: _intensity(group.rows))

_RUNS = ItemReader(lambda row: row.count, lambda group: sum((row.count for row in group.rows), 0))

COLUMNS = {
    column.key: column
    for column in (
        Column("name", "Layer", "name", 100, _NAME),
        Column("op", "Operator", "text", 70, _alike(lambda row: row.operator)),
        Column("output", "Output", "shape", 60, _OUTPUT),
        quantity_column("macs", 90, _amounts("macs")),
        quantity_column("backward_macs", 85, _amounts("backward_macs")),
        quantity_column("flops", 75, _amounts("flops")),
        quantity_column("params", 65, _amounts("params")),
        quantity_column("buffers", 40, _amounts("buffers")),
        quantity_column("weight_bytes", 45, _amounts("weight_bytes")),
        quantity_column("activation_bytes", 45, _amounts("activation_bytes")),
        quantity_column("traffic_bytes", 42, _amounts("traffic_bytes")),
        quantity_column("intensity", 43, _INTENSITY),
        quantity_column("time", 88),
        Column("bound", "Bound by", "text", 72),
        Column("utilisation", "Of peak", "share", 44),
        Column("share", "Share", "share", 80),
        Column("bar", "", "bar", 25),
        Column("layers", "Layers", "number", 50, ItemReader(lambda row: 1, lambda group: len(group.rows))),
        Column("count", "Runs", "number", 35, _RUNS),
        Column("dtype", "Type", "text", 30, _alike(lambda row: str(row.outputs[0].type.dtype) if row.outputs else "")),
        Column("scope", "Block", "text", 30, ItemReader(lambda row: "/".join(row.scope), lambda group: "")),
        Column("state", "State", "text", 30, _alike(lambda row: row.state)),
        *(Column(kind, f"{kind.capitalize()}", "number", 30, _amounts(kind)) for kind in (*KINDS, *ROLES)),
    )
}
"""The columns of a table of layers. Those of TIMED are a device's, and shares are of what the table is about."""


def is_quantity(key: str) -> bool:
    """Whether a column is of counts or bytes of what layers cost."""
    return COLUMNS[key].kind in ("number", "bytes") and key not in ("layers", "count")


def check_column(key: str) -> str:
    """The column's name. UsageError where there is none, and where a quantity is of the whole model or of a device."""
    name, _, device = key.partition(".")
    if key not in COLUMNS and name in COLUMNS and device:
        raise UsageError(f"the column of {name} is {name!r}", f"name the device with --hardware {device}")
    if key not in COLUMNS and name in CATALOGUE:
        fact = f"{key} is of the whole model, and no column of layers"
        raise UsageError(fact, f"ask for it with costcalc table MODEL --columns name,{key}")
    if key not in COLUMNS:
        raise UsageError(f"there is no column {key!r}", suggest_choice(key, COLUMNS))
    return key


def sort_items(items: Sequence[Item], key: str, timed: Mapping[str, Column] = {}) -> Sequence[Item]:
    """Largest first (texts from A to Z); what is equal stays in execution order. Times are the first device's."""
    check_column(key)
    if key in ("share", "bar"):
        key = "macs"
    at = next((name for name in timed if name.split(":")[0] == key), key)
    cells = values_of_column(items, at, timed)
    if COLUMNS[key].kind in ("name", "text", "shape"):
        order = sorted(range(len(items)), key=lambda i: str(cells[i]))
    else:
        order = sorted(range(len(items)), key=lambda i: magnitude(cells[i]), reverse=True)
    return [items[i] for i in order]


def column_values(
    items: Sequence[Item], keys: Sequence[str], basis: str, whole: Amount, timed: Mapping[str, Column] = {}
) -> list[list[Any]]:
    """The values of several columns, each computed once: a bar draws a share, and a share is one of the basis."""
    made: dict[str, list[Any]] = {}
    for key in keys:
        if key not in ("share", "bar"):
            made[key] = values_of_column(items, key, timed)
    if made.keys() != set(keys):
        amounts = made[basis] if basis in made else values_of_column(items, basis)
        made["share"] = made["bar"] = _shares(amounts, whole)
    return [made[key] for key in keys]


def values_of_column(items: Sequence[Item], key: str, timed: Mapping[str, Column] = {}) -> list[Any]:
    """The values of one column that is no share."""
    read = (timed[key] if key in timed else COLUMNS[key]).value
    if isinstance(read, ItemReader):  # a call less for each cell
        of_row, of_group = read.of_row, read.of_group
        return [of_group(item) if isinstance(item, LayerGroup) else of_row(item) for item in items]
    assert read is not None, f"{key} is no column of its own"
    return list(map(read, items))


def _shares(amounts: Sequence[Amount], whole: Amount) -> list[float | None]:
    if isinstance(whole, LowerBound):
        whole = whole.value
    if isinstance(whole, int) and whole:
        n = whole
        return [a / n if a.__class__ is int else None for a in amounts]
    return [share(None if isinstance(a, LowerBound) else a, whole) for a in amounts]
