"""Report and the flow of its gradients to BackwardPass: the backward MACs of each layer and what it keeps; bytes of a
parameter's gradient and of its optimiser's state.

The optimiser's state follows from each trained parameter and from its gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from costcalc.analysis.layers import LayerCost
from costcalc.analysis.report import Report
from costcalc.analysis.training.activations import SavedActivations, saved_activations
from costcalc.analysis.training.gradients import GradientFlow
from costcalc.core.dim import Dim
from costcalc.core.ir import DType, Graph, Node, TensorType
from costcalc.core.traits import Contraction, traits_of
from costcalc.graph.parameters import StoredTensor
from costcalc.ops.gradients import find_contractions, present_inputs

SMALL_TENSOR, SCALE_BLOCK = 4096, 256
"""bitsandbytes 0.4x: the state of tensors below SMALL_TENSOR elements is float32; elsewhere one float32 scale for every
SCALE_BLOCK elements."""


def gradient_bytes(item: StoredTensor) -> Dim:
    """Parameter -> bytes of its gradient: in its own type, in float32 where that is no float type."""
    dtype = item.type.dtype if item.type.dtype.is_float else DType.FLOAT32
    return TensorType(dtype, (item.values,)).nbytes


def _adamw_8bit_bytes(item: StoredTensor) -> Dim:
    """Parameter -> bytes of both moments in 8 bits by blocks, as in bitsandbytes' AdamW8bit (arXiv:2110.02861)."""
    if item.values < SMALL_TENSOR:
        return 2 * 4 * item.values
    return 2 * (item.values + 4 * ((item.values + SCALE_BLOCK - 1) // SCALE_BLOCK))


STATE_BYTES: dict[str, Callable[[StoredTensor], Dim]] = {
    "sgd": lambda item: 0,
    "momentum": gradient_bytes,
    "adam": lambda item: 2 * gradient_bytes(item),
    "adamw-8bit": _adamw_8bit_bytes,
    "adam-mixed": lambda item: 12 * item.values,
}
"""Optimiser -> the function from a parameter to the bytes of its state: none; a velocity; two moments in the
gradient's type, as in PyTorch; both in 8 bits; a float32 copy of the weights and two float32 moments (mixed precision,
arXiv:1910.02054, section 3.1). No other keeps a float32 copy of narrower weights."""


class BackwardPass(NamedTuple):
    """The rows with their backward_macs, the MACs of weight_gradient and input_gradient, what each node (by index)
    saves of the forward pass, and the layers whose gradient no rule knows."""

    rows: tuple[LayerCost, ...]
    macs: Mapping[str, Dim]
    saved: Mapping[int, SavedActivations]
    without_rule: tuple[str, ...]


def cost_backward(report: Report, gradients: GradientFlow) -> BackwardPass:
    """Report and the flow of its gradients -> the backward pass."""
    graph = report.graph
    sums: dict[str, Dim] = {"weight_gradient": 0, "input_gradient": 0}
    rows, without_rule, saved = [], [], dict[int, SavedActivations]()
    for index, (node, row) in enumerate(zip(graph.nodes, report.rows, strict=True)):
        backward: Dim | None = 0
        if gradients.has_gradient(node):
            products = _node_contractions(node, row, graph)
            activations = None
            if products is not None and row.cost is not None:
                activations = saved_activations(node, graph, gradients, row.cost, products)
            if products is None or activations is None:
                backward = None
                without_rule.append(row.name)
            else:
                gradient_macs = _gradient_macs(node, products, gradients)
                for name, macs in gradient_macs.items():
                    sums[name] = sums[name] + macs * row.count
                backward = (gradient_macs["weight_gradient"] + gradient_macs["input_gradient"]) * row.count
                saved[index] = activations._replace(extra_bytes=activations.extra_bytes * row.count)
        rows.append(replace(row, figures={**row.figures, "backward_macs": backward}))
    return BackwardPass(tuple(rows), sums, saved, tuple(without_rule))


def _node_contractions(node: Node, row: LayerCost, graph: Graph) -> tuple[Contraction, ...] | None:
    if row.cost is None:
        return None
    types = [graph.types[name] if name else None for name in node.inputs]
    return find_contractions(traits_of(node), row.cost.macs, types, node.attributes)


def _gradient_macs(node: Node, products: tuple[Contraction, ...], gradients: GradientFlow) -> dict[str, Dim]:
    """Contractions of a node -> MACs of the gradients of weights and of inputs: each side of a product that has a
    gradient costs as much as the product."""
    sums: dict[str, Dim] = {"weight_gradient": 0, "input_gradient": 0}
    for product in products:
        for operand in (product.left, product.right):
            names = [name for name in present_inputs(node.inputs, operand) if name in gradients.with_gradient]
            if names:
                kind = "weight_gradient" if all(n in gradients.weights for n in names) else "input_gradient"
                sums[kind] = sums[kind] + product.macs
    return sums
