"""To and from integers: QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear."""

from __future__ import annotations

from costcalc.core.traits import traits
from costcalc.formula import Cost, Work, per
from costcalc.ir import DTYPE_OF_CODE, DType, TensorType
from costcalc.registry import cost_rule, describe, operands, shape_rule

operands("QuantizeLinear", "DequantizeLinear", weights=(0,), buffers=(1, 2))
traits("QuantizeLinear", fusion="joins", keeps="nothing")
traits("DequantizeLinear", passes_on="dequantised", keeps="nothing")
traits("QuantizeLinear", "DynamicQuantizeLinear", straight_through=True)
describe("Each element is divided by the scale, rounded, and moved by the zero point.", "QuantizeLinear")
describe("Each element less the zero point is multiplied with the scale.", "DequantizeLinear")
describe("The scale and the zero point are taken from the input's own smallest and largest element.",
         "DynamicQuantizeLinear")  # fmt: skip


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
    work = per("divide", "quantization", out.elements)
    return Cost(work=work + per("add", "quantization", out.elements, 1 if y_zero_point is not None else 0))


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
    work = per("add", "quantization", out.elements, 1 if x_zero_point is not None else 0)
    return Cost(work=work + per("multiply", "quantization", out.elements))


@shape_rule("DynamicQuantizeLinear")
def dynamic_quantize_shape(x: TensorType) -> tuple[TensorType, ...]:
    """x -> the same shape in uint8, a scale, a zero point."""
    return TensorType(DType.UINT8, x.shape), TensorType(DType.FLOAT32, ()), TensorType(DType.UINT8, ())


@cost_rule("DynamicQuantizeLinear")
def dynamic_quantize_cost(x: TensorType) -> Cost:
    """Per element 2 comparisons (minimum, maximum), 1 division, 1 addition. The one scale and zero point count
    nothing."""
    return Cost(work=dynamic_quantization(x))


def dynamic_quantization(x: TensorType) -> tuple[Work, ...]:
    """What turning x into integers with its own scale takes; the fused forms share it."""
    n = x.elements
    return per("compare", "quantization", n, 2) + per("divide", "quantization", n) + per("add", "quantization", n)


def requantization(out: TensorType) -> tuple[Work, ...]:
    """An integer sum becomes a quantised output: 1 multiplication with the combined scale, 1 addition of the zero
    point per element."""
    return per("multiply", "quantization", out.elements) + per("add", "quantization", out.elements)
