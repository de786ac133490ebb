"""The commands `models`, `ops` and `hardware`: what comes with costcalc, as tables."""

from __future__ import annotations

import click

from costcalc.cli.output import show
from costcalc.cli.parameters import FORMATS, Devices, debug_option, output_options, rules_option


@click.command()
@click.argument("name", required=False, type=Devices())
@debug_option
@output_options(*FORMATS)
def hardware(name: str | None, form: str, output: str | None) -> None:
    """List the hardware profiles, or show one with the source of every figure.

    NAME is a profile's name or alias, or the path of your own.
    """
    from costcalc.views.catalogue import device, devices, figures

    if name is None:
        show([devices()], form, output)
    else:
        from costcalc.analysis.hardware.catalogue import find

        view = figures if form in ("json", "csv") else device
        show([view(find(name))], form, output, keep_all=True)


@click.command()
@debug_option
@output_options(*FORMATS)
def models(form: str, output: str | None) -> None:
    """List the built-in models with their sources and costs."""
    from costcalc.views.catalogue import models

    show([models()], form, output)


@click.command()
@rules_option
@debug_option
@output_options(*FORMATS)
def ops(form: str, output: str | None) -> None:
    """List every operator with its state: costed, free, shape only or unknown."""
    from costcalc.views.catalogue import operators

    show([operators()], form, output)
