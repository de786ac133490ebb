"""Words of PyTorch and Keras for layers and options → the words of this language, as remedies."""

from __future__ import annotations

import re
from collections.abc import Collection

from costcalc.core.errors import Correction

_LAYERS = {
    **dict.fromkeys(
        ("conv", "conv1d", "conv2d", "conv3d", "convolution", "convolution2d"), "conv: {filters: 64, kernel: 3}"
    ),
    **dict.fromkeys(
        ("convtranspose", "convtranspose1d", "convtranspose2d", "convtranspose3d", "conv2dtranspose"),
        "conv_transpose: {filters: 64, kernel: 2, stride: 2}",
    ),
    **dict.fromkeys(("depthwiseconv2d", "depthwiseconv"), "depthwise_conv: {kernel: 3}"),
    **dict.fromkeys(
        (
            *("separableconv1d", "separableconv2d", "separableconv", "separable"),
            *("depthwiseseparable", "depthwiseseparableconv", "depthwiseseparableconv2d", "dwseparable", "dwsepconv"),
        ),
        "depthwise_conv: {kernel: 3}` and `pointwise_conv: {filters: 64}",
    ),
    **dict.fromkeys(("dense", "linear", "gemm", "fc", "fullyconnected", "innerproduct"), "linear: {units: 10}"),
    **dict.fromkeys(
        ("batchnorm", "batchnorm1d", "batchnorm2d", "batchnorm3d", "batchnormalization", "bn"), "batch_norm"
    ),
    **dict.fromkeys(("layernorm", "layernormalization"), "layer_norm"),
    **dict.fromkeys(("groupnorm", "groupnormalization"), "group_norm: {groups: 32}"),
    **dict.fromkeys(("instancenorm2d", "instancenorm", "instancenormalization"), "instance_norm"),
    **dict.fromkeys(("lstm", "lstmcell"), "lstm: {hidden: 64}"),
    **dict.fromkeys(("gru", "grucell"), "gru: {hidden: 64}"),
    **dict.fromkeys(("rnn", "simplernn"), "rnn: {hidden: 64}"),
    "embedding": "embedding: {entries: 1000, features: 64}",
    "prelu": "prelu",
    **dict.fromkeys(
        ("maxpool", "maxpool1d", "maxpool2d", "maxpool3d", "maxpooling2d", "maxpooling1d", "maxpooling"),
        "max_pool: {kernel: 2}",
    ),
    **dict.fromkeys(
        ("avgpool1d", "avgpool2d", "avgpool3d", "averagepool", "averagepooling2d", "averagepooling", "avgpooling"),
        "avg_pool: {kernel: 2}",
    ),
    **dict.fromkeys(
        ("adaptiveavgpool2d", "adaptiveavgpool1d", "globalaveragepooling2d", "globalaveragepool", "gap"),
        "global_avg_pool",
    ),
    **dict.fromkeys(("adaptivemaxpool2d", "globalmaxpooling2d", "globalmaxpool"), "global_max_pool"),
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

_EXAMPLES = {text.partition(":")[0]: text for text in _LAYERS.values() if re.fullmatch(r"\w+: \{[^`]*\}", text)}
"""By a layer of this language, the layer with its options."""

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
    **dict.fromkeys(("dim", "start_dim"), ("axis",)),
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


def example_layer(word: str) -> str:
    """A word of another language, or of this one → the layer of this one with options; "" where there is none."""
    plain = re.sub(r"^(?:torch\.)?(?:nn\.|f\.|layers\.|keras\.layers\.|tf\.keras\.layers\.)", "", word.lower())
    joined = plain.replace("_", "")
    return _EXAMPLES.get(plain) or (_LAYERS[joined] or joined if joined in _LAYERS else "")


def layer_remedy(word: str, known: Collection[str]) -> str:
    """A word that is no layer → what to write instead, or "" where no other language has it either."""
    ours = example_layer(word)
    if ours == "sequential":
        return "write its layers one below the other, each with `- `"
    name = ours.partition(":")[0]
    return Correction(f"write `{ours}`", word, (name,)) if ":" in ours or ours in known else ""


def option_here(word: str, known: Collection[str]) -> str:
    """An option of another language, or of this one → the option that a layer has; "" where it has none."""
    return word if word in known else next((name for name in _OPTIONS.get(word.lower(), ()) if name in known), "")


def option_remedy(word: str, known: Collection[str]) -> str:
    """An option that a layer does not have → what to write instead, or "" where no other language has it either."""
    if word in _READ_FROM_INPUT:
        return "leave it out: the input's shape says it"
    if word == "activation":
        return "write the activation as a layer of its own: `- relu`"
    if found := re.fullmatch(r"(\w+)[:=](.+)", word):
        return f"write `{option_here(found[1], known) or found[1]}: {found[2]}`, with a blank"
    ours = option_here(word, known)
    return Correction(f"write `{ours}:`", word, (ours,)) if ours else ""
