"""What a table says under its totals of a step of training."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.core.quantities import CATALOGUE
from costcalc.dim import Dim
from costcalc.training.account import TrainingStep
from costcalc.units import exact

Line = tuple[str, str, Dim, str]


def facts(training: TrainingStep) -> Iterator[Line]:
    """(key of the quantity that it is, or is a part of, else "", label, value, kind) of the figures of a step."""
    totals, macs = training.totals(), training.macs

    def of(*keys: str) -> Iterator[Line]:
        for key in keys:
            yield key, CATALOGUE[key].label, totals[key], CATALOGUE[key].kind

    yield from of("backward_macs")
    yield "backward_macs", "  weight gradients", macs["weight_gradient"], "number"
    yield "backward_macs", "  input gradients", macs["input_gradient"], "number"
    if training.checkpoint:
        yield "backward_macs", "Recomputed MACs", macs["recompute"], "number"
    yield from of("training_macs")
    if training.setup.freeze:
        yield "", "Trained params", training.params["trained"], "number"
    yield from of("kept_activation_bytes", "gradient_bytes", "optimizer_bytes", "training_bytes")


def text(training: TrainingStep) -> str:
    """What the figures assume."""
    setup, again = training.setup, training.checkpoint
    parts = [f"optimizer {setup.optimizer}"]
    parts.append("gradients of inputs too" if setup.input_gradient else "no gradient of inputs")
    if setup.freeze:
        parts.append(f"frozen {', '.join(setup.freeze)} ({exact(training.params['frozen'])} params)")
    if again:
        parts.append(f"{again.blocks:,} blocks at depth {again.depth} keep their inputs and are computed again")
    return ", ".join(parts)
