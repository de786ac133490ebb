"""`costcalc llm`: what generation costs."""

from __future__ import annotations

from typing import Any

import click

from costcalc.cli.output import print_tables, write_text
from costcalc.cli.parameters import FORMATS, Model, output_options
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.studies.options import Settings


@click.command(cls=SettingsCommand)
@click.argument("model", type=Model())
@settings_options("generation", "devices")
@output_options(*FORMATS)
def llm(model: str, settings: Settings, form: str, output: str | None) -> None:
    """Show what a decoder model costs: the prompt's pass, each further token, the KV cache.

    A float --dtype holds for activations too, unless --act-dtype says otherwise. The cache has the activations' type.
    """
    from costcalc.studies.generation import speed as bounds
    from costcalc.studies.generation.generation import measure_generation
    from costcalc.views import generation as sheets

    generation = measure_generation(model, settings)
    speeds: list[Any] = []
    if settings.devices:
        from costcalc.analysis.hardware.catalogue import find_profile

        speeds = [bounds.compute_generation_speed(generation, find_profile(name)) for name in settings.devices]
    if form == "json":
        from costcalc.render import json
        from costcalc.views.generation import speed_document

        content = sheets.generation_document(generation)
        if speeds:
            content["hardware"] = [speed_document(speed) for speed in speeds]
        write_text(json.dump({"generation": content}), output)
    else:
        print_tables(
            [sheets.passes_table(generation), *([sheets.speeds_table(speeds)] if speeds else [])], form, output
        )
