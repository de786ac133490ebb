"""Diff -> tables: the totals before and after, the difference by cause, the layers that changed; several Diffs -> one
table that lists them.

The notes say what did not change, which inputs have other shapes, and what is bound, assumed and unknown.
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
from costcalc.core.quantities import CATALOGUE, parse_quantity
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.core.units import format_count, format_shape
from costcalc.studies.diff.diff import CAUSES, Diff, LayerChange, total_change
from costcalc.studies.diff.snapshot import Snapshot
from costcalc.views.diff_words import describe_change, operator_text
from costcalc.views.figures import figure_amount, figure_change, refusal_notes
from costcalc.views.settings import reading_words
from costcalc.views.table import Column, Note, Table, select_columns


def _notes(diff: Diff, changed_keys: Sequence[str]) -> Iterator[Note]:
    """A diff and the keys of the quantities that differ → the notes below the totals."""
    unchanged_labels = [
        parse_quantity(key).label
        for key in diff.quantities
        if key not in changed_keys and diff.totals(key) != (0, 0) and _is_figure(diff.figures(key)[1])
    ]
    if not changed_keys and not diff.changes:
        n = len(diff.layers)
        yield Note("No difference", "its layer is the same" if n == 1 else f"all {n:,} layers are the same")
        yield from _change_notes("Given", _settings_text(diff.before), _settings_text(diff.after), diff)
        return
    if unchanged_labels:
        yield Note("Unchanged", ", ".join(unchanged_labels))
    yield from _input_notes(diff)
    for label, before, after in (
        ("Sizes", _symbols_text(diff.before.symbols), _symbols_text(diff.after.symbols)),
        ("Given", _settings_text(diff.before), _settings_text(diff.after)),
        ("Assumed", "; ".join(diff.before.assumptions), "; ".join(diff.after.assumptions)),
    ):
        yield from _change_notes(label, before, after, diff)
    for version, snapshot in (("before", diff.before), ("after", diff.after)):
        for op, count in snapshot.unknown.items():
            yield Note("Unknown", f"{op} × {count} {version}: totals marked ≥ are lower bounds", True)
    yield from _refusal_notes(diff)


def _change_notes(label: str, before: str, after: str, diff: Diff) -> Iterator[Note]:
    """What holds of the versions of a diff → the note of it: from what to what where it differs."""
    if before != after and diff.before.source and diff.after.source:
        yield Note(label, f"{before or 'nothing'} → {after or 'nothing'}")
    elif after:
        yield Note(label, after)


def _refusal_notes(diff: Diff) -> Iterator[Note]:
    """A diff → notes of the quantities that a version does not have, and why; once where both versions give the same
    reason."""
    rows: dict[str, dict[QuantityRef, list[Figure | QuantityError]]] = {}
    for key in diff.quantities:
        figures = diff.figures(key)
        versions = zip(("before", "after"), figures, (diff.before, diff.after), strict=True)
        refusing_versions = [
            version for version, figure, snapshot in versions if snapshot.source and not _is_figure(figure)
        ]
        if key in diff.before.figures or key in diff.after.figures:
            is_shared = len(refusing_versions) == 2 and str(figures[0]) == str(figures[1])
            for version in ["both"] if is_shared else refusing_versions:
                rows.setdefault(version, {})[parse_quantity(key)] = [figures[version == "after"]]
    for version, refusals in rows.items():
        yield from refusal_notes([version], refusals)


def _is_figure(figure: Figure | QuantityError) -> bool:
    return isinstance(figure, Figure)


def _input_notes(diff: Diff) -> Iterator[Note]:
    """A diff → notes of the inputs whose shape or element type differs."""
    tensors_before = {tensor.name: tensor for tensor in diff.before.inputs}
    for after in diff.after.inputs:
        before = tensors_before.get(after.name)
        if before is not None and (before.shape, before.dtype) != (after.shape, after.dtype):
            types = ("", "") if before.dtype == after.dtype else (f" {before.dtype}", f" {after.dtype}")
            shapes = f"{format_shape(before.shape)}{types[0]} → {format_shape(after.shape)}{types[1]}"
            yield Note("Input", f"{after.name} {shapes}")


def _symbols_text(values: Any) -> str:
    return ", ".join(f"{name} = {format_count(value)}" for name, value in values.items())


def _settings_text(version: Snapshot) -> str:
    return reading_words(version.settings, version.symbols)


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
"""What a cause includes, where its name does not say it."""

DIRECT_STATUSES = ("added", "removed", "changed")
"""Statuses of layers whose own definition differs; the others follow what they read."""


def diff_tables(diff: Diff, top: int | None = None) -> tuple[Table, ...]:
    """A diff → its tables: totals, causes, layers; of the layers, top leaves those with the largest difference, and a
    row for the rest. Where nothing changed, the totals alone."""
    has_both_versions = diff.before.source and diff.after.source
    return (_totals_table(diff), *(_cause_tables(diff) if has_both_versions else ()), *_layer_tables(diff, top))


def diff_title(diff: Diff) -> str:
    """A diff → the model's name; both names where they differ."""
    old, new = diff.before, diff.after
    if not old.source or not new.source or old.name == new.name:
        return new.name if new.source else old.name
    return f"{old.name} → {new.name}"


