"""The columns a table can have, and how a layer's row, or a group of rows, gives each of them a raw value.

Rows → the values of a column, and rows in the order of their values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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

RowReader = Callable[[LayerCost], "Dim | None"]

Item = LayerCost | LayerGroup

BACKWARD_COLUMN = "backward_macs"
"""The column that only a report with training has."""

PLACEMENT_COLUMNS = ("runs_on", "why")
"""The columns that a report has for each device with an NPU whose rules are known."""

DEVICE_COLUMNS = ("time", "bound", "utilisation", *PLACEMENT_COLUMNS)
"""The columns that a report has for each device; with several devices each is `time:NAME`."""


class ItemReader:
    """Reads a column's raw value off a layer's row, and off a group of rows."""

    __slots__ = ("of_group", "of_row")

    def __init__(self, of_row: Callable[[LayerCost], Any], of_group: Callable[[LayerGroup], Any]) -> None:
        self.of_row, self.of_group = of_row, of_group

    def __call__(self, item: Item) -> Any:
        return self.of_group(item) if isinstance(item, LayerGroup) else self.of_row(item)


def quantity_column(key: str, importance: int, value: Callable[[Any], Any] | None = None) -> Column:
    """A quantity of the catalogue as a column, with its title and its kind."""
    return Column(key, CATALOGUE[key].title, CATALOGUE[key].kind, importance, value)


def amount_reader(key: str) -> RowReader:
    """Reads a figure off a row: a quantity that layers have, or the operations of one kind or role."""
    if key in CATALOGUE:
        return lambda row: row.figures.get(key)
    if key in KINDS:
        return lambda row: _count_operations(row, lambda work: bool(work.kind == key))
    return lambda row: _count_operations(row, lambda work: bool(work.role == key))


def _count_operations(row: LayerCost, predicate: Callable[[Any], bool]) -> Dim | None:
    if row.cost is None:
        return None
    result: Dim = 0
    for work in row.cost.work:
        if predicate(work):
            result = result + work.formula.value
    return result * row.count


def _sum_reader(key: str) -> ItemReader:
    """The key of a figure → its reader of rows and groups; of a group the sum over its rows."""
    read = amount_reader(key)
    return ItemReader(read, lambda group: sum_amounts(map(read, group.rows)))


def _common_text_reader(read: Callable[[LayerCost], str]) -> ItemReader:
    """A reader of texts → a reader of rows and groups; of a group the text that all its rows have, "" where they
    differ."""

    def of_group(group: LayerGroup) -> str:
        texts = set(map(read, group.rows))
        return texts.pop() if len(texts) == 1 else ""

    return ItemReader(read, of_group)


def _output_shapes(row: LayerCost) -> tuple[Any, ...]:
    return tuple([output.type.shape for output in row.outputs])


def _intensity(rows: Iterable[LayerCost]) -> float | None:
    """FLOPs for each byte of traffic; None where either is a formula or unknown."""
    flops = traffic = 0
    for row in rows:
        row_flops, row_traffic = row.figures["flops"], row.figures["traffic_bytes"]
        if not isinstance(row_flops, int) or not isinstance(row_traffic, int):
            return None
        flops, traffic = flops + row_flops, traffic + row_traffic
    return flops / traffic if traffic else None


def _class_of_row(row: LayerCost) -> str:
    return row.module.class_name if row.module else ""


_CLASS = ItemReader(_class_of_row, lambda group: group.class_name)

_NAME = ItemReader(lambda row: row.name, lambda group: group.name)

_OUTPUT = ItemReader(
    _output_shapes, lambda group: _output_shapes(group.rows[-1]) if group.is_block and group.rows else ()
)

_INTENSITY = ItemReader(lambda row: _intensity((row,)), lambda group: _intensity(group.rows))

_RUNS = ItemReader(lambda row: row.count, lambda group: sum((row.count for row in group.rows), 0))

COLUMNS = {
    column.key: column
    for column in (
        Column("name", "Layer", "name", 100, _NAME),
        Column("module", "Module", "text", 70, _CLASS),
        Column("op", "Operator", "text", 70, _common_text_reader(lambda row: row.operator)),
        Column("output", "Output", "shape", 60, _OUTPUT),
        quantity_column("macs", 90, _sum_reader("macs")),
        quantity_column("backward_macs", 85, _sum_reader("backward_macs")),
        quantity_column("flops", 75, _sum_reader("flops")),
        quantity_column("params", 65, _sum_reader("params")),
        quantity_column("buffers", 40, _sum_reader("buffers")),
        quantity_column("weight_bytes", 45, _sum_reader("weight_bytes")),
        quantity_column("activation_bytes", 45, _sum_reader("activation_bytes")),
        quantity_column("traffic_bytes", 42, _sum_reader("traffic_bytes")),
        quantity_column("intensity", 43, _INTENSITY),
        quantity_column("time", 88),
        Column("bound", "Bound by", "text", 72),
        Column("utilisation", "Of peak", "share", 44),
        Column("runs_on", "Runs on", "text", 73),
        Column("why", "Why", "prose", 71),
        Column("share", "Share", "share", 80),
        Column("bar", "", "bar", 25),
        Column("layers", "Layers", "number", 50, ItemReader(lambda row: 1, lambda group: len(group.rows))),
        Column("count", "Runs", "number", 35, _RUNS),
        Column(
            "dtype",
            "Type",
            "text",
            30,
            _common_text_reader(lambda row: str(row.outputs[0].type.dtype) if row.outputs else ""),
        ),
        Column("scope", "Block", "text", 30, ItemReader(lambda row: "/".join(row.scope), lambda group: "")),
        Column("state", "State", "text", 30, _common_text_reader(lambda row: row.state)),
        *(Column(kind, f"{kind.capitalize()}", "number", 30, _sum_reader(kind)) for kind in (*KINDS, *ROLES)),
    )
}
"""The columns of a table of layers. Those of DEVICE_COLUMNS are a device's, and shares are of what the table is
about."""


def is_quantity(key: str) -> bool:
    """Whether a column is of counts or bytes of what layers cost."""
    return COLUMNS[key].kind in ("number", "bytes") and key not in ("layers", "count")


def check_column(key: str) -> str:
    """The key of a column → the same. UsageError where there is none, and where a quantity is of the whole model or of
    a device."""
    name, _, device = key.partition(".")
    if key not in COLUMNS and name in COLUMNS and device:
        raise UsageError(f"the column of {name} is {name!r}", f"name the device with --hardware {device}")
    if key not in COLUMNS and name in CATALOGUE:
        fact = f"{key} is of the whole model, and no column of layers"
        raise UsageError(fact, f"ask for it with costcalc table MODEL --columns name,{key}")
    if key not in COLUMNS:
        raise UsageError(f"there is no column {key!r}", suggest_choice(key, COLUMNS))
    return key


def sort_items(items: Sequence[Item], key: str, device_columns: Mapping[str, Column] = {}) -> Sequence[Item]:
    """Items → the items by a column, largest first (texts from A to Z); what is equal stays in execution order. Times
    are the first device's."""
    check_column(key)
    if key in ("share", "bar"):
        key = "macs"
    column_key = next((name for name in device_columns if name.split(":")[0] == key), key)
    cells = values_of_column(items, column_key, device_columns)
    if COLUMNS[key].kind in ("name", "text", "shape"):
        order = sorted(range(len(items)), key=lambda i: str(cells[i]))
    else:
        order = sorted(range(len(items)), key=lambda i: magnitude(cells[i]), reverse=True)
    return [items[i] for i in order]


