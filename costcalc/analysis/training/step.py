"""Report to TrainingReport: the backward MACs of each layer, and what a training step costs in MACs and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from costcalc.analysis.options import TrainingOptions
from costcalc.analysis.report import Report
from costcalc.analysis.training.activations import ActivationMemory, Checkpoint, best_checkpoint, saved_bytes
from costcalc.analysis.training.backward import STATE_BYTES, cost_backward, gradient_bytes
from costcalc.analysis.training.gradients import gradient_flow
from costcalc.core.dim import Dim, sum_dims
from costcalc.core.errors import UsageError
from costcalc.core.result import Serializable, short_repr
from costcalc.core.units import format_count


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
        return short_repr("TrainingStep", self.options.optimizer, f"{format_count(self.total_macs)} MACs")

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
    backward = cost_backward(report, gradients)
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
        {"trained": sum_dims(item.values for item in trained), "frozen": sum_dims(item.values for item in frozen)},
        {
            "weights": report.totals["weight_bytes"],
            "gradients": sum_dims(map(gradient_bytes, updated)),
            "optimizer": sum_dims(map(STATE_BYTES[options.optimizer], updated)),
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
