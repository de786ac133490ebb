"""A layer as PyTorch, Keras or ONNX writes it, with bare values, as a call, or by ONNX's name → the layer as this
language writes it, as a remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.frontends.yaml.layers.base import LAYERS, REQUIRED
from costcalc.frontends.yaml.words import example_layer, option_here

_ARGUMENTS: Mapping[str, Sequence[str]] = {
    "conv": ("", "filters", "kernel", "stride", "pad", "dilation", "groups"),
    "conv_transpose": ("", "filters", "kernel", "stride", "pad"),
    "linear": ("", "units"),
    "embedding": ("entries", "features"),
    "max_pool": ("kernel", "stride", "pad"),
    "avg_pool": ("kernel", "stride", "pad"),
    "group_norm": ("groups",),
    **dict.fromkeys(("batch_norm", "layer_norm", "instance_norm", "rms_norm"), ("",)),
    "lstm": ("", "hidden", "layers"),
    "gru": ("", "hidden", "layers"),
}
"""By layer the keys of PyTorch's arguments, in their order; "" is what the input's shape says."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?|\[[\d, -]+\]")

_CALL = re.compile(r"([A-Za-z][\w.]*)\((.*)\)")


def values_remedy(word: str, values: Sequence[str], is_list: bool) -> str:
    """A layer's word and the bare values at the place of its options → what to write; "" where the word is none."""
    if word == "activation" and len(values) == 1 and values[0].lower() in LAYERS:
        return f"write `- {values[0].lower()}`"
    example = _example(word)
    if not example:
        return ""
    layer = example.partition(":")[0]
    keys = _ARGUMENTS.get(layer, tuple(LAYERS[layer].keys))
    if is_list and layer not in _ARGUMENTS:
        values = (f"[{', '.join(values)}]",)
    if not is_list or len(values) == 1:
        keys = tuple(filter(None, keys))[:1]
    return _write(example, {key: value for key, value in zip(keys, values, strict=False) if key})


def call_remedy(text: str) -> str:
    """`Conv2d(3, 16, kernel_size=3)` → what to write; "" where the text is no call of a layer."""
    found = _CALL.fullmatch(text)
    example = _example(found[1]) if found else ""
    if not found or not example:
        return ""
    layer = example.partition(":")[0]
    options: dict[str, str] = {}
    order = _ARGUMENTS.get(layer, tuple(LAYERS[layer].keys))
    for position, argument in enumerate(found[2].split(",")):
        key, equals, value = argument.rpartition("=")
        if equals:
            options[option_here(key.strip(), LAYERS[layer].keys)] = value.strip()
        elif position < len(order):
            options[order[position]] = value.strip()
    return _write(example, options)


def operator_remedy(op_type: str, key: str = "") -> str:
    """ONNX's operator, and an option that it does not have → the layer of this language, which makes its own weights;
    "" where there is none, or it does not have the option either."""
    example = _example(op_type)
    layer = example.partition(":")[0]
    ours = option_here(key, LAYERS[layer].keys) if example and key else ""
    if not example or (key and not ours):
        return ""
    with_key = example if not ours or f"{ours}:" in example else f"{layer}: {{{ours}: …}}"
    return f"`{op_type}` is ONNX's operator; write `- {with_key}`"


def _example(word: str) -> str:
    """A word → the layer of this language with its required options; "" where there is none."""
    example = example_layer(word)
    name = example.partition(":")[0] or word.lower()
    if name not in LAYERS:
        return ""
    required = [key for key, kind in LAYERS[name].keys.items() if kind.default is REQUIRED]
    return example or (f"{name}: {{{', '.join(f'{key}: …' for key in required)}}}" if required else name)


def _write(example: str, options: Mapping[str, Any]) -> str:
    """A layer's example and the options that a user gave → the layer with these."""
    layer = example.partition(":")[0]
    given = {key: value for key, value in options.items() if key in LAYERS[layer].keys and _NUMBER.fullmatch(value)}
    texts = dict(re.findall(r"(\w+): (\[[^\]]*\]|[^,{}]+)", example.partition(":")[2])) | given
    inner = ", ".join(f"{key}: {value}" for key, value in texts.items())
    return f"write `- {layer}: {{{inner}}}`" if inner else f"write `- {layer}`"
