"""The commands: load → report → render.

Several models at once: directories are opened, work is spread over processes, one broken file stops no other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from costcalc.cli.output import complain, emit, show
from costcalc.cli.parameters import FORMATS, Model, Names, columns, output_options
from costcalc.cli.settings import settings_options
from costcalc.core.errors import CostcalcError, crash
from costcalc.studies.options import fitting, refuse

if TYPE_CHECKING:
    from costcalc.analysis.report import Report
    from costcalc.core.errors import UnknownNameError
    from costcalc.studies.options import Settings
    from costcalc.views.report import View
    from costcalc.views.table import Sheet

Answer = Any
"""A Sheet, a model's entry of the JSON report, or a Failure."""


class Failure(NamedTuple):
    """Why a model has no answer."""

    text: str


class Question(NamedTuple):
    """What is asked of each model; it travels to other processes."""

    settings: Settings
    view: View
    strict: bool
    form: str


def answer(question: Question, model: str) -> Answer:
    """One model's sheet or JSON entry."""
    return _presented(question, _report(question, model))


def _report(question: Question, model: str, **reading: Any) -> Report:
    """The model's report under the question's settings, with these of its reading in their place."""
    from costcalc.api import analyze_settings

    return analyze_settings(model, replace(question.settings, **reading), question.strict)


def _presented(question: Question, report: Report) -> Answer:
    view = question.view
    if question.form != "json":
        return _sheet(report, view)
    from costcalc.render.json import rows

    model = report.to_dict()
    if view.by == "layer":
        return model
    last = {key: model.pop(key) for key in ("hardware", "generation") if key in model}
    return {**model, "groups": {"by": view.by, "rows": rows(_sheet(report, view))}, **last}


def _sheet(report: Report, view: View) -> Sheet:
    """The table of a report, with devices and generation where it has them."""
    measurement = getattr(report, "measurement", None)
    if measurement is None:
        from costcalc.views.report import sheet

        return sheet(report, view)
    from costcalc.views.analysis import analysis_sheet

    return analysis_sheet(measurement, view)


def model_paths(models: Sequence[str]) -> list[str]:
    """The models, each directory replaced by the model files in it; a config of `check` is no model."""
    if not any(Path(model).is_dir() for model in models):
        return list(models)
    from costcalc.studies.batch import opened
    from costcalc.studies.check.config_file import NAMES

    return opened(models, NAMES)


def answers(question: Question, models: Sequence[str], jobs: int) -> tuple[list[Answer], bool]:
    """The answers in the models' order, and whether there is one for each. A lone model's error is raised; of several,
    it is told on standard error. A name that is bound holds for the models that have it; UsageError where none has."""
    if len(models) == 1:
        return [answer(question, models[0])], True
    found: list[Answer] = []
    refusals: list[Sequence[UnknownNameError]] = []
    with _progress(len(models)) as done:
        for model, result in zip(models, _run(partial(_guarded, question), models, jobs), strict=True):
            done(model)
            if isinstance(result, Failure):
                complain(result.text)
            else:
                found.append(result[0])
                refusals.append(result[1])
    refuse(refusals)
    return found, len(found) == len(models)


def _guarded(question: Question, model: str) -> tuple[Answer, tuple[UnknownNameError, ...]] | Failure:
    """The answer with the refusals of names that the model lacks, or what stands in its way."""
    try:
        report, lacks = fitting(partial(_report, question, model), question.settings.reading())
        return _presented(question, report), lacks
    except CostcalcError as error:
        return Failure(f"costcalc: {error.at(model)}")
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        return Failure(f"{model}: {crash(error)}")


def _run(work: Callable[[str], Answer], models: Sequence[str], jobs: int) -> Iterator[Answer]:
    jobs = min(jobs, len(models))
    if jobs == 1:
        yield from map(work, models)
        return
    from costcalc.studies.batch import shared_out

    with shared_out(work, models, jobs) as futures:
        yield from (future.result() for future in futures)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar on standard error, where that is a terminal; it is told of each model that is done."""
    if not sys.stderr.isatty():
        yield lambda model: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda model: progress.update(task, advance=1, description=escape(Path(model).name))


CANNOT_ANSWER = 2


def layer_columns() -> Iterable[str]:
    """The columns of a table of layers."""
    from costcalc.views.columns import COLUMNS

    return COLUMNS


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=Model())
@settings_options()
@click.option(
    "--by",
    type=click.Choice(("layer", "op", "block")),
    default="layer",
    show_default=True,
    help="A row per layer, per operator type, or per block.",
)
@click.option("--depth", type=click.IntRange(1), help="Open the tree of blocks this deep (with --by block).")
@click.option("--sort", type=Names(layer_columns, several=False), metavar="COLUMN", help="Largest first.")
@click.option("--top", type=click.IntRange(1), metavar="K", help="Only the first K rows; the others are summed up.")
@click.option(
    "--columns",
    type=Names(layer_columns),
    callback=columns,
    metavar="A,B,…",
    help="Which columns: name, op, output, macs, flops, params, share, bar, weight_bytes, activation_bytes, "
    "buffers, layers, count, dtype, scope, state, traffic_bytes, intensity; time, bound, utilisation with "
    "--hardware; operations by kind (add, multiply, compare, divide, exp, transcendental) or by role (bias, "
    "normalization, activation, …).",
)
@click.option("--strict", is_flag=True, help="Refuse a model with an operator that has no rule.")
@click.option("--jobs", type=click.IntRange(1), default=1, metavar="N", help="Read several models in N processes.")
@output_options(*FORMATS)
def analyze(
    models: tuple[str, ...],
    by: str,
    depth: int | None,
    sort: str | None,
    top: int | None,
    columns: tuple[str, ...],
    strict: bool,
    settings: Settings,
    jobs: int,
    form: str,
    output: str | None,
) -> int:
    """Show what each layer costs, and the totals.

    A directory stands for the .onnx and .yaml files in it. JSON always holds every layer; --by op or block adds the
    groups.
    """
    from costcalc.views.report import View

    view = View("block" if depth and by == "layer" else by, depth, sort, top, columns)
    question = Question(settings, view, strict, form)
    found, complete = answers(question, model_paths(models), jobs)
    if form == "json" and found:
        from costcalc.render import json

        emit(json.dump({"models": found}), output)
    elif found:
        show(found, form, output, keep_all=bool(columns))
    return 0 if complete else CANNOT_ANSWER
