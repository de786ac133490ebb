"""A convolution -> cheaper ones: over few channels between 1×1 convolutions that reduce and restore them; depthwise and
pointwise; 5×5 or 7×7 as two or three of 3×3; k×k as 1×k and k×1.

Between two convolutions that take the place of one stand the normalisation and the activation that followed the one, as
in figure 3 of the MobileNet paper (arXiv:1704.04861). Neither has MACs; their FLOPs, parameters and activations are
part of what a suggestion promises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from costcalc.core.dim import Dim, prod
from costcalc.core.ir import Node
from costcalc.graph.index import GraphIndex, operator_key
from costcalc.graph.patterns.activation import clip_bounds, find_activation
from costcalc.graph.patterns.convolution import (
    Convolution,
    find_convolution,
    find_standard_convolutions,
    has_kernel_of_one,
    reads_image,
    works_per_value,
)
from costcalc.studies.suggest.catalogue import rule
from costcalc.studies.suggest.replacement import (
    CopiedOption,
    GraphChange,
    MacsRatio,
    Replacement,
    RewriteMatch,
    RewriteOptions,
    copy_options,
    layer,
    macs_ratio,
)

PLAIN_ACTIVATIONS = {
    ("", "Relu"): "relu",
    ("", "Sigmoid"): "sigmoid",
    ("", "Tanh"): "tanh",
    ("", "HardSwish"): "hard_swish",
    ("", "Mish"): "mish",
    ("", "Softplus"): "softplus",
    ("", "Selu"): "selu",
}
"""Activations without options, and their short names."""


def intermediate_layers(index: GraphIndex, node_index: int) -> tuple[Replacement, ...]:
    """Convolution -> the layers between two that replace it. A layer of a file that is used several times has one
    answer: a normalisation where all its uses have one, and the activation that most of those with one have."""
    followers = [_following_layers(index, use) for use in index.uses(node_index) if _is_spatial(index, use)]
    norms = [norm for norm, _ in followers]
    activations = Counter(activation.signature for _, activation in followers if activation is not None)
    layers = []
    if norms and norms[0] is not None and all(norm is not None for norm in norms):
        layers.append(norms[0])
    if activations:
        most_common = activations.most_common(1)[0][0]
        layers.append(next(a for _, a in followers if a is not None and a.signature == most_common))
    return tuple(layers)


def replacements_text(replacements: tuple[Replacement, ...]) -> str:
    """`batch_norm and relu`, or `nothing`."""
    return " and ".join(replacement.kind for replacement in replacements) or "nothing"


def _is_spatial(flow: GraphIndex, index: int) -> bool:
    return not has_kernel_of_one(flow.graph, flow.graph.nodes[index])


def _following_layers(index: GraphIndex, node_index: int) -> tuple[Replacement | None, Replacement | None]:
    """The normalisation and the activation behind a convolution."""
    graph = index.graph
    value, norm = graph.nodes[node_index].outputs[0], None
    reader = index.only_reader(value)
    if reader is not None and operator_key(graph.nodes[reader]) == ("", "BatchNormalization"):
        norm = layer("batch_norm", epsilon=graph.nodes[reader].attributes.get("epsilon", 1e-5))
        value = graph.nodes[reader].outputs[0]
        reader = index.only_reader(value)
    if reader is not None:
        return norm, activation_layer(index, graph.nodes[reader])
    return norm, _silu(index, value)


def activation_layer(index: GraphIndex, node: Node) -> Replacement | None:
    """An activation of one node as a layer; None where it is none, or not one with a short name."""
    key = operator_key(node)
    if key in PLAIN_ACTIVATIONS:
        return layer(PLAIN_ACTIVATIONS[key])
    if key == ("", "LeakyRelu"):
        return layer("leaky_relu", slope=node.attributes.get("alpha", 0.01))
    if key == ("", "Elu"):
        return layer("elu", alpha=node.attributes.get("alpha", 1.0))
    if key == ("", "Gelu"):
        return layer("gelu", approximate=node.attributes.get("approximate", "none"))
    if key == ("", "Clip") and clip_bounds(index, node) == (0, 6):
        return layer("relu6")
    return None


def _silu(index: GraphIndex, value: str) -> Replacement | None:
    """x · sigmoid(x) of two nodes, which alone read x."""
    readers = index.readers.get(value, ())
    patterns = (find_activation(index, i) for i in readers)
    return next((layer("silu") for p in patterns if p and p.operator == "Swish" and p.nodes == tuple(readers)), None)


@rule(
    "separable",
    "depthwise-separable convolution",
    ratio="1/C_out + 1/∏kernel",
    source="Howard et al., MobileNets, arXiv:1704.04861, section 3.1",
)
def separate_convolution(index: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """A standard convolution filters and combines in one step; a depthwise convolution filters each channel by itself
    (stride, padding and dilation stay with it), a pointwise one combines them. MACs: k²·C_in·P + C_in·C_out·P in the
    place of k²·C_in·C_out·P, which is 1/C_out + 1/k² of them. Of one input channel all filters would be
    multiples of one, and of a patch of an image one number a colour would be left: no suggestions of their own."""
    for c in find_standard_convolutions(index):
        intermediate = intermediate_layers(index, c.node_index)
        replacements = (
            layer("depthwise_conv", **copy_options(c, "kernel", "stride", "pad", "dilation", "bias")),
            *intermediate,
            layer("pointwise_conv", **copy_options(c, "filters", "bias")),
        )
        remark = f"between the two: {replacements_text(intermediate)}"
        doubt = ""
        if reads_image(index, c):
            doubt = f"it reads the input's {c.channels} channels: MobileNet keeps its first convolution whole"
            remark += f"; {doubt}"
        weak = c.channels == 1 or _is_patches(index, c)
        yield RewriteMatch(
            (c.node.name,), (replace_convolution(c, *replacements),), _separable_ratio(c), remark, weak, doubt
        )


def _is_patches(index: GraphIndex, c: Convolution) -> bool:
    """Whether a convolution cuts an image into patches."""
    return reads_image(index, c) and all(stride >= k for stride, k in zip(c.stride, c.kernel, strict=True))


def replace_convolution(c: Convolution, *replacements: Replacement) -> GraphChange:
    """Convolution -> the change that puts replacements in its place."""
    return GraphChange((c.node_index,), c.node.inputs[:1], replacements, c.node.outputs[0], c.node_index, ("conv",))


def _separable_ratio(c: Convolution) -> MacsRatio:
    square = len(set(c.kernel)) == 1
    size = f"k{'¹²³'[c.rank - 1] if c.rank > 1 else ''}" if square and c.rank <= 3 else "∏kernel"
    return macs_ratio({"1/C_out": (1, c.filters), f"1/{size}": (1, c.positions)})


@rule(
    "bottleneck",
    "1×1 bottleneck",
    ratio="R/(∏kernel·C_out) + R²/(C_in·C_out) + R/(∏kernel·C_in)",
    source="Szegedy et al., GoogLeNet, arXiv:1409.4842, section 4; He et al., ResNet, arXiv:1512.03385, figure 5",
)
def insert_bottleneck(index: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """A 1×1 convolution reduces the channels before the expensive 3×3 or 5×5 one, which then reads and gives R of them;
    a second one restores the filters. R is a reduction-th of the filters (--reduction). Not where a 1×1 convolution
    feeds the layer already, nor where R is no less than what the layer reads."""
    for c in find_standard_convolutions(index):
        reduced = c.filters // options.reduction
        if reduced < 2 or not all(k >= 3 for k in c.kernel):
            continue
        intermediate = intermediate_layers(index, c.node_index)
        r = CopiedOption(reduced, f"$filters // {options.reduction}")
        replacements = (
            layer("pointwise_conv", filters=r, **copy_options(c, "bias")),
            *intermediate,
            layer("conv", filters=r, **copy_options(c, "kernel", "stride", "pad", "dilation", "bias")),
            *intermediate,
            layer("pointwise_conv", **copy_options(c, "filters", "bias")),
        )
        remark = f"R = {reduced} of {c.filters}; between them: {replacements_text(intermediate)}"
        weak = reduced >= c.channels or _follows_pointwise(index, c)
        yield RewriteMatch(
            (c.node.name,), (replace_convolution(c, *replacements),), _bottleneck_ratio(index, c, reduced), remark, weak
        )


def _follows_pointwise(index: GraphIndex, c: Convolution) -> bool:
    """Whether a 1×1 convolution gives what this one reads."""
    at = index.producers.get(c.node.inputs[0])
    while at is not None and works_per_value(index.graph.nodes[at]):
        at = index.producers.get(index.graph.nodes[at].inputs[0])
    producer = find_convolution(index, at) if at is not None else None
    return producer is not None and producer.positions == 1


def _bottleneck_ratio(index: GraphIndex, c: Convolution, r: int) -> MacsRatio:
    """The first one runs at the input's positions P_in, the others at the output's."""
    size, stays = c.positions, index.shape(c.node.inputs[0])[2:] == index.shape(c.node.outputs[0])[2:]
    k = "k²" if c.rank == 2 and len(set(c.kernel)) == 1 else "∏kernel"
    p_in, p_out = _positions(index, c.node.inputs[0]), _positions(index, c.node.outputs[0])
    first = (
        {f"R/({k}·C_out)": (r, size * c.filters)}
        if stays
        else {f"R·P_in/({k}·C_out·P_out)": (r * p_in, size * c.filters * p_out)}
    )
    return macs_ratio(
        {**first, "R²/(C_in·C_out)": (r * r, c.channels * c.filters), f"R/({k}·C_in)": (r, size * c.channels)}
    )


def _positions(index: GraphIndex, value: str) -> Dim:
    return prod(index.shape(value)[2:])


LARGE_KERNELS = (5, 7)


@rule(
    "stack",
    "stack of 3×3 convolutions",
    ratio="n·9/k² for as many filters as channels",
    source="Simonyan and Zisserman, VGG, arXiv:1409.1556, section 2.3",
)
def stack_convolutions(index: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """Two 3×3 convolutions see 5×5 of their input, three see 7×7, with more non-linearities and fewer weights: 2·9 of
    25, 3·9 of 49. All of the stack have the filters of the one that it replaces (the paper's C in, C out); the padding
    is shared out among them and the last one strides, so that the receptive field and every extent stay."""
    for c in find_standard_convolutions(index):
        k = c.kernel[0]
        if k not in LARGE_KERNELS or set(c.kernel) != {k} or c.rank > 2:
            continue
        n = k // 2
        shares = _share_pads(c, n)
        narrow = c.channels < c.filters and not reads_image(index, c)
        middle = {"filters": c.channels} if narrow else copy_options(c, "filters")
        intermediate = intermediate_layers(index, c.node_index)
        replacements = []
        for i, pad in enumerate(shares):
            last = i == n - 1
            options_of_last = copy_options(c, "stride") if last else {}
            if pad is not None:
                options_of_last["pad"] = pad
            replacements.append(
                layer(
                    "conv",
                    **(copy_options(c, "filters") if last else middle),
                    kernel=3,
                    **options_of_last,
                    **copy_options(c, "dilation", "bias"),
                )
            )
            replacements += [] if last else intermediate
        remark = (
            f"{c.channels if narrow else c.filters} channels inside; between them: {replacements_text(intermediate)}"
        )
        yield RewriteMatch((c.node.name,), (replace_convolution(c, *replacements),), _stack_ratio(c, n), remark)


def _share_pads(c: Convolution, n: int) -> list[CopiedOption | None]:
    """Convolution -> the pads of each of n convolutions that replace it; their sum is its own."""
    if isinstance(c.pads, str):
        return [CopiedOption(c.pads, "$pad")] * n
    if not any(c.pads):
        return [None] * n
    dilation = c.dilation
    if c.pads == tuple(d * n for d in dilation) * 2 and len(set(dilation)) == 1:
        return [CopiedOption(list(dilation) * 2, "${dilation|1}")] * n
    shares = [[p // n + (i < p % n) for p in c.pads] for i in range(n)]
    return [CopiedOption(share, "[" + ", ".join(map(str, share)) + "]") for share in shares]


def _stack_ratio(c: Convolution, n: int) -> MacsRatio | None:
    if c.channels == c.filters and set(c.stride) == {1}:
        name = f"{n}·3{'²' if c.rank == 2 else ''}/k{'²' if c.rank == 2 else ''}"
        return macs_ratio({name: (n * 3**c.rank, c.positions)})
    return None


@rule(
    "factor",
    "1×k and k×1 convolutions",
    ratio="2/k for as many filters as channels",
    source="Szegedy et al., Rethinking the Inception Architecture, arXiv:1512.00567, section 3.2",
)
def factor_kernels(index: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """A 1×k convolution followed by a k×1 one sees the same k×k of its input for 2·k in the place of k² weights a pair
    of channels. Both have the filters of the one that they replace; each strides and pads along its own axis. The paper
    found it to work on maps of 12 to 20 positions a side, and not well in early layers."""
    for c in find_standard_convolutions(index):
        k = c.kernel[0]
        if c.rank != 2 or k < 3 or c.kernel[1] != k:
            continue
        intermediate = intermediate_layers(index, c.node_index)
        first = layer("conv", **copy_options(c, "filters"), **_axis_options(c, 1), **copy_options(c, "bias"))
        second = layer("conv", **copy_options(c, "filters"), **_axis_options(c, 0), **copy_options(c, "bias"))
        has_ratio = c.channels == c.filters and set(c.stride) == {1}
        ratio = macs_ratio({"2/k": (2, k)}) if has_ratio else None
        remark = f"between the two: {replacements_text(intermediate)}"
        weak = reads_image(index, c)
        yield RewriteMatch((c.node.name,), (replace_convolution(c, first, *intermediate, second),), ratio, remark, weak)


def _axis_options(c: Convolution, axis: int) -> dict[str, Any]:
    """kernel, stride, pad and dilation of a convolution along one axis."""

    def axis_option(key: str, value: int, neutral: int) -> CopiedOption:
        pair = [neutral, value] if axis else [value, neutral]
        hole = f"${key}.{axis}"
        return CopiedOption(pair, f"[{neutral}, {hole}]" if axis else f"[{hole}, {neutral}]")

    options = {"kernel": axis_option("kernel", c.kernel[axis], 1), "stride": axis_option("stride", c.stride[axis], 1)}
    if isinstance(c.pads, str):
        options["pad"] = CopiedOption(c.pads, "$pad")
    else:
        begin, end = c.pad(axis)
        pads = [0, begin, 0, end] if axis else [begin, 0, end, 0]
        options["pad"] = CopiedOption(pads, axis_option("pad", begin, 0).text if len(set(c.pads)) == 1 else str(pads))
    options["dilation"] = axis_option("dilation", c.dilation[axis], 1)
    return options
