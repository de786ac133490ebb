"""Report -> Table: raw values of layers, operators or blocks with totals and notes; and its entry of the JSON
report: symbols, totals, layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.analysis import grouping
from costcalc.analysis.grouping import LayerGroup
from costcalc.analysis.layers import LAYER_QUANTITIES, LayerCost
from costcalc.analysis.report import NODE_BY_NODE, Report
from costcalc.core.amount import LowerBound, json_amount, sum_amounts
from costcalc.core.errors import UsageError
from costcalc.core.settings import non_defaults
from costcalc.views import columns
from costcalc.views.columns import COLUMNS, check_column, column_values, sort_items
from costcalc.views.summary import inputs_text, report_notes, report_totals
from costcalc.views.table import Table
from costcalc.views.training import training_document

if TYPE_CHECKING:
    from costcalc.views.table import Column, Note, Total

DEFAULTS = {
    "layer": ("name", "op", "output", "macs", "params", "share", "bar"),
    "op": ("op", "layers", "macs", "flops", "params", "share", "bar"),
    "block": ("name", "layers", "output", "macs", "params", "share", "bar"),
}


class TableOptions(NamedTuple):
    """What a user wants to see: rows per layer, op or block; the tree's depth; order, number of rows and columns; the
    names of devices and the columns of each; totals and remarks of what else was measured."""

    by: str = "layer"
    depth: int | None = None
    sort: str | None = None
    top: int | None = None
    columns: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    timed: Mapping[str, Column] = {}
    facts: tuple[Total, ...] = ()
    remarks: tuple[Note, ...] = ()


def report_table(report: Report, view: TableOptions = TableOptions()) -> Table:  # noqa: B008
    """The table of a report. UsageError where a column does not exist."""
    timed = view.timed
    keys = _keys(report, view)
    if columns.BACKWARD in (*keys, view.sort) and columns.BACKWARD not in report.totals:
        raise UsageError(f"there are no {columns.BACKWARD} without training", "add --training")
    basis = _basis(report, view.sort)
    layers = report.layers
    whole = LayerGroup("Total", layers, whole=False)
    all_of_it = sum_amounts(map(columns.amount_reader(basis), layers))
    items = _items(layers, view)
    if view.sort:
        items = sort_items(items, view.sort, timed)
    left = items[view.top :] if view.top is not None else []
    items = items[: view.top] if view.top is not None else items
    rest = None
    if left:
        members = tuple(row for item in left for row in (item.rows if isinstance(item, LayerGroup) else (item,)))
        rest = LayerGroup(f"({len(left)} more)", members, whole=False)
    cells = column_values(items, keys, basis, all_of_it, timed)
    last = [
        tuple(c[0] for c in column_values([group], keys, basis, all_of_it, timed))
        for group in filter(None, (rest, whole))
    ]
    share = f"% {'known ' if isinstance(all_of_it, LowerBound) else ''}{COLUMNS[basis].title}"
    shown = [(timed[key] if key in timed else COLUMNS[key])._replace(value=None) for key in keys]
    shown = [column._replace(title=share) if column.key == "share" else column for column in shown]
    groups = [item for item in items if isinstance(item, LayerGroup)]
    return Table(
        report.name,
        inputs_text(report),
        tuple(shown),
        tuple(zip(*cells, strict=True)),
        last[0] if rest else None,
        _named_total(last[-1], keys, len(layers)),
        tuple((g.depth, g.label) for g in groups) if view.by == "block" and not _flat(view) else (),
        (*report_totals(report), *view.facts),
        (*view.remarks, *report_notes(report)),
    )


def _keys(report: Report, view: TableOptions) -> list[str]:
    """The columns that are asked for, or the usual ones."""
    keys = [check_column(key) for key in view.columns or _defaults(report, view.by)]
    missing = next((key for key in (*keys, view.sort) if key in columns.TIMED), None)
    if not view.devices:
        if missing:
            raise UsageError(f"there is no {missing} without a device", "add --hardware NAME")
        return keys
    return _of_each_device(keys, view.devices) if view.columns else _with_times(keys, view.devices)


def _of_each_device(keys: Sequence[str], devices: Sequence[str]) -> list[str]:
    """Column names as they were written; `time` stands for each device's."""
    if len(devices) < 2:
        return list(keys)
    found: list[str] = []
    for key in keys:
        found += [f"{key}:{name}" for name in devices] if key in columns.TIMED else [key]
    return found


