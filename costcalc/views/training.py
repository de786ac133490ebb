"""TrainingStep -> the totals and notes that a table has of it, and its entry of the JSON report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from costcalc.core.amount import json_amount
from costcalc.core.dim import Dim
from costcalc.core.quantities import CATALOGUE
from costcalc.core.units import format_count

if TYPE_CHECKING:
    from costcalc.analysis.training.split import TrainingSplit
    from costcalc.analysis.training.step import TrainingStep

FigureLine = tuple[str, str, Dim, str]


def training_figures(training: TrainingStep) -> Iterator[FigureLine]:
    """A training step → (key of the quantity that a figure is, or is a part of, else "", label, value, kind) of
    each."""
    totals, macs = training.totals(), training.macs

    def total_lines(*keys: str) -> Iterator[FigureLine]:
        for key in keys:
            yield key, CATALOGUE[key].label, totals[key], CATALOGUE[key].kind

    yield from total_lines("backward_macs")
    yield "backward_macs", "  weight gradients", macs["weight_gradient"], "number"
    yield "backward_macs", "  input gradients", macs["input_gradient"], "number"
    if training.checkpoint:
        yield "backward_macs", "Recomputed MACs", macs["recompute"], "number"
    yield from total_lines("training_macs")
    if training.options.freeze or training.params["frozen"] != 0:
        yield "", "Trained params", training.params["trained"], "number"
    yield from total_lines("kept_activation_bytes", "gradient_bytes", "optimizer_bytes", "training_bytes")


def training_text(training: TrainingStep) -> str:
    """A training step → its assumptions: optimizer, gradients of inputs, frozen layers, checkpoints."""
    setup, checkpoint = training.options, training.checkpoint
    parts = [f"optimizer {setup.optimizer}"]
    parts.append("gradients of inputs too" if setup.input_gradient else "no gradient of inputs")
    if setup.freeze:
        parts.append(f"frozen {', '.join(setup.freeze)} ({format_count(training.params['frozen'])} params)")
    elif training.params["frozen"] != 0:
        parts.append(f"{format_count(training.params['frozen'])} params frozen by the model")
    if checkpoint:
        parts.append(
            f"{checkpoint.blocks:,} blocks at depth {checkpoint.depth} keep their inputs and are computed again"
        )
    return ", ".join(parts)


def training_document(training: TrainingStep) -> dict[str, Any]:
    """The `training` entry of the JSON report."""
    checkpoint = training.checkpoint
    return {
        "optimizer": training.options.optimizer,
        "freeze": list(training.options.freeze),
        "input_gradient": training.options.input_gradient,
        "checkpoint": None if checkpoint is None else {"depth": checkpoint.depth, "blocks": checkpoint.blocks},
        "macs": _json_amounts({**training.macs, "backward": training.backward_macs, "total": training.total_macs}),
        "params": _json_amounts(training.params),
        "bytes": _json_amounts({**training.nbytes, "total": training.total_bytes}),
        "without_rule": list(training.without_rule),
    }


def training_split_document(split: TrainingSplit) -> dict[str, Any]:
    """The `parallel` entry of a training step in the JSON report: bytes of a device, by stage, and what it sends."""
    return {
        "devices": split.devices,
        "bytes": {**split.nbytes, "total": split.total_bytes},
        "stages": [dict(kinds) for kinds in split.stages],
        "sent_bytes": {**{kind: float(value) for kind, value in split.sent.items()}, "total": split.sent_bytes},
    }


def _json_amounts(amounts: Mapping[str, Dim]) -> dict[str, Any]:
    return {name: json_amount(value) for name, value in amounts.items()}
