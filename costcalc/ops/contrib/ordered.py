"""Operators of com.microsoft on integers in a device's order of storage, on sums of integers, paths and texts, and its
forms of LinearAttention and CausalConvWithState.

Source: ONNX Runtime's docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DTYPE_OF_CODE, DType, TensorType
from costcalc.core.registry import MS, FreshSymbol, cost_rule, describe, free, operands, shape_rule
from costcalc.core.traits import TRAITS, contraction_gradient, traits
from costcalc.ops.linear_attention import (
    causal_conv_cost,
    causal_conv_shape,
    linear_attention_cost,
    linear_attention_shape,
)
from costcalc.ops.norm import layer_norm_cost
from costcalc.ops.quantize import requantization_work
from costcalc.ops.reduce import combination_work, reduce_shape

operands("QOrderedGelu", domain=MS, buffers=(1, 2))

operands("QOrderedLayerNormalization", domain=MS, weights=(2, 3), buffers=(1, 4))

operands("QuantizeWithOrder", "DequantizeWithOrder", domain=MS, buffers=(1,))

operands("CausalConvWithState", domain=MS, weights=(1, 2))

traits("QOrderedGelu", domain=MS, kind="activation", straight_through=True)

traits("QOrderedLayerNormalization", domain=MS, kind="normalisation", straight_through=True)

traits("QuantizeWithOrder", domain=MS, straight_through=True, keeps="nothing")

traits("DequantizeWithOrder", domain=MS, passes_on="dequantised", straight_through=True, keeps="nothing")

traits("ReduceSumInteger", domain=MS, positions="mixed", keeps="nothing")

traits("DynamicTimeWarping", domain=MS, positions="lost")

traits("CausalConvWithState", domain=MS, kind="causal_convolution", gradient=contraction_gradient(((0, 3), (1,))))

TRAITS[MS, "LinearAttention"] = TRAITS["", "LinearAttention"]

describe("x · Φ(x) of integers.", "QOrderedGelu", domain=MS)

describe(
    "Gives each row mean 0 and variance 1, then a learned scale and shift.", "QOrderedLayerNormalization", domain=MS
)

describe("Floats become integers in a device's order.", "QuantizeWithOrder", domain=MS)

describe("Integers in a device's order become floats.", "DequantizeWithOrder", domain=MS)

describe("Sums integers along axes.", "ReduceSumInteger", domain=MS)

describe("Finds the cheapest path through a matrix of costs.", "DynamicTimeWarping", domain=MS)

describe("Splits texts into words.", "Tokenizer", domain=MS)

describe("Gives its input as it is.", "SampleOp", domain=MS)

describe(
    "Each channel is convolved with its own filter over the present and the past.", "CausalConvWithState", domain=MS
)

free("Tokenizer", "SampleOp", domain=MS)


@shape_rule("QOrderedGelu", "SampleOp", domain=MS)
def same_type(x: TensorType, scale_x: TensorType | None = None, scale_y: TensorType | None = None) -> TensorType:
    """The input's type."""
    return TensorType(x.dtype, x.shape)


@cost_rule("QOrderedGelu", domain=MS)
def qordered_gelu_cost(x: TensorType, scale_x: TensorType, scale_y: TensorType, *, out: TensorType) -> Cost:
    """Per element one function, and requantising: one multiplication and one addition."""
    return Cost(work=elementwise_work("transcendental", "activation", x.elements) + requantization_work(out))


@shape_rule("QOrderedLayerNormalization", domain=MS)
def qordered_norm_shape(
    x: TensorType, scale_x: TensorType, scale: TensorType, b: TensorType | None, scale_y: TensorType
) -> TensorType:
    """The input's type."""
    return TensorType(x.dtype, x.shape)


@cost_rule("QOrderedLayerNormalization", domain=MS)
def qordered_norm_cost(
    x: TensorType,
    scale_x: TensorType,
    scale: TensorType,
    b: TensorType | None,
    scale_y: TensorType,
    *,
    axis: int = -1,
    out: TensorType,
) -> Cost:
    """As LayerNormalization, and requantising: one multiplication and one addition per output."""
    return Cost(work=layer_norm_cost(x, scale, b, axis=axis).work + requantization_work(out))


