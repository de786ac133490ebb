"""`costcalc llm`: what generation costs, on one device or on several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from costcalc.cli.output import print_tables, write_text
from costcalc.cli.parameters import FORMATS, Model, output_options
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.core.errors import UsageError
from costcalc.studies.options import Settings

if TYPE_CHECKING:
    from costcalc.views.table import Table

Answer = tuple["list[Table]", dict[str, Any]]
"""Tables, and the content of the JSON document."""


@click.command(cls=SettingsCommand)
@click.argument("model", type=Model())
@settings_options("generation", "devices", "parallel")
@click.option("--max-context", is_flag=True, help="The longest text that fits the device, prompt and generated tokens.")
@click.option("--max-batch", is_flag=True, help="The most texts at once that fit the device.")
@click.option("--sweep-parallel", is_flag=True, help="Every way to split the model over --devices N.")
@output_options(*FORMATS)
def llm(
    model: str,
    settings: Settings,
    max_context: bool,
    max_batch: bool,
    sweep_parallel: bool,
    form: str,
    output: str | None,
) -> None:
    """Show what a decoder model costs: the prompt's pass, each further token, the KV cache.

    A float --dtype holds for activations too, unless --act-dtype says otherwise. The cache has the activations' type.
    Over several devices: what each holds and sends (--device 'h100-sxm x8' --tp 8).
    """
    if settings.dims:
        from costcalc.studies.generation.generation import refuse_unused_length

        refuse_unused_length(model, settings, max_context)
    if max_context or max_batch:
        tables, content = _largest(model, settings, max_context, max_batch)
    elif sweep_parallel:
        tables, content = _layouts(model, settings)
    else:
        tables, content = _generation(model, settings)
    if form == "json":
        from costcalc.render import json

        write_text(json.dump(content), output)
    else:
        print_tables(tables, form, output)


def _generation(model: str, settings: Settings) -> Answer:
    from costcalc.analysis.hardware.catalogue import find_profile
    from costcalc.studies.generation.generation import measure_generation
    from costcalc.studies.generation.serving import compute_serving_speed, is_served, measure_serving
    from costcalc.studies.generation.speed import compute_generation_speed
    from costcalc.views import generation as sheets

    generation = measure_generation(model, settings)
    tables, content = [sheets.passes_table(generation)], sheets.generation_document(generation)
    profiles = [find_profile(name) for name in settings.devices]
    if is_served(settings):
        from costcalc.views import serving as views

        serving = measure_serving(model, settings)
        speeds = [compute_serving_speed(serving, profile) for profile in profiles]
        tables.append(views.stages_table(serving))
        if serving.options.total > serving.options.replicas or serving.options.ep > 1:
            tables.append(views.sent_table(serving))
        tables += [views.serving_speeds_table(serving, speeds)] if speeds else []
        content["parallel"] = views.serving_document(serving)
    else:
        speeds = [compute_generation_speed(generation, profile) for profile in profiles]
        tables += [sheets.speeds_table(speeds)] if speeds else []
    if speeds:
        content["hardware"] = [sheets.speed_document(speed) for speed in speeds]
    return tables, {"generation": content}


def _largest(model: str, settings: Settings, context: bool, batch: bool) -> Answer:
    from costcalc.analysis.hardware.catalogue import find_profile
    from costcalc.studies.generation.largest import largest_batch, longest_context
    from costcalc.views.serving import largest_document, largest_table

    if not settings.devices:
        raise UsageError("what fits depends on the device", "name one: --device h100-sxm")
    questions = {"tokens a text": longest_context} if context else {}
    questions |= {"texts": largest_batch} if batch else {}
    rows = [
        (name, what, find(model, settings, find_profile(name)))
        for name in settings.devices
        for what, find in questions.items()
    ]
    document = [{"name": name, "what": what, **largest_document(found)} for name, what, found in rows]
    return [largest_table(rows)], {"largest": document}


def _layouts(model: str, settings: Settings) -> Answer:
    from costcalc.analysis.hardware.catalogue import find_profile
    from costcalc.studies.generation.layouts import compare_layouts
    from costcalc.views.serving import layout_document, layouts_table

    if len(settings.devices) > 1:
        raise UsageError("--sweep-parallel is of one device", "name one: --device h100-sxm")
    profile = find_profile(settings.devices[0]) if settings.devices else None
    layouts = compare_layouts(model, settings, profile)
    return [layouts_table(model, layouts)], {"layouts": [layout_document(layout) for layout in layouts]}
