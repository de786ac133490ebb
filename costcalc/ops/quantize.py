"""Quantisation: floats <-> integers with scale and zero point, and integer convolutions and matrix products."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import DTYPE_OF_CODE, DType, TensorType
from costcalc.core.registry import cost_rule, describe, operands, shape_rule
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common.window_reads import convolution_reads
from costcalc.ops.conv import conv_cost, conv_extents, conv_least_work
from costcalc.ops.matmul import matmul_cost, matmul_result

operands("QuantizeLinear", "DequantizeLinear", weights=(0,), buffers=(1, 2))

traits("QuantizeLinear", fusion="joins", keeps="nothing")

traits("DequantizeLinear", passes_on="dequantised", keeps="nothing")

traits("QuantizeLinear", "DynamicQuantizeLinear", straight_through=True)

describe("Each element is divided by the scale, rounded, and moved by the zero point.", "QuantizeLinear")

describe("Each element less the zero point is multiplied with the scale.", "DequantizeLinear")

describe(
    "The scale and the zero point are taken from the input's own smallest and largest element.", "DynamicQuantizeLinear"
)


@shape_rule("QuantizeLinear")
def quantize_shape(
    x: TensorType, y_scale: TensorType, y_zero_point: TensorType | None = None, *, output_dtype: int = 0
) -> TensorType:
    """x -> the same shape in the zero point's type, or output_dtype, or uint8. The scale has one element, one per
    channel, or one per block."""
    dtype = DTYPE_OF_CODE[output_dtype] if output_dtype else DType.UINT8
    return TensorType(dtype if y_zero_point is None else y_zero_point.dtype, x.shape)


@cost_rule("QuantizeLinear")
def quantize_cost(
    x: TensorType, y_scale: TensorType, y_zero_point: TensorType | None = None, *, out: TensorType
) -> Cost:
    """Per element 1 division, and 1 addition where there is a zero point. Rounding and clipping are part of the
    conversion, which is free."""
    work = elementwise_work("divide", "quantization", out.elements)
    return Cost(work=work + elementwise_work("add", "quantization", out.elements, 1 if y_zero_point is not None else 0))


@shape_rule("DequantizeLinear")
def dequantize_shape(
    x: TensorType, x_scale: TensorType, x_zero_point: TensorType | None = None, *, output_dtype: int = 0
) -> TensorType:
    """x -> the same shape in the scale's type, or output_dtype."""
    return TensorType(DTYPE_OF_CODE[output_dtype] if output_dtype else x_scale.dtype, x.shape)


@cost_rule("DequantizeLinear")
def dequantize_cost(
    x: TensorType, x_scale: TensorType, x_zero_point: TensorType | None = None, *, out: TensorType
) -> Cost:
    """Per element 1 multiplication, and 1 subtraction where there is a zero point."""
    work = elementwise_work("add", "quantization", out.elements, 1 if x_zero_point is not None else 0)
    return Cost(work=work + elementwise_work("multiply", "quantization", out.elements))


@shape_rule("DynamicQuantizeLinear")
def dynamic_quantize_shape(x: TensorType) -> tuple[TensorType, ...]:
    """x -> the same shape in uint8, a scale, a zero point."""
    return TensorType(DType.UINT8, x.shape), TensorType(DType.FLOAT32, ()), TensorType(DType.UINT8, ())


@cost_rule("DynamicQuantizeLinear")
def dynamic_quantize_cost(x: TensorType) -> Cost:
    """Per element 2 comparisons (minimum, maximum), 1 division, 1 addition. The one scale and zero point count
    nothing."""
    return Cost(work=dynamic_quantization_work(x))


def dynamic_quantization_work(x: TensorType) -> tuple[Work, ...]:
    """The work of quantising x with its own scale; the fused forms share it."""
    n = x.elements
    return (
        elementwise_work("compare", "quantization", n, 2)
        + elementwise_work("divide", "quantization", n)
        + elementwise_work("add", "quantization", n)
    )


def requantization_work(out: TensorType) -> tuple[Work, ...]:
    """An integer sum becomes a quantised output: 1 multiplication with the combined scale, 1 addition of the zero
    point per element."""
    return elementwise_work("multiply", "quantization", out.elements) + elementwise_work(
        "add", "quantization", out.elements
    )


operands("QLinearConv", weights=(3, 8), buffers=(1, 2, 4, 5, 6, 7))

operands("QLinearMatMul", weights=(0, 3), buffers=(1, 2, 4, 5, 6, 7))

operands("ConvInteger", weights=(1,), buffers=(2, 3))

operands("MatMulInteger", weights=(0, 1), buffers=(2, 3))

