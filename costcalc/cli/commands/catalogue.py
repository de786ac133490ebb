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

    NAME is a profile's name or alias, or the path of your own; a part of names lists those that have it.
    """
    from costcalc.views.catalogue import devices_table, matching_rows, profile_figures_table, profile_table

    if name is None:
        print_tables([devices_table()], form, output)
        return
    from costcalc.analysis.hardware.catalogue import find_profile
    from costcalc.core.errors import HardwareError

    try:
        profile = find_profile(name)
    except HardwareError:
        table = matching_rows(devices_table(), name)
        if not table.rows:
            raise
        print_tables([table], form, output)
        return
    view = profile_figures_table if form in ("json", "csv") else profile_table
    print_tables([view(profile)], form, output, keep_all=True)


@click.command()
@click.argument("text", required=False)
@debug_option
@output_options(*FORMATS)
def models(text: str | None, form: str, output: str | None) -> None:
    """List the built-in models with their sources and costs; with TEXT those that have it in their names."""
    from costcalc.views.catalogue import models_table, named_rows

    print_tables([named_rows(models_table(), text)], form, output)


@click.command()
@click.argument("text", required=False)
@rules_option
@debug_option
@output_options(*FORMATS)
def ops(text: str | None, form: str, output: str | None) -> None:
    """List every operator with its state: costed, free, shape only or unknown; with TEXT those that have it in their
    names."""
    from costcalc.views.catalogue import named_rows, operators_table

    print_tables([named_rows(operators_table(), text)], form, output)
