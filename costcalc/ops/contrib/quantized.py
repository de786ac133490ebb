"""Quantised operators of com.microsoft: elementwise, joins, selections and reductions."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import MS, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.attention import softmax_work
from costcalc.ops.common.axes import broadcast_types
from costcalc.ops.join_split import concat_shape
from costcalc.ops.quantize import dequantize_cost, dequantize_shape, quantize_cost, quantize_shape, requantization_work
from costcalc.ops.reduce import combination_work, reduced_axes, reduced_shape

operands("QuantizeLinear", "DequantizeLinear", domain=MS, weights=(0,), buffers=(1, 2))

operands("QLinearAdd", "QLinearMul", domain=MS, weights=(0, 3), buffers=(1, 2, 4, 5, 6, 7))

operands("QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", domain=MS, buffers=(1, 2, 3, 4))

operands("MulInteger", domain=MS, weights=(0, 2), buffers=(1, 3))

traits("QuantizeLinear", domain=MS, fusion="joins", keeps="nothing", straight_through=True)

traits("DequantizeLinear", domain=MS, passes_on="dequantised", keeps="nothing")

traits(
    "QLinearAdd",
    "QLinearMul",
    "QLinearSigmoid",
    "QLinearLeakyRelu",
    "QLinearSoftmax",
    "MulInteger",
    domain=MS,
    straight_through=True,
)

describe(
    "The operator of the same name on quantised tensors.",
    "QLinearAdd",
    "QLinearMul",
    "QLinearSigmoid",
    "QLinearLeakyRelu",
    "QLinearSoftmax",
    "MulInteger",
    domain=MS,
)

describe("Each element is divided by the scale, rounded, and moved by the zero point.", "QuantizeLinear", domain=MS)

describe("Each element less the zero point is multiplied with the scale.", "DequantizeLinear", domain=MS)

shape_rule("QuantizeLinear", domain=MS)(quantize_shape)

cost_rule("QuantizeLinear", domain=MS)(quantize_cost)

shape_rule("DequantizeLinear", domain=MS)(dequantize_shape)

cost_rule("DequantizeLinear", domain=MS)(dequantize_cost)


def quantised_work(inputs: Sequence[TensorType], out: TensorType) -> tuple[Work, ...]:
    """Per input 1 subtraction and 1 multiplication to dequantise, per output 1 multiplication and 1 addition to
    requantise."""
    work = requantization_work(out)
    for x in inputs:
        work += elementwise_work("add", "quantization", x.elements, 1, "#inputs")
        work += elementwise_work("multiply", "quantization", x.elements, 1, "#inputs")
    return work


@shape_rule("QLinearAdd", "QLinearMul", domain=MS)
def qlinear_binary_shape(
    a: TensorType,
    a_scale: TensorType,
    a_zero_point: TensorType | None,
    b: TensorType,
    b_scale: TensorType,
    b_zero_point: TensorType | None,
    c_scale: TensorType,
    c_zero_point: TensorType | None = None,
) -> TensorType:
    """a and b broadcast."""
    return TensorType(a.dtype, broadcast_types(a, b))


def _register_binary_cost(kind: str, op_type: str) -> None:
    @cost_rule(op_type, domain=MS)
    def qlinear_binary_cost(
        a: TensorType,
        a_scale: TensorType,
        a_zero_point: TensorType | None,
        b: TensorType,
        b_scale: TensorType,
        b_zero_point: TensorType | None,
        c_scale: TensorType,
        c_zero_point: TensorType | None = None,
        *,
        out: TensorType,
    ) -> Cost:
        """One operation per output; per input 1 subtraction and 1 multiplication to dequantise, per output 1
        multiplication and 1 addition to requantise."""
        return Cost(work=elementwise_work(kind, "elementwise", out.elements) + quantised_work((a, b), out))


_register_binary_cost("add", "QLinearAdd")

_register_binary_cost("multiply", "QLinearMul")


@shape_rule("QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", domain=MS)
def qlinear_unary_shape(
    x: TensorType,
    x_scale: TensorType,
    x_zero_point: TensorType | None,
    y_scale: TensorType,
    y_zero_point: TensorType | None = None,
) -> TensorType:
    """The input's shape and element type."""
    return TensorType(x.dtype, x.shape)


def _register_unary_cost(kind: str, op_type: str) -> None:
    @cost_rule(op_type, domain=MS)
    def qlinear_unary_cost(
        x: TensorType,
        x_scale: TensorType,
        x_zero_point: TensorType | None,
        y_scale: TensorType,
        y_zero_point: TensorType | None = None,
        *,
        out: TensorType,
    ) -> Cost:
        """One function per element (5 operations for the softmax); per input 1 subtraction and 1 multiplication to
        dequantise, per output 1 multiplication and 1 addition to requantise."""
        work = softmax_work(out.elements) if kind == "softmax" else elementwise_work(kind, "activation", out.elements)
        return Cost(work=work + quantised_work((x,), out))


