"""Report to TrainingReport: the backward MACs of each layer, and what a training step costs in MACs and bytes.

The optimiser's state follows from each trained parameter and from its gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple

from costcalc.analysis.layers import LayerCost
from costcalc.analysis.options import TrainingOptions
from costcalc.analysis.report import Report
from costcalc.analysis.training.activations import (
    ActivationMemory,
    Checkpoint,
    SavedActivations,
    best_checkpoint,
    saved_activations,
    saved_bytes,
)
from costcalc.analysis.training.gradients import GradientFlow, gradient_flow
from costcalc.core.dim import Dim
from costcalc.core.errors import UsageError
from costcalc.core.ir import DType, Graph, Node, TensorType
from costcalc.core.result import Serializable
from costcalc.core.traits import Contraction, traits_of
from costcalc.core.units import format_count
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
}
"""Optimiser -> the function from a parameter to the bytes of its state: none; a velocity; two moments in the gradient's
type, as in PyTorch; both in 8 bits. A float32 master copy of narrower weights is not assumed."""


@dataclass(frozen=True, slots=True)
class TrainingStep(Serializable):
    """What one training step costs.

    macs: forward, weight_gradient, input_gradient, recompute. params: trained, frozen. nbytes: weights, gradients,
    optimizer, activations. without_rule names layers whose gradient no rule knows: MACs and activations are lower
    bounds then. The loss and the optimiser's arithmetic are not counted.
    """

    options: TrainingOptions
    macs: Mapping[str, Dim]
    params: Mapping[str, Dim]
    nbytes: Mapping[str, Dim]
    checkpoint: Checkpoint | None
    without_rule: tuple[str, ...]

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return f"<TrainingStep {self.options.optimizer}: {format_count(self.total_macs)} MACs>"

    @property
    def backward_macs(self) -> Dim:
        """MACs of the gradients of weights and of inputs."""
        return self.macs["weight_gradient"] + self.macs["input_gradient"]

    @property
    def total_macs(self) -> Dim:
        """MACs of the forward and the backward pass, and of what is computed again."""
        return self.macs["forward"] + self.backward_macs + self.macs["recompute"]

    @property
    def total_bytes(self) -> Dim:
        """Bytes of weights, gradients, optimiser state and saved activations: what is in memory when the backward
        pass begins."""
        total: Dim = 0
        for nbytes in self.nbytes.values():
            total = total + nbytes
        return total

    def totals(self) -> dict[str, Dim]:
        """The step's quantities by their keys in the catalogue."""
        return {
            "backward_macs": self.backward_macs,
            "training_macs": self.total_macs,
            "kept_activation_bytes": self.nbytes["activations"],
            "gradient_bytes": self.nbytes["gradients"],
            "optimizer_bytes": self.nbytes["optimizer"],
            "training_bytes": self.total_bytes,
        }


@dataclass(frozen=True, slots=True)
class TrainingReport(Report):
    """A Report with what a training step costs: backward_macs in its rows, the step's quantities in its totals."""

    step: TrainingStep = field()

    def bind(self, dims: Mapping[str, int]) -> TrainingReport:
        """As Report.bind; the step is that of the bound graph."""
        return cost_training(Report.bind(self, dims), self.step.options)


def cost_training(report: Report, options: TrainingOptions = TrainingOptions()) -> TrainingReport:  # noqa: B008
    """Report -> the same with what a training step costs. UsageError where there is no such optimiser, where a pattern
    fits no name, where nothing is trained, and where there is no block to checkpoint."""
    if options.optimizer not in STATE_BYTES:
        raise UsageError(f"there is no optimiser {options.optimizer!r}", f"use one of {', '.join(STATE_BYTES)}")
    graph = report.graph
    gradients = gradient_flow(graph, options.freeze, options.input_gradient)
    if not gradients.with_gradient:
        if gradients.trained:
            raise UsageError("nothing is trained: no output depends on a parameter that is not frozen", "freeze less")
        remedy = "the model says so itself: --freeze '!*' trains all" if graph.frozen else "freeze less"
        raise UsageError("nothing is trained: there is no parameter that is not frozen", remedy)
    backward = _cost_backward(report, gradients)
    memory = ActivationMemory(graph, gradients)
    checkpoint = best_checkpoint(memory, backward.saved) if options.checkpoint else None
    recompute: Dim = 0
    for index in checkpoint.nodes if checkpoint else ():
        macs = report.rows[index].figures["macs"]
        recompute = recompute + (0 if macs is None else macs)
    trained, frozen = gradients.trained, gradients.frozen
    updated = [item for item in trained if item.name in gradients.with_gradient]
    step = TrainingStep(
        options,
        {"forward": report.totals["macs"], **backward.macs, "recompute": recompute},
        {"trained": _sum_dims(item.values for item in trained), "frozen": _sum_dims(item.values for item in frozen)},
        {
            "weights": report.totals["weight_bytes"],
            "gradients": _sum_dims(map(gradient_bytes, updated)),
            "optimizer": _sum_dims(map(STATE_BYTES[options.optimizer], updated)),
            "activations": checkpoint.nbytes if checkpoint else saved_bytes(memory, backward.saved),
        },
        checkpoint,
        backward.without_rule,
    )
    values = {item.name: getattr(report, item.name) for item in fields(Report)}
    values |= {
        "rows": backward.rows,
        "totals": {**report.totals, **step.totals()},
        "lower_bound": report.lower_bound or bool(backward.without_rule),
    }
    return TrainingReport(**values, step=step)


class BackwardPass(NamedTuple):
    """The rows with their backward_macs, the MACs of weight_gradient and input_gradient, what each node (by index)
    saves of the forward pass, and the layers whose gradient no rule knows."""

    rows: tuple[LayerCost, ...]
    macs: Mapping[str, Dim]
    saved: Mapping[int, SavedActivations]
    without_rule: tuple[str, ...]


def _cost_backward(report: Report, gradients: GradientFlow) -> BackwardPass:
    """Report and the flow of its gradients -> the backward pass."""
    graph = report.graph
    sums: dict[str, Dim] = {"weight_gradient": 0, "input_gradient": 0}
    rows, without_rule, saved = [], [], dict[int, SavedActivations]()
    for index, (node, row) in enumerate(zip(graph.nodes, report.rows, strict=True)):
        backward: Dim | None = 0
        if gradients.has_gradient(node):
            products = _node_contractions(node, row, graph)
            if products is None or row.cost is None:
                backward = None
                without_rule.append(row.name)
            else:
                gradient_macs = _gradient_macs(node, products, gradients)
                for name, macs in gradient_macs.items():
                    sums[name] = sums[name] + macs * row.count
                backward = (gradient_macs["weight_gradient"] + gradient_macs["input_gradient"]) * row.count
                activations = saved_activations(node, graph, gradients, row.cost, products)
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


def _sum_dims(values: Iterable[Dim]) -> Dim:
    total: Dim = 0
    for value in values:
        total = total + value
    return total
