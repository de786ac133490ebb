"""What a table says under its totals of a step of training."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.dim import Dim
from costcalc.training.account import Training
from costcalc.units import exact

Line = tuple[str, Dim, str]


def facts(training: Training) -> Iterator[Line]:
    """(label, value, kind) of the figures of a step."""
    macs, nbytes = training.macs, training.nbytes
    yield "  weight gradients", macs["weight_gradient"], "number"
    yield "  input gradients", macs["input_gradient"], "number"
    if training.checkpoint:
        yield "Recomputed MACs", macs["recompute"], "number"
    yield "Training MACs", training.total_macs, "number"
    if training.setup.freeze:
        yield "Trained params", training.params["trained"], "number"
    yield "Kept activations", nbytes["activations"], "bytes"
    yield "Gradient bytes", nbytes["gradients"], "bytes"
    yield "Optimizer bytes", nbytes["optimizer"], "bytes"
    yield "Training bytes", training.total_bytes, "bytes"


def text(training: Training) -> str:
    """What the figures assume."""
    setup, again = training.setup, training.checkpoint
    parts = [f"optimizer {setup.optimizer}"]
    parts.append("gradients of inputs too" if setup.input_gradient else "no gradient of inputs")
    if setup.freeze:
        parts.append(f"frozen {', '.join(setup.freeze)} ({exact(training.params['frozen'])} params)")
    if again:
        parts.append(f"{again.blocks:,} blocks at depth {again.depth} keep their inputs and are computed again")
    return ", ".join(parts)
