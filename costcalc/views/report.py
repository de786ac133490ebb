"""Report → Sheet: a neutral table of raw values with totals and remarks, which every renderer prints its own way.

Report -> its entry of the JSON report: symbols, totals, layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.analysis import grouping
from costcalc.analysis.grouping import Group
from costcalc.analysis.layers import QUANTITIES, Row
from costcalc.analysis.operand_types import weight_bytes_by_dtype
from costcalc.analysis.report import NODE_BY_NODE, Report
from costcalc.core.amount import AtLeast, add, plain
from costcalc.core.errors import UsageError
from costcalc.core.settings import non_defaults
from costcalc.views import columns
from costcalc.views.columns import COLUMNS, columns_of, known, ordered
from costcalc.views.summary import facts, inputs, remarks
from costcalc.views.table import Sheet
from costcalc.views.training import training_document

if TYPE_CHECKING:
    from costcalc.analysis.roofline.roofline import Roofline
    from costcalc.views.columns import Computed
    from costcalc.views.table import Fact, Remark

DEFAULTS = {
    "layer": ("name", "op", "output", "macs", "params", "share", "bar"),
    "op": ("op", "layers", "macs", "flops", "params", "share", "bar"),
    "block": ("name", "layers", "output", "macs", "params", "share", "bar"),
}


class View(NamedTuple):
    """What a user wants to see: rows per layer, op or block; the tree's depth; order, number of rows and columns; the
    report's rooflines on devices; totals and remarks of what else was measured."""

    by: str = "layer"
    depth: int | None = None
    sort: str | None = None
    top: int | None = None
    columns: tuple[str, ...] = ()
    devices: tuple[Roofline, ...] = ()
    facts: tuple[Fact, ...] = ()
    remarks: tuple[Remark, ...] = ()


def sheet(report: Report, view: View = View()) -> Sheet:  # noqa: B008
    """The table of a report. UsageError where a column does not exist."""
    timed = _timed(view)
    keys = _keys(report, view)
    if columns.BACKWARD in (*keys, view.sort) and columns.BACKWARD not in report.totals:
        raise UsageError(f"there are no {columns.BACKWARD} without training", "add --training")
    basis = _basis(report, view.sort)
    layers = report.layers
    whole = Group("Total", layers, whole=False)
    all_of_it = add(map(columns.quantity(basis), layers))
    items = _items(layers, view)
    if view.sort:
        items = ordered(items, view.sort, timed)
    left = items[view.top :] if view.top is not None else []
    items = items[: view.top] if view.top is not None else items
    rest = None
    if left:
        members = tuple(row for item in left for row in (item.rows if isinstance(item, Group) else (item,)))
        rest = Group(f"({len(left)} more)", members, whole=False)
    cells = columns_of(items, keys, basis, all_of_it, timed)
    last = [
        tuple(c[0] for c in columns_of([group], keys, basis, all_of_it, timed)) for group in filter(None, (rest, whole))
    ]
    share = f"% {'known ' if isinstance(all_of_it, AtLeast) else ''}{COLUMNS[basis].title}"
    shown = [timed[key].column if key in timed else COLUMNS[key] for key in keys]
    shown = [column._replace(title=share) if column.key == "share" else column for column in shown]
    groups = [item for item in items if isinstance(item, Group)]
    return Sheet(
        report.name,
        inputs(report),
        tuple(shown),
        tuple(zip(*cells, strict=True)),
        last[0] if rest else None,
        _named_total(last[-1], keys, len(layers)),
        tuple((g.depth, g.label) for g in groups) if view.by == "block" and not _flat(view) else (),
        (*facts(report), *view.facts),
        (*_device_remarks(view), *view.remarks, *remarks(report)),
    )


def _timed(view: View) -> Mapping[str, Computed]:
    """The columns that the devices give."""
    if not view.devices:
        return {}
    from costcalc.views.roofline import computed

    return computed(view.devices)


def _device_remarks(view: View) -> tuple[Remark, ...]:
    if not view.devices:
        return ()
    from costcalc.views.roofline import remarks

    return remarks(view.devices)


def _keys(report: Report, view: View) -> list[str]:
    """The columns that are asked for, or the usual ones."""
    keys = [known(key) for key in view.columns or _defaults(report, view.by)]
    missing = next((key for key in (*keys, view.sort) if key in columns.TIMED), None)
    if not view.devices:
        if missing:
            raise UsageError(f"there is no {missing} without a device", "add --hardware NAME")
        return keys
    from costcalc.views.roofline import defaults, expanded

    return expanded(keys, view.devices) if view.columns else defaults(keys, view.devices)


def _defaults(report: Report, by: str) -> tuple[str, ...]:
    keys = DEFAULTS[by]
    if columns.BACKWARD not in report.totals:
        return keys
    after = keys.index("macs") + 1
    return (*keys[:after], columns.BACKWARD, *keys[after:])


def _basis(report: Report, sort: str | None) -> str:
    """What shares are shares of: the quantity that is sorted by, else MACs, else FLOPs."""
    if sort and columns.is_quantity(known(sort)) and sort in QUANTITIES:
        return sort
    return "macs" if report.totals["macs"] != 0 else "flops"


def _flat(view: View) -> bool:
    return view.sort is not None or view.top is not None


def _items(layers: Sequence[Row], view: View) -> Sequence[Row | Group]:
    if view.by == "layer":
        return layers
    if view.by == "op":
        return ordered(ordered(grouping.by_operator(layers), "flops"), "macs")
    root = grouping.tree(layers)
    return grouping.frontier(root, view.depth) if _flat(view) else grouping.opened(root, view.depth)


def _named_total(cells: tuple[Any, ...], keys: Sequence[str], layers: int) -> tuple[Any, ...]:
    total = "Total" if "layers" in keys else f"Total of {layers:,}"
    names = {"name": total, "op": "" if "name" in keys else "Total", "dtype": "", "state": ""}
    return tuple(names.get(key, cell) for key, cell in zip(keys, cells, strict=True))


def report_document(report: Report) -> dict[str, Any]:
    """The model's entry of the JSON report: a quantity is an int, or a formula's text while symbols are open."""
    return {
        "name": report.name,
        "source": report.source,
        "symbols": {**dict.fromkeys(report.open_symbols), **{k: plain(v) for k, v in report.bound.items()}},
        "totals": {
            **{name: plain(value) for name, value in report.totals.items()},
            "flops_by_kind": {k: plain(v) for k, v in report.flops_by_kind().items()},
            "flops_by_role": {k: plain(v) for k, v in report.flops_by_role().items()},
            "macs_by_precision": {k: plain(v) for k, v in report.macs_by_precision().items()},
            "weight_bytes_by_dtype": {k: plain(v) for k, v in weight_bytes_by_dtype(report.graph).items()},
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
        **({"training": training_document(step)} if (step := getattr(report, "step", None)) else {}),
        "layers": [layer_document(row) for row in report.rows],
    }


def layer_document(row: Row) -> dict[str, Any]:
    """The layer's entry of the JSON report."""
    return {
        "name": row.name,
        "op_type": row.op_type,
        "domain": row.domain,
        "scope": list(row.scope),
        "count": plain(row.count),
        "outputs": [
            {
                "name": o.name,
                "dtype": str(o.type.dtype),
                "shape": None if o.type.shape is None else [plain(d) for d in o.type.shape],
            }
            for o in row.outputs
        ],
        "state": row.state,
        **{name: plain(value) for name, value in row.amounts.items()},
    }
