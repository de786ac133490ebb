"""`costcalc llm`: what generation costs, on one device or on several."""

from __future__ import annotations

import click

from costcalc.cli.output import print_tables, write_text
from costcalc.cli.parameters import FORMATS, Model, output_options
from costcalc.cli.settings import SettingsCommand, settings_options
from costcalc.studies.options import Settings


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
    from costcalc.views.llm import LlmQuestion, llm_result

    result = llm_result(model, settings, LlmQuestion(max_context, max_batch, sweep_parallel))
    if form == "json":
        from costcalc.render import json

        write_text(json.dump(dict(result.content)), output)
    else:
        print_tables(result.sheets, form, output)
