"""Pools of com.microsoft, channels last and quantised, and its GridSample."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import TensorType
from costcalc.core.registry import MS, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common.channels import from_channels_first, to_channels_first
from costcalc.ops.common.window_reads import pool_reads
from costcalc.ops.pool import average_pool_cost, global_average_cost, max_pool_cost, max_pool_shape, pool_shape
from costcalc.ops.vision import grid_sample_cost, grid_sample_least_work, grid_sample_shape

operands("QLinearAveragePool", "QLinearGlobalAveragePool", domain=MS, buffers=(1, 2, 3, 4))

traits("NhwcMaxPool", domain=MS, kind="pool", layout="channels_last")

traits("QLinearAveragePool", domain=MS, kind="pool", straight_through=True)

traits("QLinearGlobalAveragePool", domain=MS, kind="global_pool", straight_through=True)

describe("Each output is interpolated from the input around the position that the grid names.", "GridSample", domain=MS)

describe("Each output is the largest input under the window, channels last.", "NhwcMaxPool", domain=MS)

describe("Each output is the mean of the quantised inputs under the window.", "QLinearAveragePool", domain=MS)

describe("Each output is the mean of a quantised channel.", "QLinearGlobalAveragePool", domain=MS)


@least_work_rule("NhwcMaxPool", domain=MS)
def nhwc_pool_least_work(use: OperatorUse) -> LeastWork:
    """As MaxPool."""
    return pool_reads(use, channels_last=1)


@least_work_rule("QLinearAveragePool", domain=MS)
def qlinear_pool_least_work(use: OperatorUse) -> LeastWork:
    """As AveragePool."""
    return pool_reads(use, use.attributes.get("channels_last", 0))


@shape_rule("NhwcMaxPool", domain=MS)
def nhwc_max_pool_shape(
    x: TensorType,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
) -> TensorType:
    """x [N, *in, C] -> [N, *out, C]."""
    pooled = max_pool_shape(
        to_channels_first(x),
        kernel_shape=kernel_shape,
        strides=strides,
        pads=pads,
        dilations=dilations,
        auto_pad=auto_pad,
        ceil_mode=ceil_mode,
    )
    y = pooled if isinstance(pooled, TensorType) else pooled[0]
    assert y.shape is not None
    return TensorType(x.dtype, from_channels_first(y.shape))


@cost_rule("NhwcMaxPool", domain=MS)
def nhwc_max_pool_cost(
    x: TensorType,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    out: TensorType,
) -> Cost:
    """As MaxPool: ∏kernel − 1 comparisons per output."""
    return max_pool_cost(
        to_channels_first(x),
        kernel_shape=kernel_shape,
        strides=strides,
        pads=pads,
        dilations=dilations,
        auto_pad=auto_pad,
        ceil_mode=ceil_mode,
        out=to_channels_first(out),
    )


@shape_rule("QLinearAveragePool", domain=MS)
def qlinear_average_pool_shape(
    x: TensorType,
    x_scale: TensorType,
    x_zero_point: TensorType | None,
    y_scale: TensorType,
    y_zero_point: TensorType | None = None,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    channels_last: int = 0,
) -> TensorType:
    """x [N, C, *in] -> [N, C, *out], or channels last."""
    y = pool_shape(
        to_channels_first(x, channels_last),
        kernel_shape=kernel_shape,
        strides=strides,
        pads=pads,
        auto_pad=auto_pad,
        ceil_mode=ceil_mode,
    )
    assert isinstance(y, TensorType) and y.shape is not None
    return TensorType(x.dtype, from_channels_first(y.shape, channels_last))


@cost_rule("QLinearAveragePool", domain=MS)
def qlinear_average_pool_cost(
    x: TensorType,
    x_scale: TensorType,
    x_zero_point: TensorType | None,
    y_scale: TensorType,
    y_zero_point: TensorType | None = None,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    channels_last: int = 0,
    out: TensorType,
) -> Cost:
    """As AveragePool: ∏kernel - 1 additions and one division per output; per input one subtraction of the zero point,
    per output one multiplication with the scales and one addition of the zero point."""
    cost = average_pool_cost(
        to_channels_first(x, channels_last),
        kernel_shape=kernel_shape,
        strides=strides,
        pads=pads,
        auto_pad=auto_pad,
        ceil_mode=ceil_mode,
        out=to_channels_first(out, channels_last),
    )
    return _with_requantization(x, cost, out)


def _with_requantization(x: TensorType, cost: Cost, out: TensorType) -> Cost:
    work: tuple[Work, ...] = elementwise_work("add", "quantization", x.elements, 1, "#inputs")
    work += elementwise_work("multiply", "quantization", out.elements) + elementwise_work(
        "add", "quantization", out.elements
    )
    return Cost(cost.macs, cost.work + work)


@shape_rule("QLinearGlobalAveragePool", domain=MS)
def qlinear_global_average_shape(
    x: TensorType,
    x_scale: TensorType,
    x_zero_point: TensorType | None,
    y_scale: TensorType,
    y_zero_point: TensorType | None = None,
    *,
    channels_last: int = 0,
) -> TensorType:
    """x [N, C, *in] -> [N, C, 1, …], or channels last."""
    n, c, *spatial = to_channels_first(x, channels_last).shape or ()
    return TensorType(x.dtype, from_channels_first((n, c, *(1 for _ in spatial)), channels_last))


@cost_rule("QLinearGlobalAveragePool", domain=MS)
def qlinear_global_average_cost(
    x: TensorType,
    x_scale: TensorType,
    x_zero_point: TensorType | None,
    y_scale: TensorType,
    y_zero_point: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """As GlobalAveragePool: #inputs - #outputs additions and one division per output; per input one subtraction of the
    zero point, per output one multiplication with the scales and one addition of the zero point."""
    return _with_requantization(x, global_average_cost(x, out=out), out)


shape_rule("GridSample", domain=MS)(grid_sample_shape)

cost_rule("GridSample", domain=MS)(grid_sample_cost)

least_work_rule("GridSample", domain=MS)(grid_sample_least_work)
