"""Pools and upsampling as calls; the mean over all positions in its three writings, and the pool that does nothing."""

from __future__ import annotations

from collections.abc import Callable

from costcalc.dim import prod
from costcalc.graph.index import operator, rearranges
from costcalc.graph.patterns.linear import is_product
from costcalc.ir import Node
from costcalc.reconcile.call import MODULES, Call
from costcalc.reconcile.layers import CostIndex
from costcalc.reconcile.writing import Writing


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