def versions_text(diff: Diff) -> str:
    """A diff → the sources of both versions: `HEAD → model.onnx`."""
    old, new = diff.before.source, diff.after.source
    return f"{old} → {new}" if old and new else f"new: {new}" if new else f"no longer there: {old}"


def count_statuses(diff: Diff) -> str:
    """A diff → its layers by status: ~ 1 changed, + 2 added, 20 the same: with the signs of the table."""
    counts = Counter(change.status for change in diff.layers)
    return ", ".join(text.format(f"{counts[status]:,}") for status, text in STATUS_TEXTS.items() if counts[status])


def changed_quantities(diff: Diff) -> list[str]:
    """A diff → the keys of quantities that differ, or may differ; without those that neither version has."""
    return [key for key in diff.quantities if any(map(_is_figure, diff.figures(key))) and not _is_same(diff, key)]


def _is_same(diff: Diff, key: str) -> bool:
    before, after = diff.figures(key)
    if isinstance(before, Figure) and isinstance(after, Figure) and isinstance(after.value, bool):
        return before == after
    return total_change(diff, key) == 0


def _totals_table(diff: Diff) -> Table:
    columns: tuple[Column, ...] = (
        Column("figure", "", "name", 100),
        Column("before", "Before", "number", 90),
        Column("after", "After", "number", 95),
        Column("difference", "Difference", "change", 92),
        Column("percent", "%", "percent", 80),
    )
    changed_keys = changed_quantities(diff)
    if all(relative_change(diff, key) is None for key in changed_keys):
        columns = columns[:-1]
    rows = []
    for key in changed_keys or ("macs", "params"):
        before, after = (version_amount(diff, key, version) for version in (0, 1))
        ref = parse_quantity(key)
        row = (ref.label, before, after, figure_change(ref, total_change(diff, key)), relative_change(diff, key))
        rows.append(row[: len(columns)])
    return Table(
        diff_title(diff),
        versions_text(diff),
        columns,
        tuple(rows),
        notes=tuple(_notes(diff, changed_keys)),
        groups=((1, 2), tuple(range(3, len(columns)))),
        kind="figure",
    )


def version_amount(diff: Diff, key: str, version: int) -> Any:
    """A quantity before (0) or after (1) for a column of numbers; at least that where a layer is not known, ? where it
    is a total that open symbols leave undecided, – where the version does not have it."""
    figure = diff.figures(key)[version]
    if isinstance(figure, QuantityError) and key not in diff.before.figures and key not in diff.after.figures:
        return None
    return figure_amount(parse_quantity(key), figure)


def relative_change(diff: Diff, key: str) -> Fraction | None:
    """A diff and a quantity → its difference over its value before; None where that is no number."""
    change, before = total_change(diff, key), diff.figures(key)[0]
    if isinstance(before, QuantityError) or before.certainty != parse_quantity(key).quantity.certainty:
        return None
    old_value = before.value
    numbers = isinstance(change, (int, Fraction)) and isinstance(old_value, (int, Fraction))
    return Fraction(change) / old_value if numbers and old_value else None  # type: ignore[arg-type, operator]


def _cause_tables(diff: Diff) -> Iterator[Table]:
    """The differences by what they are due to; each column's parts sum to the difference of its total."""
    causes = diff.causes
    keys = [key for key in LAYER_QUANTITIES if any(amount != 0 for amount in causes.get(key, {}).values())]
    if not keys:
        return
    rows = [
        (cause, *(causes[key].get(cause, 0) for key in keys))
        for cause in CAUSES
        if any(causes[key].get(cause, 0) != 0 for key in keys)
    ]
    sums = [sum((amount for amount in causes[key].values()), 0) for key in keys]
    columns = [Column(key, CATALOGUE[key].label, "change", 90 - i) for i, key in enumerate(keys)]
    row_causes = {row[0] for row in rows}
    meanings = tuple([Note(cause, text) for cause, text in CAUSE_MEANINGS.items() if cause in row_causes])
    yield Table(
        "By cause",
        "",
        (Column("cause", "Cause", "name", 100), *columns),
        tuple(rows),
        total_row=("Total", *sums),
        notes=meanings,
        kind="figure",
    )


