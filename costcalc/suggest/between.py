"""What stands between two convolutions that take the place of one: the normalisation and the activation that followed
the one, as in figure 3 of the MobileNet paper (arXiv:1704.04861). Neither has MACs; their FLOPs, parameters and
activations are part of what a suggestion promises."""

from __future__ import annotations

from collections import Counter

from costcalc.graph.index import GraphIndex, operator
from costcalc.graph.patterns.activation import activation, clip_bounds
from costcalc.ir import Node
from costcalc.suggest.pieces import Piece, layer

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


def between(flow: GraphIndex, index: int) -> tuple[Piece, ...]:
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


def words(pieces: tuple[Piece, ...]) -> str:
    """`batch_norm and relu`, or `nothing`."""
    return " and ".join(piece.kind for piece in pieces) or "nothing"


def _is_spatial(flow: GraphIndex, index: int) -> bool:
    return any(k != 1 for k in flow.shape(flow.graph.nodes[index].inputs[1])[2:])


def _after(flow: GraphIndex, index: int) -> tuple[Piece | None, Piece | None]:
    """The normalisation and the activation behind a convolution."""
    graph = flow.graph
    value, norm = graph.nodes[index].outputs[0], None
    reader = flow.only_reader(value)
    if reader is not None and operator(graph.nodes[reader]) == ("", "BatchNormalization"):
        norm = layer("batch_norm", epsilon=graph.nodes[reader].attributes.get("epsilon", 1e-5))
        value = graph.nodes[reader].outputs[0]
        reader = flow.only_reader(value)
    if reader is not None:
        return norm, activation_layer(flow, graph.nodes[reader])
    return norm, _silu(flow, value)


def activation_layer(flow: GraphIndex, node: Node) -> Piece | None:
    """An activation of one node as a layer; None where it is none, or not one with a short name."""
    key = operator(node)
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


def _silu(flow: GraphIndex, value: str) -> Piece | None:
    """x · sigmoid(x) of two nodes, which alone read x."""
    readers = flow.readers.get(value, ())
    patterns = (activation(flow, i) for i in readers)
    return next((layer("silu") for p in patterns if p and p.operator == "Swish" and p.nodes == tuple(readers)), None)
