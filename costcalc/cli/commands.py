"""The commands: load → report → render."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from costcalc.cli.hardware import Devices, hardware_option, on_devices
from costcalc.cli.options import (
    FORMATS,
    Model,
    Names,
    columns,
    debug_option,
    given,
    model_options,
    output_options,
    precision_options,
    rules_option,
)
from costcalc.cli.output import emit, show
from costcalc.cli.settings import settings_options
from costcalc.cli.several import Question, answers, model_paths
from costcalc.studies.options import Settings

CANNOT_ANSWER = 2


def layer_columns() -> Iterable[str]:
    """The columns of a table of layers."""
    from costcalc.columns import COLUMNS

    return COLUMNS


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=Model())
@settings_options()
@click.option("--by", type=click.Choice(("layer", "op", "block")), default="layer", show_default=True,
              help="A row per layer, per operator type, or per block.")  # fmt: skip
@click.option("--depth", type=click.IntRange(1), help="Open the tree of blocks this deep (with --by block).")
@click.option("--sort", type=Names(layer_columns, several=False), metavar="COLUMN", help="Largest first.")
@click.option("--top", type=click.IntRange(1), metavar="K", help="Only the first K rows; the others are summed up.")
@click.option("--columns", type=Names(layer_columns), callback=columns, metavar="A,B,…",
              help="Which columns: name, op, output, macs, flops, params, share, bar, weight_bytes, activation_bytes, "
              "buffers, layers, count, dtype, scope, state, traffic_bytes, intensity; time, bound, utilisation with "
              "--hardware; operations by kind (add, multiply, compare, divide, exp, transcendental) or by role (bias, "
              "normalization, activation, …).")  # fmt: skip
@click.option("--strict", is_flag=True, help="Refuse a model with an operator that has no rule.")
@click.option("--jobs", type=click.IntRange(1), default=1, metavar="N", help="Read several models in N processes.")
@output_options(*FORMATS)
def analyze(models: tuple[str, ...], by: str, depth: int | None, sort: str | None, top: int | None,
            columns: tuple[str, ...], strict: bool, settings: Settings, jobs: int, form: str,
            output: str | None) -> int:  # fmt: skip
    """Show what each layer costs, and the totals.

    A directory stands for the .onnx and .yaml files in it. JSON always holds every layer; --by op or block adds the
    groups.
    """
    from costcalc.sheet import View

    view = View("block" if depth and by == "layer" else by, depth, sort, top, columns)
    question = Question(settings, view, strict, form)
    found, complete = answers(question, model_paths(models), jobs)
    if form == "json" and found:
        from costcalc.render import json

        emit(json.dump({"models": found}), output)
    elif found:
        show(found, form, output, keep_all=bool(columns))
    return 0 if complete else CANNOT_ANSWER


@click.command()
@click.argument("models", metavar="MODEL MODEL...", nargs=-1, required=True, type=Model())
@settings_options()
@click.option("--strict", is_flag=True, help="Refuse a model with an operator that has no rule.")
@output_options(*FORMATS)
def compare(models: tuple[str, ...], strict: bool, settings: Settings, form: str, output: str | None) -> None:
    """Show two or more models side by side, each figure with its ratio to the first model's."""
    from costcalc.api import compare_settings
    from costcalc.views.compare import comparison_document, comparison_tables

    comparison = compare_settings(models, settings, strict)
    if form == "json":
        from costcalc.render import json
        from costcalc.views.report import report_document

        reports = [report_document(report) for report in comparison.reports]
        content = {"models": reports, "comparison": comparison_document(comparison)}
        emit(json.dump(content), output)
    else:
        show(comparison_tables(comparison), form, output)


@click.command()
@click.argument("model", type=Model())
@click.argument("layer", required=False)
@model_options
@precision_options
@hardware_option
@output_options("text", "json")
def explain(model: str, layer: str | None, hardware: tuple[str, ...], form: str, output: str | None,
            **options: Any) -> None:  # fmt: skip
    """Show the working of every figure: formulas with names and with numbers, extents, receptive fields.

    LAYER is a layer's name, or enough of it to be told from the others.
    """
    from costcalc.api import explain

    explanation = explain(model, layer, **given(options))
    if hardware:
        from costcalc.bounds import explained

        explanation = explained(explanation, on_devices(explanation.report, hardware))
    if form == "json":
        from costcalc.render import json
        from costcalc.working import explanation_document

        emit(json.dump({"explanation": explanation_document(explanation)}), output)
    else:
        from costcalc.render.palette import screen
        from costcalc.render.working import text

        emit(text(explanation, screen(output is not None)), output)


@click.command()
@click.argument("name", required=False, type=Devices())
@debug_option
@output_options(*FORMATS)
def hardware(name: str | None, form: str, output: str | None) -> None:
    """List the hardware profiles, or show one with the source of every figure.

    NAME is a profile's name or alias, or the path of your own.
    """
    from costcalc.devices import device, devices, figures

    if name is None:
        show([devices()], form, output)
    else:
        from costcalc.hardware.find import find

        view = figures if form in ("json", "csv") else device
        show([view(find(name))], form, output, keep_all=True)


@click.command()
@debug_option
@output_options(*FORMATS)
def models(form: str, output: str | None) -> None:
    """List the built-in models with their sources and costs."""
    from costcalc.catalogue import models

    show([models()], form, output)


@click.command()
@rules_option
@debug_option
@output_options(*FORMATS)
def ops(form: str, output: str | None) -> None:
    """List every operator with its state: costed, free, shape only or unknown."""
    from costcalc.catalogue import operators

    show([operators()], form, output)