def _layer_tables(diff: Diff, top: int | None) -> Iterator[Table]:
    changes = diff.changes
    if not changes:
        return
    first = _ranking_quantity(changes)
    candidates = ("params", "macs", "flops", "weight_bytes", "activation_bytes", "traffic_bytes")
    default = "macs" if first == "params" else "params"
    second = next((key for key in candidates if key != first and any(c.delta(key) != 0 for c in changes)), default)
    largest = largest_changes(diff, top)
    largest_ids = set(map(id, largest))
    remainder = [c for c in changes if id(c) not in largest_ids]
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
    remainder_row = _sum_row(f"({len(remainder):,} more)", remainder, first, second) if remainder else None
    rows = tuple([_layer_row(change, first, second) for change in largest])
    total_row = _sum_row(f"Total of {len(changes):,}", changes, first, second)
    table = Table(
        "Layers",
        count_statuses(diff),
        columns,
        rows,
        remainder_row,
        total_row if len(changes) > 1 else None,
        kind="layers",
    )
    cells_of_columns = list(zip(*rows, total_row, strict=True))
    empty_columns = {
        i
        for i, c in enumerate(columns)
        if c.kind in ("prose", "change") and all(v in ("", 0) for v in cells_of_columns[i])
    }
    yield select_columns(table, [i for i in range(len(columns)) if i not in empty_columns])


def largest_changes(diff: Diff, top: int | None) -> Sequence[LayerChange]:
    """The layers that changed; of more than top those with the largest difference."""
    changes = diff.changes
    return changes if top is None or len(changes) <= top else _select_largest(changes, _ranking_quantity(changes), top)


def _ranking_quantity(changes: Sequence[LayerChange]) -> str:
    """Changed layers → the first quantity that differs in one of them; MACs where none does."""
    return next((key for key in LAYER_QUANTITIES if any(c.delta(key) != 0 for c in changes)), "macs")


def _layer_row(change: LayerChange, first: str, second: str) -> tuple[Any, ...]:
    before, after = change.amounts(first)
    return (
        change.status,
        change.name,
        operator_text(change),
        describe_change(change),
        before,
        after,
        change.delta(first),
        change.delta(second),
    )


def _select_largest(changes: Sequence[LayerChange], key: str, top: int) -> list[LayerChange]:
    """Those that changed by themselves before those that follow, the largest difference first; in the model's order."""

    def weight(i: int) -> tuple[bool, int]:
        delta = changes[i].delta(key)
        return changes[i].status not in DIRECT_STATUSES, -abs(delta) if isinstance(delta, int) else -(1 << 200)

    return [changes[i] for i in sorted(sorted(range(len(changes)), key=weight)[:top])]


def _sum_row(name: str, changes: Sequence[LayerChange], first: str, second: str) -> tuple[Any, ...]:
    return "", name, "", "", *_sum_versions(changes, first), _sum_differences(changes, second)


def _sum_versions(changes: Sequence[LayerChange], key: str) -> tuple[Amount, Amount, Dim | None]:
    return (
        sum_amounts(c.amounts(key)[0] for c in changes),
        sum_amounts(c.amounts(key)[1] for c in changes),
        _sum_differences(changes, key),
    )


def _sum_differences(changes: Sequence[LayerChange], key: str) -> Dim | None:
    """The sum of the differences; None where one is not known, for it may be below 0."""
    total = sum_amounts(c.delta(key) for c in changes)
    return None if isinstance(total, LowerBound) else total


OVERVIEW_COLUMNS = (
    Column("model", "Model", "name", 100),
    Column("before", "MACs before", "number", 70),
    Column("after", "MACs after", "number", 80),
    Column("difference", "Δ MACs", "change", 95),
    Column("percent", "%", "percent", 90),
    Column("params", "Δ Params", "change", 85),
    Column("layers", "Layers", "prose", 40),
)


def overview_table(diffs: Sequence[Diff]) -> Table:
    """A row for each model: its MACs before and after, what its parameters gained, how many layers differ."""
    rows = [
        (
            diff_title(diff),
            version_amount(diff, "macs", 0),
            version_amount(diff, "macs", 1),
            total_change(diff, "macs"),
            relative_change(diff, "macs"),
            total_change(diff, "params"),
            count_statuses(diff),
        )
        for diff in diffs
    ]
    return Table(f"{len(diffs):,} models differ", "", OVERVIEW_COLUMNS, tuple(rows), kind="models")
