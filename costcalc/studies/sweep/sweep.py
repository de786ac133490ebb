"""A model and what varies -> Sweep, its columns and rows as plain data, or blocks of rows as they come: the Python
API of sweeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from costcalc.core.arguments import check_mapping, split_names
from costcalc.core.errors import UsageError
from costcalc.core.ir import Graph
from costcalc.core.quantities import CATALOGUE, TOTALS, parse_quantity
from costcalc.core.quantity import QuantityRef
from costcalc.core.result import Result, ResultTable, presenter, short_repr
from costcalc.frontends.source import Source
from costcalc.studies.options import Settings
from costcalc.studies.sweep import measurements
from costcalc.studies.sweep.axes import SweepAxis, describe_point
from costcalc.studies.sweep.columns import DEVICE_KEYS, ERROR, Row, SweepColumns, device_column, plain_value
from costcalc.studies.sweep.executor import distribution, row_blocks
from costcalc.studies.sweep.point import SweepRecipe
from costcalc.studies.sweep.query import compile_condition, device_quantity, parse_expression
from costcalc.studies.sweep.recipe import SweepSetup, prepare_sweep
from costcalc.studies.sweep.select import RowSelection, find_optimum, pareto_rows, parse_goals, sort_rows
from costcalc.studies.sweep.space import draw_sample

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from costcalc.studies.options import SweepArguments


@dataclass(frozen=True, slots=True)
class Sweep(Result):
    """The rows of a sweep: the axes' values, the figures (None where they are not known) with what is certain of them,
    and an error where the combination is none. It iterates over its rows as dicts of plain values.

    quantities are those beyond the totals of every model; points counts the combinations that were asked for, invalid
    those of them that are no model; invalid_reason is why the first of these is none. source is the model's file or
    built-in name, settings are those of every row that are not their defaults, by name."""

    name: str
    axes: tuple[SweepAxis, ...]
    quantities: tuple[QuantityRef, ...]
    rows: tuple[Row, ...]
    points: int
    invalid: int
    notes: tuple[str, ...] = ()
    invalid_reason: str = ""
    source: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def layout(self) -> SweepColumns:
        """The columns with their types and quantities."""
        return SweepColumns(self.axes, self.quantities)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.layout.names

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        layout = self.layout
        for row in self.rows:
            yield layout.record(row)

    def __getitem__(self, column: str) -> list[Any]:
        """The values of a column. UsageError where there is none of that name."""
        layout = self.layout
        position = layout.find_column(column)
        return [plain_value(layout.kind(position), row[position]) for row in self.rows]

    def __repr__(self) -> str:
        return short_repr("Sweep", self.name, f"{len(self.rows):,} rows of {self.points:,} combinations")

    def tables(self, columns: str | Sequence[str] = ()) -> tuple[ResultTable, ...]:
        """The table, of these columns, else of what varies, the usual figures and the further quantities. UsageError
        where a column does not exist."""
        return presenter().tables(self, columns=columns)


MAX_POINTS = 10**9
"""Points that are listed at most; of a larger grid a sample is taken."""


def sweep(
    source: Any,
    *,
    params: Mapping[str, Any] | None = None,
    dims: Mapping[str, Any] | None = None,
    vary: Mapping[str, Any] | None = None,
    quantities: str | Sequence[str] = (),
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
    executor: Any = None,
    strict: bool = False,
    **options: Unpack[SweepArguments],
) -> Sweep:
    """Every combination of parameters, symbols and settings: `sweep("mobilenet_v2", params={"alpha": "0.25:1:0.25"})`.

    params, dims and vary (settings: `{"dtype": ["int8", "float16"], "fuse": [True, False]}`) map names to values: a
    text as on the command line, a list, a range, or one value; floats are taken as they print. The other options are
    analyze's. quantities are columns beyond the totals (`["time.t4", "arena_bytes"]`), as are those that the options
    ask for and those that are named in a condition or a goal. where is a condition over the columns, pareto names goals
    (`["time.t4", "resolution:max"]`), maximize or minimize one goal subject_to a condition. sample draws so many of the
    combinations, by seed. A combination that is no model is a row with its error, or with strict raises it. jobs is how
    many processes build (one for each core); instead of them an executor may compute: any concurrent.futures.Executor,
    or the address of a Dask scheduler, "dask://HOST:8786". UsageError for what is wrong with the whole, LoadError where
    there is no model, ExecutorError where workers are lost for good.
    """
    selection = RowSelection(where, pareto, maximize, minimize, subject_to, sort, top)
    keys = [parse_quantity(name).key for name in split_names("quantities", quantities)]
    refs = find_quantities((*keys, *selection.names()))
    axes = check_mapping("params", params), check_mapping("dims", dims)
    settings = Settings.of(**options)
    setup = prepare_sweep(source, *axes, settings, vary=check_mapping("vary", vary), quantities=refs, strict=strict)
    with use_executor(executor, jobs) as workers:
        return run_sweep(setup, select_numbers(setup, sample, seed), selection, jobs, executor=workers)


@contextmanager
def use_executor(executor: Any, jobs: int | None) -> Iterator[Any]:
    """An executor as it is; the address of a scheduler -> its executor, closed at the end; None for None. UsageError
    where jobs is given too."""
    if executor is not None and jobs is not None:
        fact = "--jobs is of this machine's processes, and --executor has its own workers"
        raise UsageError(fact, "leave --jobs out, and start as many workers as you need")
    if not isinstance(executor, str):
        yield executor
        return
    with distribution().connect_executor(executor) as client_executor:
        yield client_executor


def find_quantities(names: Iterable[str]) -> tuple[QuantityRef, ...]:
    """The quantities beyond TOTALS among names of columns."""
    refs: dict[QuantityRef, None] = {}
    for name in names:
        key = name.partition(".")[0]
        if key in DEVICE_KEYS and key != name:
            refs[device_quantity(name)] = None
        elif name in CATALOGUE and name not in TOTALS and name not in DEVICE_KEYS:
            refs[parse_quantity(name)] = None
    return tuple(refs)


def select_numbers(setup: SweepSetup, count: int | None, seed: int) -> Sequence[int]:
    """The numbers of the points: all, or a sample. UsageError where all are too many."""
    size = setup.recipe.space.grid.size
    if count is not None:
        return draw_sample(size, count, seed)
    if size > MAX_POINTS:
        raise UsageError(f"there are {size:,} combinations", "take a sample: --sample 1000 --seed 0")
    return range(size)


def run_sweep(
    setup: SweepSetup,
    numbers: Sequence[int],
    selection: RowSelection,
    jobs: int | None = None,
    progress: Callable[[int], None] = lambda points: None,
    executor: Any = None,
) -> Sweep:
    """The selected rows of these points; progress is called with the number of points of each block. UsageError where
    a condition or a goal is none."""
    recipe = setup.recipe
    columns = recipe.columns.names
    if selection.subject_to and not (selection.maximize or selection.minimize):
        raise UsageError("--subject-to stands alone", "say what is best with --maximize or --minimize, or use --where")
    if selection.maximize and selection.minimize:
        raise UsageError("--maximize and --minimize stand together", "keep one, or use --pareto for several goals")
    conditions = [_compile_condition(text, columns) for text in (selection.where, selection.subject_to) if text]
    pareto_goals = parse_goals(selection.pareto, columns, compete=True) if selection.pareto else ()
    sort_goals = parse_goals(selection.sort, columns) if selection.sort else ()
    invalid, reason = 0, ""
    if selection.maximize or selection.minimize:
        goals = parse_goals([selection.maximize or selection.minimize or ""], columns)
        if len(goals) != 1:
            raise UsageError("there are several goals", "give one, or use --pareto")
        goal = goals[0]._replace(greatest=bool(selection.maximize))
        rows = find_optimum(recipe, numbers, goal, lambda row: all(holds(row) for holds in conditions), jobs, executor)
        if not rows:
            reason = first_error(recipe, next(row_blocks(recipe, numbers, jobs, executor), []))
    else:
        rows = []
        for block in row_blocks(recipe, numbers, jobs, executor):
            invalid += sum(1 for row in block if row[ERROR] is not None)
            reason = reason or first_error(recipe, block)
            rows += [row for row in block if all(holds(row) for holds in conditions)] if conditions else block
            progress(len(block))
    rows = pareto_rows(rows, pareto_goals) if pareto_goals else rows
    rows = sort_rows(rows, sort_goals) if sort_goals else rows
    rows = rows[: selection.top] if selection.top is not None else rows
    axes, quantities = recipe.columns
    reading = _source_name(recipe.source), recipe.settings.to_dict()
    return Sweep(setup.name, axes, quantities, tuple(rows), len(numbers), invalid, setup.notes, reason, *reading)


def _source_name(source: Any) -> str:
    return source.name if isinstance(source, (Source, Graph)) else str(source)


def first_error(recipe: SweepRecipe, rows: Sequence[Row]) -> str:
    """Rows -> why the first invalid combination among them is none, in words; "" where all are valid."""
    row = next((row for row in rows if row[ERROR] is not None), None)
    return "" if row is None else f"{describe_point(recipe.columns.axes, row)}: {row[ERROR]}"


def stream_rows(
    setup: SweepSetup, numbers: Sequence[int], where: str | None, jobs: int | None = None, executor: Any = None
) -> Iterator[tuple[list[Row], list[Row]]]:
    """The rows of these points that meet the condition, block by block as they come, and with them those of all."""
    holds = _compile_condition(where, setup.recipe.columns.names) if where else None
    for block in row_blocks(setup.recipe, numbers, jobs, executor):
        yield [row for row in block if holds(row)] if holds else block, block


def _compile_condition(text: str, columns: Sequence[str]) -> Callable[[Row], bool]:
    """Text of a condition -> whether a row meets it. UsageError for what is none, and for one on an energy that was not
    measured, as in `check`: that of the circuits alone is thousands of times too small on a microcontroller."""
    holds = compile_condition(text, columns)
    for name in parse_expression(text).names():
        column = name if name in columns or name not in DEVICE_KEYS else device_column(name, columns)
        if column.startswith("energy."):
            measurements().require_measured_energy(parse_quantity(column))
    return holds
