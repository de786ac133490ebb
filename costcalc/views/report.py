"""Report -> Table: raw values of layers, operators or blocks with totals and notes; and its entry of the JSON
report: symbols, totals, layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.analysis import grouping
from costcalc.analysis.grouping import LayerGroup
from costcalc.analysis.layers import LAYER_QUANTITIES, LayerCost
from costcalc.analysis.report import NODE_BY_NODE, Report, report_certainty
from costcalc.core.amount import LowerBound, json_amount, sum_amounts
from costcalc.core.errors import UsageError
from costcalc.core.settings import non_defaults
from costcalc.views import columns
from costcalc.views.columns import COLUMNS, Item, check_column, column_values, sort_items
from costcalc.views.figures import inexact
from costcalc.views.settings import settings_document
from costcalc.views.summary import report_notes, report_totals, subtitle_text, symbol_legend
from costcalc.views.table import RowRepeat, Table
from costcalc.views.training import training_document

if TYPE_CHECKING:
    from costcalc.core.quantity import Certainty
    from costcalc.views.repeats import ItemGroup
    from costcalc.views.table import Column, Note, Total

DEFAULT_COLUMNS = {
    "layer": ("name", "op", "output", "macs", "params", "share", "bar"),
    "op": ("op", "layers", "macs", "flops", "params", "share", "bar"),
    "block": ("name", "layers", "output", "macs", "params", "share", "bar"),
    "module": ("name", "layers", "output", "macs", "params", "share", "bar"),
}

TREES = {"block": grouping.block_tree, "module": grouping.module_tree}


SORTED = 95
"""The importance of the column that a table is sorted by."""

LEAST_SAVED = 8
"""Rows that a repeat must save to be shown as one."""


class TableOptions(NamedTuple):
    """Options of a table: rows per layer, op, block or module; the tree's depth; order, number of rows and columns; the
    names of devices and the columns of each; totals and notes of what else was measured; whether every layer stands for
    itself, though it repeats one before it or costs next to nothing."""

    by: str = "layer"
    depth: int | None = None
    sort: str | None = None
    top: int | None = None
    columns: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    device_columns: Mapping[str, Column] = {}
    totals: tuple[Total, ...] = ()
    notes: tuple[Note, ...] = ()
    all_layers: bool = False


def report_table(report: Report, options: TableOptions = TableOptions()) -> Table:  # noqa: B008
    """The table of a report. UsageError where a column does not exist."""
    device_columns = options.device_columns
    keys = _column_keys(report, options)
    if columns.BACKWARD_COLUMN in (*keys, options.sort) and columns.BACKWARD_COLUMN not in report.totals:
        raise UsageError(f"there are no {columns.BACKWARD_COLUMN} without training", "add --training")
    basis = _share_basis(report, options.sort)
    layers = report.layers
    total_group = LayerGroup("Total", layers, is_block=False)
    total_amount = sum_amounts(map(columns.amount_reader(basis), layers))
    items = _group_layers(layers, options)
    if options.sort:
        items = sort_items(items, options.sort, device_columns)
    all_names = tuple(item.name for item in items) if options.top is not None else ()
    remainder = items[options.top :] if options.top is not None else []
    items = items[: options.top] if options.top is not None else items
    remainder_group = None
    if remainder:
        members = tuple(row for item in remainder for row in (item.rows if isinstance(item, LayerGroup) else (item,)))
        remainder_group = LayerGroup(f"({len(remainder)} more)", members, is_block=False)
    cells = column_values(items, keys, basis, total_amount, device_columns)
    summary_rows = [
        tuple(c[0] for c in column_values([group], keys, basis, total_amount, device_columns))
        for group in filter(None, (remainder_group, total_group))
    ]
    share_title = f"% {'known ' if isinstance(total_amount, LowerBound) else ''}{COLUMNS[basis].title}"
    headers = [(device_columns[key] if key in device_columns else COLUMNS[key])._replace(value=None) for key in keys]
    headers = [column._replace(title=share_title) if column.key == "share" else column for column in headers]
    headers = [column._replace(importance=SORTED) if column.key == options.sort else column for column in headers]
    if options.by == "op" and headers[0].key == "op":
        headers[0] = headers[0]._replace(kind="name")
    groups = [item for item in items if isinstance(item, LayerGroup)]
    rows = tuple(zip(*cells, strict=True))
    repeats = _find_repeats(items, rows, keys, options)
    repeat_cells = column_values([item.group for item in repeats], keys, basis, total_amount, device_columns)
    return Table(
        report.name,
        subtitle_text(report),
        tuple(headers),
        rows,
        _named_row(summary_rows[0], keys, f"({len(remainder)} more)") if remainder else None,
        _named_row(
            summary_rows[-1], keys, "Total" if "layers" in keys or "name" not in keys else f"Total of {len(layers):,}"
        ),
        tuple((g.depth, g.label) for g in groups) if options.by in TREES and not _is_flat(options) else (),
        (*report_totals(report), *options.totals),
        (*options.notes, *report_notes(report)),
        all_names=all_names,
        repeats=tuple(_repeat_rows(repeats, list(zip(*repeat_cells, strict=True)), keys, options)),
    )


def _find_repeats(
    items: Sequence[Item], rows: Sequence[tuple[Any, ...]], keys: Sequence[str], options: TableOptions
) -> Sequence[ItemGroup]:
    """Items with their rows → the repeats among them; none where the table is sorted, or has no name for them."""
    if options.all_layers or options.by == "op" or _is_flat(options) or not {"name", "op"} & set(keys):
        return ()
    shown = [i for i, key in enumerate(keys) if key not in ("name", "scope")]
    cells = [tuple([row[i] for i in shown]) for row in rows]
    if len(cells) - len(set(cells)) < LEAST_SAVED:
        return ()
    groups: list[ItemGroup] = import_module("costcalc.views.repeats").find_item_repeats(items, cells, LEAST_SAVED)
    return groups


def _repeat_rows(
    repeats: Sequence[ItemGroup], rows: Sequence[tuple[Any, ...]], keys: Sequence[str], options: TableOptions
) -> Iterator[RowRepeat]:
    """Repeats and the values of their groups → the rows that stand for them."""
    for (start, stop, group, _), row in zip(repeats, rows, strict=True):
        node = (group.depth, group.label) if options.by in TREES else None
        yield RowRepeat(start, stop, _named_row(row, keys, group.name), node)


def _column_keys(report: Report, options: TableOptions) -> list[str]:
    """The options → the keys of their columns, or of the usual ones."""
    keys = [check_column(key) for key in options.columns or _default_columns(report, options.by)]
    if all(COLUMNS[key].kind == "bar" for key in keys):
        raise UsageError("a table of bars alone has no figure", "name another column too: share,bar")
    missing = next((key for key in (*keys, options.sort) if key in columns.DEVICE_COLUMNS), None)
    if not options.devices:
        if missing:
            raise UsageError(f"there is no {missing} without a device", "add --hardware NAME")
        return keys
    if not options.columns:
        return _add_times(keys, options)
    expanded = _expand_devices(keys, options.devices)
    absent = next((key for key in expanded if _is_absent(key, options)), None)
    if absent:
        raise UsageError(f"there is no column {absent}", "it is of .tflite models on a device with an NPU")
    return expanded


def _is_absent(key: str, options: TableOptions) -> bool:
    """Whether a column of devices has no values for these models and devices."""
    return key.partition(":")[0] in columns.PLACEMENT_COLUMNS and key not in options.device_columns


def _expand_devices(keys: Sequence[str], devices: Sequence[str]) -> list[str]:
    """Column keys and devices → the keys with `time` replaced by `time:NAME` of each device, where there are
    several."""
    if len(devices) < 2:
        return list(keys)
    device_keys: list[str] = []
    for key in keys:
        device_keys += [f"{key}:{name}" for name in devices] if key in columns.DEVICE_COLUMNS else [key]
    return device_keys


def _add_times(keys: Sequence[str], options: TableOptions) -> list[str]:
    """The usual column keys and options → the keys with intensity, time and bound in the place of shares, and what an
    NPU runs."""
    devices = options.devices
    placement = [key for key in options.device_columns if key.partition(":")[0] in columns.PLACEMENT_COLUMNS]
    base_keys = [key for key in keys if key not in ("share", "bar", "params")]
    time_keys = [f"{key}:{name}" if len(devices) > 1 else key for name in devices for key in columns.DEVICE_COLUMNS[:2]]
    return [*base_keys, "intensity", *time_keys, *placement]


def _default_columns(report: Report, by: str) -> tuple[str, ...]:
    keys: tuple[str, ...] = DEFAULT_COLUMNS[by]
    if by in ("layer", "module") and report.graph.modules:  # a layer's name has the operator where its module has not
        keys = (keys[0], "module", *[key for key in keys[1:] if key != "op"])
    if columns.BACKWARD_COLUMN not in report.totals:
        return keys
    position = keys.index("macs") + 1
    return (*keys[:position], columns.BACKWARD_COLUMN, *keys[position:])


def _share_basis(report: Report, sort: str | None) -> str:
    """A report and the order → the quantity of its shares: the one that is sorted by, else MACs, else FLOPs."""
    if sort and columns.is_quantity(check_column(sort)) and sort in LAYER_QUANTITIES:
        return sort
    return "macs" if report.totals["macs"] != 0 else "flops"


def _is_flat(options: TableOptions) -> bool:
    return options.sort is not None or options.top is not None


def _group_layers(layers: Sequence[LayerCost], options: TableOptions) -> Sequence[LayerCost | LayerGroup]:
    if options.by == "layer":
        return layers
    if options.by == "op":
        return sort_items(sort_items(grouping.group_by_operator(layers), "flops"), "macs")
    root = TREES[options.by](layers)
    return (
        grouping.innermost_groups(root, options.depth)
        if _is_flat(options)
        else grouping.expand_tree(root, options.depth, options.all_layers)
    )


def _named_row(cells: tuple[Any, ...], keys: Sequence[str], name: str) -> tuple[Any, ...]:
    """The cells of a row that sums others -> the cells with its name in the first column that tells rows apart."""
    names = {"name": name, "op": "" if "name" in keys else name, "dtype": "", "state": ""}
    return tuple(names.get(key, cell) for key, cell in zip(keys, cells, strict=True))


def _inexact_totals(report: Report) -> dict[str, Certainty]:
    """The certainty of each total that is not exact."""
    return inexact({key: report_certainty(report, key) for key in report.totals})


def report_document(report: Report) -> dict[str, Any]:
    """The model's entry of the JSON report: a quantity is an int, or a formula's text while symbols are open; certainty
    has the word for each total that is not exact: lower, upper, estimate."""
    return {
        "name": report.name,
        "source": report.source,
        **settings_document(report.settings),
        "symbols": {
            **dict.fromkeys(report.open_symbols),
            **{k: json_amount(v) for k, v in report.bound_symbols.items()},
        },
        "totals": {
            **{name: json_amount(value) for name, value in report.totals.items()},
            "flops_by_kind": {k: json_amount(v) for k, v in report.flops_by_kind().items()},
            "flops_by_role": {k: json_amount(v) for k, v in report.flops_by_role().items()},
            "macs_by_precision": {k: json_amount(v) for k, v in report.macs_by_precision().items()},
            "weight_bytes_by_dtype": {k: json_amount(v) for k, v in report.weight_bytes_by_dtype().items()},
        },
        **({"symbol_nodes": legend} if (legend := symbol_legend(report)) else {}),
        **({"certainty": certainty} if (certainty := _inexact_totals(report)) else {}),
        "lower_bound": report.lower_bound,
        "upper_bound": report.upper_bound,
        "unknown_ops": [
            {"op_type": u.op_type, "domain": u.domain, "count": len(u.layers), "layers": list(u.layers)}
            for u in report.unknown
        ],
        "accounted": report.count_states(),
        **({"symbol_limits": limits, "total_limits": report.total_limits} if (limits := report.symbol_limits) else {}),
        "assumptions": [str(a) for a in report.assumptions],
        "notes": list(report.notes),
        **_flash_entry(report),
        **({} if report.execution == NODE_BY_NODE else {"execution": non_defaults(report.execution)}),
        **({"training": training_document(step)} if (step := report.step) else {}),
        "layers": [layer_document(row) for row in report.rows],
    }


def _flash_entry(report: Report) -> dict[str, Any]:
    """What the bytes of a file are, of formats that are kept in flash as they are; nothing of any other."""
    flat = report.graph.flat
    return {} if flat is None else {"flash": import_module("costcalc.views.flash").flash_document(flat)}


def layer_document(row: LayerCost) -> dict[str, Any]:
    """The layer's entry of the JSON report."""
    return {
        "name": row.name,
        "op_type": row.op_type,
        "domain": row.domain,
        "scope": list(row.scope),
        **({"module": row.module._asdict()} if row.module else {}),
        "count": json_amount(row.count),
        "outputs": [
            {
                "name": o.name,
                "dtype": str(o.type.dtype),
                "shape": None if o.type.shape is None else [json_amount(d) for d in o.type.shape],
            }
            for o in row.outputs
        ],
        "state": row.state,
        **{name: json_amount(value) for name, value in row.figures.items()},
    }
