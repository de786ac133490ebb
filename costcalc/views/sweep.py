"""Sweep -> its table: a row for each combination, what has one value and why rows have no figures below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from costcalc.core.arguments import split_names
from costcalc.core.quantity import SIGNS, Figure, QuantityRef
from costcalc.core.units import format_bytes, format_short
from costcalc.studies.sweep.axes import Grid, describe_point, value_text, values_text
from costcalc.studies.sweep.columns import ERROR, LOWER, REFUSED, UPPER, Row, SweepColumns
from costcalc.studies.sweep.sweep import Sweep
from costcalc.views.figures import UNKNOWN, figure_amount
from costcalc.views.settings import reading_words, settings_document
from costcalc.views.table import Column, Note, Table

MAX_ROWS = 10_000
"""Rows of a table at most: more are read by programs."""

MAX_REASONS = 3
"""Reasons why rows are invalid, or do not have a figure, that a table lists."""

DEFAULT_FIGURES = (
    "macs",
    "flops",
    "params",
    "weight_bytes",
    "activation_bytes",
    "peak_activation_bytes",
    "traffic_bytes",
)
"""The figures of a table that was not asked for others, before the further quantities."""

COLUMN_TITLES = {
    "lower_bound": "Lower bound",
    "upper_bound": "Upper bound",
    "certainty": "Certainty",
    "refused": "Refused",
    "error": "Error",
}


def sweep_table(result: Sweep, columns: str | Sequence[str] = ()) -> Table:
    """The table, of these columns, else of what varies, the usual figures and the further quantities; what has one
    value and why rows have no figures stand below. UsageError where a column does not exist."""
    layout = result.layout
    default_columns = (
        *(a.column for a in result.axes if a.varies),
        *DEFAULT_FIGURES,
        *(ref.key for ref in result.quantities),
    )
    indexes = [layout.find_column(column) for column in split_names("columns", columns) or default_columns]
    cells = [tuple([_cell_value(layout, row, index) for index in indexes]) for row in result.rows[:MAX_ROWS]]
    headers = tuple([_sweep_column(layout, index) for index in indexes])
    return Table(result.name, "", headers, tuple(cells), notes=tuple(_notes(result, indexes)), kind="model")


def sweep_sentence(result: Sweep) -> str:
    """A sweep -> its combinations and where its MACs (its FLOPs, where none are multiplied) are least and most:
    `MobileNet v1: 6 combinations; from 13.6 M MACs (alpha=0.25) to 569 M (alpha=1.0).`"""
    n = len(result.rows)
    start = f"{result.name}: {n:,} combination{'' if n == 1 else 's'}"
    for key, unit in (("macs", "MACs"), ("flops", "FLOPs")):
        index = result.layout.find_column(key)
        values = [(row[index], i) for i, row in enumerate(result.rows) if row[ERROR] is None and _is_whole(row[index])]
        if values and (least := min(values))[0] < (most := max(values))[0]:
            ends = [f"({describe_point(result.axes, result.rows[i])})" for _, i in (least, most)]
            sign = "≥ " if any(row[LOWER] for row in result.rows) else ""
            texts = [f"{sign}{format_short(value)}" for value, _ in (least, most)]
            return f"{start}; from {texts[0]} {unit} {ends[0]} to {texts[1]} {ends[1]}."
    return f"{start}."


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def sweep_document(result: Sweep, columns: Sequence[str] = ()) -> dict[str, Any]:
    """The entry of the JSON report: rows as objects of these columns, else of all. UsageError where one does not
    exist."""
    layout = result.layout
    names = [layout.names[layout.find_column(name)] for name in columns or layout.names]
    rows = [layout.record(row) for row in result.rows]
    return {
        "model": result.name,
        "source": result.source,
        "axes": _axes_document(result),
        **settings_document(result.settings),
        "points": result.points,
        "invalid": result.invalid,
        "invalid_reason": result.invalid_reason or None,
        "notes": list(result.notes),
        "columns": names,
        "rows": [{name: row[name] for name in names} for row in rows],
    }


def _axes_document(result: Sweep) -> dict[str, dict[str, str]]:
    """What is varied as costcalc.sweep takes it: params, dims and vary, each with texts of values by name."""
    axes: dict[str, dict[str, str]] = {}
    for axis in result.axes:
        kind = "vary" if axis.setting else "dims" if axis.dim else "params"
        axes.setdefault(kind, {})[axis.column] = values_text(axis.values)
    return axes


def _notes(result: Sweep, indexes: Sequence[int]) -> Iterator[Note]:
    size = Grid(result.axes).size
    sample_text = f" drawn from {size:,}" if result.points < size else ""
    combinations = f"{len(result.rows):,} of {result.points:,} combinations{sample_text}"
    yield Note("Rows", combinations + (f", {result.invalid:,} invalid" if result.invalid else ""), bool(result.invalid))
    if len(result.rows) > MAX_ROWS:
        yield Note("Shown", f"the first {MAX_ROWS:,} rows; csv, json and jsonl have all", True)
    constants = ", ".join(f"{axis.column} = {value_text(axis.values[0])}" for axis in result.axes if not axis.varies)
    if constants:
        yield Note("Given", constants)
    if text := reading_words(result.settings):
        yield Note("Given", text)
    errors = [(row, {"": row[ERROR]}) for row in result.rows if row[ERROR] is not None]
    yield from _reason_notes(result, "Invalid", "error", errors)
    if result.invalid and not errors:
        more = f" (1 of {result.invalid:,})" if result.invalid > 1 else ""
        yield Note("Invalid", f"{result.invalid_reason}{more}", True)
    column_names = {result.columns[index] for index in indexes}
    refusals = [
        (row, {key: reason for key, reason in row[REFUSED] or () if key in column_names}) for row in result.rows
    ]
    yield from _reason_notes(result, "No figure", "refused", refusals)
    if any(name.startswith("fits.") for name in column_names) and not dict(result.settings.get("execution") or {}).get(
        "fuse"
    ):
        yield Note("Fits", "with the activations of fused steps, as runtimes execute them; --fuse gives their peak")
    if any(row[UPPER] for row in result.rows):
        yield Note("Note", "an If is open in some: its dearer branch counts", True)
    if any(row[LOWER] for row in result.rows):
        text = "an operator has no rule in some: figures marked ≥ are lower bounds, for conditions too (--strict)"
        yield Note("Unknown", text, True)
    for note in result.notes:
        yield Note("Note", note)


def _reason_notes(
    result: Sweep, label: str, column: str, missing: Sequence[tuple[Row, Mapping[str, str]]]
) -> Iterator[Note]:
    """Why rows do not have figures: each reason once, with the first row that it holds for and the quantities that are
    missing. missing are rows with their reasons by the key of a quantity ("" for all)."""
    rows: dict[str, dict[int, Row]] = {}
    keys: dict[str, dict[str, None]] = {}
    for index, (row, messages) in enumerate(missing):
        for key, message in messages.items():
            reason = message.removeprefix(f"{key}: ") if key else message
            rows.setdefault(reason, {})[index] = row
            keys.setdefault(reason, {})[key] = None
    for reason, rows_of_reason in list(rows.items())[:MAX_REASONS]:
        more = f" and {len(rows_of_reason) - 1:,} more" if len(rows_of_reason) > 1 else ""
        names = ", ".join(filter(None, keys[reason]))
        point = describe_point(result.axes, next(iter(rows_of_reason.values())))
        yield Note(label, f"{point}{more}: {f'{names}: ' if names else ''}{reason}", True)
    if len(rows) > MAX_REASONS:
        count = len(rows) - MAX_REASONS
        yield Note(label, f"{count:,} more reason{'' if count == 1 else 's'}: see the column {column}", True)


def _sweep_column(layout: SweepColumns, index: int) -> Column:
    name, ref = layout.names[index], layout.quantity(index)
    if ref is not None:
        kind = ref.quantity.unit if ref.quantity.unit in ("number", "bytes") else "figure"
        return Column(name, ref.title, kind, ref.quantity.importance)
    if index < len(layout.axes):
        return Column(name, name, "figure", 100)
    return Column(name, COLUMN_TITLES[name], "text" if layout.kind(index) == "bool" else "prose", 95)


def _cell_value(layout: SweepColumns, row: Row, index: int) -> Any:
    ref, value = layout.quantity(index), row[index]
    if ref is not None:
        return _figure_cell(ref, layout.figure(row, index), any(key == ref.key for key, _ in row[REFUSED] or ()))
    if index < len(layout.axes):
        return value_text(value)
    if layout.names[index] == "certainty":
        return ", ".join(f"{key} {certainty}" for key, certainty in value or ())
    if layout.names[index] == "refused":
        return ", ".join(reason for _, reason in value or ())
    return "" if value is None else value_text(value)


def _figure_cell(ref: QuantityRef, figure: Figure | None, refused: bool) -> Any:
    """A figure as its column's kind prints it; – where the model does not have it, None where nothing is known."""
    if figure is None:
        return UNKNOWN if refused else None if ref.quantity.unit in ("number", "bytes") else "?"
    if ref.quantity.unit == "bytes" and figure.certainty in ("upper", "estimate") and isinstance(figure.value, int):
        return SIGNS[figure.certainty] + format_bytes(figure.value)
    return figure_amount(ref, figure)
