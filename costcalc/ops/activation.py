"""Activation functions, element by element: Relu, Sigmoid, Gelu, Softplus and the like."""

from __future__ import annotations

from costcalc.core.assumptions import require_equal
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import TensorType, Value
from costcalc.core.registry import cost_rule, describe, operands, shape_rule, value_rule
from costcalc.core.traits import traits
from costcalc.ops.common.axes import check_unidirectional, pointwise_values
from costcalc.ops.common.elements import larger_element, smaller_element
from costcalc.ops.common.ratio import Number, store_element

PIECEWISE = {
    "Relu": "max(0, x)",
    "LeakyRelu": "x where x ≥ 0, else alpha · x",
    "HardSigmoid": "max(0, min(1, alpha · x + beta))",
    "HardSwish": "x · max(0, min(1, x / 6 + 1/2))",
    "ThresholdedRelu": "x where x > alpha, else 0",
    "Shrink": "x moved toward 0 by bias where |x| > lambd, else 0",
}

SMOOTH = {
    "Elu": "x where x ≥ 0, else alpha · (eˣ − 1)",
    "Selu": "gamma · x where x > 0, else gamma · alpha · (eˣ − 1)",
    "Celu": "max(0, x) + min(0, alpha · (exp(x / alpha) − 1))",
    "Sigmoid": "1 / (1 + e⁻ˣ)",
    "Tanh": "tanh x",
    "Softplus": "ln(1 + eˣ)",
    "Softsign": "x / (1 + |x|)",
    "Mish": "x · tanh(ln(1 + eˣ))",
    "Gelu": "x · Φ(x), Φ the normal distribution",
    "Swish": "x · sigmoid(alpha · x)",
}

operands("PRelu", weights=(1,))

traits(*PIECEWISE, *SMOOTH, "PRelu", "Clip", kind="activation")

traits(*PIECEWISE, *SMOOTH, "PRelu", "Clip", "SwiGLU", in_place=True)

traits("Relu", "Sigmoid", "Tanh", "Elu", "Selu", "ThresholdedRelu", keeps="output")

traits("Relu", "Clip", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "Selu", "Softplus", monotone=True)

traits("Relu", "Sigmoid", "HardSigmoid", "Softplus", non_negative=True)

for _op_type, _law in (PIECEWISE | SMOOTH).items():
    describe(f"Gives of each element x: {_law}.", _op_type)

describe("Gives of each element x: x where x ≥ 0, else slope · x with a learned slope.", "PRelu")

describe("Limits each element to an interval.", "Clip")

describe("Gives a · sigmoid(alpha · a) · b of each pair of elements.", "SwiGLU")


@shape_rule(*PIECEWISE, *SMOOTH)
def activation_shape(x: TensorType) -> TensorType:
    """The input's shape and element type."""
    return TensorType(x.dtype, x.shape)


@cost_rule(*PIECEWISE)
def piecewise_cost(x: TensorType, *, out: TensorType) -> Cost:
    """One operation per output element, a comparison: the function is straight lines."""
    return Cost(work=elementwise_work("compare", "activation", out.elements))


@cost_rule(*SMOOTH)
def smooth_cost(x: TensorType, *, out: TensorType) -> Cost:
    """One operation per output element, a transcendental."""
    return Cost(work=elementwise_work("transcendental", "activation", out.elements))


@shape_rule("PRelu")
def prelu_shape(x: TensorType, slope: TensorType, *, opset: int) -> TensorType:
    """The input's type; the slope broadcasts to it (before opset 7 it has one value, or one per channel)."""
    if opset >= 7:
        check_unidirectional(x, slope, "the slope")
    return TensorType(x.dtype, x.shape)


@cost_rule("PRelu")
def prelu_cost(x: TensorType, slope: TensorType, *, out: TensorType) -> Cost:
    """One operation per output element, a comparison: the function is two straight lines."""
    return Cost(work=elementwise_work("compare", "activation", out.elements))


@shape_rule("Clip")
def clip_shape(x: TensorType, low: TensorType | None = None, high: TensorType | None = None) -> TensorType:
    """The input's type; low and high are scalars."""
    return TensorType(x.dtype, x.shape)


@cost_rule("Clip")
def clip_cost(x: TensorType, low: TensorType | None = None, high: TensorType | None = None, *, out: TensorType) -> Cost:
    """One operation per output element, a comparison: the function is straight lines."""
    return Cost(work=elementwise_work("compare", "activation", out.elements))


@value_rule("Relu")
def relu_value(x: TensorType, *, out: TensorType) -> Value | None:
    """max(0, x)."""
    return pointwise_values(lambda element: store_element(larger_element(element, 0), out.dtype), out, x)


@value_rule("Clip")
def clip_value(
    x: TensorType,
    low: TensorType | None = None,
    high: TensorType | None = None,
    *,
    out: TensorType,
    min: float | None = None,
    max: float | None = None,
) -> Value | None:
    """min(high, max(x, low)); the limits are attributes before opset 11."""
    limits: list[Number | None] = [min, max]
    for i, limit in enumerate((low, high)):
        if limit is not None:
            if not limit.value:
                return None
            limits[i] = limit.value[0]
    lowest, highest = limits

    def element(x: Number) -> Number | None:
        bounded = x if lowest is None else larger_element(x, lowest)
        limited = bounded if bounded is None or highest is None else smaller_element(bounded, highest)
        return store_element(limited, out.dtype)

    return pointwise_values(element, out, x)


@shape_rule("SwiGLU")
def swiglu_shape(a: TensorType, b: TensorType) -> TensorType:
    """a and b have one shape, which is the output's."""
    assert a.shape is not None and b.shape is not None
    if len(a.shape) != len(b.shape):
        raise ShapeError(f"the gate has rank {len(a.shape)}, the value {len(b.shape)}", "give both one shape")
    shape = [require_equal(i, j, "the gate's and the value's extents") for i, j in zip(a.shape, b.shape, strict=True)]
    return TensorType(a.dtype, tuple(shape))


@cost_rule("SwiGLU")
def swiglu_cost(a: TensorType, b: TensorType, *, out: TensorType) -> Cost:
    """Per output element one transcendental (the Swish) and one multiplication."""
    return Cost(
        work=elementwise_work("transcendental", "activation", out.elements)
        + elementwise_work("multiply", "activation", out.elements)
    )
