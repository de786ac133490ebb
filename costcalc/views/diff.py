"""Diff -> tables: the totals before and after, the difference by cause, the layers that changed; several Diffs -> one
table that lists them.

The remarks say what did not change, which inputs have other shapes, and what is bound, assumed and unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from costcalc.analysis.layers import LAYER_QUANTITIES
from costcalc.core.amount import Amount, LowerBound, sum_amounts
from costcalc.core.dim import Dim
from costcalc.core.errors import QuantityError
from costcalc.core.quantities import CATALOGUE, Figure, QuantityRef, parse_quantity
from costcalc.core.units import format_count, format_shape
from costcalc.studies.diff.diff import CAUSES, Diff, LayerChange, total_change
from costcalc.views.diff_words import describe_change, operator
from costcalc.views.figures import figure_amount, figure_change, refusal_notes
from costcalc.views.table import Column, Note, Table, select_columns


def remarks(diff: Diff, moved: Sequence[str]) -> Iterator[Note]:
    """What stands below the totals; moved are those that differ."""
    same = [
        parse_quantity(key).label
        for key in diff.quantities
        if key not in moved and diff.totals(key) != (0, 0) and _is_figure(diff.figures(key)[1])
    ]
    if not moved and not diff.changes:
        n = len(diff.layers)
        yield Note("No difference", "its layer is the same" if n == 1 else f"all {n:,} layers are the same")
        return
    if same:
        yield Note("Unchanged", ", ".join(same))
    yield from _inputs(diff)
    for label, before, after in (
        ("Bound", _symbols(diff.before.symbols), _symbols(diff.after.symbols)),
        ("Assumed", "; ".join(diff.before.assumptions), "; ".join(diff.after.assumptions)),
    ):
        if before != after and diff.before.source and diff.after.source:
            yield Note(label, f"{before or 'nothing'} → {after or 'nothing'}")
        elif after:
            yield Note(label, after)
    for which, snapshot in (("before", diff.before), ("after", diff.after)):
        for op, count in snapshot.unknown.items():
            yield Note("Unknown", f"{op} × {count} {which}: totals marked ≥ are lower bounds", True)
    yield from _refusals(diff)


def _refusals(diff: Diff) -> Iterator[Note]:
    """Which of the further quantities a version does not have, and why; once where it is so in both."""
    rows: dict[str, dict[QuantityRef, list[Figure | QuantityError]]] = {}
    for key in diff.quantities:
        figures = diff.figures(key)
        sides = zip(("before", "after"), figures, (diff.before, diff.after), strict=True)
        lacks = [side for side, figure, version in sides if version.source and not _is_figure(figure)]
        if key in diff.before.figures or key in diff.after.figures:
            same = len(lacks) == 2 and str(figures[0]) == str(figures[1])
            for side in ["both"] if same else lacks:
                rows.setdefault(side, {})[parse_quantity(key)] = [figures[side == "after"]]
    for side, refused in rows.items():
        yield from refusal_notes([side], refused)


def _is_figure(figure: Figure | QuantityError) -> bool:
    return isinstance(figure, Figure)


def _inputs(diff: Diff) -> Iterator[Note]:
    """The inputs that have another shape or element type now."""
    old = {tensor.name: tensor for tensor in diff.before.inputs}
    for new in diff.after.inputs:
        was = old.get(new.name)
        if was is not None and (was.shape, was.dtype) != (new.shape, new.dtype):
            types = ("", "") if was.dtype == new.dtype else (f" {was.dtype}", f" {new.dtype}")
            shapes = f"{format_shape(was.shape)}{types[0]} → {format_shape(new.shape)}{types[1]}"
            yield Note("Input", f"{new.name} {shapes}")


def _symbols(bound: Any) -> str:
    return ", ".join(f"{name} = {format_count(value)}" for name, value in bound.items())


STATUS_TEXTS = {
    "changed": "~ {} changed",
    "added": "+ {} added",
    "removed": "- {} removed",
    "renamed": "= {} renamed",
    "follows": "→ {} follow what they read",
    "same": "{} the same",
}

CAUSE_MEANINGS = {
    "resolution": "height, width, length of a sequence",
    "other": "element types, biases, how often a layer runs, which layer counts a shared weight",
}
"""What a cause stands for where its name does not tell."""

OWN_STATUSES = ("added", "removed", "changed")
"""What became of a layer by itself."""


def diff_tables(diff: Diff, top: int | None = None) -> tuple[Table, ...]:
    """The tables for people; of the layers, top leaves those with the largest difference, and a row for the rest.
    Where nothing changed, the totals alone."""
    both = diff.before.source and diff.after.source
    return (_totals(diff), *(_causes(diff) if both else ()), *_layers(diff, top))


def title(diff: Diff) -> str:
    """The model's name; both where it has another one now."""
    old, new = diff.before, diff.after
    if not old.source or not new.source or old.name == new.name:
        return new.name if new.source else old.name
    return f"{old.name} → {new.name}"


