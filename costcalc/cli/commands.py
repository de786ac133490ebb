"""The commands: load → report → render."""

from __future__ import annotations

from typing import Any

import click

from costcalc import __version__
from costcalc.cli.options import FORMATS, Model, model_options, output_options

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, message="costcalc %(version)s")
def cli() -> None:
    """What a neural network costs before anyone runs it: MACs, FLOPs, parameters and memory, layer by layer.

    MODEL is a YAML file, an ONNX file or a built-in name (see `costcalc models`).
    """


@cli.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=Model())
@model_options
@output_options(*FORMATS)
@click.option("--strict", is_flag=True, help="Refuse a model with an operator that has no rule.")
def analyze(models: tuple[str, ...], form: str, output: str | None, strict: bool, **given: Any) -> None:
    """Show what each layer costs, and the totals."""
    from costcalc.api import analyze as report_of
    from costcalc.render import json as render_json

    arguments = {key: value if key == "symbolic" else dict(value) for key, value in given.items()}
    reports = [report_of(model, strict=strict, **arguments) for model in models]
    click.echo(render_json.reports(reports))
