"""A finished sweep: its columns and rows as plain data, and what their columns are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from costcalc.core.result import Result, ResultTable, presenter
from costcalc.errors import UsageError, did_you_mean
from costcalc.sweep.axis import Axis, shown
from costcalc.sweep.figures import FIGURES, OTHERS
from costcalc.sweep.point import Row


@dataclass(frozen=True, slots=True)
class Sweep(Result):
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

    def tables(self, columns: str | Sequence[str] = ()) -> tuple[ResultTable, ...]:
        """The table, of these columns, else of what varies and the usual figures. UsageError where a column does not
        exist."""
        return presenter().tables(self, columns=columns)


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
