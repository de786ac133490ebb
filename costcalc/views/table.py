"""Columns that know their value, and items -> the neutral table that renderers take: rows, totals, notes."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from costcalc.core.amount import Amount
from costcalc.core.quantity import Certainty
from costcalc.core.result import short_repr


class Column(NamedTuple):
    """kind says how a value is printed: name, text, working, shape, number, bytes, figure, share or bar. Where a line
    is too narrow, the column of the least importance goes first. value reads the raw value of an item; a finished
    table's columns are without it, for tables travel between processes."""

    key: str
    title: str
    kind: str
    importance: int
    value: Callable[[Any], Any] | None = None


class FigureCell(NamedTuple):
    """A figure as the cell of a table: its text for people, its value for programs, and for these what is certain of
    it, or why there is none."""

    text: str
    value: int | float | bool | str | None
    certainty: Certainty = "exact"
    refusal: str = ""

    def __str__(self) -> str:
        return self.text


class Total(NamedTuple):
    """A total with its name; kind is number or bytes. limit is a number that a formula does not exceed, where one is
    known, and limits says for what values of its symbols."""

    label: str
    value: Amount
    kind: str
    limit: int | None = None
    limits: str = ""


class Note(NamedTuple):
    """A line of the footer; a warning is what makes a figure less than certain."""

    label: str
    text: str
    warning: bool = False


class StepPlot(NamedTuple):
    """Bytes over steps."""

    title: str
    values: tuple[int, ...]


class RowRepeat(NamedTuple):
    """Rows from start to before stop, which equal rows before them but for the numbers of their blocks, and the row
    that stands for them where people read: its cells, and in a tree its (depth, label)."""

    start: int
    stop: int
    row: tuple[Any, ...]
    node: tuple[int, str] | None = None


class Table(NamedTuple):
    """rows hold one raw value per column. remainder_row sums up the rows that --top left out, total_row all of them.
    tree gives each row's (depth, label) where rows are a tree. kind says what the title names. plot stands before the
    rows. groups are the indexes of columns that stand together: where there are any, no column is left out, and what a
    line has no room for stands below. all_names are those that the names of the rows are not to be taken for: of all
    rows, where --top leaves some out; empty where the rows are all. repeats are in the order of the rows, none over
    another."""

    title: str
    subtitle: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    remainder_row: tuple[Any, ...] | None = None
    total_row: tuple[Any, ...] | None = None
    tree: tuple[tuple[int, str], ...] = ()
    totals: tuple[Total, ...] = ()
    notes: tuple[Note, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    kind: str = "model"
    plot: StepPlot | None = None
    all_names: tuple[str, ...] = ()
    repeats: tuple[RowRepeat, ...] = ()

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr("Table", self.title, f"{len(self.rows)} rows of {len(self.columns)} columns")


def make_table(title: str, columns: Sequence[Column], items: Iterable[Any], subtitle: str = "", **fields: Any) -> Table:
    """A row for each item, in their order: what each column's value reads of it. fields are further ones of the
    table: totals, notes, groups, kind, plot."""
    readers = [column.value for column in columns]
    rows = tuple([tuple([read(item) if read else None for read in readers]) for item in items])
    return Table(title, subtitle, tuple([column._replace(value=None) for column in columns]), rows, **fields)


def select_columns(table: Table, indexes: Sequence[int]) -> Table:
    """A table and indexes of its columns → the table of these columns."""

    def select(row: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        return None if row is None else tuple([row[i] for i in indexes])

    return table._replace(
        columns=tuple([table.columns[i] for i in indexes]),
        rows=tuple([tuple([row[i] for i in indexes]) for row in table.rows]),
        remainder_row=select(table.remainder_row),
        total_row=select(table.total_row),
        repeats=tuple([repeat._replace(row=select(repeat.row) or ()) for repeat in table.repeats]),
    )


def fold_repeats(table: Table) -> Table:
    """A table → the table for people: one row for each of its repeats, and a note that says so."""
    if not table.repeats:
        return table
    rows: list[tuple[Any, ...]] = []
    tree: list[tuple[int, str]] = []
    end = 0
    for start, stop, row, node in table.repeats:
        rows += [*table.rows[end:start], row]
        tree += [*table.tree[end:start], *([node] if node else [])]
        end = stop
    count = sum(repeat.stop - repeat.start for repeat in table.repeats)
    text = f"rows with × stand for {count:,} that equal those above them (--all-layers shows each)"
    names = next((i for i, column in enumerate(table.columns) if column.key == "name"), None)
    return table._replace(
        rows=(*rows, *table.rows[end:]),
        tree=(*tree, *table.tree[end:]),
        notes=(Note("Repeats", text), *table.notes),
        all_names=table.all_names or (() if names is None else tuple([row[names] for row in table.rows])),
        repeats=(),
    )
