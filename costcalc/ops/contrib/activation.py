"""Activations of com.microsoft, with a bias."""

from __future__ import annotations

from costcalc.core.assumptions import require_equal
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import MS, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.attention import softmax_work

operands("BiasGelu", "BiasAdd", "BiasSplitGelu", "BiasDropout", "FastGelu", domain=MS, weights=(1,))

traits("BiasGelu", "FastGelu", "Gelu", "QuickGelu", domain=MS, kind="activation", in_place=True)

traits("BiasAdd", domain=MS, in_place=True, keeps="nothing")

describe("Adds a bias, then takes x · Φ(x).", "BiasGelu", "FastGelu", domain=MS)

describe("x · Φ(x), or an approximation of it.", "Gelu", "QuickGelu", domain=MS)

describe("Adds a bias; one half of the features gates the other through a Gelu.", "BiasSplitGelu", domain=MS)

describe("Adds a bias (and a residual).", "BiasAdd", "BiasDropout", domain=MS)

describe("Adds a mask, then takes the softmax.", "BiasSoftmax", domain=MS)


@shape_rule("BiasGelu", "FastGelu", "Gelu", "QuickGelu", "BiasSoftmax", domain=MS)
def gelu_shape(x: TensorType, bias: TensorType | None = None) -> TensorType:
    """The input's shape and element type."""
    return TensorType(x.dtype, x.shape)


@cost_rule("BiasGelu", "FastGelu", "Gelu", "QuickGelu", domain=MS)
def gelu_cost(x: TensorType, bias: TensorType | None = None, *, out: TensorType) -> Cost:
    """One function per element, and one addition with a bias."""
    return Cost(
        work=elementwise_work("add", "bias", out.elements, int(bias is not None))
        + elementwise_work("transcendental", "activation", out.elements)
    )


@cost_rule("BiasSoftmax", domain=MS)
def bias_softmax_cost(x: TensorType, bias: TensorType, *, out: TensorType) -> Cost:
    """Per element 1 addition of the mask, and 5 for the softmax: maximum, subtract, exp, sum, divide."""
    return Cost(work=elementwise_work("add", "elementwise", out.elements) + softmax_work(out.elements))


@shape_rule("BiasSplitGelu", domain=MS)
def bias_split_gelu_shape(x: TensorType, bias: TensorType) -> TensorType:
    """x [N, S, D] -> [N, S, D/2]."""
    assert x.shape is not None
    require_equal(x.shape[-1], bias.elements, "the features and the bias")
    return TensorType(x.dtype, (*x.shape[:-1], x.shape[-1] // 2))


@cost_rule("BiasSplitGelu", domain=MS)
def bias_split_gelu_cost(x: TensorType, bias: TensorType, *, out: TensorType) -> Cost:
    """One addition per input; per output one function and one multiplication."""
    work = elementwise_work("add", "bias", x.elements, 1, "#inputs") + elementwise_work(
        "transcendental", "activation", out.elements
    )
    return Cost(work=work + elementwise_work("multiply", "elementwise", out.elements))


@shape_rule("BiasAdd", domain=MS)
def bias_add_shape(x: TensorType, bias: TensorType, skip: TensorType) -> TensorType:
    """x [N, S, C] -> the same."""
    return TensorType(x.dtype, x.shape)


@cost_rule("BiasAdd", domain=MS)
def bias_add_cost(x: TensorType, bias: TensorType, skip: TensorType, *, out: TensorType) -> Cost:
    """Per element one addition of the bias, one of the residual."""
    return Cost(
        work=elementwise_work("add", "bias", out.elements) + elementwise_work("add", "elementwise", out.elements)
    )


@shape_rule("BiasDropout", domain=MS)
def bias_dropout_shape(
    x: TensorType,
    bias: TensorType,
    residual: TensorType | None = None,
    ratio: TensorType | None = None,
    training_mode: TensorType | None = None,
) -> tuple[TensorType, ...]:
    """The input's type, and which elements stay."""
    return TensorType(x.dtype, x.shape), TensorType(DType.BOOL, x.shape)


@cost_rule("BiasDropout", domain=MS)
def bias_dropout_cost(
    x: TensorType,
    bias: TensorType,
    residual: TensorType | None = None,
    ratio: TensorType | None = None,
    training_mode: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """Per element one addition of the bias and one of a residual. Dropout itself is free."""
    work = elementwise_work("add", "bias", out.elements)
    return Cost(work=work + elementwise_work("add", "elementwise", out.elements, int(residual is not None)))
