"""The commands `models`, `ops` and `hardware`: what comes with costcalc, as tables."""

from __future__ import annotations

import click

from costcalc.cli.output import print_tables
from costcalc.cli.parameters import FORMATS, DeviceNames, debug_option, output_options, rules_option


@click.command()
@click.argument("name", required=False, type=DeviceNames())
@debug_option
@output_options(*FORMATS)
def hardware(name: str | None, form: str, output: str | None) -> None:
    """List the hardware profiles, or show one with the source of every figure.

    NAME is a profile's name or alias, or the path of your own.
    """
    from costcalc.views.catalogue import devices_table, profile_figures_table, profile_table

    if name is None:
        print_tables([devices_table()], form, output)
    else:
        from costcalc.analysis.hardware.catalogue import find_profile

        view = profile_figures_table if form in ("json", "csv") else profile_table
        print_tables([view(find_profile(name))], form, output, keep_all=True)


@click.command()
@debug_option
@output_options(*FORMATS)
def models(form: str, output: str | None) -> None:
    """List the built-in models with their sources and costs."""
    from costcalc.views.catalogue import models_table

    print_tables([models_table()], form, output)


@click.command()
@rules_option
@debug_option
@output_options(*FORMATS)
def ops(form: str, output: str | None) -> None:
    """List every operator with its state: costed, free, shape only or unknown."""
    from costcalc.views.catalogue import operators_table

    print_tables([operators_table()], form, output)
