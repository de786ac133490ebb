"""`costcalc analyze`: what each layer of a model, or of several, costs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from costcalc.cli.output import CANNOT_ANSWER, print_error, print_tables, write_text
from costcalc.cli.parameters import FORMATS, Count, Model, NameList, Word, output_options, split_columns, watch_option
from costcalc.cli.settings import SettingsCommand, settings_options

if TYPE_CHECKING:
    from costcalc.analysis.report import Report
    from costcalc.studies.options import Settings
    from costcalc.views.report import TableOptions
    from costcalc.views.table import Table

Answer = Any
"""A table, or a model's entry of the JSON report."""


class AnalysisRequest(NamedTuple):
    """The settings, table options and output format of an analysis; it travels to other processes."""

    settings: Settings
    view: TableOptions
    strict: bool
    form: str


def analyze_model(request: AnalysisRequest, model: str, **reading: Any) -> Answer:
    """One model's table or JSON entry under the request's settings, with these of its reading in their place."""
    from costcalc.api import analyze_settings

    report = analyze_settings(model, request.settings._replace(**reading), request.strict)
    return _present_report(request, report)


def _present_report(request: AnalysisRequest, report: Report) -> Answer:
    if request.form != "json":
        return _layer_table(request, report)
    from costcalc.render.json import with_groups

    model, by = report.to_dict(), request.view.by
    return model if by == "layer" else with_groups(model, by, _layer_table(request, report))


def _layer_table(request: AnalysisRequest, report: Report) -> Table:
    """The table of a report; where the settings measure nothing beside the layers, the analyses stay unloaded."""
    if request.settings.quantities():
        from costcalc.views.analysis import analysis_table as report_table
    else:
        from costcalc.views.report import report_table
    return report_table(report, request.view)


def model_paths(models: Sequence[str]) -> list[str]:
    """The models, each directory replaced by the model files in it; a config of `check` is no model."""
    if not any(Path(model).is_dir() for model in models):
        return list(models)
    from costcalc.studies.batch import expand_directories

    return expand_directories(models)


def analyze_models(request: AnalysisRequest, models: Sequence[str], jobs: int) -> list[Answer]:
    """The answers in the models' order. A lone model's error is raised; those of several go to standard error."""
    if len(models) == 1:
        return [analyze_model(request, models[0])]
    from costcalc.studies.batch import Failure, run_models

    answers: list[Answer] = []
    with _progress(len(models)) as advance:
        results = run_models(
            partial(analyze_model, request),
            models,
            request.settings.load_arguments(),
            jobs,
            raise_crashes="--debug" in sys.argv,
        )
        for result, model in zip(results, models, strict=True):
            advance(model)
            if isinstance(result, Failure):
                print_error(result.text)
            else:
                answers.append(result)
    return answers


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar on standard error, where that is a terminal; it is called with each model that is done."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda model: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda model: progress.update(task, advance=1, description=escape(Path(model).name))


def layer_columns() -> Iterable[str]:
    """The columns of a table of layers."""
    from costcalc.views.columns import COLUMNS

    return COLUMNS


@click.command(cls=SettingsCommand)
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=Model())
@settings_options()
@click.option(
    "--by",
    type=Word(("layer", "op", "block", "module")),
    default="layer",
    show_default=True,
    help="A row per layer, per operator type, per block, or per module (of PyTorch models; else per block).",
)
@click.option("--depth", type=Count(), help="Open the tree this deep (with --by block or module).")
@click.option(
    "--sort", type=NameList(layer_columns, several=False), metavar="COLUMN", help="The largest of this column first."
)
@click.option("--top", type=Count(), metavar="K", help="Only the first K rows; the others are summed up.")
@click.option(
    "--all-layers", is_flag=True, help="No row for several layers: repeats of blocks, layers that cost nothing."
)
@click.option(
    "--columns",
    type=NameList(layer_columns),
    callback=split_columns,
    metavar="A,B,…",
    help="Which columns: name, module, op, output, macs, flops, params, share, bar, weight_bytes, activation_bytes, "
    "buffers, layers, count, dtype, scope, state, traffic_bytes, intensity; time, bound, utilisation with "
    "--hardware; runs_on, why of an NPU; operations by kind (add, multiply, compare, divide, exp, transcendental) or "
    "by role (bias, normalization, activation, …).",
)
@click.option("--strict", is_flag=True, help="Refuse a model with an operator that has no rule.")
@click.option("--jobs", type=Count(), default=1, metavar="N", help="Read several models in N processes.")
@watch_option
@output_options(*FORMATS)
def analyze(
    models: tuple[str, ...],
    by: str,
    depth: int | None,
    sort: str | None,
    top: int | None,
    all_layers: bool,
    columns: tuple[str, ...],
    strict: bool,
    settings: Settings,
    jobs: int,
    form: str,
    output: str | None,
) -> int:
    """Show what each layer costs, and the totals.

    A directory stands for the model files in it (.yaml, .onnx, .pt2, .tflite, .gguf), or for the Hugging Face model
    that its config.json describes. Blocks that equal those before them are one row; --all-layers shows each. JSON
    always holds every layer; --by op, block or module adds the groups.
    """
    from costcalc.core.quantities import CATALOGUE
    from costcalc.core.quantity import QuantityRef
    from costcalc.views.report import TableOptions

    settings = settings.extend_for([QuantityRef(CATALOGUE[key]) for key in (*columns, sort or "") if key in CATALOGUE])
    view = TableOptions("block" if depth and by == "layer" else by, depth, sort, top, columns, all_layers=all_layers)
    paths = model_paths(models)
    answers = analyze_models(AnalysisRequest(settings, view, strict, form), paths, jobs)
    if form == "json" and answers:
        from costcalc.render import json

        write_text(json.dump({"models": answers}), output)
    elif answers:
        print_tables(answers, form, output, keep_all=bool(columns))
    return 0 if len(answers) == len(paths) else CANNOT_ANSWER
