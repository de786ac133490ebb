"""com.microsoft's joins, selections and reductions of quantised tensors."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.traits import traits
from costcalc.formula import Cost, per
from costcalc.ir import TensorType
from costcalc.ops.broadcast import broadcast_types
from costcalc.ops.movement import concat_shape
from costcalc.ops.ms_matmul import MS
from costcalc.ops.ms_quant import quantised_work
from costcalc.ops.reduce import combining, reduced_axes, without
from costcalc.registry import cost_rule, describe, operands, shape_rule

operands("QLinearReduceMean", domain=MS, buffers=(1, 2, 3, 4))
operands("QLinearWhere", domain=MS, weights=(1, 4), buffers=(2, 3, 5, 6, 7, 8))
traits("QLinearReduceMean", "QLinearWhere", "QLinearConcat", domain=MS, straight_through=True)
describe("The operator of the same name on quantised tensors.", "QLinearReduceMean", "QLinearWhere", "QLinearConcat",
         domain=MS)  # fmt: skip


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
    return TensorType(x.dtype, without(x.shape, reduced_axes(x, None, axes, 0) or (), keepdims))


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
    work = combining("add", "reduction", x, out).work + per("divide", "reduction", out.elements)
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
    return Cost(work=per("compare", "elementwise", out.elements) + quantised_work((x, y), out))


@shape_rule("QLinearConcat", domain=MS)
def qlinear_concat_shape(y_scale: TensorType, y_zero_point: TensorType, *inputs: TensorType, axis: int) -> TensorType:
    """Every third of the inputs is a tensor (its scale and zero point follow): the extents add up along the axis."""
    found = concat_shape(*inputs[::3], axis=axis)
    assert isinstance(found, TensorType)
    return TensorType(y_zero_point.dtype, found.shape)


@cost_rule("QLinearConcat", domain=MS)
def qlinear_concat_cost(
    y_scale: TensorType, y_zero_point: TensorType, *inputs: TensorType, axis: int, out: TensorType
) -> Cost:
    """Per input 1 subtraction and 1 multiplication to dequantise, per output 1 multiplication and 1 addition to
    requantise."""
    return Cost(work=quantised_work(inputs[::3], out))
