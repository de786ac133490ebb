"""A model's source and its settings -> Generation: the passes that the settings ask for, in their precision."""

from __future__ import annotations

from costcalc.analysis.options import GenerationOptions
from costcalc.frontends import ModelSource
from costcalc.generation.account import Generation, account
from costcalc.generation.decoder import Precision, decoder
from costcalc.ir import DTYPES
from costcalc.precision import named
from costcalc.studies.options import Settings


def generate(source: ModelSource, settings: Settings) -> Generation:
    """What a decoder model costs that generates as the settings say (their defaults where they say nothing of it). A
    float dtype holds for activations too, unless act_dtype says otherwise; the cache has the activations' type unless
    cache_dtype says otherwise. Errors are those of decoder and of account."""
    options = settings.generation or GenerationOptions()
    weights, activations = named(settings.dtype), named(settings.act_dtype)
    if activations is None and settings.dtype and weights and weights.is_float:
        activations = DTYPES[settings.dtype]
    precision = Precision(weights, activations, named(options.cache_dtype))
    reading = {name: value for name, value in settings.reading().items() if name not in ("dtype", "act_dtype")}
    model = decoder(source, options.batch, precision, **reading)
    return account(model, options.prompt, options.generate, options.batch)