def versions_text(diff: Diff) -> str:
    """Where the versions came from."""
    old, new = diff.before.source, diff.after.source
    return f"{old} → {new}" if old and new else f"new: {new}" if new else f"no longer there: {old}"


def count_statuses(diff: Diff) -> str:
    """~ 1 changed, + 2 added, 20 the same: with the signs of the table."""
    counts = Counter(change.status for change in diff.layers)
    return ", ".join(said.format(f"{counts[status]:,}") for status, said in STATUS_TEXTS.items() if counts[status])


def changed_quantities(diff: Diff) -> list[str]:
    """The quantities that are not the same, or not known to be; without those that neither version has."""
    return [key for key in diff.quantities if any(map(_is_figure, diff.figures(key))) and not _is_same(diff, key)]


def _is_same(diff: Diff, key: str) -> bool:
    before, after = diff.figures(key)
    if isinstance(before, Figure) and isinstance(after, Figure) and isinstance(after.value, bool):
        return before == after
    return total_change(diff, key) == 0


def _totals(diff: Diff) -> Table:
    shown: tuple[Column, ...] = (
        Column("figure", "", "name", 100),
        Column("before", "Before", "number", 90),
        Column("after", "After", "number", 95),
        Column("difference", "Difference", "change", 92),
        Column("percent", "%", "percent", 80),
    )
    moved = changed_quantities(diff)
    if all(share(diff, key) is None for key in moved):
        shown = shown[:-1]
    rows = []
    for key in moved or ("macs", "params"):
        before, after = (amount(diff, key, side) for side in (0, 1))
        ref = parse_quantity(key)
        row = (ref.label, before, after, figure_change(ref, total_change(diff, key)), share(diff, key))
        rows.append(row[: len(shown)])
    return Table(
        title(diff),
        versions_text(diff),
        shown,
        tuple(rows),
        notes=tuple(remarks(diff, moved)),
        groups=(tuple(range(1, len(shown))),),
        kind="figure",
    )


def amount(diff: Diff, key: str, side: int) -> Any:
    """A quantity before (0) or after (1) for a column of numbers; at least that where a layer is not known, ? where it
    is a total that open symbols leave undecided, – where the version does not have it."""
    figure = diff.figures(key)[side]
    if isinstance(figure, QuantityError) and key not in diff.before.figures and key not in diff.after.figures:
        return None
    return figure_amount(parse_quantity(key), figure)


def share(diff: Diff, key: str) -> Fraction | None:
    """The rise as a part of what it was; None where that is no number."""
    grown, before = total_change(diff, key), diff.figures(key)[0]
    if isinstance(before, QuantityError) or before.certainty != parse_quantity(key).quantity.certainty:
        return None
    was = before.value
    numbers = isinstance(grown, (int, Fraction)) and isinstance(was, (int, Fraction))
    return Fraction(grown) / was if numbers and was else None  # type: ignore[arg-type, operator]


def _causes(diff: Diff) -> Iterator[Table]:
    """The differences by what they are due to; each column's parts sum to the difference of its total."""
    found = diff.causes
    shown = [key for key in LAYER_QUANTITIES if any(part != 0 for part in found.get(key, {}).values())]
    if not shown:
        return
    rows = [
        (cause, *(found[key].get(cause, 0) for key in shown))
        for cause in CAUSES
        if any(found[key].get(cause, 0) != 0 for key in shown)
    ]
    sums = [sum((part for part in found[key].values()), 0) for key in shown]
    columns = [Column(key, CATALOGUE[key].label, "change", 90 - i) for i, key in enumerate(shown)]
    there = {row[0] for row in rows}
    meant = tuple([Note(cause, text) for cause, text in CAUSE_MEANINGS.items() if cause in there])
    yield Table(
        "By cause",
        "",
        (Column("cause", "Cause", "name", 100), *columns),
        tuple(rows),
        total_row=("Total", *sums),
        notes=meant,
        kind="figure",
    )


