"""Report → Sheet: a neutral table of raw values with totals and remarks, which every renderer prints its own way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from costcalc import columns, grouping
from costcalc.columns import COLUMNS, Amount, AtLeast, Column, Group
from costcalc.dim import Dim, Poly
from costcalc.errors import UsageError
from costcalc.footer import Fact, Remark, facts, inputs, remarks
from costcalc.report import Report
from costcalc.rows import QUANTITIES, Row
from costcalc.units import ratio

DEFAULTS = {
    "layer": ("name", "op", "output", "macs", "params", "share", "bar"),
    "op": ("op", "layers", "macs", "flops", "params", "share", "bar"),
    "block": ("name", "layers", "output", "macs", "params", "share", "bar"),
}


class View(NamedTuple):
    """What a user wants to see: rows per layer, op or block; the tree's depth; order, number of rows and columns."""

    by: str = "layer"
    depth: int | None = None
    sort: str | None = None
    top: int | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """rows hold one raw value per column. rest sums up the rows that --top left out; total all of them. tree gives each
    row's (depth, label) where rows are a tree. kind says what the title names."""

    title: str
    subtitle: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    rest: tuple[Any, ...] | None = None
    total: tuple[Any, ...] | None = None
    tree: tuple[tuple[int, str], ...] = ()
    facts: tuple[Fact, ...] = ()
    remarks: tuple[Remark, ...] = ()
    kind: str = "model"


def sheet(report: Report, view: View = View()) -> Sheet:  # noqa: B008
    """The table of a report. UsageError where a column does not exist."""
    keys = [_known(key) for key in view.columns or _defaults(report, view.by)]
    if columns.BACKWARD in (*keys, view.sort) and report.training is None:
        raise UsageError(f"there are no {columns.BACKWARD} without training", "add --training")
    basis = _basis(report, view.sort)
    whole = Group("Total", report.rows, whole=False)
    all_of_it = columns.add(map(columns.quantity(basis), report.rows))
    items = _items(report, view)
    if view.sort:
        items = _sorted(items, view.sort)
    left = items[view.top :] if view.top is not None else []
    items = items[: view.top] if view.top is not None else items
    rest = None
    if left:
        members = tuple(row for item in left for row in (item.rows if isinstance(item, Group) else (item,)))
        rest = Group(f"({len(left)} more)", members, whole=False)
    cells = [_column(items, key, basis, all_of_it) for key in keys]
    line = [_column([g], key, basis, all_of_it) for g in filter(None, (rest, whole)) for key in keys]
    last = [tuple(c[0] for c in line[i : i + len(keys)]) for i in range(0, len(line), len(keys))]
    share = f"% {'known ' if isinstance(all_of_it, AtLeast) else ''}{COLUMNS[basis].title}"
    shown = [COLUMNS[key]._replace(title=share) if key == "share" else COLUMNS[key] for key in keys]
    groups = [item for item in items if isinstance(item, Group)]
    return Sheet(
        report.name,
        inputs(report),
        tuple(shown),
        tuple(zip(*cells, strict=True)),
        last[0] if rest else None,
        _named_total(last[-1], keys, len(report.rows)),
        tuple((g.depth, g.label) for g in groups) if view.by == "block" and not _flat(view) else (),
        facts(report),
        remarks(report),
    )


def _defaults(report: Report, by: str) -> tuple[str, ...]:
    keys = DEFAULTS[by]
    if report.training is None:
        return keys
    after = keys.index("macs") + 1
    return (*keys[:after], columns.BACKWARD, *keys[after:])


def _known(key: str) -> str:
    if key not in COLUMNS:
        import difflib

        close = difflib.get_close_matches(key, COLUMNS, 1)
        hint = f"did you mean {close[0]!r}? There are" if close else "there are"
        raise UsageError(f"there is no column {key!r}", f"{hint} {', '.join(COLUMNS)}")
    return key


def _basis(report: Report, sort: str | None) -> str:
    """What shares are shares of: the quantity that is sorted by, else MACs, else FLOPs."""
    if sort and columns.is_quantity(_known(sort)) and sort in QUANTITIES:
        return sort
    return "macs" if report.totals["macs"] != 0 else "flops"


def _flat(view: View) -> bool:
    return view.sort is not None or view.top is not None


def _items(report: Report, view: View) -> Sequence[Row | Group]:
    if view.by == "layer":
        return report.rows
    if view.by == "op":
        return _sorted(_sorted(grouping.by_operator(report.rows), "flops"), "macs")
    root = grouping.tree(report.rows)
    return grouping.frontier(root, view.depth) if _flat(view) else grouping.opened(root, view.depth)


def _sorted(items: Sequence[Row | Group], key: str) -> Sequence[Row | Group]:
    """Largest first (texts from A to Z); what is equal stays in execution order."""
    _known(key)
    if key in ("share", "bar"):
        key = "macs"
    cells = _column(items, key, key, 0)
    if COLUMNS[key].kind in ("name", "text", "shape"):
        order = sorted(range(len(items)), key=lambda i: str(cells[i]))
    else:
        order = sorted(range(len(items)), key=lambda i: magnitude(cells[i]), reverse=True)
    return [items[i] for i in order]


def magnitude(amount: Amount) -> tuple[int, int]:
    """An order of figures: a formula by its degree and leading coefficient, the unknown last."""
    if isinstance(amount, AtLeast):
        amount = amount.value
    if isinstance(amount, Poly):
        return max((sum(n for _, n in m), c) for m, c in amount.terms.items())
    return (-1, 0) if amount is None else (0, amount)


def _column(items: Sequence[Row | Group], key: str, basis: str, whole: Amount) -> list[Any]:
    """The values of one column."""
    if key in ("share", "bar"):
        return _shares(_column(items, basis, basis, whole), whole)
    if columns.is_quantity(key):
        get = columns.quantity(key)
        return [columns.add(map(get, i.rows)) if isinstance(i, Group) else get(i) for i in items]
    return [columns.value(item, key) for item in items]


def _shares(amounts: Sequence[Amount], whole: Amount) -> list[float | None]:
    if isinstance(whole, AtLeast):
        whole = whole.value
    if isinstance(whole, int) and whole:
        n = whole
        return [a / n if a.__class__ is int else None for a in amounts]
    return [_share(a, whole) for a in amounts]


def _share(amount: Amount, whole: Dim | None) -> float | None:
    """A share of a formula is a number only where the two differ by a factor."""
    part = ratio(None if isinstance(amount, AtLeast) else amount, whole)
    return None if part is None else float(part)


def _named_total(cells: tuple[Any, ...], keys: Sequence[str], layers: int) -> tuple[Any, ...]:
    total = "Total" if "layers" in keys else f"Total of {layers:,}"
    names = {"name": total, "op": "" if "name" in keys else "Total", "dtype": "", "state": ""}
    return tuple(names.get(key, cell) for key, cell in zip(keys, cells, strict=True))
