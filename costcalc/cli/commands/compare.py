"""The commands `compare` and `explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costcalc.cli.output import print_tables, write_text
from costcalc.cli.parameters import FORMATS, Model, output_options
from costcalc.cli.settings import SettingsCommand, settings_options

if TYPE_CHECKING:
    from costcalc.studies.options import Settings


@click.command(cls=SettingsCommand)
@click.argument("models", metavar="MODEL MODEL...", nargs=-1, required=True, type=Model())
@settings_options()
@click.option("--strict", is_flag=True, help="Refuse a model with an operator that has no rule.")
@output_options(*FORMATS)
def compare(models: tuple[str, ...], strict: bool, settings: Settings, form: str, output: str | None) -> None:
    """Show two or more models side by side, each figure with its ratio to the first model's."""
    from costcalc.studies.compare import compare_models
    from costcalc.views.compare import comparison_document, comparison_tables

    comparison = compare_models(models, settings, strict)
    if form == "json":
        from costcalc.render import json
        from costcalc.views.report import report_document

        reports = [report_document(report) for report in comparison.reports]
        content = {"models": reports, "comparison": comparison_document(comparison)}
        write_text(json.dump(content), output)
    elif form == "html":
        from costcalc.render.page.sheets import render_comparison

        write_text(render_comparison(comparison), output)
    else:
        print_tables(comparison_tables(comparison), form, output)


@click.command(cls=SettingsCommand)
@click.argument("model", type=Model())
@click.argument("layer", required=False)
@settings_options()
@click.option("--all-layers", is_flag=True, help="No row for several equal blocks.")
@output_options("text", "json")
def explain(model: str, layer: str | None, settings: Settings, all_layers: bool, form: str, output: str | None) -> None:
    """Show the working of every figure: formulas with names and with numbers, extents, receptive fields.

    LAYER is a layer's name, or enough of it to be told from the others; a block of several layers (layer1.0); the
    name of a row of equal blocks (decoder2 … 12 × 11); or a total (peak_activation_bytes: the tensors that are alive;
    traffic_bytes: what is read and written). Execution, training, devices and generation add the working of the peak,
    of the backward pass, of the bounds, of cache and memory.
    """
    from costcalc.studies.measurement import measure
    from costcalc.views.explain_settings import explain_measurement

    explanation = explain_measurement(measure(model, settings), layer)
    if form == "json":
        from costcalc.render import json
        from costcalc.views.explain import explanation_document

        write_text(json.dump({"explanation": explanation_document(explanation)}), output)
    else:
        from costcalc.render.explanation import explanation_text
        from costcalc.render.terminal import screen

        write_text(explanation_text(explanation, screen(output is not None), all_layers), output)
