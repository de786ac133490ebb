"""Softmax, LogSoftmax, Hardmax, and the losses that end with them."""

from __future__ import annotations

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import TensorType
from costcalc.core.registry import cost_rule, describe, operands, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.common.axes import normalise_axis

operands("SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss", buffers=(2,))

traits("Softmax", "LogSoftmax", keeps="output")

traits("Softmax", non_negative=True)

describe("Turns scores into probabilities that sum to 1 along an axis.", "Softmax")

describe("Turns scores into logarithms of probabilities along an axis.", "LogSoftmax")

describe("Marks the greatest score along an axis.", "Hardmax")

describe("Measures how little probability the softmax of the scores gives to the labels.", "SoftmaxCrossEntropyLoss")

describe("Averages the negative log-probabilities of the targets.", "NegativeLogLikelihoodLoss")


@shape_rule("Softmax", "LogSoftmax", "Hardmax")
def softmax_shape(x: TensorType, *, axis: int | None = None, opset: int = 13) -> TensorType:
    """The input's shape and element type."""
    count_rows(x, axis, opset)
    return TensorType(x.dtype, x.shape)


def count_rows(x: TensorType, axis: int | None, opset: int) -> Dim:
    """How many times x is normalised: before opset 13 over all axes from `axis` (1 by default), since then over `axis`
    (-1 by default)."""
    assert x.shape is not None
    if opset < 13:
        start = 1 if axis is None else axis
        return prod(x.shape[: start if start == len(x.shape) else normalise_axis(start, len(x.shape))])
    axis_index = normalise_axis(-1 if axis is None else axis, len(x.shape))
    return prod(x.shape[:axis_index] + x.shape[axis_index + 1 :])


@cost_rule("Softmax")
def softmax_cost(x: TensorType, *, out: TensorType) -> Cost:
    """Per element one comparison (the maximum), one subtraction, one exponential, one addition and one division."""
    n = out.elements
    return Cost(
        work=elementwise_work("compare", "softmax", n)
        + elementwise_work("add", "softmax", n, 2)
        + elementwise_work("exp", "softmax", n)
        + elementwise_work("divide", "softmax", n)
    )


@cost_rule("LogSoftmax")
def log_softmax_cost(x: TensorType, *, axis: int | None = None, opset: int = 13) -> Cost:
    """Per element one comparison (the maximum), two subtractions, one exponential and one addition; per row one
    logarithm."""
    return Cost(work=_log_softmax_work(x, count_rows(x, axis, opset)))


def _log_softmax_work(x: TensorType, lines: Dim) -> tuple[Work, ...]:
    n = x.elements
    return (
        *elementwise_work("compare", "softmax", n),
        *elementwise_work("add", "softmax", n, 3),
        *elementwise_work("exp", "softmax", n),
        *elementwise_work("transcendental", "softmax", lines, 1, "#rows"),
    )


@cost_rule("Hardmax")
def hardmax_cost(x: TensorType, *, out: TensorType) -> Cost:
    """Per element two comparisons: to find the maximum and to mark it."""
    return Cost(work=elementwise_work("compare", "softmax", out.elements, 2))


@shape_rule("NegativeLogLikelihoodLoss")
def nll_shape(
    x: TensorType, target: TensorType, weight: TensorType | None = None, *, reduction: str = "mean"
) -> TensorType:
    """x [N, C, …], target [N, …] -> a scalar, or [N, …] without reduction."""
    return _loss_type(x, target, reduction)


@shape_rule("SoftmaxCrossEntropyLoss")
def cross_entropy_shape(
    x: TensorType, target: TensorType, weight: TensorType | None = None, *, reduction: str = "mean"
) -> tuple[TensorType, ...]:
    """x [N, C, …], target [N, …] -> a scalar, or [N, …] without reduction; log_prob has the shape of x."""
    return _loss_type(x, target, reduction), TensorType(x.dtype, x.shape)


def _loss_type(x: TensorType, target: TensorType, reduction: str) -> TensorType:
    assert x.shape is not None and target.shape is not None
    if len(x.shape) < 2 or len(target.shape) != len(x.shape) - 1:
        raise ShapeError(
            f"the scores have rank {len(x.shape)}, the labels {len(target.shape)}", "give [N, C, …] and [N, …]"
        )
    for a, b in zip((x.shape[0], *x.shape[2:]), target.shape, strict=True):
        require_equal(a, b, "the extents of the scores and the labels")
    return TensorType(x.dtype, target.shape if reduction == "none" else ())


@cost_rule("NegativeLogLikelihoodLoss")
def nll_cost(x: TensorType, target: TensorType, weight: TensorType | None = None, *, reduction: str = "mean") -> Cost:
    """Per target one negation (an addition), with class weights one multiplication; a reduction adds one addition per
    target (two with weights and mean), and one division for a mean."""
    return Cost(work=_nll_work(target, weight, reduction))


def _nll_work(target: TensorType, weight: TensorType | None, reduction: str) -> tuple[Work, ...]:
    n = target.elements
    weighted = weight is not None
    additions = 1 + (reduction != "none") + (reduction == "mean" and weighted)
    return (
        *elementwise_work("add", "reduction", n, additions, "#targets"),
        *elementwise_work("multiply", "reduction", n, int(weighted), "#targets"),
        *elementwise_work("divide", "reduction", 1, int(reduction == "mean"), "#means"),
    )


@cost_rule("SoftmaxCrossEntropyLoss")
def cross_entropy_cost(
    x: TensorType, target: TensorType, weight: TensorType | None = None, *, reduction: str = "mean"
) -> Cost:
    """A LogSoftmax over the classes (per score one comparison, two subtractions, one exponential and one addition; per
    target one logarithm), then per target one negation (an addition), with class weights one multiplication; a
    reduction adds one addition per target (two with weights and mean), and one division for a mean."""
    return Cost(work=_log_softmax_work(x, target.elements) + _nll_work(target, weight, reduction))
