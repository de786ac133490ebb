"""A finished sweep: its columns and rows as plain data, and the table of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from costcalc.columns import AtLeast, Column
from costcalc.core.quantities import CATALOGUE
from costcalc.errors import UsageError, did_you_mean
from costcalc.footer import Remark
from costcalc.given import words
from costcalc.sheet import Sheet
from costcalc.shown import Shown
from costcalc.sweep.axis import Axis, Grid, shown, where
from costcalc.sweep.figures import FIGURES, OTHERS
from costcalc.sweep.point import Row

SHOWN = 10_000
"""Rows of a table at most: more are read by programs."""
REASONS = 3
"""Reasons why rows are invalid that a table tells."""
USUAL = ("macs", "flops", "params", "weight_bytes", "activation_bytes", "peak_activation_bytes", "traffic_bytes")
"""The figures of a table that was not asked for others."""
TITLES = {"lower_bound": "Lower bound", "upper_bound": "Upper bound", "error": "Error"}


@dataclass(frozen=True, slots=True)
class Sweep(Shown):
    """The rows of a sweep: the axes' values, the figures in exact integers (None where they are not known), whether
    they are bounds, and an error where the combination is none. It iterates over its rows as dicts of plain values.

    points counts the combinations that were asked for, invalid those of them that are no model."""

    name: str
    axes: tuple[Axis, ...]
    rows: tuple[Row, ...]
    points: int
    invalid: int
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns: one type each, snake_case."""
        return columns_of(self.axes)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self.rows:
            yield record(self.axes, row)

    def __getitem__(self, column: str) -> list[Any]:
        """The values of a column. UsageError where there is none of that name."""
        at = self.columns.index(known(column, self.columns))
        return [plain(kind_of(self.axes, at), row[at]) for row in self.rows]

    def __repr__(self) -> str:
        return f"<Sweep {self.name}: {len(self.rows):,} rows of {self.points:,} combinations>"

    def sheets(self) -> tuple[Sheet, ...]:
        """The table as it is shown where no columns are asked for."""
        return (self.sheet(),)

    def sheet(self, columns: str | Sequence[str] = ()) -> Sheet:
        """The table, of these columns, else of what varies and the usual figures; what has one value and why rows have
        no figures stand below. UsageError where a column does not exist."""
        every = self.columns
        usual = (*(a.column for a in self.axes if a.varies), *USUAL)
        asked = [known(c, every) for c in words("columns", columns)] or usual
        places = [every.index(column) for column in asked]
        lower = every.index("lower_bound")
        cells = [tuple(_cell(row[at], at, row[lower], len(self.axes)) for at in places) for row in self.rows[:SHOWN]]
        shown_columns = tuple(_column(self.axes, at, every[at]) for at in places)
        return Sheet(self.name, "", shown_columns, tuple(cells), remarks=tuple(self._remarks()), kind="model")

    def _remarks(self) -> Iterator[Remark]:
        size = Grid(self.axes).size
        drawn = f" drawn from {size:,}" if self.points < size else ""
        combinations = f"{len(self.rows):,} of {self.points:,} combinations{drawn}"
        yield Remark("Rows", combinations + (f", {self.invalid:,} invalid" if self.invalid else ""), bool(self.invalid))
        if len(self.rows) > SHOWN:
            yield Remark("Shown", f"the first {SHOWN:,} rows; csv, json and jsonl have all", True)
        given = ", ".join(f"{axis.column} = {shown(axis.values[0])}" for axis in self.axes if not axis.varies)
        if given:
            yield Remark("Given", given)
        yield from self._invalid()
        if any(row[-2] for row in self.rows):
            yield Remark("Bound", "an If is open in some: its dearer branch counts", True)
        if any(row[-3] for row in self.rows):
            text = "an operator has no rule in some: figures marked ≥ are lower bounds, for conditions too (--strict)"
            yield Remark("Unknown", text, True)
        for note in self.notes:
            yield Remark("Note", note)

    def _invalid(self) -> Iterator[Remark]:
        """Why rows have no figures: each reason once, with the first row that it holds for."""
        reasons: dict[str, list[Row]] = {}
        for row in self.rows:
            if row[-1] is not None:
                reasons.setdefault(row[-1], []).append(row)
        for reason, rows in list(reasons.items())[:REASONS]:
            more = f" and {len(rows) - 1:,} more" if len(rows) > 1 else ""
            yield Remark("Invalid", f"{where(self.axes, rows[0])}{more}: {reason}", True)
        if len(reasons) > REASONS:
            yield Remark("Invalid", f"{len(reasons) - REASONS:,} more reasons: see the column error", True)


def columns_of(axes: Sequence[Axis]) -> tuple[str, ...]:
    """The columns of a sweep over these axes."""
    return (*(axis.column for axis in axes), *FIGURES, *OTHERS)


def kind_of(axes: Sequence[Axis], at: int) -> str:
    """The one type of a column: int, float, bool or text."""
    if at < len(axes):
        return axes[at].kind
    name = columns_of(axes)[at]
    return "int" if name in FIGURES else "text" if name == "error" else "bool"


def plain(kind: str, value: Any) -> Any:
    """A value as its column's type, for JSON and for programs."""
    if value is None or kind in ("int", "bool"):
        return value
    return float(value) if kind == "float" else shown(value)


def record(axes: Sequence[Axis], row: Row) -> dict[str, Any]:
    """A row by its columns."""
    names = columns_of(axes)
    return {name: plain(kind_of(axes, at), value) for at, (name, value) in enumerate(zip(names, row, strict=True))}


def known(column: str, columns: Sequence[str]) -> str:
    """The column, of any case where only one is meant. UsageError, with the nearest, where there is none."""
    if column not in columns:
        alike = [name for name in columns if name.lower() == column.lower()]
        if len(alike) == 1:
            return alike[0]
        raise UsageError(
            f"there is no column {column!r}", did_you_mean(column, columns) or "there are " + ", ".join(columns)
        )
    return column


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
