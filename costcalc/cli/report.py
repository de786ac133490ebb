"""`costcalc report`: models as one page to look through, which asks nothing of the network."""

from __future__ import annotations

from typing import Any

import click

from costcalc.cli.hardware import hardware_option, names
from costcalc.cli.options import Model, given, model_options, precision_options
from costcalc.cli.output import emit_bytes, output_option
from costcalc.cli.several import model_paths, reports


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=Model())
@model_options
@precision_options
@hardware_option
@click.option("--strict", is_flag=True, help="Refuse a model with an operator that has no rule.")
@output_option
def report(models: tuple[str, ...], hardware: tuple[str, ...], strict: bool, output: str | None,
           **options: Any) -> None:  # fmt: skip
    """Write one HTML page about the models: where the cost is, when memory is needed, what bounds the time.

    The page stands alone: costcalc report resnet50 -o report.html
    """
    from costcalc.hardware.find import find
    from costcalc.page.content import content
    from costcalc.page.html import render
    from costcalc.page.speed import USUAL

    profiles = {profile.id: profile for profile in map(find, names(hardware) or USUAL)}
    page = render(content(reports(model_paths(models), strict, given(options)), tuple(profiles.values())))
    emit_bytes(page.encode(), output)