def column_values(
    items: Sequence[Item], keys: Sequence[str], basis: str, total: Amount, device_columns: Mapping[str, Column] = {}
) -> list[list[Any]]:
    """Items and the keys of columns → the values of each column, computed once: bars draw shares, shares are of
    basis."""
    values_by_key: dict[str, list[Any]] = {}
    for key in keys:
        if key not in ("share", "bar"):
            values_by_key[key] = values_of_column(items, key, device_columns)
    if values_by_key.keys() != set(keys):
        basis_amounts = values_by_key[basis] if basis in values_by_key else values_of_column(items, basis)
        values_by_key["share"] = values_by_key["bar"] = _shares(basis_amounts, total)
    return [values_by_key[key] for key in keys]


def values_of_column(items: Sequence[Item], key: str, device_columns: Mapping[str, Column] = {}) -> list[Any]:
    """Items and the key of a column that is no share → its values."""
    read = (device_columns[key] if key in device_columns else COLUMNS[key]).value
    if isinstance(read, ItemReader):  # a call less for each cell
        of_row, of_group = read.of_row, read.of_group
        return [of_group(item) if isinstance(item, LayerGroup) else of_row(item) for item in items]
    assert read is not None, f"{key} is no column of its own"
    return list(map(read, items))


def _shares(amounts: Sequence[Amount], total: Amount) -> list[float | None]:
    if isinstance(total, LowerBound):
        total = total.value
    if isinstance(total, int) and total:
        n = total
        return [a / n if a.__class__ is int else None for a in amounts]
    return [share(None if isinstance(a, LowerBound) else a, total) for a in amounts]
