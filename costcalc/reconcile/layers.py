"""Nodes as single calls: the sizes of what they read and give, of convolutions, of linear layers, of normalisations."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from costcalc.core.traits import traits_of
from costcalc.cost import NodeCost, cost_graph
from costcalc.dim import Dim, prod
from costcalc.formula import Formula
from costcalc.graph.index import GraphIndex, operator
from costcalc.graph.patterns.linear import LinearLayer
from costcalc.ir import Node
from costcalc.reconcile.call import MODULES, Call
from costcalc.reconcile.writing import Writing

CONVOLUTIONS = {"convolution": "conv", "transposed_convolution": "conv_transpose"}
"""What a call of a convolution is by the kind of its operator."""


class CostIndex(GraphIndex):
    """A graph's index with the cost of each node."""

    @cached_property
    def costs(self) -> tuple[NodeCost, ...]:
        """What costcalc counts of each node, by its index."""
        return cost_graph(self.graph)


def call(
    flow: CostIndex, kind: str, form: str, nodes: tuple[int, ...], x: str | None = None, y: str | None = None
) -> Call:
    """A call of nodes with the sizes of what they read and give, and what costcalc counts for them."""
    first, last = flow.graph.nodes[nodes[0]], flow.graph.nodes[nodes[-1]]
    x = next(iter(flow.data_inputs(first)), "") if x is None else x
    y = last.outputs[0] if y is None else y
    given = flow.type(y).shape or ()
    macs: Formula = Formula()
    flops: Dim = 0
    for index in nodes:
        cost = flow.costs[index].cost
        if cost is not None:
            macs, flops = Formula((*macs.terms, *cost.macs.terms)), flops + cost.flops
    reads = flow.elements(x) if x else 0
    batch = given[0] if given else 1
    return Call(kind, form, nodes, reads, prod(given), batch, macs=macs, flops=flops, runs=last.count)


def linear_call(flow: CostIndex, layer: LinearLayer, form: str) -> Call:
    """The call of a linear layer."""
    weight, bias = (flow.elements(name) if name else 0 for name in (layer.weight, layer.bias))
    return call(flow, "linear", form, layer.nodes, layer.x, layer.y)._replace(weight=weight, bias=bias)


def is_convolution(node: Node) -> bool:
    """Whether a node is a convolution, transposed or not, of decimal numbers."""
    t = traits_of(node)
    return t.kind in CONVOLUTIONS and not t.straight_through


def bias_of(node: Node) -> str:
    """The bias of a contraction; "" where there is none."""
    position = traits_of(node).bias
    return node.inputs[position] if position is not None and position < len(node.inputs) else ""


def conv(flow: CostIndex, writing: Writing, index: int, node: Node) -> Iterator[Call]:
    """A convolution; behind it the batch normalisation that its bias stands for, where one was folded into it. A
    convolution of a single position (squeeze-and-excite) has its own bias."""
    t = traits_of(node)
    kind = CONVOLUTIONS[t.kind]
    weight = flow.shape(node.inputs[t.factors[1]])
    source = flow.type(node.inputs[0]).shape or ()
    name = bias_of(node)
    bias = flow.elements(name) if name else 0
    also: tuple[tuple[str, Dim], ...] = ()
    if kind == "conv_transpose":
        also = (("filter", prod(weight[1:])), ("kernel", prod(weight[2:])), ("channels", source[1]),
                ("group", node.attributes.get("group", 1)), ("filters", weight[1]),
                ("as_convolution", source[0] * _as_convolution(node, source[2:], weight[2:])))  # fmt: skip
    one = call(flow, kind, "module", (index,), node.inputs[0])._replace(weight=prod(weight), bias=bias, also=also)
    after = flow.only_element_reader(node.outputs[0])
    normed = after is not None and MODULES.get(operator(flow.graph.nodes[after])) == "batch_norm"
    alone = prod((flow.type(node.outputs[0]).shape or ())[2:]) == 1
    folded = writing.bias != "own" and bias != 0 and not normed and not alone
    yield one._replace(bias=0) if folded and writing.bias == "folded" else one
    if folded:
        yield Call("batch_norm", "module", (index,), one.gives, one.gives, one.batch, bias, bias, runs=one.runs)


def _as_convolution(node: Node, extents: tuple[Dim, ...], kernel: tuple[Dim, ...]) -> Dim:
    """The output positions that a transposed convolution had if it were a convolution."""
    rank = len(extents)
    pads = node.attributes.get("pads", (0,) * 2 * rank)
    strides = node.attributes.get("strides", (1,) * rank)
    dilations = node.attributes.get("dilations", (1,) * rank)
    return prod(
        (e + pads[i] + pads[i + rank] - dilations[i] * (k - 1) - 1) // strides[i] + 1
        for i, (e, k) in enumerate(zip(extents, kernel, strict=True))
    )


def norm(flow: CostIndex, index: int, node: Node) -> Call:
    """A normalisation. A layer normalisation between two transpositions is that of a map's channels, which models
    write as a module of their own around F.layer_norm."""
    kind, form = MODULES[operator(node)], "module"
    if kind == "layer_norm":
        before, after = flow.producer(node.inputs[0]), flow.only_element_reader(node.outputs[0])
        around = [before, None if after is None else flow.graph.nodes[after]]
        form = "own" if all(near and traits_of(near).kind == "transpose" for near in around) else form
    learned = [flow.elements(name) for name in node.inputs[1:3] if name]
    weight, bias = (*learned, 0, 0)[:2]
    return call(flow, kind, form, (index,))._replace(weight=weight, bias=bias)


def rows(flow: CostIndex, node: Node) -> Dim:
    """How many distributions a softmax gives."""
    shape = flow.type(node.outputs[0]).shape or (1,)
    axis = node.attributes.get("axis", -1) % len(shape)
    return prod((*shape[:axis], *shape[axis + 1 :]))