traits("ConvInteger", kind="convolution", straight_through=True)

traits("QLinearConv", kind="convolution", factors=(0, 3), bias=8, straight_through=True)

traits("MatMulInteger", kind="product", straight_through=True)

traits("QLinearMatMul", kind="product", factors=(0, 3), straight_through=True)

describe("A convolution of integers.", "ConvInteger", "QLinearConv")

describe("A product of integer matrices.", "MatMulInteger", "QLinearMatMul")


least_work_rule("ConvInteger")(conv_least_work)


@least_work_rule("QLinearConv")
def qlinear_conv_least_work(use: OperatorUse) -> LeastWork:
    """As Conv."""
    return convolution_reads(use, use.input(0), use.input(3), 3)


@shape_rule("ConvInteger")
def conv_integer_shape(
    x: TensorType,
    w: TensorType,
    x_zero_point: TensorType | None = None,
    w_zero_point: TensorType | None = None,
    *,
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> TensorType:
    """x [N, C_in, *in], w [C_out, C_in/group, *kernel] -> int32 [N, C_out, *out]."""
    return TensorType(DType.INT32, conv_extents(x, w, None, strides, pads, dilations, group, auto_pad))


@cost_rule("ConvInteger")
def conv_integer_cost(
    x: TensorType,
    w: TensorType,
    x_zero_point: TensorType | None = None,
    w_zero_point: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """As Conv: #filter params × #filter positions × #filters. Zero points are folded into the products."""
    return conv_cost(x, w, out=out)


@shape_rule("QLinearConv")
def qlinear_conv_shape(
    x: TensorType,
    x_scale: TensorType,
    x_zero_point: TensorType | None,
    w: TensorType,
    w_scale: TensorType,
    w_zero_point: TensorType | None,
    y_scale: TensorType,
    y_zero_point: TensorType | None = None,
    b: TensorType | None = None,
    *,
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> TensorType:
    """x [N, C_in, *in], w [C_out, C_in/group, *kernel] -> [N, C_out, *out] in the type of y's zero point."""
    dtype = x.dtype if y_zero_point is None else y_zero_point.dtype
    return TensorType(dtype, conv_extents(x, w, b, strides, pads, dilations, group, auto_pad))


@cost_rule("QLinearConv")
def qlinear_conv_cost(
    x: TensorType,
    x_scale: TensorType,
    x_zero_point: TensorType | None,
    w: TensorType,
    w_scale: TensorType,
    w_zero_point: TensorType | None,
    y_scale: TensorType,
    y_zero_point: TensorType | None = None,
    b: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """As Conv: #filter params × #filter positions × #filters; a bias adds one addition per output, requantising
    one multiplication and one addition. Zero points are folded into the products."""
    cost = conv_cost(x, w, b, out=out)
    return Cost(cost.macs, cost.work + requantization_work(out))


@shape_rule("MatMulInteger")
def matmul_integer_shape(
    a: TensorType,
    b: TensorType,
    a_zero_point: TensorType | None = None,
    b_zero_point: TensorType | None = None,
) -> TensorType:
    """a [*batch, M, K] × b [*batch, K, N] -> int32 [*batch, M, N]."""
    return TensorType(DType.INT32, matmul_result(a, b))


@cost_rule("MatMulInteger")
def matmul_integer_cost(
    a: TensorType,
    b: TensorType,
    a_zero_point: TensorType | None = None,
    b_zero_point: TensorType | None = None,
) -> Cost:
    """As MatMul: ∏batch × M × N × K. Zero points are folded into the products."""
    return matmul_cost(a, b)


@shape_rule("QLinearMatMul")
def qlinear_matmul_shape(
    a: TensorType,
    a_scale: TensorType,
    a_zero_point: TensorType | None,
    b: TensorType,
    b_scale: TensorType,
    b_zero_point: TensorType | None,
    y_scale: TensorType,
    y_zero_point: TensorType | None = None,
) -> TensorType:
    """a [*batch, M, K] × b [*batch, K, N] -> [*batch, M, N] in the type of y's zero point."""
    return TensorType(a.dtype if y_zero_point is None else y_zero_point.dtype, matmul_result(a, b))


@cost_rule("QLinearMatMul")
def qlinear_matmul_cost(
    a: TensorType,
    a_scale: TensorType,
    a_zero_point: TensorType | None,
    b: TensorType,
    b_scale: TensorType,
    b_zero_point: TensorType | None,
    y_scale: TensorType,
    y_zero_point: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """As MatMul: ∏batch × M × N × K; requantising is one multiplication and one addition per output."""
    return Cost(matmul_cost(a, b).macs, requantization_work(out))
