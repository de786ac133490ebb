"""A standard convolution → a depthwise and a pointwise one."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.graph.index import GraphIndex
from costcalc.graph.patterns.convolution import Convolution, reads_image, standard_convolutions
from costcalc.suggest.between import between, words
from costcalc.suggest.pieces import Change, Knobs, Match, Piece, Ratio, copied_from, fraction, layer
from costcalc.suggest.registry import rule


@rule("separable", "depthwise-separable convolution", ratio="1/C_out + 1/∏kernel",
      source="Howard et al., MobileNets, arXiv:1704.04861, section 3.1")  # fmt: skip
def separable(flow: GraphIndex, knobs: Knobs) -> Iterator[Match]:
    """A standard convolution filters and combines in one step; a depthwise convolution filters each channel by itself
    (stride, padding and dilation stay with it), a pointwise one combines them. MACs: k²·C_in·P + C_in·C_out·P in the
    place of k²·C_in·C_out·P, which is 1/C_out + 1/k² of them. Of one input channel all filters would be
    multiples of one, and of a patch of an image one number a colour would be left: no suggestions of their own."""
    for c in standard_convolutions(flow):
        inside = between(flow, c.at)
        pieces = (
            layer("depthwise_conv", **copied_from(c, "kernel", "stride", "pad", "dilation", "bias")),
            *inside,
            layer("pointwise_conv", **copied_from(c, "filters", "bias")),
        )
        said = f"between the two: {words(inside)}"
        doubt = ""
        if reads_image(flow, c):
            doubt = f"it reads the input's {c.channels} channels: MobileNet keeps its first convolution whole"
            said += f"; {doubt}"
        weak = c.channels == 1 or _is_patches(flow, c)
        yield Match((c.node.name,), (single(c, *pieces),), _ratio(c), said, weak, doubt)


def _is_patches(flow: GraphIndex, c: Convolution) -> bool:
    """Whether a convolution cuts an image into patches."""
    return reads_image(flow, c) and all(stride >= k for stride, k in zip(c.stride, c.kernel, strict=True))


def single(c: Convolution, *pieces: Piece) -> Change:
    """A convolution gives way to pieces."""
    return Change((c.at,), c.node.inputs[:1], pieces, c.node.outputs[0], c.at, ("conv",))


def _ratio(c: Convolution) -> Ratio:
    square = len(set(c.kernel)) == 1
    size = f"k{'¹²³'[c.rank - 1] if c.rank > 1 else ''}" if square and c.rank <= 3 else "∏kernel"
    return fraction({"1/C_out": (1, c.filters), f"1/{size}": (1, c.positions)})
