"""Optimisers of the preview training domain: one update step of tensors X with gradients G and running averages."""

from __future__ import annotations

from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import TensorType
from costcalc.core.registry import cost_rule, describe, shape_rule

TRAINING = "ai.onnx.preview.training"

describe(
    "Moves each parameter against its gradient, with running averages of it and of its square.", "Adam", domain=TRAINING
)

describe("Moves each parameter against its gradient, slower where it has been large.", "Adagrad", domain=TRAINING)

describe("Moves each parameter against a running average of its gradient.", "Momentum", domain=TRAINING)


def _updated_types(inputs: tuple[TensorType, ...], groups: int) -> tuple[TensorType, ...]:
    """inputs are groups of n tensors: X, G, averages; the outputs are all but G."""
    n = len(inputs) // groups
    return tuple(TensorType(t.dtype, t.shape) for t in (*inputs[:n], *inputs[2 * n :]))


@shape_rule("Adam", domain=TRAINING)
def adam_shape(r: TensorType, t: TensorType, *inputs: TensorType) -> tuple[TensorType, ...]:
    """X, G, V, H -> new X, V, H."""
    return _updated_types(inputs, 4)


@shape_rule("Adagrad", "Momentum", domain=TRAINING)
def adagrad_shape(r: TensorType, t: TensorType, *inputs: TensorType) -> tuple[TensorType, ...]:
    """X, G, H (or V) -> new X, H."""
    return _updated_types(inputs, 3)


def _update_work(
    inputs: tuple[TensorType, ...], groups: int, multiplies: int, adds: int, roots: int
) -> tuple[Work, ...]:
    work: tuple[Work, ...] = ()
    for x in inputs[: len(inputs) // groups]:
        work += elementwise_work("multiply", "elementwise", x.elements, multiplies, "#parameters")
        work += elementwise_work("add", "elementwise", x.elements, adds, "#parameters")
        work += elementwise_work("transcendental", "elementwise", x.elements, roots, "#parameters")
        work += elementwise_work("divide", "elementwise", x.elements, roots, "#parameters")
    return work


@cost_rule("Adam", domain=TRAINING)
def adam_cost(r: TensorType, t: TensorType, *inputs: TensorType) -> Cost:
    """Per parameter, as ONNX's equations stand: 8 multiplications, 5 additions, a root and a division."""
    return Cost(work=_update_work(inputs, 4, 8, 5, 1))


@cost_rule("Adagrad", domain=TRAINING)
def adagrad_cost(r: TensorType, t: TensorType, *inputs: TensorType) -> Cost:
    """Per parameter, as ONNX's equations stand: 3 multiplications, 4 additions, a root and a division."""
    return Cost(work=_update_work(inputs, 3, 3, 4, 1))


@cost_rule("Momentum", domain=TRAINING)
def momentum_cost(r: TensorType, t: TensorType, *inputs: TensorType, mode: str = "standard") -> Cost:
    """Per parameter, as ONNX's equations stand: 4 multiplications and 3 additions, one more of each with mode
    nesterov."""
    extra = int(mode == "nesterov")
    return Cost(work=_update_work(inputs, 3, 4 + extra, 3 + extra, 0))