def _with_times(keys: Sequence[str], devices: Sequence[str]) -> list[str]:
    """The usual columns with a device: intensity, time and bound in the place of shares."""
    kept = [key for key in keys if key not in ("share", "bar", "params")]
    more = [f"{key}:{name}" if len(devices) > 1 else key for name in devices for key in columns.TIMED[:2]]
    return [*kept, "intensity", *more]


def _defaults(report: Report, by: str) -> tuple[str, ...]:
    keys = DEFAULTS[by]
    if columns.BACKWARD not in report.totals:
        return keys
    after = keys.index("macs") + 1
    return (*keys[:after], columns.BACKWARD, *keys[after:])


def _basis(report: Report, sort: str | None) -> str:
    """What shares are shares of: the quantity that is sorted by, else MACs, else FLOPs."""
    if sort and columns.is_quantity(check_column(sort)) and sort in LAYER_QUANTITIES:
        return sort
    return "macs" if report.totals["macs"] != 0 else "flops"


def _flat(view: TableOptions) -> bool:
    return view.sort is not None or view.top is not None


def _items(layers: Sequence[LayerCost], view: TableOptions) -> Sequence[LayerCost | LayerGroup]:
    if view.by == "layer":
        return layers
    if view.by == "op":
        return sort_items(sort_items(grouping.group_by_operator(layers), "flops"), "macs")
    root = grouping.block_tree(layers)
    return grouping.innermost_groups(root, view.depth) if _flat(view) else grouping.expand_tree(root, view.depth)


def _named_total(cells: tuple[Any, ...], keys: Sequence[str], layers: int) -> tuple[Any, ...]:
    total = "Total" if "layers" in keys else f"Total of {layers:,}"
    names = {"name": total, "op": "" if "name" in keys else "Total", "dtype": "", "state": ""}
    return tuple(names.get(key, cell) for key, cell in zip(keys, cells, strict=True))


def report_document(report: Report) -> dict[str, Any]:
    """The model's entry of the JSON report: a quantity is an int, or a formula's text while symbols are open."""
    return {
        "name": report.name,
        "source": report.source,
        "symbols": {**dict.fromkeys(report.open_symbols), **{k: json_amount(v) for k, v in report.bound.items()}},
        "totals": {
            **{name: json_amount(value) for name, value in report.totals.items()},
            "flops_by_kind": {k: json_amount(v) for k, v in report.flops_by_kind().items()},
            "flops_by_role": {k: json_amount(v) for k, v in report.flops_by_role().items()},
            "macs_by_precision": {k: json_amount(v) for k, v in report.macs_by_precision().items()},
            "weight_bytes_by_dtype": {k: json_amount(v) for k, v in report.weight_bytes_by_dtype().items()},
        },
        "lower_bound": report.lower_bound,
        "upper_bound": report.upper_bound,
        "unknown_ops": [
            {"op_type": u.op_type, "domain": u.domain, "count": len(u.layers), "layers": list(u.layers)}
            for u in report.unknown
        ],
        "accounted": report.accounted(),
        "assumptions": [str(a) for a in report.assumptions],
        "notes": list(report.notes),
        **({} if report.execution == NODE_BY_NODE else {"execution": non_defaults(report.execution)}),
        **({"training": training_document(step)} if (step := report.step) else {}),
        "layers": [layer_document(row) for row in report.rows],
    }


def layer_document(row: LayerCost) -> dict[str, Any]:
    """The layer's entry of the JSON report."""
    return {
        "name": row.name,
        "op_type": row.op_type,
        "domain": row.domain,
        "scope": list(row.scope),
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
        **{name: json_amount(value) for name, value in row.amounts.items()},
    }
