"""A convolution and the batch normalisation behind it → one convolution with a bias."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.graph.index import GraphIndex, operator
from costcalc.load.layers.base import Site
from costcalc.suggest.pieces import Change, Emit, Knobs, Match, own
from costcalc.suggest.registry import EXACT, rule

KINDS = {
    ("", "Conv"): ("conv", "depthwise_conv", "pointwise_conv"),
    ("", "ConvTranspose"): ("conv_transpose",),
    ("", "Gemm"): ("linear",),
}


@rule("folded", "batch normalisation folded", accuracy=EXACT,
      source="Jacob et al., arXiv:1712.05877, section 3.2; Ioffe and Szegedy, arXiv:1502.03167")  # fmt: skip
def folded(flow: GraphIndex, knobs: Knobs) -> Iterator[Match]:
    """At inference a batch normalisation is a factor and a summand for each channel. Both go into the weights and the
    bias of the layer before it: w · γ/√(σ² + ε), (b - μ) · γ/√(σ² + ε) + β. Its operations, its parameters and its
    running statistics are gone; the layer has a bias."""
    graph = flow.graph
    for i, node in enumerate(graph.nodes):
        if operator(node) not in KINDS or not flow.is_owned(node, 1) or len(node.inputs) < 2:
            continue
        reader = flow.only_reader(node.outputs[0])
        if reader is None or operator(graph.nodes[reader]) != ("", "BatchNormalization"):
            continue
        norm = graph.nodes[reader]
        biased = len(node.inputs) > 2 and bool(node.inputs[2])
        known = all(flow.is_stored(name) for name in norm.inputs[1:5])
        if norm.inputs[0] != node.outputs[0] or any(norm.outputs[1:]) or not known:
            continue
        if biased and not flow.is_stored(node.inputs[2]):
            continue
        piece = own(_biased(flow, i), drops=("bias",))
        change = Change((i, reader), node.inputs[:1], (piece,), norm.outputs[0], i, KINDS[operator(node)])
        yield Match((node.name, norm.name), (change,))


def _biased(flow: GraphIndex, index: int) -> Emit:
    """The same node with a bias, over weights of the same shape."""
    node = flow.graph.nodes[index]
    channels = flow.shape(node.outputs[0])[1]

    def emit(site: Site) -> str:
        weight = site.weight("weight", flow.shape(node.inputs[1]))
        return site.op(node.op_type, [site.x, weight, site.weight("bias", (channels,))], node.attributes)

    return emit
