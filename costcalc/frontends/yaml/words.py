"""Words of PyTorch and Keras for layers and options → the words of this language, as remedies; and slips of layout that
a YAML parser reports in words of its own."""

from __future__ import annotations

import re
from collections.abc import Collection

_LAYERS = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution", "convolution2d"), "conv: {filters: 64, kernel: 3}"),
    **dict.fromkeys(
        ("convtranspose1d", "convtranspose2d", "convtranspose3d", "conv2dtranspose"),
        "conv_transpose: {filters: 64, kernel: 2, stride: 2}",
    ),
    **dict.fromkeys(("depthwiseconv2d", "depthwiseconv"), "depthwise_conv: {kernel: 3}"),
    **dict.fromkeys(
        ("separableconv2d", "separableconv"), "depthwise_conv: {kernel: 3}` and `pointwise_conv: {filters: 64}"
    ),
    **dict.fromkeys(("dense", "linear", "fc", "fullyconnected", "innerproduct"), "linear: {units: 10}"),
    **dict.fromkeys(
        ("batchnorm", "batchnorm1d", "batchnorm2d", "batchnorm3d", "batchnormalization", "bn"), "batch_norm"
    ),
    **dict.fromkeys(("layernorm", "layernormalization"), "layer_norm"),
    **dict.fromkeys(("groupnorm", "groupnormalization"), "group_norm: {groups: 32}"),
    **dict.fromkeys(("instancenorm2d", "instancenorm"), "instance_norm"),
    **dict.fromkeys(
        ("maxpool1d", "maxpool2d", "maxpool3d", "maxpooling2d", "maxpooling1d", "maxpooling"), "max_pool: {kernel: 2}"
    ),
    **dict.fromkeys(
        ("avgpool1d", "avgpool2d", "avgpool3d", "averagepooling2d", "averagepooling", "avgpooling"),
        "avg_pool: {kernel: 2}",
    ),
    **dict.fromkeys(("adaptiveavgpool2d", "adaptiveavgpool1d", "globalaveragepooling2d", "gap"), "global_avg_pool"),
    **dict.fromkeys(("adaptivemaxpool2d", "globalmaxpooling2d"), "global_max_pool"),
    **dict.fromkeys(("relu", "relu6", "gelu", "silu", "sigmoid", "tanh", "softmax", "elu", "selu", "mish"), ""),
    "leakyrelu": "leaky_relu",
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
    "logsoftmax": "log_softmax",
    "dropout2d": "dropout",
    "multiheadattention": "attention: {heads: 8}",
    "zeropadding2d": "pad: {pads: [0, 0, 1, 1, 0, 0, 1, 1]}",
    "upsampling2d": "upsample: {scale: 2}",
    "pixelshuffle": "depth_to_space: {block: 2}",
    "concatenate": "concat: {axis: 1}",
    "cat": "concat: {axis: 1}",
    "sequential": "",
    "activation": "relu",
    "permute": "transpose: {perm: [0, 2, 1]}",
}
"""By the word of another language, in lower case and without `nn.` and `_`, a layer of this one; "" stands for the word
itself."""

_OPTIONS = {
    **dict.fromkeys(("out_channels", "output_channels", "channels", "num_filters", "out_planes"), ("filters",)),
    **dict.fromkeys(("out_features", "num_units", "out_dim", "outputs"), ("units",)),
    **dict.fromkeys(("kernel_size", "pool_size", "kernel_shape", "filter_size", "window"), ("kernel",)),
    **dict.fromkeys(("strides",), ("stride",)),
    **dict.fromkeys(("padding", "pads"), ("pad",)),
    **dict.fromkeys(("dilations", "dilation_rate"), ("dilation",)),
    **dict.fromkeys(("use_bias",), ("bias",)),
    **dict.fromkeys(("group", "num_groups"), ("groups",)),
    **dict.fromkeys(("depth_multiplier",), ("multiplier",)),
    **dict.fromkeys(("p", "drop", "prob"), ("rate",)),
    **dict.fromkeys(("eps",), ("epsilon",)),
    **dict.fromkeys(("negative_slope",), ("slope",)),
    **dict.fromkeys(("num_heads", "n_heads"), ("heads",)),
    **dict.fromkeys(("hidden_size", "hidden_dim"), ("hidden",)),
    **dict.fromkeys(("num_layers",), ("layers",)),
    **dict.fromkeys(("num_embeddings", "input_dim", "vocab_size"), ("entries",)),
    **dict.fromkeys(("embedding_dim", "output_dim"), ("features",)),
    **dict.fromkeys(("scale_factor",), ("scale",)),
    **dict.fromkeys(("dim",), ("axis",)),
    **dict.fromkeys(("ceil_mode",), ("ceil",)),
    **dict.fromkeys(("count_include_pad",), ("count_pad",)),
    "size": ("scale", "kernel"),
    "units": ("hidden", "filters"),
    "filters": ("units",),
}
"""By an option's word in another language the words that it may have here."""

_READ_FROM_INPUT = frozenset(
    ("in_channels", "in_features", "num_features", "input_channels", "input_shape", "input_size", "normalized_shape")
)
"""Options that repeat what the input's shape says."""


def layer_remedy(word: str, known: Collection[str]) -> str:
    """A word that is no layer → what to write instead, or "" where no other language has it either."""
    plain = re.sub(r"^(?:torch\.)?(?:nn\.|f\.|layers\.|keras\.layers\.|tf\.keras\.layers\.)", "", word.lower())
    ours = _LAYERS.get(plain.replace("_", ""))
    if plain.replace("_", "") == "sequential":
        return "write its layers one below the other, each with `- `"
    if ours is None:
        return ""
    return f"write `{ours or plain}`" if ours or plain in known else ""


def option_remedy(word: str, known: Collection[str]) -> str:
    """An option that a layer does not have → what to write instead, or "" where no other language has it either."""
    if word in _READ_FROM_INPUT:
        return "leave it out: the input's shape says it"
    if word == "activation":
        return "write the activation as a layer of its own: `- relu`"
    ours = next((name for name in _OPTIONS.get(word.lower(), ()) if name in known), "")
    return f"write `{ours}:`" if ours else ""


def syntax_remedy(lines: list[str], number: int, column: int) -> tuple[str, str]:
    """The lines of a file that is no YAML, and the index of the line and of the column where its parser stops → what is
    wrong there and what to do; ("", "") for other errors."""
    line = lines[number] if number < len(lines) else ""
    if "\t" in line[: max(column, len(line) - len(line.lstrip())) + 1]:
        return "a tab stands where YAML takes spaces only", "indent with spaces"
    flow = re.match(r"\s*-\s*(\w+)\s*\{", line)
    if flow:
        return f"the colon behind {flow[1]!r} is missing", f"write `- {flow[1]}: {{…}}`"
    above = next((text for text in reversed(lines[:number]) if text.strip()), "")
    word = re.match(r"\s*-\s*([\w.]+)\s*(?:#.*)?$", above)
    if word and re.match(r"\s+[\w-]+\s*:", line):
        return f"the colon behind {word[1]!r}, in the line above, is missing", f"write `- {word[1]}:`"
    return "", ""
