"""Kernel, strides, pads and dilations -> output extents of convolutions and pools of any rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.core.assumptions import require_at_least
from costcalc.core.dim import Dim, maximum, minimum
from costcalc.core.errors import ShapeError


def axis_attribute(values: Sequence[int] | None, rank: int, name: str, default: int = 1) -> tuple[int, ...]:
    """An attribute with one number per spatial axis; its default where it is absent."""
    if not values:
        return (default,) * rank
    if len(values) != rank:
        raise ShapeError(f"{name} has {len(values)} numbers for {rank} spatial axes", f"give {rank} numbers")
    return tuple(values)


def check_strides(strides: Sequence[int], dilations: Sequence[int]) -> None:
    """ShapeError where a stride or a dilation is not positive."""
    if min(strides, default=1) < 1 or min(dilations, default=1) < 1:
        raise ShapeError("a stride or a dilation is below 1", "strides and dilations are positive")


def dilated_kernel(kernel: Dim, dilation: int) -> Dim:
    """The extent that a dilated kernel covers: dilation · (kernel - 1) + 1."""
    return (kernel - 1) * dilation + 1


def output_extent(
    extent: Dim, kernel: Dim, stride: int, begin: Dim, end: Dim, dilation: int, ceil: bool = False
) -> Dim:
    """⌊(extent + begin + end - reach) / stride⌋ + 1; with ceil ⌈…⌉ + 1, but no window starts behind the input
    and its leading pad (ONNX, MaxPool and AveragePool). With ceil a kernel may reach beyond its padded input, by less
    than a stride. ShapeError where there is no window."""
    reach = dilated_kernel(kernel, dilation)
    padded = extent + (begin + end)
    require_at_least(
        padded + (stride - 1) if ceil else padded,
        reach,
        f"the kernel reaches over {reach} but its padded input has only {padded}",
        "use a smaller kernel, a smaller dilation, or more padding",
    )
    free = padded - reach
    if not ceil:
        return free // stride + 1
    windows = (free + (stride - 1)) // stride + 1
    if _starts_inside(reach, stride, end):
        return windows
    return minimum(windows, (extent + begin - 1) // stride + 1)


def _starts_inside(reach: Dim, stride: int, end: Dim) -> bool:
    """Whether every window that rounding up adds starts in the input or its leading pad, whatever the extent."""
    return isinstance(end, int) and isinstance(reach, int) and end + stride <= reach


def covered_elements(extent: Dim, kernel: Dim, stride: int, begin: Dim, end: Dim, dilation: int, windows: Dim) -> Dim:
    """The elements of the padded input under all windows along an axis, an element once for each window: windows ·
    kernel without those of the last window that stand behind the padded input, ⌈((windows - 1) · stride + reach -
    padded) / dilation⌉ of them. Only where output extents are rounded up are there such."""
    reach = dilated_kernel(kernel, dilation)
    beyond = (windows - 1) * stride + reach - (extent + begin + end)
    if not _starts_inside(reach, stride, end):
        beyond = maximum(beyond, 0)
    return windows * kernel - (beyond + (dilation - 1)) // dilation


def same_extent(extent: Dim, stride: int) -> Dim:
    """⌈extent / stride⌉, what auto_pad SAME_UPPER and SAME_LOWER give."""
    return (extent + (stride - 1)) // stride


def same_pads(extent: Dim, kernel: Dim, stride: int, dilation: int, lower: bool) -> tuple[Dim, Dim]:
    """(begin, end) of auto_pad SAME: the odd one stands at the end (UPPER) or at the beginning (LOWER)."""
    total = maximum((same_extent(extent, stride) - 1) * stride + dilated_kernel(kernel, dilation) - extent, 0)
    half = total // 2
    return (total - half, half) if lower else (half, total - half)


def output_shape(
    spatial: Sequence[Dim],
    kernel: Sequence[Dim],
    strides: Sequence[int] | None,
    pads: Sequence[int] | None,
    dilations: Sequence[int] | None,
    auto_pad: str,
    ceil_mode: int = 0,
) -> tuple[Dim, ...]:
    """The spatial output extents of a convolution or pool, ONNX's attributes as they are (strings may be bytes)."""
    rank = len(spatial)
    stride = axis_attribute(strides, rank, "strides")
    dilation = axis_attribute(dilations, rank, "dilations")
    check_strides(stride, dilation)
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        return tuple(same_extent(x, s) for x, s in zip(spatial, stride, strict=True))
    pad = explicit_pads(pads, auto_pad, rank)
    ceil = bool(ceil_mode)
    return tuple(
        [output_extent(spatial[i], kernel[i], stride[i], pad[i], pad[rank + i], dilation[i], ceil) for i in range(rank)]
    )


def explicit_pads(pads: Sequence[int] | None, auto_pad: str, rank: int) -> tuple[int, ...]:
    """The pads of a node whose auto_pad is not SAME, all begins first. ShapeError for another word or count of them."""
    if auto_pad not in ("NOTSET", "VALID", ""):
        raise ShapeError(f"auto_pad is {auto_pad!r}", "use NOTSET, SAME_UPPER, SAME_LOWER or VALID")
    pad = (0,) * (2 * rank) if auto_pad == "VALID" or not pads else tuple(pads)
    if len(pad) != 2 * rank:
        raise ShapeError(f"pads has {len(pad)} numbers for {rank} spatial axes", f"give {2 * rank}, all begins first")
    return pad


def transposed_extents(
    spatial: Sequence[Dim], kernel: Sequence[Dim], attributes: Mapping[str, Any]
) -> tuple[tuple[Dim, Dim], ...]:
    """(begin, out) of each axis of a transposed convolution: how much is cut off before it, and its output extent. Of
    what SAME or an output_shape cuts off, the odd one stands at the beginning, with SAME_UPPER at the end (ONNX,
    ConvTranspose)."""
    rank = len(spatial)
    stride = axis_attribute(attributes.get("strides"), rank, "strides")
    dilation = axis_attribute(attributes.get("dilations"), rank, "dilations")
    check_strides(stride, dilation)
    extra = axis_attribute(attributes.get("output_padding"), rank, "output_padding", 0)
    auto_pad, shape = attributes.get("auto_pad", "NOTSET"), attributes.get("output_shape")
    is_same = auto_pad in ("SAME_UPPER", "SAME_LOWER")
    pads = (0,) * (2 * rank) if is_same or shape else explicit_pads(attributes.get("pads"), auto_pad, rank)
    extents = list[tuple[Dim, Dim]]()
    for i in range(rank):
        full = (spatial[i] - 1) * stride[i] + dilated_kernel(kernel[i], dilation[i]) + extra[i]
        if not is_same and not shape:
            extents.append((pads[i], full - pads[i] - pads[rank + i]))
            continue
        out = shape[i - rank] if shape else spatial[i] * stride[i]
        cut = maximum(full - out, 0)
        extents.append((cut // 2 if auto_pad == "SAME_UPPER" else cut - cut // 2, out))
    return tuple(extents)
