"""A convolution and the batch normalisation behind it → one convolution with a bias.

Elementwise operators that change nothing, and transposes that cancel.

An activation before a max pool → behind it.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.core.ir import Node
from costcalc.core.traits import traits_of
from costcalc.frontends.yaml.layers.base import Site
from costcalc.graph.index import GraphIndex, operator_key
from costcalc.graph.patterns.activation import clip_bounds
from costcalc.studies.suggest.catalogue import EXACT, rule
from costcalc.studies.suggest.replacement import (
    Emit,
    GraphChange,
    Replacement,
    RewriteMatch,
    RewriteOptions,
    changed_layer,
    layer,
)
from costcalc.studies.suggest.rules.convolution import activation_layer

KINDS = {
    ("", "Conv"): ("conv", "depthwise_conv", "pointwise_conv"),
    ("", "ConvTranspose"): ("conv_transpose",),
    ("", "Gemm"): ("linear",),
}


@rule(
    "folded",
    "batch normalisation folded",
    accuracy=EXACT,
    source="Jacob et al., arXiv:1712.05877, section 3.2; Ioffe and Szegedy, arXiv:1502.03167",
)
def fold_normalisations(flow: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """At inference a batch normalisation is a factor and a summand for each channel. Both go into the weights and the
    bias of the layer before it: w · γ/√(σ² + ε), (b - μ) · γ/√(σ² + ε) + β. Its operations, its parameters and its
    running statistics are gone; the layer has a bias."""
    graph = flow.graph
    for i, node in enumerate(graph.nodes):
        if operator_key(node) not in KINDS or not flow.is_unshared(node, 1) or len(node.inputs) < 2:
            continue
        reader = flow.only_reader(node.outputs[0])
        if reader is None or operator_key(graph.nodes[reader]) != ("", "BatchNormalization"):
            continue
        norm = graph.nodes[reader]
        biased = len(node.inputs) > 2 and bool(node.inputs[2])
        known = all(flow.is_stored(name) for name in norm.inputs[1:5])
        if norm.inputs[0] != node.outputs[0] or any(norm.outputs[1:]) or not known:
            continue
        if biased and not flow.is_stored(node.inputs[2]):
            continue
        piece = changed_layer(_biased(flow, i), drops=("bias",))
        change = GraphChange((i, reader), node.inputs[:1], (piece,), norm.outputs[0], i, KINDS[operator_key(node)])
        yield RewriteMatch((node.name, norm.name), (change,))


def _biased(flow: GraphIndex, index: int) -> Emit:
    """The same node with a bias, over weights of the same shape."""
    node = flow.graph.nodes[index]
    channels = flow.shape(node.outputs[0])[1]

    def emit(site: Site) -> str:
        weight = site.weight("weight", flow.shape(node.inputs[1]))
        return site.op(node.op_type, [site.x, weight, site.weight("bias", (channels,))], node.attributes)

    return emit


@rule("redundant", "operator that changes nothing", accuracy=EXACT, source="relu(relu(x)) = relu(x); x[p][q] = x[p∘q]")
def drop_redundant(flow: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """A ReLU behind a ReLU, a sigmoid or a softmax, a Clip behind one of the same bounds, a ReLU that only a ReLU6
    reads: one of the two changes nothing. Two transposes in a row are one, or none where they cancel."""
    graph = flow.graph
    gone: set[int] = set()
    for i, node in enumerate(graph.nodes):
        at = flow.producers.get(node.inputs[0]) if node.inputs else None
        if node.domain or at is None or i in gone or graph.nodes[at].domain:
            continue
        before = graph.nodes[at]
        if flow.is_part(i) or flow.is_part(at):
            continue
        if (
            node.op_type == "Transpose" == before.op_type
            and at not in gone
            and flow.only_reader(before.outputs[0]) == i
        ):
            gone |= {at, i}
            yield _transposes(flow, at, i)
        elif _is_idle(flow, before, node):
            gone.add(i)
            change = GraphChange((i,), node.inputs[:1], (), node.outputs[0], i, _kinds(node))
            yield RewriteMatch((node.name,), (change,), None, f"{before.name} has done it")
        elif at not in gone and _is_covered(flow, before, node) and flow.only_reader(before.outputs[0]) == i:
            gone.add(at)
            change = GraphChange((at,), before.inputs[:1], (), before.outputs[0], at, _kinds(before))
            yield RewriteMatch((before.name,), (change,), None, f"{node.name} does it again")


def _kinds(node: Node) -> tuple[str, ...]:
    return ("relu6", "Clip") if node.op_type == "Clip" else (node.op_type.lower(), node.op_type)


def _is_idle(flow: GraphIndex, before: Node, node: Node) -> bool:
    """Whether a node gives what it reads."""
    if node.op_type in ("Relu", "Abs"):
        least = clip_bounds(flow, before)[0] if before.op_type == "Clip" else None
        return traits_of(before).non_negative or (least is not None and least >= 0)
    if node.op_type == "Clip" == before.op_type:
        own = clip_bounds(flow, node)
        return own == clip_bounds(flow, before) and own != (None, None)
    return False


def _is_covered(flow: GraphIndex, before: Node, node: Node) -> bool:
    """Whether what a ReLU does is done again by the Clip that reads it."""
    least = clip_bounds(flow, node)[0] if node.op_type == "Clip" else None
    return before.op_type == "Relu" and least is not None and least >= 0


def _transposes(flow: GraphIndex, first: int, second: int) -> RewriteMatch:
    """Two transposes in a row as one, or as none."""
    one, other = flow.graph.nodes[first], flow.graph.nodes[second]
    rank = len(flow.shape(one.inputs[0]))
    p, q = (tuple(n.attributes.get("perm", range(rank - 1, -1, -1))) for n in (one, other))
    perm = [p[axis] for axis in q]
    pieces: tuple[Replacement, ...] = () if perm == list(range(rank)) else (layer("transpose", perm=perm),)
    said = f"their permutations together: {perm}" + ("" if pieces else ", which is none")
    change = GraphChange((first, second), one.inputs[:1], pieces, other.outputs[0], second, ("transpose", "Transpose"))
    return RewriteMatch((one.name, other.name), (change,), None, said)


@rule(
    "pool_first",
    "activation behind its max pool",
    accuracy=EXACT,
    source="max(f(a), f(b)) = f(max(a, b)) for an f that never falls",
)
def pool_before_activation(flow: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """The largest of the activated values is the activated largest value, if the activation never falls: it is computed
    for what the pool leaves, a quarter of the values of a 2×2 pool."""
    graph = flow.graph
    for i, pool in enumerate(graph.nodes):
        at = flow.producers.get(pool.inputs[0]) if operator_key(pool) == ("", "MaxPool") else None
        if at is None or any(pool.outputs[1:]) or not traits_of(graph.nodes[at]).monotone:
            continue
        before = graph.nodes[at]
        moved = activation_layer(flow, before)
        if moved is None or flow.only_reader(before.outputs[0]) != i or before.attributes.get("alpha", 1) < 0:
            continue
        pieces = (changed_layer(_again(flow, i)), moved)
        change = GraphChange((at, i), before.inputs[:1], pieces, pool.outputs[0], i, ("max_pool",))
        yield RewriteMatch((before.name, pool.name), (change,))


def _again(flow: GraphIndex, index: int) -> Emit:
    node = flow.graph.nodes[index]
    return lambda site: site.op("MaxPool", site.inputs, node.attributes)
