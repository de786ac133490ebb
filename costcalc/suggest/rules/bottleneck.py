"""A convolution → the same one over few channels, between 1×1 convolutions that reduce and restore them."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.dim import Dim, prod
from costcalc.graph.index import GraphIndex
from costcalc.graph.patterns.convolution import Convolution, convolution, standard_convolutions
from costcalc.separable import is_between
from costcalc.suggest.between import between, words
from costcalc.suggest.pieces import Copied, Knobs, Match, Ratio, copied_from, fraction, layer
from costcalc.suggest.registry import rule
from costcalc.suggest.rules.separable import single


@rule("bottleneck", "1×1 bottleneck", ratio="R/(∏kernel·C_out) + R²/(C_in·C_out) + R/(∏kernel·C_in)",
      source="Szegedy et al., GoogLeNet, arXiv:1409.4842, section 4; He et al., ResNet, arXiv:1512.03385, "
      "figure 5")  # fmt: skip
def bottleneck(flow: GraphIndex, knobs: Knobs) -> Iterator[Match]:
    """A 1×1 convolution reduces the channels before the expensive 3×3 or 5×5 one, which then reads and gives R of them;
    a second one restores the filters. R is a reduction-th of the filters (--reduction). Not where a 1×1 convolution
    feeds the layer already, nor where R is no less than what the layer reads."""
    for c in standard_convolutions(flow):
        few = c.filters // knobs.reduction
        if few < 2 or not all(k >= 3 for k in c.kernel):
            continue
        inside = between(flow, c.at)
        r = Copied(few, f"$filters // {knobs.reduction}")
        pieces = (
            layer("pointwise_conv", filters=r, **copied_from(c, "bias")),
            *inside,
            layer("conv", filters=r, **copied_from(c, "kernel", "stride", "pad", "dilation", "bias")),
            *inside,
            layer("pointwise_conv", **copied_from(c, "filters", "bias")),
        )
        said = f"R = {few} of {c.filters}; between them: {words(inside)}"
        weak = few >= c.channels or _is_reduced(flow, c)
        yield Match((c.node.name,), (single(c, *pieces),), _ratio(flow, c, few), said, weak)


def _is_reduced(flow: GraphIndex, c: Convolution) -> bool:
    """Whether a 1×1 convolution gives what this one reads."""
    at = flow.producers.get(c.node.inputs[0])
    while at is not None and is_between(flow.graph.nodes[at]):
        at = flow.producers.get(flow.graph.nodes[at].inputs[0])
    before = convolution(flow, at) if at is not None else None
    return before is not None and before.positions == 1


def _ratio(flow: GraphIndex, c: Convolution, r: int) -> Ratio:
    """The first one runs at the input's positions P_in, the others at the output's."""
    size, stays = c.positions, flow.shape(c.node.inputs[0])[2:] == flow.shape(c.node.outputs[0])[2:]
    k = "k²" if c.rank == 2 and len(set(c.kernel)) == 1 else "∏kernel"
    p_in, p_out = _positions(flow, c.node.inputs[0]), _positions(flow, c.node.outputs[0])
    first = {f"R/({k}·C_out)": (r, size * c.filters)} if stays else {
        f"R·P_in/({k}·C_out·P_out)": (r * p_in, size * c.filters * p_out)}  # fmt: skip
    return fraction({**first, "R²/(C_in·C_out)": (r * r, c.channels * c.filters),
                     f"R/({k}·C_in)": (r, size * c.channels)})  # fmt: skip


def _positions(flow: GraphIndex, value: str) -> Dim:
    return prod(flow.shape(value)[2:])
