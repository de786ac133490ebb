"""Columns that know their value, and items -> the neutral table that renderers take: rows, totals, notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from costcalc.core.amount import Amount
    from costcalc.core.quantities import Certainty


class Column(NamedTuple):
    """kind says how a value is printed: name, text, shape, number, bytes, figure, share or bar. Where a line is too
    narrow, the column of the least importance goes first. value reads the raw value of an item; a finished table's
    columns are without it, for tables travel between processes."""

    key: str
    title: str
    kind: str
    importance: int
    value: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class FigureCell:
    """A figure as the cell of a table: its text for people, its plain value for programs, and for these what is certain
    of it, or why there is none."""

    text: str
    plain: int | float | bool | str | None
    certainty: Certainty = "exact"
    refused: str = ""

    def __str__(self) -> str:
        return self.text


class Total(NamedTuple):
    """A total with its name; kind is number or bytes."""

    label: str
    value: Amount
    kind: str


class Note(NamedTuple):
    """A line of the footer; a warning is what makes a figure less than certain."""

    label: str
    text: str
    warning: bool = False


class StepPlot(NamedTuple):
    """Bytes over steps."""

    title: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Table:
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
    facts: tuple[Total, ...] = ()
    remarks: tuple[Note, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    kind: str = "model"
    plot: StepPlot | None = None


def make_table(title: str, columns: Sequence[Column], items: Iterable[Any], subtitle: str = "", **rest: Any) -> Table:
    """A row for each item, in their order: what each column's value reads of it. rest are further fields of the
    table: facts, remarks, groups, kind, plot."""
    readers = [column.value for column in columns]
    rows = tuple([tuple([read(item) if read else None for read in readers]) for item in items])
    return Table(title, subtitle, tuple([column._replace(value=None) for column in columns]), rows, **rest)


def select_columns(given: Table, chosen: Sequence[int]) -> Table:
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
