"""The Python API of sweeps: a model and what varies become a Sweep, or blocks of rows as they come.

A finished sweep: its columns and rows as plain data, and what their columns are.

Sweeps: a model at many sizes. `costcalc.sweep(…)` is the API's function; the package itself can be called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.core.arguments import mapping
from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.result import Result, ResultTable, presenter
from costcalc.studies.sweep.axes import Axis, shown
from costcalc.studies.sweep.executor import blocks
from costcalc.studies.sweep.point import FIGURES, OTHERS, Row
from costcalc.studies.sweep.query import condition
from costcalc.studies.sweep.recipe import Opened, opened
from costcalc.studies.sweep.select import front, goals, optimum, ordered
from costcalc.studies.sweep.space import sample

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from costcalc.studies.options import FixedArguments


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


MOST = 10**9
"""Points that are listed at most; of a larger grid a sample is taken."""


class Wanted(NamedTuple):
    """Which rows of a sweep: those that meet the condition, on the Pareto front, the best that meets another, in order,
    the first few."""

    where: str | None = None
    pareto: str | Sequence[str] | None = None
    maximize: str | None = None
    minimize: str | None = None
    subject_to: str | None = None
    sort: str | Sequence[str] | None = None
    top: int | None = None

    @property
    def streams(self) -> bool:
        """Whether a row can be told as soon as it is there."""
        return not (self.pareto or self.maximize or self.minimize or self.sort or self.top is not None)


def sweep(
    source: Any,
    *,
    params: Mapping[str, Any] | None = None,
    dims: Mapping[str, Any] | None = None,
    where: str | None = None,
    pareto: str | Sequence[str] | None = None,
    maximize: str | None = None,
    minimize: str | None = None,
    subject_to: str | None = None,
    sort: str | Sequence[str] | None = None,
    top: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    jobs: int | None = None,
    strict: bool = False,
    **options: Unpack[FixedArguments],
) -> Sweep:
    """Every combination of parameters and symbols: `sweep("mobilenet_v2", params={"alpha": "0.25:1:0.25"})`.

    params and dims map names to values: a text as on the command line, a list, a range, or one value; floats are taken
    as they print. The other options are load's. where is a condition over the columns, pareto names goals
    (`["macs", "resolution:max"]`), maximize or minimize one goal subject_to a condition. sample draws so many of the
    combinations, by seed. A combination that is no model is a row with its error, or with strict raises it. jobs is how
    many processes build (one for each core). UsageError for what is wrong with the whole, LoadError where there is no
    model.
    """
    begun = opened(source, mapping("params", params), mapping("dims", dims), options, strict=strict)
    numbers = chosen(begun, sample, seed)
    return finished(begun, numbers, Wanted(where, pareto, maximize, minimize, subject_to, sort, top), jobs)


def chosen(begun: Opened, count: int | None, seed: int) -> Sequence[int]:
    """The numbers of the points: all, or a sample. UsageError where all are too many."""
    size = begun.recipe.space.grid.size
    if count is not None:
        return sample(size, count, seed)
    if size > MOST:
        raise UsageError(f"there are {size:,} combinations", "take a sample: --sample 1000 --seed 0")
    return range(size)


def finished(
    begun: Opened,
    numbers: Sequence[int],
    wanted: Wanted,
    jobs: int | None = None,
    done: Callable[[int], None] = lambda points: None,
) -> Sweep:
    """The rows that are wanted of these points; done is told how many points are behind. UsageError where a condition
    or a goal is none."""
    recipe, axes = begun.recipe, begun.recipe.space.grid.axes
    columns = columns_of(axes)
    if wanted.subject_to and not (wanted.maximize or wanted.minimize):
        raise UsageError("--subject-to stands alone", "say what is best with --maximize or --minimize, or use --where")
    if wanted.maximize and wanted.minimize:
        raise UsageError("--maximize and --minimize stand together", "keep one, or use --pareto for several goals")
    keeps = [condition(text, columns) for text in (wanted.where, wanted.subject_to) if text]
    by_front = goals(wanted.pareto, columns) if wanted.pareto else ()
    by_order = goals(wanted.sort, columns) if wanted.sort else ()
    invalid = 0
    if wanted.maximize or wanted.minimize:
        goal = goals([wanted.maximize or wanted.minimize or ""], columns)
        if len(goal) != 1:
            raise UsageError("there are several goals", "give one, or use --pareto")
        best = goal[0]._replace(greatest=bool(wanted.maximize))
        rows = optimum(recipe, numbers, best, lambda row: all(keep(row) for keep in keeps), jobs)
    else:
        rows = []
        for block in blocks(recipe, numbers, jobs):
            invalid += sum(1 for row in block if row[-1] is not None)
            rows += [row for row in block if all(keep(row) for keep in keeps)] if keeps else block
            done(len(block))
    rows = front(rows, by_front) if by_front else rows
    rows = ordered(rows, by_order) if by_order else rows
    rows = rows[: wanted.top] if wanted.top is not None else rows
    return Sweep(begun.name, axes, tuple(rows), len(numbers), invalid, begun.notes)


def streamed(begun: Opened, numbers: Sequence[int], where: str | None, jobs: int | None = None) -> Iterator[list[Row]]:
    """The rows of these points in blocks, as they come, with those that the condition leaves out replaced by none."""
    columns = columns_of(begun.recipe.space.grid.axes)
    keep = condition(where, columns) if where else None
    for block in blocks(begun.recipe, numbers, jobs):
        yield [row for row in block if keep(row)] if keep else block
