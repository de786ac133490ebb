"""A training step -> its entry of the JSON report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costcalc.core.amount import plain
from costcalc.dim import Dim
from costcalc.training.account import TrainingStep


def training_document(training: TrainingStep) -> dict[str, Any]:
    """The `training` entry of the JSON report."""
    again = training.checkpoint
    return {
        "optimizer": training.setup.optimizer,
        "freeze": list(training.setup.freeze),
        "input_gradient": training.setup.input_gradient,
        "checkpoint": None if again is None else {"depth": again.depth, "blocks": again.blocks},
        "macs": _figures({**training.macs, "backward": training.backward_macs, "total": training.total_macs}),
        "params": _figures(training.params),
        "bytes": _figures({**training.nbytes, "total": training.total_bytes}),
        "without_rule": list(training.without_rule),
    }


def _figures(amounts: Mapping[str, Dim]) -> dict[str, Any]:
    return {name: plain(value) for name, value in amounts.items()}
