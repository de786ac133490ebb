"""Report → TrainingReport: backward MACs of each layer, and what a step of training costs in MACs and bytes.

The state that an optimiser keeps for each trained parameter, and the parameter's gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from costcalc.analysis.layers import Row
from costcalc.analysis.options import TrainingOptions
from costcalc.analysis.report import Report
from costcalc.analysis.training.activations import Checkpoint, Kept, Store, all_kept, best, kept
from costcalc.analysis.training.gradients import Flow, flow
from costcalc.core.dim import Dim
from costcalc.core.errors import UsageError
from costcalc.core.ir import DType, Graph, Node, TensorType
from costcalc.core.result import Serializable
from costcalc.core.traits import Contraction, traits_of
from costcalc.graph.parameters import Stored
from costcalc.ops.gradients import contractions, present

SMALL, BLOCK = 4096, 256
"""bitsandbytes 0.4x: tensors below SMALL elements keep their state in float32; a float32 scale for BLOCK elements."""


def gradient_bytes(item: Stored) -> Dim:
    """Bytes of a parameter's gradient: in its own type, in float32 where that is no float type."""
    dtype = item.type.dtype if item.type.dtype.is_float else DType.FLOAT32
    return TensorType(dtype, (item.values,)).nbytes


def _eight_bits(item: Stored) -> Dim:
    """Both moments in 8 bits by blocks, as bitsandbytes' AdamW8bit keeps them (arXiv:2110.02861)."""
    if item.values < SMALL:
        return 2 * 4 * item.values
    return 2 * (item.values + 4 * ((item.values + BLOCK - 1) // BLOCK))


OPTIMIZERS: dict[str, Callable[[Stored], Dim]] = {
    "sgd": lambda item: 0,
    "momentum": gradient_bytes,
    "adam": lambda item: 2 * gradient_bytes(item),
    "adamw-8bit": _eight_bits,
}
"""State bytes of a parameter: none; a velocity; two moments in the gradient's type, as PyTorch keeps them; both in 8
bits. A float32 master copy of narrower weights is not assumed."""


@dataclass(frozen=True, slots=True)
class TrainingStep(Serializable):
    """What one step costs. macs: forward, weight_gradient, input_gradient, recompute. params: trained, frozen. nbytes:
    weights, gradients, optimizer, activations. without_rule are layers whose gradient no rule knows: MACs and
    activations are lower bounds then. The loss and the optimiser's arithmetic are no part of it."""

    setup: TrainingOptions
    macs: Mapping[str, Dim]
    params: Mapping[str, Dim]
    nbytes: Mapping[str, Dim]
    checkpoint: Checkpoint | None
    without_rule: tuple[str, ...]

    @property
    def backward_macs(self) -> Dim:
        return self.macs["weight_gradient"] + self.macs["input_gradient"]

    @property
    def total_macs(self) -> Dim:
        """Forward, backward and what is computed again."""
        return self.macs["forward"] + self.backward_macs + self.macs["recompute"]

    @property
    def total_bytes(self) -> Dim:
        """Weights, gradients, optimiser state and kept activations: what is there when the backward pass begins."""
        total: Dim = 0
        for nbytes in self.nbytes.values():
            total = total + nbytes
        return total

    def totals(self) -> dict[str, Dim]:
        """The step's quantities by the keys of the catalogue."""
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

    step: TrainingStep

    def bind(self, dims: Mapping[str, int]) -> TrainingReport:
        """As Report.bind; the step is that of the bound graph."""
        return train(Report.bind(self, dims), self.step.setup)


def train(report: Report, setup: TrainingOptions = TrainingOptions()) -> TrainingReport:  # noqa: B008
    """A report with what a step of training costs beside. UsageError where a pattern fits no name, where there is
    nothing to train, and where there is no block to checkpoint."""
    if setup.optimizer not in OPTIMIZERS:
        raise UsageError(f"there is no optimiser {setup.optimizer!r}", f"use one of {', '.join(OPTIMIZERS)}")
    graph = report.graph
    gradients = flow(graph, setup.freeze, setup.input_gradient)
    if not gradients.needs:
        raise UsageError("nothing is trained: there is no parameter that is not frozen", "freeze less")
    sums: dict[str, Dim] = {"forward": report.totals["macs"], "weight_gradient": 0, "input_gradient": 0, "recompute": 0}
    rows, without, keeps = [], [], dict[int, Kept]()
    for index, (node, row) in enumerate(zip(graph.nodes, report.rows, strict=True)):
        backward: Dim | None = 0
        if gradients.has_gradient(node):
            parts = _parts(node, row, graph)
            if parts is None or row.cost is None:
                backward = None
                without.append(row.name)
            else:
                both = _gradients(node, parts, gradients)
                for name, macs in both.items():
                    sums[name] = sums[name] + macs * row.count
                backward = (both["weight_gradient"] + both["input_gradient"]) * row.count
                found = kept(node, graph, gradients, row.cost, parts)
                keeps[index] = found._replace(extra=found.extra * row.count)
        rows.append(replace(row, amounts={**row.amounts, "backward_macs": backward}))
    store = Store(graph, gradients)
    checkpoint = best(store, keeps) if setup.checkpoint else None
    for index in checkpoint.nodes if checkpoint else ():
        again = report.rows[index].amounts["macs"]
        sums["recompute"] = sums["recompute"] + (0 if again is None else again)
    step = TrainingStep(
        setup,
        sums,
        {"trained": _sum(gradients.trained, lambda i: i.values), "frozen": _sum(gradients.frozen, lambda i: i.values)},
        {
            "weights": report.totals["weight_bytes"],
            "gradients": _sum(gradients.trained, gradient_bytes),
            "optimizer": _sum(gradients.trained, OPTIMIZERS[setup.optimizer]),
            "activations": checkpoint.nbytes if checkpoint else all_kept(store, keeps),
        },
        checkpoint,
        tuple(without),
    )
    known = {item.name: getattr(report, item.name) for item in fields(Report)}
    known |= {
        "rows": tuple(rows),
        "totals": {**report.totals, **step.totals()},
        "lower_bound": report.lower_bound or bool(without),
    }
    return TrainingReport(**known, step=step)


def _parts(node: Node, row: Row, graph: Graph) -> tuple[Contraction, ...] | None:
    if row.cost is None:
        return None
    types = [graph.types[name] if name else None for name in node.inputs]
    return contractions(traits_of(node), row.cost.macs, types, node.attributes)


def _gradients(node: Node, parts: tuple[Contraction, ...], gradients: Flow) -> dict[str, Dim]:
    """MACs of the gradients of weights and of inputs: each side of a product that has a gradient costs the product."""
    sums: dict[str, Dim] = {"weight_gradient": 0, "input_gradient": 0}
    for part in parts:
        for side in (part.left, part.right):
            names = [name for name in present(node.inputs, side) if name in gradients.needs]
            if names:
                what = "weight_gradient" if all(n in gradients.weights for n in names) else "input_gradient"
                sums[what] = sums[what] + part.macs
    return sums


def _sum(items: Any, amount: Any) -> Dim:
    total: Dim = 0
    for item in items:
        total = total + amount(item)
    return total
