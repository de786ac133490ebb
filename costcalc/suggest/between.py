"""What stands between two convolutions that take the place of one: the normalisation and the activation that followed
the one, as in figure 3 of the MobileNet paper (arXiv:1704.04861). Neither has MACs; their FLOPs, parameters and
activations are part of what a suggestion promises."""

from __future__ import annotations

from collections import Counter

from costcalc.ir import Node
from costcalc.suggest.pieces import Piece, layer
from costcalc.suggest.view import View

PLAIN = {"Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "HardSwish": "hard_swish", "Mish": "mish",
         "Softplus": "softplus", "Selu": "selu"}  # fmt: skip


def between(seen: View, index: int) -> tuple[Piece, ...]:
    """The pieces for a convolution. A layer of a file that is used several times has one answer: a normalisation where
    all its uses have one, and the activation that most of those with one have."""
    found = [_after(seen, use) for use in seen.uses(index) if _is_spatial(seen, use)]
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


def _is_spatial(seen: View, index: int) -> bool:
    return any(k != 1 for k in seen.shape(seen.graph.nodes[index].inputs[1])[2:])


def _after(seen: View, index: int) -> tuple[Piece | None, Piece | None]:
    """The normalisation and the activation behind a convolution."""
    graph = seen.graph
    value, norm = graph.nodes[index].outputs[0], None
    reader = seen.only_reader(value)
    if reader is not None and graph.nodes[reader].op_type == "BatchNormalization":
        norm = layer("batch_norm", epsilon=graph.nodes[reader].attributes.get("epsilon", 1e-5))
        value = graph.nodes[reader].outputs[0]
        reader = seen.only_reader(value)
    if reader is not None:
        return norm, activation(seen, graph.nodes[reader])
    return norm, _silu(seen, value)


def activation(seen: View, node: Node) -> Piece | None:
    """An activation of one node as a layer; None where it is none, or not one with a short name."""
    if node.op_type in PLAIN and not node.domain:
        return layer(PLAIN[node.op_type])
    if node.op_type == "LeakyRelu":
        return layer("leaky_relu", slope=node.attributes.get("alpha", 0.01))
    if node.op_type == "Elu":
        return layer("elu", alpha=node.attributes.get("alpha", 1.0))
    if node.op_type == "Gelu" and not node.domain:
        return layer("gelu", approximate=node.attributes.get("approximate", "none"))
    if node.op_type == "Clip" and bounds(seen, node) == (0, 6):
        return layer("relu6")
    return None


def bounds(seen: View, node: Node) -> tuple[float | None, float | None]:
    """A Clip's least and greatest value; None where one is not known or not given."""
    found = []
    for position, key in ((1, "min"), (2, "max")):
        name = node.inputs[position] if position < len(node.inputs) else ""
        value = seen.graph.types[name].value if name else None
        found.append(value[0] if value else node.attributes.get(key))
    return found[0], found[1]


def _silu(seen: View, value: str) -> Piece | None:
    """x · sigmoid(x) of two nodes."""
    nodes = [seen.graph.nodes[i] for i in seen.readers.get(value, ())]
    if sorted(node.op_type for node in nodes) != ["Mul", "Sigmoid"]:
        return None
    gate, product = sorted(nodes, key=lambda node: node.op_type, reverse=True)
    return layer("silu") if set(product.inputs) == {value, gate.outputs[0]} else None
