"""Report → Sheet: a neutral table of raw values with totals and remarks, which every renderer prints its own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc import columns, grouping
from costcalc.columns import COLUMNS, Column, Group
from costcalc.core.amount import AtLeast, add
from costcalc.errors import UsageError
from costcalc.footer import Fact, Remark, facts, inputs, remarks
from costcalc.report import Report
from costcalc.rows import QUANTITIES, Row
from costcalc.values import columns_of, known, ordered

if TYPE_CHECKING:
    from costcalc.roofline import Roofline
    from costcalc.timed import Computed

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


class Plot(NamedTuple):
    """Bytes over steps."""

    title: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """rows hold one raw value per column. rest sums up the rows that --top left out; total all of them. tree gives each
    row's (depth, label) where rows are a tree. kind says what the title names. plot stands before the rows. groups are
    the indexes of columns that stand together: where there are any, no column is left out, and what a line has no room
    for stands below."""

    title: str
    subtitle: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    rest: tuple[Any, ...] | None = None
    total: tuple[Any, ...] | None = None
    tree: tuple[tuple[int, str], ...] = ()
    facts: tuple[Fact, ...] = ()
    remarks: tuple[Remark, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    kind: str = "model"
    plot: Plot | None = None


def only(given: Sheet, chosen: Sequence[int]) -> Sheet:
    """Some of the columns."""

    def cut(row: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        return None if row is None else tuple([row[i] for i in chosen])

    return replace(
        given,
        columns=tuple([given.columns[i] for i in chosen]),
        rows=tuple([tuple([row[i] for i in chosen]) for row in given.rows]),
        rest=cut(given.rest),
        total=cut(given.total),
    )


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
    from costcalc.timed import computed

    return computed(view.devices)


def _device_remarks(view: View) -> tuple[Remark, ...]:
    if not view.devices:
        return ()
    from costcalc.timing import remarks

    return remarks(view.devices)


def _keys(report: Report, view: View) -> list[str]:
    """The columns that are asked for, or the usual ones."""
    keys = [known(key) for key in view.columns or _defaults(report, view.by)]
    missing = next((key for key in (*keys, view.sort) if key in columns.TIMED), None)
    if not view.devices:
        if missing:
            raise UsageError(f"there is no {missing} without a device", "add --hardware NAME")
        return keys
    from costcalc.timed import defaults, expanded

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
