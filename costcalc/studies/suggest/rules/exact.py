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

FOLDABLE_KINDS = {
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
def fold_normalisations(index: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """At inference a batch normalisation is a factor and a summand for each channel. Both go into the weights and the
    bias of the layer before it: w · γ/√(σ² + ε), (b - μ) · γ/√(σ² + ε) + β. Its operations, its parameters and its
    running statistics are gone; the layer has a bias."""
    graph = index.graph
    for i, node in enumerate(graph.nodes):
        if operator_key(node) not in FOLDABLE_KINDS or not index.is_unshared(node, 1) or len(node.inputs) < 2:
            continue
        if not index.has_shapes(node):
            continue
        reader = index.only_reader(node.outputs[0])
        if reader is None or operator_key(graph.nodes[reader]) != ("", "BatchNormalization"):
            continue
        norm = graph.nodes[reader]
        has_bias = len(node.inputs) > 2 and bool(node.inputs[2])
        has_statistics = all(index.is_stored(name) for name in norm.inputs[1:5])
        if norm.inputs[0] != node.outputs[0] or any(norm.outputs[1:]) or not has_statistics:
            continue
        if has_bias and not index.is_stored(node.inputs[2]):
            continue
        replacement = changed_layer(_add_bias(index, i), drops=("bias",))
        change = GraphChange(
            (i, reader), node.inputs[:1], (replacement,), norm.outputs[0], i, FOLDABLE_KINDS[operator_key(node)]
        )
        yield RewriteMatch((node.name, norm.name), (change,))


def _add_bias(index: GraphIndex, node_index: int) -> Emit:
    """The same node with a bias, over weights of the same shape."""
    node = index.graph.nodes[node_index]
    channels = index.shape(node.outputs[0])[1]

    def emit(site: Site) -> str:
        weight = site.weight("weight", index.shape(node.inputs[1]))
        return site.op(node.op_type, [site.x, weight, site.weight("bias", (channels,))], node.attributes)

    return emit


@rule("redundant", "operator that changes nothing", accuracy=EXACT, source="relu(relu(x)) = relu(x); x[p][q] = x[p∘q]")
def drop_redundant(index: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """A ReLU behind a ReLU, a sigmoid or a softmax, a Clip behind one of the same bounds, a ReLU that only a ReLU6
    reads: one of the two changes nothing. Two transposes in a row are one, or none where they cancel."""
    graph = index.graph
    dropped: set[int] = set()
    for i, node in enumerate(graph.nodes):
        at = index.producers.get(node.inputs[0]) if node.inputs else None
        if node.domain or at is None or i in dropped or graph.nodes[at].domain:
            continue
        producer = graph.nodes[at]
        if index.is_part(i) or index.is_part(at) or not (index.has_shapes(node) and index.has_shapes(producer)):
            continue
        if (
            node.op_type == "Transpose" == producer.op_type
            and at not in dropped
            and index.only_reader(producer.outputs[0]) == i
        ):
            dropped |= {at, i}
            yield _merge_transposes(index, at, i)
        elif _is_idle(index, producer, node):
            dropped.add(i)
            change = GraphChange((i,), node.inputs[:1], (), node.outputs[0], i, _layer_words(node))
            yield RewriteMatch((node.name,), (change,), None, f"{producer.name} has done it")
        elif at not in dropped and _is_subsumed(index, producer, node) and index.only_reader(producer.outputs[0]) == i:
            dropped.add(at)
            change = GraphChange((at,), producer.inputs[:1], (), producer.outputs[0], at, _layer_words(producer))
            yield RewriteMatch((producer.name,), (change,), None, f"{node.name} does it again")


def _layer_words(node: Node) -> tuple[str, ...]:
    return ("relu6", "Clip") if node.op_type == "Clip" else (node.op_type.lower(), node.op_type)


def _is_idle(index: GraphIndex, producer: Node, node: Node) -> bool:
    """Whether a node's output equals its input."""
    if node.op_type in ("Relu", "Abs"):
        lower = clip_bounds(index, producer)[0] if producer.op_type == "Clip" else None
        return traits_of(producer).non_negative or (lower is not None and lower >= 0)
    if node.op_type == "Clip" == producer.op_type:
        bounds = clip_bounds(index, node)
        return bounds == clip_bounds(index, producer) and bounds != (None, None)
    return False


def _is_subsumed(index: GraphIndex, producer: Node, node: Node) -> bool:
    """Whether a ReLU changes nothing because the Clip that reads it has a lower bound of 0 or more."""
    lower = clip_bounds(index, node)[0] if node.op_type == "Clip" else None
    return producer.op_type == "Relu" and lower is not None and lower >= 0


def _merge_transposes(index: GraphIndex, first: int, second: int) -> RewriteMatch:
    """Two transposes in a row as one, or as none."""
    first_node, second_node = index.graph.nodes[first], index.graph.nodes[second]
    rank = len(index.shape(first_node.inputs[0]))
    p, q = (tuple(n.attributes.get("perm", range(rank - 1, -1, -1))) for n in (first_node, second_node))
    perm = [p[axis] for axis in q]
    replacements: tuple[Replacement, ...] = () if perm == list(range(rank)) else (layer("transpose", perm=perm),)
    remark = f"their permutations together: {perm}" + ("" if replacements else ", which is none")
    change = GraphChange(
        (first, second), first_node.inputs[:1], replacements, second_node.outputs[0], second, ("transpose", "Transpose")
    )
    return RewriteMatch((first_node.name, second_node.name), (change,), None, remark)


@rule(
    "pool_first",
    "activation behind its max pool",
    accuracy=EXACT,
    source="max(f(a), f(b)) = f(max(a, b)) for an f that never falls",
)
def pool_before_activation(index: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """The largest of the activated values is the activated largest value, if the activation never falls: it is computed
    for what the pool leaves, a quarter of the values of a 2×2 pool."""
    graph = index.graph
    for i, pool in enumerate(graph.nodes):
        at = index.producers.get(pool.inputs[0]) if operator_key(pool) == ("", "MaxPool") else None
        if at is None or any(pool.outputs[1:]) or not traits_of(graph.nodes[at]).monotone:
            continue
        producer = graph.nodes[at]
        activation = activation_layer(index, producer)
        if activation is None or index.only_reader(producer.outputs[0]) != i or producer.attributes.get("alpha", 1) < 0:
            continue
        replacements = (changed_layer(_copy_pool(index, i)), activation)
        change = GraphChange((at, i), producer.inputs[:1], replacements, pool.outputs[0], i, ("max_pool",))
        yield RewriteMatch((producer.name, pool.name), (change,))


def _copy_pool(index: GraphIndex, node_index: int) -> Emit:
    node = index.graph.nodes[node_index]
    return lambda site: site.op("MaxPool", site.inputs, node.attributes)
