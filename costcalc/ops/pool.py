"""Pools: the maximum, the average or the norm under a sliding window, or over all positions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from costcalc.core.dim import Dim, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import cost_rule, describe, free, shape_rule
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common.window import axis_attribute, covered_elements, explicit_pads, output_shape
from costcalc.ops.common.window_reads import pool_reads
from costcalc.ops.reduce import combination_work

traits("MaxPool", "AveragePool", "LpPool", kind="pool")

traits("GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool", kind="global_pool")

traits("MaxPool", "GlobalMaxPool", keeps="maxima")

traits("AveragePool", "GlobalAveragePool", keeps="nothing")
traits("GlobalAveragePool", counterpart="AveragePool")  # over the whole image
traits("GlobalMaxPool", counterpart="MaxPool")

describe("Takes the greatest input under each position of a sliding window, channel by channel.", "MaxPool")

describe("Averages the inputs under each position of a sliding window, channel by channel.", "AveragePool")

describe("Takes the p-norm of the inputs under each position of a sliding window, channel by channel.", "LpPool")

describe("Takes the greatest value of each channel.", "GlobalMaxPool")

describe("Averages each channel.", "GlobalAveragePool")

describe("Takes the p-norm of each channel.", "GlobalLpPool")

describe("Puts each value back where a max pool found it, zeros elsewhere.", "MaxUnpool")


@least_work_rule("MaxPool", "AveragePool", "LpPool")
def pool_least_work(use: OperatorUse) -> LeastWork:
    """Positions of the input that no window covers."""
    return pool_reads(use)


def _pool_extents(
    x: TensorType,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None,
    pads: Sequence[int] | None,
    dilations: Sequence[int] | None,
    auto_pad: str,
    ceil_mode: int,
) -> tuple[Dim, ...]:
    n, c, *spatial = _check_channels(x)
    if len(kernel_shape) != len(spatial):
        raise ShapeError(
            f"kernel_shape has {len(kernel_shape)} numbers for {len(spatial)} spatial axes", f"give {len(spatial)}"
        )
    if min(kernel_shape) < 1:
        raise ShapeError(f"kernel_shape is {list(kernel_shape)}", "a kernel's extents are positive")
    return (n, c, *output_shape(spatial, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode))


def _check_channels(x: TensorType) -> tuple[Dim, ...]:
    assert x.shape is not None
    if len(x.shape) < 3:
        raise ShapeError(f"a pool's input has rank {len(x.shape)}", "give it [N, C, spatial…]")
    return x.shape


@shape_rule("MaxPool")
def max_pool_shape(
    x: TensorType,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
) -> tuple[TensorType, ...]:
    """x [N, C, *in] -> [N, C, *out], and the places of the greatest inputs (int64)."""
    extents = _pool_extents(x, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode)
    return TensorType(x.dtype, extents), TensorType(DType.INT64, extents)


@cost_rule("MaxPool")
def max_pool_cost(
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
    """∏kernel − 1 comparisons per output. Windows that reach into the padding count in full; what reaches beyond it,
    with ceil_mode, is no element of a window."""
    elements = _window_elements(x, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode, out)
    return Cost(work=_combination_work("compare", elements, kernel_shape, out))


def _window_elements(
    x: TensorType,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None,
    pads: Sequence[int] | None,
    dilations: Sequence[int] | None,
    auto_pad: str,
    ceil_mode: int,
    out: TensorType,
) -> Dim | None:
    """The elements of all windows, N · C · those along each axis; None where each window has ∏kernel."""
    if not ceil_mode or auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        return None
    assert x.shape is not None and out.shape is not None
    n, c, *spatial = x.shape
    rank = len(spatial)
    stride, dilation = axis_attribute(strides, rank, "strides"), axis_attribute(dilations, rank, "dilations")
    pad = explicit_pads(pads, auto_pad, rank)
    along_axes = [
        covered_elements(spatial[i], kernel_shape[i], stride[i], pad[i], pad[rank + i], dilation[i], out.shape[2 + i])
        for i in range(rank)
    ]
    elements = n * c * prod(along_axes)
    return None if elements == out.elements * prod(kernel_shape) else elements


def _element_work(kind: str, elements: Dim | None, kernel_shape: Sequence[int], out: TensorType) -> tuple[Work, ...]:
    """One operation per element of a window."""
    if elements is None:
        return elementwise_work(kind, "pooling", out.elements, math.prod(kernel_shape), "#outputs")
    return elementwise_work(kind, "pooling", elements, 1, "#window elements")


def _combination_work(
    kind: str, elements: Dim | None, kernel_shape: Sequence[int], out: TensorType
) -> tuple[Work, ...]:
    """One operation less per window than it has elements."""
    if elements is None:
        return elementwise_work(kind, "pooling", out.elements, math.prod(kernel_shape) - 1, "#outputs")
    combined = elements - out.elements
    return elementwise_work(kind, "pooling", combined, 1, "(#window elements − #outputs)") if combined != 0 else ()


@shape_rule("AveragePool", "LpPool")
def pool_shape(
    x: TensorType,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
) -> TensorType:
    """x [N, C, *in] -> [N, C, *out]."""
    return TensorType(x.dtype, _pool_extents(x, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode))


@cost_rule("AveragePool")
def average_pool_cost(
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
    """∏kernel − 1 additions and one division per output. Windows that reach into the padding count in full; what
    reaches beyond it, with ceil_mode, is no element of a window."""
    elements = _window_elements(x, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode, out)
    additions = _combination_work("add", elements, kernel_shape, out)
    return Cost(work=additions + elementwise_work("divide", "pooling", out.elements, 1, "#outputs"))


@cost_rule("LpPool")
def lp_pool_cost(
    x: TensorType,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    p: int = 2,
    out: TensorType,
) -> Cost:
    """Per output ∏kernel powers (magnitudes with p = 1, squares with 2), ∏kernel − 1 additions, and a root unless
    p = 1. Windows that reach into the padding count in full; what reaches beyond it, with ceil_mode, is no element of a
    window."""
    elements = _window_elements(x, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode, out)
    powers = _element_work(power_kind(p), elements, kernel_shape, out)
    return Cost(work=powers + _combination_work("add", elements, kernel_shape, out) + _root_work(p, out))


def power_kind(p: float) -> str:
    """The kind of operation that |x|ᵖ counts as."""
    return {1: "compare", 2: "multiply"}.get(int(p), "transcendental")


def _root_work(p: float, out: TensorType) -> tuple[Work, ...]:
    return elementwise_work("transcendental", "pooling", out.elements, int(p != 1), "#outputs")


@shape_rule("GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool")
def global_pool_shape(x: TensorType) -> TensorType:
    """x [N, C, *in] -> [N, C, 1, …]."""
    n, c, *spatial = _check_channels(x)
    return TensorType(x.dtype, (n, c, *(1,) * len(spatial)))


@cost_rule("GlobalMaxPool")
def global_max_cost(x: TensorType, *, out: TensorType) -> Cost:
    """∏in − 1 comparisons per output, #inputs − #outputs in all."""
    return combination_work("compare", "pooling", x, out)


