"""Nodes as single calls: the sizes of what they read and give, of convolutions, of linear layers, of normalisations.

Pools and upsampling as calls; the mean over all positions in its three writings, and the pool that does nothing.

Recurrent layers as calls: the sizes that counters look at.

Einsum as torch.einsum: how many combinations of indices it has, and what numpy prints of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Context
from functools import cached_property

from costcalc.analysis.cost import NodeCost, cost_graph
from costcalc.core.dim import Dim, prod
from costcalc.core.formula import Formula
from costcalc.core.ir import Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex, operator, rearranges
from costcalc.graph.patterns.linear import LinearLayer, is_product
from costcalc.ops.einsum import extents_of, parse
from costcalc.studies.reconcile.call import MODULES, Call
from costcalc.studies.reconcile.pytorch_style import Writing

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
        also = (
            ("filter", prod(weight[1:])),
            ("kernel", prod(weight[2:])),
            ("channels", source[1]),
            ("group", node.attributes.get("group", 1)),
            ("filters", weight[1]),
            ("as_convolution", source[0] * _as_convolution(node, source[2:], weight[2:])),
        )
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


def pool(flow: CostIndex, writing: Writing, index: int, node: Node, one: Callable[[str, str], Call]) -> Call:
    """The call of a pool or a mean."""
    kind = MODULES[operator(node)]
    if does_nothing(node):
        return one("global_pool", "module")._replace(also=_rank(flow, node))
    if kind == "global_pool" or (kind == "mean" and over_positions(flow, node)):
        auto = "mean" if kind == "mean" else "module"
        form = auto if writing.pool == "auto" else writing.pool
        if form == "mean":
            return one("mean", "function")
        return one("global_pool", form)._replace(also=_rank(flow, node))
    if kind == "mean":
        return one("mean", "function")
    beside = len(flow.element_readers(node.inputs[0])) > 1
    return one(kind, writing.branch_pool if beside else "module")


def upsample(flow: CostIndex, node: Node, one: Call) -> Call:
    """The call of a resampling with the name of its mode and rank in PyTorch: nearest1d, bilinear2d, bicubic2d."""
    mode = str(node.attributes.get("mode", "nearest")).removeprefix("bi")
    ((rank, _),) = _rank(flow, node)
    prefix = {"2d": "bi", "3d": "tri"}.get(rank, "") if mode != "nearest" else ""
    return one._replace(also=((f"{prefix}{mode}{rank}", 1),))


def _rank(flow: CostIndex, node: Node) -> tuple[tuple[str, int], ...]:
    """PLANE for maps of two extents, ("1d", 1) for one."""
    return ((f"{len(flow.type(node.inputs[0]).shape or ()) - 2}d", 1),)


def does_nothing(node: Node) -> bool:
    """Whether a node is an average over windows of one position: what exporters make of an nn.AdaptiveAvgPool2d that
    does nothing at this size."""
    kernel = node.attributes.get("kernel_shape", (0,))
    average = operator(node) == ("", "AveragePool")
    return average and set(kernel) == {1} and set(node.attributes.get("strides", (1,))) == {1}


def over_positions(flow: CostIndex, node: Node) -> bool:
    """Whether a mean is that over all positions of a [N, C, H, W]."""
    shape = flow.type(node.inputs[0]).shape or ()
    held = flow.type(node.inputs[1]).value if len(node.inputs) > 1 and node.inputs[1] else None
    axes = node.attributes.get("axes", held) or ()
    return len(shape) == 4 and {int(axis) % 4 for axis in axes} == {2, 3}


def fixed_pool(flow: CostIndex, node: Node) -> bool:
    """Whether a node flattens a map of more than one position for a linear layer."""
    before, after = flow.type(node.inputs[0]).shape or (), flow.type(node.outputs[0]).shape or ()
    if len(before) != 4 or len(after) != 2 or prod(before[2:]) == 1 or node.inputs[0] in flow.constants:
        return False
    source = flow.producer(node.inputs[0])
    if source is not None and does_nothing(source):
        return False
    value = node.outputs[0]
    while (index := flow.only_element_reader(value)) is not None:
        reader = flow.graph.nodes[index]
        if is_product(reader):
            return True
        if not rearranges(reader):
            return False
        value = reader.outputs[0]
    return False


def is_recurrent(node: Node) -> bool:
    """Whether a node is a recurrent layer of decimal numbers."""
    t = traits_of(node)
    return t.kind == "recurrent" and not t.straight_through and not t.quantises_input


def recurrent(flow: CostIndex, node: Node, one: Call) -> Call:
    """A call as one layer of a recurrent network, in one or both directions: steps counts positions of all
    sequences."""
    steps, batch, features = flow.type(node.inputs[0]).shape or (1, 1, 1)
    directions, rows, _ = flow.type(node.inputs[1]).shape or (1, 1, 1)
    *_, hidden = flow.type(node.inputs[2]).shape or (1,)
    gates = rows // hidden
    bias = flow.elements(node.inputs[3]) if len(node.inputs) > 3 and node.inputs[3] else 0
    weight: Dim = sum((flow.elements(name) for name in node.inputs[1:3]), 0)
    also = (
        ("steps", steps * batch),
        ("features", features),
        ("hidden", hidden),
        ("gates", gates),
        ("directions", directions),
    )
    return one._replace(weight=weight, bias=bias, batch=batch, also=also)


PLAIN = frozenset((("a", "b", "c", "a", "b", "d", "a", "c", "d"), ("a", "b", "c", "a", "d", "c", "a", "d", "b")))
"""The indices of `abc,abd->acd` and of `abc,adc->adb`, which fvcore knows without numpy."""


def einsum_sizes(flow: CostIndex, node: Node) -> tuple[tuple[str, Dim], ...]:
    """combinations: the product of the extents of all indices; summed: whether the output lacks one (1 or 0); plain:
    whether the equation is one of PLAIN, under other letters. () for a contraction that is no Einsum."""
    if operator(node) != ("", "Einsum"):
        return ()
    types = [flow.type(name) for name in node.inputs]
    equation = str(node.attributes["equation"])
    inputs, output = parse(equation, tuple(t.rank for t in types))
    extents = extents_of(inputs, types, equation)
    letters = [index for indices in (*inputs, output) for index in indices]
    renamed = {index: chr(ord("a") + place) for place, index in enumerate(dict.fromkeys(letters))}
    plain = len(inputs) == 2 and tuple(renamed[index] for index in letters) in PLAIN
    return (
        ("combinations", prod(extents.values())),
        ("summed", int(len(extents) > len(output))),
        ("plain", int(plain)),
    )


def numpys(call: Call) -> Dim:
    """The operations that numpy.einsum_path prints of a contraction or an einsum: one more than 2 for each combination
    of indices (1 where none is summed), in four digits. While they hold symbols they stay as they are."""
    operations = 2 * call.macs.value if call.macs.terms else call.size("combinations") * (1 + call.size("summed"))
    if not isinstance(operations, int):
        return operations
    return int(DIGITS.create_decimal(operations + 1))


DIGITS = Context(prec=4)
"""numpy prints `1.549e+04`."""

ROUNDED = "einsum in four digits"
"""The part of a figure that is numpy's rounding."""
