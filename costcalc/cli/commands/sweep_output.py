"""Writes a sweep: a table at its end, or lines as they come, so that an interrupted file is a valid one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.cli.output import print_charts, print_error, print_tables, standard_output, write_text
from costcalc.core.errors import CostcalcError, ExecutorError, UsageError
from costcalc.render.stream import header_line, resume_point, row_lines
from costcalc.studies.sweep.columns import ERROR, Row, SweepColumns
from costcalc.studies.sweep.point import compute_row
from costcalc.studies.sweep.recipe import SweepSetup
from costcalc.studies.sweep.select import Goal, RowSelection, parse_goals
from costcalc.studies.sweep.sweep import Sweep, first_error, run_sweep, stream_rows

if TYPE_CHECKING:
    from costcalc.render.parquet import ParquetWriter
    from costcalc.views.charts import ParetoChart

STREAMS = ("csv", "jsonl", "parquet")

PICTURES = ("svg", "png", "html")


class SweepOutput(NamedTuple):
    """The output of a sweep: format, file, columns, plot, and whether an interrupted file is resumed."""

    form: str
    path: str | None
    columns: tuple[str, ...]
    plot: str | None
    resume: bool


def write_sweep(
    setup: SweepSetup,
    numbers: Sequence[int],
    selection: RowSelection,
    output: SweepOutput,
    jobs: int | None,
    executor: Any = None,
) -> str:
    """Runs and prints a sweep, by an executor's workers or so many processes; why none of its points is a valid model,
    "" where one is."""
    form, path = output.form, output.path
    if output.resume and not (form in STREAMS and path and selection.streams):
        remedy = "give -o FILE with --format csv, jsonl or parquet, without --sort, --top, --pareto, --maximize"
        raise UsageError("--resume goes on with a file of rows in the grid's order", remedy)
    if output.plot and form not in ("table", *PICTURES):
        raise UsageError(f"--plot draws, and {form} is for programs", f"use --format table, {', '.join(PICTURES)}")
    if form == "parquet" and path is None:
        raise UsageError("Parquet is a file", "name it with -o")
    if form in STREAMS and selection.streams:
        return _write_stream(setup, numbers, selection.where, output, jobs, executor)
    with progress(len(numbers), path) as advance:
        sweep = run_sweep(setup, numbers, selection, jobs, advance, executor)
    if (selection.maximize or selection.minimize) and not sweep.rows:
        reason = f"; one is no valid model: {sweep.invalid_reason}" if sweep.invalid_reason else ""
        fact = f"none of the {sweep.points:,} combinations fits{reason}"
        raise CostcalcError(fact, "loosen the condition, or vary more")
    if selection.where and not sweep.rows and sweep.invalid < sweep.points:
        _tell_nothing_kept(selection.where, sweep.points)
    if form == "parquet":
        with _open_parquet(setup, numbers, output, folder=False) as writer:
            writer.fit(sweep.rows)
            writer.write(sweep.rows)
    elif form in STREAMS:
        write_text("".join(_format_lines(sweep, output)).rstrip("\n"), path)
    elif form == "html":
        from costcalc.render.page.sheets import render_sweep

        chart = _plot_chart(sweep, output.plot) if output.plot else None
        write_text(render_sweep(sweep, output.columns, chart), path)
    elif output.plot and form in PICTURES:
        print_charts([_plot_chart(sweep, output.plot)], form, path)
    elif form == "json":
        from costcalc.render import json
        from costcalc.views.sweep import sweep_document

        write_text(json.dump({"sweep": sweep_document(sweep, output.columns)}), path)
    else:
        _print_table(sweep, output)
    return sweep.invalid_reason if sweep.invalid == sweep.points else ""


def _print_table(sweep: Sweep, output: SweepOutput) -> None:
    from costcalc.views.sweep import sweep_table

    table = [sweep_table(sweep, output.columns)]
    if not output.plot:
        print_tables(table, output.form, output.path, bool(output.columns))
        return
    from costcalc import render
    from costcalc.render.charts.text import draw_scatter
    from costcalc.render.terminal import screen

    surface = screen(output.path is not None)
    plot = draw_scatter(sweep.rows, *_plot_axes(sweep, output.plot), surface)
    write_text(f"{plot}\n\n{render.render_tables('table', table, surface, bool(output.columns))}", output.path)


def _plot_axes(sweep: Sweep, plot: str) -> tuple[Goal, Goal]:
    axes = parse_goals(plot, sweep.columns, compete=True)
    if len(axes) != 2:
        raise UsageError(f"--plot {plot} names {len(axes)} columns", "name two: --plot macs,params")
    return axes[0], axes[1]


def _plot_chart(sweep: Sweep, plot: str) -> ParetoChart:
    """The rows by two columns, or by what is computed of columns."""
    from costcalc.views.pareto import pareto_chart

    x, y = _plot_axes(sweep, plot)
    layout = sweep.layout
    rows = [
        {**layout.record(row), **{goal.text: _plot_value(goal.evaluate(row)) for goal in (x, y)}} for row in sweep.rows
    ]
    if not rows:
        raise CostcalcError("there is nothing to plot: no row is left", "loosen the condition, or vary more")
    return pareto_chart(rows, x.text, y.text, [goal.text for goal in (x, y) if goal.greatest], sweep.name)


def _plot_value(value: Any) -> Any:
    return float(value) if isinstance(value, Fraction) else value


def _column_indices(columns: SweepColumns, names: Sequence[str]) -> list[int]:
    return [columns.find_column(name) for name in names or columns.names]


def _format_lines(sweep: Sweep, output: SweepOutput) -> Iterator[str]:
    columns = sweep.layout
    indices = _column_indices(columns, output.columns)
    yield header_line(output.form, [columns.names[index] for index in indices])
    yield row_lines(output.form, columns, indices, sweep.rows)


def _write_stream(
    setup: SweepSetup,
    numbers: Sequence[int],
    where: str | None,
    output: SweepOutput,
    jobs: int | None,
    executor: Any,
) -> str:
    """Writes the rows as they come; why none is a valid model, "" where one is. What an interruption leaves ends with a
    whole line."""
    columns = setup.recipe.columns
    valid = invalid = kept = 0
    reason = ""
    with (
        progress(len(numbers), output.path) as advance,
        _open_sink(setup, numbers, where, output) as (resume_count, write),
    ):
        advance(resume_count)
        for rows, block in _with_remedy(stream_rows(setup, numbers[resume_count:], where, jobs, executor), output.path):
            write(rows)
            kept += len(rows)
            invalid_rows = sum(1 for row in block if row[ERROR] is not None)
            reason = reason or first_error(setup.recipe, block)
            valid, invalid = valid + len(block) - invalid_rows, invalid + invalid_rows
            advance(len(block))
    if valid and not kept and not resume_count:
        _tell_nothing_kept(where, len(numbers))
    indices = _column_indices(columns, output.columns)
    if invalid and (valid or resume_count):
        shown = (
            "see the column `error`"
            if columns.names[ERROR] in map(columns.names.__getitem__, indices)
            else f"such as {reason}"
        )
        print_error(f"costcalc: {invalid:,} combinations are invalid, {shown}")
    return "" if valid or resume_count else reason


def _tell_nothing_kept(where: str | None, points: int) -> None:
    """Says on standard error that a condition leaves no row: a file or a pipe looks the same as after a mistake."""
    print_error(f"costcalc: none of the {points:,} combinations meets --where {where!r}")


Sink = tuple[int, Callable[[Sequence[Row]], None]]
"""How many points a resumed file holds, and what writes rows behind them."""


@contextmanager
def _open_sink(setup: SweepSetup, numbers: Sequence[int], where: str | None, output: SweepOutput) -> Iterator[Sink]:
    """The output of a stream. UsageError where it cannot be written, or resumed."""
    recipe, form = setup.recipe, output.form
    if form == "parquet":
        with _open_parquet(setup, numbers, output, folder=True) as writer:
            count = 0
            if output.resume:
                count = writer.resume(recipe, numbers, where is not None)
            else:
                writer.clear()
                ends = dict.fromkeys((numbers[0], numbers[-1]))
                writer.fit([compute_row(recipe, recipe.space.grid.point(number)) for number in ends])
            yield count, writer.write
        return
    columns = recipe.columns
    indices = _column_indices(columns, output.columns)
    size = count = 0
    if output.resume and output.path:
        size, count = resume_point(output.path, form, recipe, indices, numbers, where is not None)
    with _open_output(output.path, size) as file:
        if not size:
            file.write(header_line(form, [columns.names[index] for index in indices]).encode())

        def write(rows: Sequence[Row]) -> None:
            file.write(row_lines(form, columns, indices, rows).encode())
            file.flush()

        yield count, write


@contextmanager
def _open_parquet(
    setup: SweepSetup, numbers: Sequence[int], output: SweepOutput, folder: bool
) -> Iterator[ParquetWriter]:
    """The writer of Parquet, a folder's where there are many points and one is allowed; columns that are wider than 64
    bits are told. UsageError where it cannot be written."""
    from costcalc.render.parquet import PART_ROWS, ParquetWriter

    columns, path = setup.recipe.columns, output.path or ""
    indices = _column_indices(columns, output.columns)
    try:
        with ParquetWriter(path, columns, indices, setup.name, folder and len(numbers) > PART_ROWS) as writer:
            yield writer
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}", "name another with -o") from error
    wide = ", ".join(f"{name} ({kind})" for name, kind in writer.wide_columns.items())
    if wide:
        print_error(f"costcalc: whole numbers beyond 64 bits stand in {wide}")


def _with_remedy(blocks: Iterator[Any], path: str | None) -> Iterator[Any]:
    """The blocks; where workers are lost, the remedy says how the file goes on."""
    try:
        yield from blocks
    except ExecutorError as error:
        if path is None:
            raise
        remedy = f"{error.remedy}, and go on with the rows of {path}: the same command with --resume"
        raise ExecutorError(error.fact, remedy, error.place) from error


@contextmanager
def _open_output(path: str | None, size: int) -> Iterator[Any]:
    """The file behind its first bytes, or standard output, as bytes. UsageError where it cannot be written."""
    if path is None:
        with standard_output() as stream:
            yield stream.buffer
        return
    try:
        with Path(path).open("r+b" if size else "wb") as file:
            if size:
                file.truncate(size)
                file.seek(size)
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "name another file with -o") from error


@contextmanager
def progress(total: int, path: str | None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where that is a terminal that the rows themselves do not go to."""
    if not sys.stderr.isatty() or (path is None and sys.stdout is not None and sys.stdout.isatty() and total < 200):
        yield lambda points: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    bar_columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*bar_columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda points: bar.advance(task, points)
