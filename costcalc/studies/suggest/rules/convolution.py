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
    fraction,
    layer,
)

PLAIN = {
    ("", "Relu"): "relu",
    ("", "Sigmoid"): "sigmoid",
    ("", "Tanh"): "tanh",
    ("", "HardSwish"): "hard_swish",
    ("", "Mish"): "mish",
    ("", "Softplus"): "softplus",
    ("", "Selu"): "selu",
}
"""Activations without options, and their short names."""


def intermediate_layers(flow: GraphIndex, index: int) -> tuple[Replacement, ...]:
    """The pieces for a convolution. A layer of a file that is used several times has one answer: a normalisation where
    all its uses have one, and the activation that most of those with one have."""
    found = [_after(flow, use) for use in flow.uses(index) if _is_spatial(flow, use)]
    norms = [norm for norm, _ in found]
    activations = Counter(activation.written for _, activation in found if activation is not None)
    pieces = []
    if norms and norms[0] is not None and all(norm is not None for norm in norms):
        pieces.append(norms[0])
    if activations:
        most = activations.most_common(1)[0][0]
        pieces.append(next(a for _, a in found if a is not None and a.written == most))
    return tuple(pieces)


def replacements_text(pieces: tuple[Replacement, ...]) -> str:
    """`batch_norm and relu`, or `nothing`."""
    return " and ".join(piece.kind for piece in pieces) or "nothing"


def _is_spatial(flow: GraphIndex, index: int) -> bool:
    return not has_kernel_of_one(flow.graph, flow.graph.nodes[index])


def _after(flow: GraphIndex, index: int) -> tuple[Replacement | None, Replacement | None]:
    """The normalisation and the activation behind a convolution."""
    graph = flow.graph
    value, norm = graph.nodes[index].outputs[0], None
    reader = flow.only_reader(value)
    if reader is not None and operator_key(graph.nodes[reader]) == ("", "BatchNormalization"):
        norm = layer("batch_norm", epsilon=graph.nodes[reader].attributes.get("epsilon", 1e-5))
        value = graph.nodes[reader].outputs[0]
        reader = flow.only_reader(value)
    if reader is not None:
        return norm, activation_layer(flow, graph.nodes[reader])
    return norm, _silu(flow, value)


def activation_layer(flow: GraphIndex, node: Node) -> Replacement | None:
    """An activation of one node as a layer; None where it is none, or not one with a short name."""
    key = operator_key(node)
    if key in PLAIN:
        return layer(PLAIN[key])
    if key == ("", "LeakyRelu"):
        return layer("leaky_relu", slope=node.attributes.get("alpha", 0.01))
    if key == ("", "Elu"):
        return layer("elu", alpha=node.attributes.get("alpha", 1.0))
    if key == ("", "Gelu"):
        return layer("gelu", approximate=node.attributes.get("approximate", "none"))
    if key == ("", "Clip") and clip_bounds(flow, node) == (0, 6):
        return layer("relu6")
    return None


def _silu(flow: GraphIndex, value: str) -> Replacement | None:
    """x · sigmoid(x) of two nodes, which alone read x."""
    readers = flow.readers.get(value, ())
    patterns = (find_activation(flow, i) for i in readers)
    return next((layer("silu") for p in patterns if p and p.operator == "Swish" and p.nodes == tuple(readers)), None)