@shape_rule("QuantizeWithOrder", domain=MS)
def quantize_order_shape(x: TensorType, scale: TensorType) -> TensorType:
    """x -> int8 of the same shape."""
    return TensorType(DType.INT8, x.shape)


@shape_rule("DequantizeWithOrder", domain=MS)
def dequantize_order_shape(x: TensorType, scale: TensorType, *, to: int = 1) -> TensorType:
    """x int8 -> the float type `to`."""
    return TensorType(DTYPE_OF_CODE.get(to, DType.UNDEFINED), x.shape)


@cost_rule("QuantizeWithOrder", domain=MS)
def quantize_order_cost(x: TensorType, scale: TensorType) -> Cost:
    """One division by the scale per element."""
    return Cost(work=elementwise_work("divide", "quantization", x.elements))


@cost_rule("DequantizeWithOrder", domain=MS)
def dequantize_order_cost(x: TensorType, scale: TensorType) -> Cost:
    """One multiplication with the scale per element."""
    return Cost(work=elementwise_work("multiply", "quantization", x.elements))


@shape_rule("ReduceSumInteger", domain=MS)
def integer_sum_shape(
    x: TensorType, *, axes: Sequence[int] | None = None, keepdims: int = 1, fresh: FreshSymbol
) -> TensorType:
    """x without the summed axes, or with extent 1 there, in int32 or uint32."""
    found = reduce_shape(x, None, axes=axes, keepdims=keepdims, fresh=fresh)
    assert isinstance(found, TensorType)
    return TensorType(DType.UINT32 if x.dtype is DType.UINT8 else DType.INT32, found.shape)


@cost_rule("ReduceSumInteger", domain=MS)
def integer_sum_cost(x: TensorType, *, out: TensorType) -> Cost:
    """#inputs − #outputs additions."""
    return combination_work("add", "reduction", x, out)


@shape_rule("DynamicTimeWarping", domain=MS)
def time_warping_shape(x: TensorType, *, fresh: FreshSymbol) -> TensorType:
    """x [M, N] or [1, M, N] -> int32 [2, steps of the path]."""
    return TensorType(DType.INT32, (2, fresh("steps")))


@cost_rule("DynamicTimeWarping", domain=MS)
def time_warping_cost(x: TensorType) -> Cost:
    """Per cell of the matrix two comparisons and one addition. The walk back along the path is not counted."""
    return Cost(
        work=elementwise_work("compare", "elementwise", x.elements, 2, "#cells")
        + elementwise_work("add", "elementwise", x.elements, 1, "#cells")
    )


@shape_rule("Tokenizer", domain=MS)
def tokenizer_shape(x: TensorType, *, fresh: FreshSymbol) -> TensorType:
    """Texts [C] or [N, C] -> words [*, the most words of a text]."""
    assert x.shape is not None
    return TensorType(x.dtype, (*x.shape, fresh("words")))


shape_rule("LinearAttention", domain=MS)(linear_attention_shape)

cost_rule("LinearAttention", domain=MS)(linear_attention_cost)


@shape_rule("CausalConvWithState", domain=MS)
def ms_causal_conv_shape(
    x: TensorType,
    weight: TensorType,
    bias: TensorType | None = None,
    past_state: TensorType | None = None,
    *,
    ndim: int = 1,
    channels_last: int = 0,
    input_channels: int = 0,
) -> tuple[TensorType, ...]:
    """As ONNX's where there is one axis with channels first; the types of other forms are not known."""
    if ndim != 1 or channels_last or input_channels:
        return TensorType(x.dtype, None), TensorType(x.dtype, None)
    found = causal_conv_shape(x, weight, bias, past_state)
    return (found,) if isinstance(found, TensorType) else found


@cost_rule("CausalConvWithState", domain=MS)
def ms_causal_conv_cost(
    x: TensorType,
    weight: TensorType,
    bias: TensorType | None = None,
    past_state: TensorType | None = None,
    *,
    activation: str = "none",
    out: TensorType,
) -> Cost | None:
    """As ONNX's: #outputs (B · C · L) × k; unknown for other forms than one axis with channels first."""
    if out.shape is None:
        return None
    return causal_conv_cost(x, weight, bias, past_state, activation=activation, out=out)