@cost_rule("GlobalAveragePool")
def global_average_cost(x: TensorType, *, out: TensorType) -> Cost:
    """∏in − 1 additions per output, #inputs − #outputs in all, and one division per output."""
    return Cost(
        work=combination_work("add", "pooling", x, out).work
        + elementwise_work("divide", "pooling", out.elements, 1, "#outputs")
    )


@cost_rule("GlobalLpPool")
def global_lp_cost(x: TensorType, *, p: int = 2, out: TensorType) -> Cost:
    """One power per input (a magnitude with p = 1, a square with 2), ∏in − 1 additions per output, #inputs − #outputs
    in all, and a root per output unless p = 1."""
    powers = elementwise_work(power_kind(p), "pooling", x.elements, 1, "#inputs")
    return Cost(work=powers + combination_work("add", "pooling", x, out).work + _root_work(p, out))


@shape_rule("MaxUnpool")
def max_unpool_shape(
    x: TensorType,
    indices: TensorType,
    output_shape: TensorType | None = None,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    fresh: Callable[[str], Dim],
) -> TensorType:
    """x [N, C, *in] -> output_shape where the node has it, else [N, C, stride · (in − 1) + kernel − pads]."""
    n, c, *spatial = _check_channels(x)
    rank = len(spatial)
    if output_shape is not None:
        if output_shape.value is not None:
            return TensorType(x.dtype, output_shape.value)
        return TensorType(x.dtype, (n, c, *(fresh(f"out{i}") for i in range(rank))))
    kernel, stride = axis_attribute(kernel_shape, rank, "kernel_shape"), axis_attribute(strides, rank, "strides")
    pad = tuple(pads or (0,) * (2 * rank))
    extents = [(spatial[i] - 1) * stride[i] + kernel[i] - (pad[i] + pad[rank + i]) for i in range(rank)]
    return TensorType(x.dtype, (n, c, *extents))


free("MaxUnpool")
