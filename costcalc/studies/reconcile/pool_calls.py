"""Pools and means to their calls, as torch calls them.

The mean over all positions of a map has three forms in PyTorch, and a pool can do nothing at the size at hand.
"""

from __future__ import annotations

from collections.abc import Callable

from costcalc.core.dim import prod
from costcalc.core.ir import Node
from costcalc.graph.index import is_rearrangement, operator_key
from costcalc.graph.patterns.linear import is_product
from costcalc.studies.reconcile.call import MODULE_KINDS, ModuleCall
from costcalc.studies.reconcile.call_sizes import CostIndex, spatial_rank
from costcalc.studies.reconcile.program_form import program_form, source_call
from costcalc.studies.reconcile.pytorch_style import PROGRAM, PyTorchStyle

POOL_KINDS = frozenset(("max_pool", "avg_pool", "global_pool", "global_max_pool", "mean"))
"""Kinds of calls that this file makes."""


def pool_call(
    index: CostIndex, style: PyTorchStyle, node_index: int, node: Node, make: Callable[[str, str], ModuleCall]
) -> ModuleCall:
    """Pool or mean -> its call, in the form that the style says."""
    kind = MODULE_KINDS[operator_key(node)]
    if index.graph.calls:
        return _program_pool(index, style, node, make, kind)
    if is_identity_pool(node):
        return make("global_pool", "module")._replace(sizes=spatial_rank(index, node))
    if kind == "global_pool" or (kind == "mean" and is_spatial_mean(index, node)):
        auto = "mean" if kind == "mean" else "module"
        form = auto if style.pool == "auto" else style.pool
        if form == "mean":
            return make("mean", "function")
        return make("global_pool", form)._replace(sizes=spatial_rank(index, node))
    if kind == "mean":
        return make("mean", "function")
    has_branches = len(index.element_readers(node.inputs[0])) > 1
    return make(kind, style.branch_pool if has_branches else "module")


def _program_pool(
    index: CostIndex, style: PyTorchStyle, node: Node, make: Callable[[str, str], ModuleCall], kind: str
) -> ModuleCall:
    """Pool or mean of an exported program -> its call: adaptive where the program calls such an operator."""
    operator = source_call(index.graph, node).operator
    for adaptive, adaptive_kind in (("adaptive_avg", "global_pool"), ("adaptive_max", "global_max_pool")):
        kind = adaptive_kind if adaptive in operator else kind
    question = "pool" if kind == "global_pool" or (kind == "mean" and is_spatial_mean(index, node)) else "branch_pool"
    answer = getattr(style, question)
    if answer in (PROGRAM, "auto") or (question == "branch_pool" and len(index.element_readers(node.inputs[0])) < 2):
        form = program_form(index, node, kind)
    elif question == "pool":
        kind, form = ("mean", "function") if answer == "mean" else ("global_pool", answer)
    else:
        form = answer
    call = make(kind, form)
    return call._replace(sizes=spatial_rank(index, node)) if kind == "global_pool" else call


def is_identity_pool(node: Node) -> bool:
    """Whether a node is an average over windows of one position: what exporters make of an nn.AdaptiveAvgPool2d that
    does nothing at this size."""
    kernel = node.attributes.get("kernel_shape", (0,))
    average = operator_key(node) == ("", "AveragePool")
    return average and set(kernel) == {1} and set(node.attributes.get("strides", (1,))) == {1}


def is_spatial_mean(index: CostIndex, node: Node) -> bool:
    """Whether a mean is over all positions of a map [N, C, H, W]."""
    shape = index.type(node.inputs[0]).shape or ()
    value = index.type(node.inputs[1]).value if len(node.inputs) > 1 and node.inputs[1] else None
    axes = node.attributes.get("axes", value) or ()
    return len(shape) == 4 and {int(axis) % 4 for axis in axes} == {2, 3}


def flattens_map(index: CostIndex, node: Node) -> bool:
    """Whether a node flattens a map [N, C, H, W] of more than one position for a linear layer."""
    before, after = index.type(node.inputs[0]).shape or (), index.type(node.outputs[0]).shape or ()
    if len(before) != 4 or len(after) != 2 or prod(before[2:]) == 1 or node.inputs[0] in index.constants:
        return False
    source = index.producer(node.inputs[0])
    if source is not None and is_identity_pool(source):
        return False
    value = node.outputs[0]
    while (node_index := index.only_element_reader(value)) is not None:
        reader = index.graph.nodes[node_index]
        if is_product(reader):
            return True
        if not is_rearrangement(reader):
            return False
        value = reader.outputs[0]
    return False
