"""Sweep -> its table: a row for each combination, what has one value and why rows have no figures below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from costcalc.core.amount import AtLeast
from costcalc.core.arguments import words
from costcalc.core.quantities import CATALOGUE
from costcalc.studies.sweep.axes import Axis, Grid, shown, where
from costcalc.studies.sweep.point import FIGURES, Row
from costcalc.studies.sweep.sweep import Sweep, known, record
from costcalc.views.table import Column, Remark, Sheet

SHOWN = 10_000
"""Rows of a table at most: more are read by programs."""

REASONS = 3
"""Reasons why rows are invalid that a table tells."""

USUAL = ("macs", "flops", "params", "weight_bytes", "activation_bytes", "peak_activation_bytes", "traffic_bytes")
"""The figures of a table that was not asked for others."""

TITLES = {"lower_bound": "Lower bound", "upper_bound": "Upper bound", "error": "Error"}


def sweep_table(result: Sweep, columns: str | Sequence[str] = ()) -> Sheet:
    """The table, of these columns, else of what varies and the usual figures; what has one value and why rows have
    no figures stand below. UsageError where a column does not exist."""
    every = result.columns
    usual = (*(a.column for a in result.axes if a.varies), *USUAL)
    chosen = [known(c, every) for c in words("columns", columns)] or usual
    places = [every.index(column) for column in chosen]
    lower = every.index("lower_bound")
    cells = [tuple(_cell(row[at], at, row[lower], len(result.axes)) for at in places) for row in result.rows[:SHOWN]]
    headers = tuple(_column(result.axes, at, every[at]) for at in places)
    return Sheet(result.name, "", headers, tuple(cells), remarks=tuple(_remarks(result)), kind="model")


def sweep_document(result: Sweep, columns: Sequence[str] = ()) -> dict[str, Any]:
    """The entry of the JSON report: rows as objects of these columns, else of all. UsageError where one does not
    exist."""
    names = [known(name, result.columns) for name in columns or result.columns]
    rows = [record(result.axes, row) for row in result.rows]
    return {
        "model": result.name,
        "points": result.points,
        "invalid": result.invalid,
        "notes": list(result.notes),
        "columns": names,
        "rows": [{name: row[name] for name in names} for row in rows],
    }


def _remarks(result: Sweep) -> Iterator[Remark]:
    size = Grid(result.axes).size
    drawn = f" drawn from {size:,}" if result.points < size else ""
    combinations = f"{len(result.rows):,} of {result.points:,} combinations{drawn}"
    yield Remark(
        "Rows", combinations + (f", {result.invalid:,} invalid" if result.invalid else ""), bool(result.invalid)
    )
    if len(result.rows) > SHOWN:
        yield Remark("Shown", f"the first {SHOWN:,} rows; csv, json and jsonl have all", True)
    given = ", ".join(f"{axis.column} = {shown(axis.values[0])}" for axis in result.axes if not axis.varies)
    if given:
        yield Remark("Given", given)
    yield from _invalid(result)
    if any(row[-2] for row in result.rows):
        yield Remark("Bound", "an If is open in some: its dearer branch counts", True)
    if any(row[-3] for row in result.rows):
        text = "an operator has no rule in some: figures marked ≥ are lower bounds, for conditions too (--strict)"
        yield Remark("Unknown", text, True)
    for note in result.notes:
        yield Remark("Note", note)


def _invalid(result: Sweep) -> Iterator[Remark]:
    """Why rows have no figures: each reason once, with the first row that it holds for."""
    reasons: dict[str, list[Row]] = {}
    for row in result.rows:
        if row[-1] is not None:
            reasons.setdefault(row[-1], []).append(row)
    for reason, rows in list(reasons.items())[:REASONS]:
        more = f" and {len(rows) - 1:,} more" if len(rows) > 1 else ""
        yield Remark("Invalid", f"{where(result.axes, rows[0])}{more}: {reason}", True)
    if len(reasons) > REASONS:
        yield Remark("Invalid", f"{len(reasons) - REASONS:,} more reasons: see the column error", True)


def _column(axes: Sequence[Axis], at: int, name: str) -> Column:
    if at < len(axes):
        return Column(name, name, "figure", 100)
    if name in FIGURES:
        quantity = CATALOGUE[name]
        return Column(name, quantity.title, quantity.kind, quantity.importance)
    return Column(name, TITLES[name], "prose" if name == "error" else "text", 95)


def _cell(value: Any, at: int, lower_bound: Any, axes: int) -> Any:
    if at < axes:
        return shown(value)
    if at < axes + len(FIGURES) and lower_bound and value is not None:
        return AtLeast(value)
    if at < axes + len(FIGURES):
        return value
    return "" if value is None else shown(value)