@rule(
    "separable",
    "depthwise-separable convolution",
    ratio="1/C_out + 1/∏kernel",
    source="Howard et al., MobileNets, arXiv:1704.04861, section 3.1",
)
def separate_convolution(flow: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """A standard convolution filters and combines in one step; a depthwise convolution filters each channel by itself
    (stride, padding and dilation stay with it), a pointwise one combines them. MACs: k²·C_in·P + C_in·C_out·P in the
    place of k²·C_in·C_out·P, which is 1/C_out + 1/k² of them. Of one input channel all filters would be
    multiples of one, and of a patch of an image one number a colour would be left: no suggestions of their own."""
    for c in find_standard_convolutions(flow):
        inside = intermediate_layers(flow, c.at)
        pieces = (
            layer("depthwise_conv", **copy_options(c, "kernel", "stride", "pad", "dilation", "bias")),
            *inside,
            layer("pointwise_conv", **copy_options(c, "filters", "bias")),
        )
        said = f"between the two: {replacements_text(inside)}"
        doubt = ""
        if reads_image(flow, c):
            doubt = f"it reads the input's {c.channels} channels: MobileNet keeps its first convolution whole"
            said += f"; {doubt}"
        weak = c.channels == 1 or _is_patches(flow, c)
        yield RewriteMatch((c.node.name,), (replace_convolution(c, *pieces),), _separable_ratio(c), said, weak, doubt)


def _is_patches(flow: GraphIndex, c: Convolution) -> bool:
    """Whether a convolution cuts an image into patches."""
    return reads_image(flow, c) and all(stride >= k for stride, k in zip(c.stride, c.kernel, strict=True))


def replace_convolution(c: Convolution, *pieces: Replacement) -> GraphChange:
    """A convolution gives way to pieces."""
    return GraphChange((c.at,), c.node.inputs[:1], pieces, c.node.outputs[0], c.at, ("conv",))


def _separable_ratio(c: Convolution) -> MacsRatio:
    square = len(set(c.kernel)) == 1
    size = f"k{'¹²³'[c.rank - 1] if c.rank > 1 else ''}" if square and c.rank <= 3 else "∏kernel"
    return fraction({"1/C_out": (1, c.filters), f"1/{size}": (1, c.positions)})


@rule(
    "bottleneck",
    "1×1 bottleneck",
    ratio="R/(∏kernel·C_out) + R²/(C_in·C_out) + R/(∏kernel·C_in)",
    source="Szegedy et al., GoogLeNet, arXiv:1409.4842, section 4; He et al., ResNet, arXiv:1512.03385, figure 5",
)
def insert_bottleneck(flow: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """A 1×1 convolution reduces the channels before the expensive 3×3 or 5×5 one, which then reads and gives R of them;
    a second one restores the filters. R is a reduction-th of the filters (--reduction). Not where a 1×1 convolution
    feeds the layer already, nor where R is no less than what the layer reads."""
    for c in find_standard_convolutions(flow):
        few = c.filters // options.reduction
        if few < 2 or not all(k >= 3 for k in c.kernel):
            continue
        inside = intermediate_layers(flow, c.at)
        r = CopiedOption(few, f"$filters // {options.reduction}")
        pieces = (
            layer("pointwise_conv", filters=r, **copy_options(c, "bias")),
            *inside,
            layer("conv", filters=r, **copy_options(c, "kernel", "stride", "pad", "dilation", "bias")),
            *inside,
            layer("pointwise_conv", **copy_options(c, "filters", "bias")),
        )
        said = f"R = {few} of {c.filters}; between them: {replacements_text(inside)}"
        weak = few >= c.channels or _is_reduced(flow, c)
        yield RewriteMatch(
            (c.node.name,), (replace_convolution(c, *pieces),), _bottleneck_ratio(flow, c, few), said, weak
        )


def _is_reduced(flow: GraphIndex, c: Convolution) -> bool:
    """Whether a 1×1 convolution gives what this one reads."""
    at = flow.producers.get(c.node.inputs[0])
    while at is not None and works_per_value(flow.graph.nodes[at]):
        at = flow.producers.get(flow.graph.nodes[at].inputs[0])
    before = find_convolution(flow, at) if at is not None else None
    return before is not None and before.positions == 1


def _bottleneck_ratio(flow: GraphIndex, c: Convolution, r: int) -> MacsRatio:
    """The first one runs at the input's positions P_in, the others at the output's."""
    size, stays = c.positions, flow.shape(c.node.inputs[0])[2:] == flow.shape(c.node.outputs[0])[2:]
    k = "k²" if c.rank == 2 and len(set(c.kernel)) == 1 else "∏kernel"
    p_in, p_out = _positions(flow, c.node.inputs[0]), _positions(flow, c.node.outputs[0])
    first = (
        {f"R/({k}·C_out)": (r, size * c.filters)}
        if stays
        else {f"R·P_in/({k}·C_out·P_out)": (r * p_in, size * c.filters * p_out)}
    )
    return fraction(
        {**first, "R²/(C_in·C_out)": (r * r, c.channels * c.filters), f"R/({k}·C_in)": (r, size * c.channels)}
    )


def _positions(flow: GraphIndex, value: str) -> Dim:
    return prod(flow.shape(value)[2:])


LARGE_KERNELS = (5, 7)


@rule(
    "stack",
    "stack of 3×3 convolutions",
    ratio="n·9/k² for as many filters as channels",
    source="Simonyan and Zisserman, VGG, arXiv:1409.1556, section 2.3",
)
def stack_convolutions(flow: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """Two 3×3 convolutions see 5×5 of their input, three see 7×7, with more non-linearities and fewer weights: 2·9 of
    25, 3·9 of 49. All of the stack have the filters of the one that it replaces (the paper's C in, C out); the padding
    is shared out among them and the last one strides, so that the receptive field and every extent stay."""
    for c in find_standard_convolutions(flow):
        k = c.kernel[0]
        if k not in LARGE_KERNELS or set(c.kernel) != {k} or c.rank > 2:
            continue
        n = k // 2
        shares = _pads(c, n)
        narrow = c.channels < c.filters and not reads_image(flow, c)
        middle = {"filters": c.channels} if narrow else copy_options(c, "filters")
        inside = intermediate_layers(flow, c.at)
        pieces = []
        for i, pad in enumerate(shares):
            last = i == n - 1
            more = copy_options(c, "stride") if last else {}
            if pad is not None:
                more["pad"] = pad
            pieces.append(
                layer(
                    "conv",
                    **(copy_options(c, "filters") if last else middle),
                    kernel=3,
                    **more,
                    **copy_options(c, "dilation", "bias"),
                )
            )
            pieces += [] if last else inside
        said = f"{c.channels if narrow else c.filters} channels inside; between them: {replacements_text(inside)}"
        yield RewriteMatch((c.node.name,), (replace_convolution(c, *pieces),), _stack_ratio(c, n), said)


def _pads(c: Convolution, n: int) -> list[CopiedOption | None]:
    """What each of n convolutions pads, so that they pad in all as much as the one."""
    if isinstance(c.pads, str):
        return [CopiedOption(c.pads, "$pad")] * n
    if not any(c.pads):
        return [None] * n
    own = c.dilation
    if c.pads == tuple(d * n for d in own) * 2 and len(set(own)) == 1:
        return [CopiedOption(list(own) * 2, "${dilation|1}")] * n
    shares = [[p // n + (i < p % n) for p in c.pads] for i in range(n)]
    return [CopiedOption(share, "[" + ", ".join(map(str, share)) + "]") for share in shares]


def _stack_ratio(c: Convolution, n: int) -> MacsRatio | None:
    if c.channels == c.filters and set(c.stride) == {1}:
        name = f"{n}·3{'²' if c.rank == 2 else ''}/k{'²' if c.rank == 2 else ''}"
        return fraction({name: (n * 3**c.rank, c.positions)})
    return None


@rule(
    "factor",
    "1×k and k×1 convolutions",
    ratio="2/k for as many filters as channels",
    source="Szegedy et al., Rethinking the Inception Architecture, arXiv:1512.00567, section 3.2",
)
def factor_kernels(flow: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """A 1×k convolution followed by a k×1 one sees the same k×k of its input for 2·k in the place of k² weights a pair
    of channels. Both have the filters of the one that they replace; each strides and pads along its own axis. The paper
    found it to work on maps of 12 to 20 positions a side, and not well in early layers."""
    for c in find_standard_convolutions(flow):
        k = c.kernel[0]
        if c.rank != 2 or k < 3 or c.kernel[1] != k:
            continue
        inside = intermediate_layers(flow, c.at)
        first = layer("conv", **copy_options(c, "filters"), **_along(c, 1), **copy_options(c, "bias"))
        second = layer("conv", **copy_options(c, "filters"), **_along(c, 0), **copy_options(c, "bias"))
        plain = c.channels == c.filters and set(c.stride) == {1}
        ratio = fraction({"2/k": (2, k)}) if plain else None
        said = f"between the two: {replacements_text(inside)}"
        weak = reads_image(flow, c)
        yield RewriteMatch((c.node.name,), (replace_convolution(c, first, *inside, second),), ratio, said, weak)


def _along(c: Convolution, axis: int) -> dict[str, Any]:
    """kernel, stride, pad and dilation of a convolution along one axis."""

    def of(key: str, value: int, other: int) -> CopiedOption:
        pair = [other, value] if axis else [value, other]
        hole = f"${key}.{axis}"
        return CopiedOption(pair, f"[{other}, {hole}]" if axis else f"[{hole}, {other}]")

    found = {"kernel": of("kernel", c.kernel[axis], 1), "stride": of("stride", c.stride[axis], 1)}
    if isinstance(c.pads, str):
        found["pad"] = CopiedOption(c.pads, "$pad")
    else:
        begin, end = c.pad(axis)
        four = [0, begin, 0, end] if axis else [begin, 0, end, 0]
        found["pad"] = CopiedOption(four, of("pad", begin, 0).text if len(set(c.pads)) == 1 else str(four))
    found["dilation"] = of("dilation", c.dilation[axis], 1)
    return found
