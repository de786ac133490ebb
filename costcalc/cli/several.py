"""Several models at once: directories are opened, work is spread over processes, one broken file stops no other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.cli.output import complain
from costcalc.errors import CostcalcError, UnknownNameError, UsageError, crash
from costcalc.shared import fitting, refuse
from costcalc.studies.options import Settings

if TYPE_CHECKING:
    from costcalc.report import Report
    from costcalc.sheet import Sheet, View

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
        from costcalc.sheet import sheet

        return sheet(report, view)
    from costcalc.views.analysis import analysis_sheet

    return analysis_sheet(measurement, view)


def model_paths(models: Sequence[str]) -> list[str]:
    """The models, each directory replaced by the model files in it; a config of `check` is no model."""
    if not any(Path(model).is_dir() for model in models):
        return list(models)
    from costcalc.budget.config_find import NAMES

    return opened(models, NAMES)


def opened(models: Sequence[str], skip: Collection[str] = ()) -> list[str]:
    """The models, each directory replaced by the files with a model's suffix that stand in it, in alphabetical order,
    without those whose names are to be skipped. UsageError where a directory has none."""
    from costcalc.load.builtin import find

    found: list[str] = []
    for model in models:
        found += _inside(Path(model), skip) if Path(model).is_dir() and not find(model) else [model]
    return found


def _inside(directory: Path, skip: Collection[str]) -> list[str]:
    from costcalc.frontends import find_source, suffixes
    from costcalc.frontends.foreign import refuse_directory

    known = suffixes()
    files = [p for p in directory.iterdir() if p.suffix in known and p.name not in skip]
    found = sorted(str(p) for p in files if p.is_file())
    if not found:
        refuse_directory(find_source(directory))
        raise UsageError(f"there is no model in the directory {directory}", "name one with .onnx or .yaml files")
    return found


def reports(models: Sequence[str], strict: bool, options: dict[str, Any]) -> list[Report]:
    """The reports of several models, each a file or a built-in name. A symbol that is bound holds for the models that
    have it; UsageError where none has."""
    from costcalc.api import analyze

    found = [fitting(partial(analyze, model, strict=strict), options) for model in models]
    refuse([lacks for _, lacks in found])
    return [report for report, _ in found]


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
    from costcalc.processes import shared_out

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
