"""Convolutions of com.microsoft: fused with an activation and an addition, channels last, quantised."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import TensorType
from costcalc.core.registry import MS, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import PRODUCT_GRADIENT, LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common.channels import from_channels_first, to_channels_first
from costcalc.ops.common.window_reads import convolution_reads
from costcalc.ops.contrib.matmul import fused_activation
from costcalc.ops.conv import conv_cost, conv_extents, conv_least_work
from costcalc.ops.quantize import qlinear_conv_cost

operands("FusedConv", "NhwcFusedConv", "NhwcConv", domain=MS, weights=(1, 2))

operands("QLinearConv", domain=MS, weights=(3, 8), buffers=(1, 2, 4, 5, 6, 7))

traits("FusedConv", "NhwcConv", "NhwcFusedConv", domain=MS, kind="convolution", bias=2, gradient=PRODUCT_GRADIENT)

traits("NhwcConv", "NhwcFusedConv", domain=MS, layout="channels_last")

traits("FusedConv", "NhwcFusedConv", domain=MS, keeps="output")

traits("QLinearConv", domain=MS, kind="convolution", factors=(0, 3), bias=8, straight_through=True)

describe("A convolution with the addition and the activation that follow it.", "FusedConv", "NhwcFusedConv", domain=MS)

describe("A convolution of channels-last tensors.", "NhwcConv", domain=MS)

describe("A convolution of integers.", "QLinearConv", domain=MS)


least_work_rule("FusedConv", domain=MS)(conv_least_work)


@least_work_rule("NhwcConv", "NhwcFusedConv", domain=MS)
def nhwc_conv_least_work(use: OperatorUse) -> LeastWork:
    """As Conv."""
    x = use.input(0)
    return convolution_reads(use, x and to_channels_first(x), use.input(1))


@least_work_rule("QLinearConv", domain=MS)
def contrib_qlinear_conv_least_work(use: OperatorUse) -> LeastWork:
    """As Conv."""
    x = use.input(0)
    return convolution_reads(use, x and to_channels_first(x, use.attributes.get("channels_last", 0)), use.input(3), 3)


@shape_rule("FusedConv", domain=MS)
def fused_conv_shape(
    x: TensorType,
    w: TensorType,
    b: TensorType | None = None,
    z: TensorType | None = None,
    *,
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> TensorType:
    """x [N, C_in, *in], w [C_out, C_in/group, *kernel] -> [N, C_out, *out]."""
    return TensorType(x.dtype, conv_extents(x, w, b, strides, pads, dilations, group, auto_pad))


@cost_rule("FusedConv", domain=MS)
def fused_conv_cost(
    x: TensorType,
    w: TensorType,
    b: TensorType | None = None,
    z: TensorType | None = None,
    *,
    activation: str = "",
    out: TensorType,
) -> Cost:
    """As Conv: #filter params × #filter positions × #filters; per output one addition with a bias, one with Z, one
    operation for the activation."""
    return _fused_cost(x, w, b, z, activation, out)


def _fused_cost(
    x: TensorType, w: TensorType, b: TensorType | None, z: TensorType | None, activation: str, out: TensorType
) -> Cost:
    cost = conv_cost(x, w, b, out=out)
    work = elementwise_work("add", "elementwise", out.elements, int(z is not None)) + fused_activation(activation, out)
    return Cost(cost.macs, cost.work + work)


@shape_rule("NhwcFusedConv", "NhwcConv", domain=MS)
def nhwc_conv_shape(
    x: TensorType,
    w: TensorType,
    b: TensorType | None = None,
    z: TensorType | None = None,
    *,
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> TensorType:
    """x [N, *in, C_in], w [C_out, C_in/group, *kernel] -> [N, *out, C_out]."""
    return TensorType(
        x.dtype,
        from_channels_first(conv_extents(to_channels_first(x), w, b, strides, pads, dilations, group, auto_pad)),
    )


@cost_rule("NhwcFusedConv", "NhwcConv", domain=MS)
def nhwc_conv_cost(
    x: TensorType,
    w: TensorType,
    b: TensorType | None = None,
    z: TensorType | None = None,
    *,
    activation: str = "",
    out: TensorType,
) -> Cost:
    """As Conv: #filter params × #filter positions × #filters; per output one addition with a bias, one with Z, one
    operation for the activation."""
    return _fused_cost(to_channels_first(x), w, b, z, activation, to_channels_first(out))


@shape_rule("QLinearConv", domain=MS)
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
    channels_last: int = 0,
) -> TensorType:
    """As QLinearConv of the default domain, or with channels_last x [N, *in, C_in] -> [N, *out, C_out]."""
    extents = conv_extents(to_channels_first(x, channels_last), w, b, strides, pads, dilations, group, auto_pad)
    return TensorType(
        x.dtype if y_zero_point is None else y_zero_point.dtype, from_channels_first(extents, channels_last)
    )


@cost_rule("QLinearConv", domain=MS)
def ms_qlinear_conv_cost(
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
    channels_last: int = 0,
    out: TensorType,
) -> Cost:
    """As Conv: #filter params × #filter positions × #filters; a bias adds one addition per output, requantising
    one multiplication and one addition."""
    x, out = to_channels_first(x, channels_last), to_channels_first(out, channels_last)
    return qlinear_conv_cost(x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, b, out=out)
