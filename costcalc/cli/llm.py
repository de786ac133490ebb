"""`costcalc llm`: what generation costs."""

from __future__ import annotations

from typing import Any

import click

from costcalc.cli.hardware import Devices
from costcalc.cli.options import FORMATS, Model, Precision, given, model_options, output_options, precision_options
from costcalc.cli.output import emit, show


@click.command()
@click.argument("model", type=Model())
@click.option("--prompt", type=click.IntRange(1), default=512, show_default=True, help="Tokens of each prompt.")
@click.option("--generate", type=click.IntRange(1), default=128, show_default=True,
              help="Tokens generated for each prompt.")  # fmt: skip
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True, help="How many texts at once.")
@click.option("--hardware", type=Devices(), metavar="NAME,…",
              help="Bounds on devices: see `costcalc hardware`, or a profile's file.")  # fmt: skip
@model_options
@precision_options
@click.option("--cache-dtype", type=Precision(), help="The KV cache as if stored in this type.")
@output_options(*FORMATS)
def llm(model: str, prompt: int, generate: int, batch: int, hardware: str | None, dtype: str | None,
        act_dtype: str | None, cache_dtype: str | None, form: str, output: str | None,
        **options: Any) -> None:  # fmt: skip
    """Show what a decoder model costs: the prompt's pass, each further token, the KV cache.

    A float --dtype holds for activations too, unless --act-dtype says otherwise. The cache has the activations' type.
    """
    from costcalc.generation import account, decoder, sheets
    from costcalc.ir import DTYPES
    from costcalc.precision import named

    weights = named(dtype)
    activations = named(act_dtype) or (DTYPES[dtype] if dtype and weights and weights.is_float else None)
    precision = decoder.Precision(weights, activations, named(cache_dtype))
    found = account.account(decoder.decoder(model, batch, precision, **given(options)), prompt, generate, batch)
    on: list[Any] = []
    if hardware is not None:
        from costcalc.cli.hardware import names
        from costcalc.generation import bounds
        from costcalc.hardware.find import find

        on = [bounds.bounds(found, find(name)) for name in names((hardware,))]
    if form == "json":
        from costcalc.render import json
        from costcalc.views.generation import speed_document

        content = sheets.to_dict(found)
        if on:
            content["hardware"] = [speed_document(one) for one in on]
        emit(json.dump({"generation": content}), output)
    else:
        show([sheets.passes(found), *([sheets.devices(on)] if on else [])], form, output)