_register_unary_cost("transcendental", "QLinearSigmoid")

_register_unary_cost("compare", "QLinearLeakyRelu")

_register_unary_cost("softmax", "QLinearSoftmax")


@shape_rule("MulInteger", domain=MS)
def mul_integer_shape(
    a: TensorType, a_zero_point: TensorType | None, b: TensorType, b_zero_point: TensorType | None = None
) -> TensorType:
    """a and b broadcast -> int32."""
    return TensorType(DType.INT32, broadcast_types(a, b))


@cost_rule("MulInteger", domain=MS)
def mul_integer_cost(
    a: TensorType,
    a_zero_point: TensorType | None,
    b: TensorType,
    b_zero_point: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """One multiplication per output, one subtraction per element that has a zero point."""
    work = elementwise_work("multiply", "elementwise", out.elements)
    for x, zero in ((a, a_zero_point), (b, b_zero_point)):
        work += elementwise_work("add", "quantization", x.elements, int(zero is not None), "#inputs")
    return Cost(work=work)


operands("QLinearReduceMean", domain=MS, buffers=(1, 2, 3, 4))

operands("QLinearWhere", domain=MS, weights=(1, 4), buffers=(2, 3, 5, 6, 7, 8))

traits("QLinearReduceMean", "QLinearWhere", "QLinearConcat", domain=MS, straight_through=True)

describe(
    "The operator of the same name on quantised tensors.",
    "QLinearReduceMean",
    "QLinearWhere",
    "QLinearConcat",
    domain=MS,
)


@shape_rule("QLinearReduceMean", domain=MS)
def qlinear_reduce_mean_shape(
    x: TensorType,
    x_scale: TensorType,
    x_zero_point: TensorType | None,
    y_scale: TensorType,
    y_zero_point: TensorType | None = None,
    *,
    axes: Sequence[int] | None = None,
    keepdims: int = 1,
) -> TensorType:
    """x without the reduced axes, or with extent 1 there."""
    assert x.shape is not None
    return TensorType(x.dtype, reduced_shape(x.shape, reduced_axes(x, None, axes, 0) or (), keepdims))


@cost_rule("QLinearReduceMean", domain=MS)
def qlinear_reduce_mean_cost(
    x: TensorType,
    x_scale: TensorType,
    x_zero_point: TensorType | None,
    y_scale: TensorType,
    y_zero_point: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """As ReduceMean, #inputs - #outputs additions and a division per output; per input 1 subtraction and 1
    multiplication to dequantise, per output 1 multiplication and 1 addition to requantise."""
    work = combination_work("add", "reduction", x, out).work + elementwise_work("divide", "reduction", out.elements)
    return Cost(work=work + quantised_work((x,), out))


@shape_rule("QLinearWhere", domain=MS)
def qlinear_where_shape(
    condition: TensorType,
    x: TensorType,
    x_scale: TensorType,
    x_zero_point: TensorType,
    y: TensorType,
    y_scale: TensorType,
    y_zero_point: TensorType,
    z_scale: TensorType,
    z_zero_point: TensorType,
) -> TensorType:
    """The condition, x and y broadcast."""
    return TensorType(x.dtype, broadcast_types(condition, x, y))


@cost_rule("QLinearWhere", domain=MS)
def qlinear_where_cost(
    condition: TensorType,
    x: TensorType,
    x_scale: TensorType,
    x_zero_point: TensorType,
    y: TensorType,
    y_scale: TensorType,
    y_zero_point: TensorType,
    z_scale: TensorType,
    z_zero_point: TensorType,
    *,
    out: TensorType,
) -> Cost:
    """One comparison per output; per input 1 subtraction and 1 multiplication to dequantise, per output 1
    multiplication and 1 addition to requantise."""
    return Cost(work=elementwise_work("compare", "elementwise", out.elements) + quantised_work((x, y), out))


@shape_rule("QLinearConcat", domain=MS)
def qlinear_concat_shape(y_scale: TensorType, y_zero_point: TensorType, *inputs: TensorType, axis: int) -> TensorType:
    """Every third of the inputs is a tensor (its scale and zero point follow): the extents add up along the axis."""
    joined = concat_shape(*inputs[::3], axis=axis)
    assert isinstance(joined, TensorType)
    return TensorType(y_zero_point.dtype, joined.shape)


@cost_rule("QLinearConcat", domain=MS)
def qlinear_concat_cost(
    y_scale: TensorType, y_zero_point: TensorType, *inputs: TensorType, axis: int, out: TensorType
) -> Cost:
    """Per input 1 subtraction and 1 multiplication to dequantise, per output 1 multiplication and 1 addition to
    requantise."""
    return Cost(work=quantised_work(inputs[::3], out))