def _layers(diff: Diff, top: int | None) -> Iterator[Table]:
    changes = diff.changes
    if not changes:
        return
    first = _first(changes)
    others = ("params", "macs", "flops", "weight_bytes", "activation_bytes", "traffic_bytes")
    usual = "macs" if first == "params" else "params"
    second = next((key for key in others if key != first and any(c.delta(key) != 0 for c in changes)), usual)
    kept = largest_changes(diff, top)
    shown = set(map(id, kept))
    left = [c for c in changes if id(c) not in shown]
    columns = (
        Column("status", "", "sign", 99),
        Column("name", "Layer", "name", 100),
        Column("op", "Operator", "text", 40),
        Column("change", "What changed", "prose", 85),
        Column("before", f"{CATALOGUE[first].label} before", "number", 44),
        Column("after", f"{CATALOGUE[first].label} after", "number", 45),
        Column("difference", f"Δ {CATALOGUE[first].label}", "change", 95),
        Column("more", f"Δ {CATALOGUE[second].label}", "change", 80),
    )
    rest = None if not left else ("", f"({len(left):,} more)", "", "", *_sums(left, first), _sum_of(left, second))
    rows = tuple([_row(change, first, second) for change in kept])
    total = ("", f"Total of {len(changes):,}", "", "", *_sums(changes, first), _sum_of(changes, second))
    whole = Table(
        "Layers", count_statuses(diff), columns, rows, rest, total if len(changes) > 1 else None, kind="layers"
    )
    told = list(zip(*rows, total, strict=True))
    empty = {i for i, c in enumerate(columns) if c.kind in ("prose", "change") and all(v in ("", 0) for v in told[i])}
    yield select_columns(whole, [i for i in range(len(columns)) if i not in empty])


def largest_changes(diff: Diff, top: int | None) -> Sequence[LayerChange]:
    """The layers that changed; of more than top those with the largest difference."""
    changes = diff.changes
    return changes if top is None or len(changes) <= top else _largest(changes, _first(changes), top)


def _first(changes: Sequence[LayerChange]) -> str:
    """The quantity by which layers are told: MACs, unless it is the same in all."""
    return next((key for key in LAYER_QUANTITIES if any(c.delta(key) != 0 for c in changes)), "macs")


def _row(change: LayerChange, first: str, second: str) -> tuple[Any, ...]:
    before, after = change.amounts(first)
    return (
        change.status,
        change.name,
        operator(change),
        describe_change(change),
        before,
        after,
        change.delta(first),
        change.delta(second),
    )


def _largest(changes: Sequence[LayerChange], key: str, top: int) -> list[LayerChange]:
    """Those that changed by themselves before those that follow, the largest difference first; in the model's order."""

    def weight(i: int) -> tuple[bool, int]:
        delta = changes[i].delta(key)
        return changes[i].status not in OWN_STATUSES, -abs(delta) if isinstance(delta, int) else -(1 << 200)

    return [changes[i] for i in sorted(sorted(range(len(changes)), key=weight)[:top])]


def _sums(changes: Sequence[LayerChange], key: str) -> tuple[Amount, Amount, Dim | None]:
    return (
        sum_amounts(c.amounts(key)[0] for c in changes),
        sum_amounts(c.amounts(key)[1] for c in changes),
        _sum_of(changes, key),
    )


def _sum_of(changes: Sequence[LayerChange], key: str) -> Dim | None:
    """The sum of the differences; None where one is not known, for it may be below 0."""
    found = sum_amounts(c.delta(key) for c in changes)
    return None if isinstance(found, LowerBound) else found


COLUMNS = (
    Column("model", "Model", "name", 100),
    Column("before", "MACs before", "number", 70),
    Column("after", "MACs after", "number", 80),
    Column("difference", "Δ MACs", "change", 95),
    Column("percent", "%", "percent", 90),
    Column("params", "Δ Params", "change", 85),
    Column("layers", "Layers", "prose", 40),
)


def overview(diffs: Sequence[Diff]) -> Table:
    """A row for each model: its MACs before and after, what its parameters gained, how many layers differ."""
    rows = [
        (
            title(diff),
            amount(diff, "macs", 0),
            amount(diff, "macs", 1),
            total_change(diff, "macs"),
            share(diff, "macs"),
            total_change(diff, "params"),
            count_statuses(diff),
        )
        for diff in diffs
    ]
    return Table(f"{len(diffs):,} models differ", "", COLUMNS, tuple(rows), kind="models")
