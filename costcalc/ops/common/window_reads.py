"""Windows that slide over an input -> what they read at least: the positions that some window covers, and the taps that
cover a position at all. Strides beyond the kernel, a rest at the end and wide dilations leave positions out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from costcalc.core.dim import Dim, prod
from costcalc.core.ir import TensorType
from costcalc.core.traits import Attributes, LeastWork, OperatorUse
from costcalc.ops.common.channels import to_channels_first
from costcalc.ops.common.window import axis_attribute, explicit_pads, output_shape, same_pads, transposed_extents

MAX_TAPS = 4096
"""Taps along an axis that are looked at; of a larger dilated kernel the first ones, which read less."""


class WindowReads(NamedTuple):
    """The positions that windows cover, and the taps that cover one, along an axis or as products over all axes."""

    positions: Dim
    taps: Dim


def axis_reads(extent: int, kernel: int, stride: int, begin: int, dilation: int, windows: int) -> WindowReads:
    """An axis, a window on it and the number of windows -> what they read. Tap j of window o stands at
    o · stride + j · dilation - begin; taps of the same rest by the stride cover a range of its multiples together."""
    ranges: dict[int, list[tuple[int, int]]] = {}
    taps = tap_windows(extent, kernel, stride, begin, dilation, windows)
    if dilation == 1 and kernel >= stride:
        return WindowReads(max(0, min(extent, (windows - 1) * stride + kernel - begin) - max(0, -begin)), len(taps))
    for offset, first, last in taps:
        ranges.setdefault(offset % stride, []).append((offset // stride + first, offset // stride + last))
    return WindowReads(sum(map(_count_union, ranges.values())), len(taps))


def tap_windows(
    extent: int, kernel: int, stride: int, begin: int, dilation: int, windows: int
) -> list[tuple[int, int, int]]:
    """An axis, as of axis_reads -> (offset, first, last) of each tap that stands on the axis in some window: where it
    stands in window 0, and the first and the last of those windows."""
    taps = []
    for tap in range(min(kernel, MAX_TAPS)):
        offset = tap * dilation - begin
        first, last = max(0, -(offset // stride)), min(windows - 1, (extent - 1 - offset) // stride)
        if first <= last:
            taps.append((offset, first, last))
    return taps


def _count_union(ranges: Sequence[tuple[int, int]]) -> int:
    """Ranges of whole numbers, (first, last) -> how many numbers are in one of them."""
    count, end = 0, -1
    for first, last in sorted(ranges):
        count, end = count + max(0, last - max(first - 1, end)), max(end, last)
    return count


def window_reads(x: TensorType, kernel: Sequence[Dim], use: OperatorUse) -> WindowReads | None:
    """Input [N, C, *in], kernel and the attributes of a node -> its products over the axes; None where an extent is no
    number."""
    assert x.shape is not None
    spatial, attributes = x.shape[2:], use.attributes
    extents, kernels = [n for n in spatial if isinstance(n, int)], [k for k in kernel if isinstance(k, int)]
    rank = len(spatial)
    if len(extents) != rank or len(kernels) != rank:
        return None
    stride = axis_attribute(attributes.get("strides"), rank, "strides")
    dilation = axis_attribute(attributes.get("dilations"), rank, "dilations")
    auto_pad, ceil = attributes.get("auto_pad", "NOTSET"), attributes.get("ceil_mode", 0)
    windows = output_shape(extents, kernels, stride, attributes.get("pads"), dilation, auto_pad, ceil)
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        is_lower = auto_pad == "SAME_LOWER"
        begins = [same_pads(extents[i], kernels[i], stride[i], dilation[i], is_lower)[0] for i in range(rank)]
    else:
        begins = list(explicit_pads(attributes.get("pads"), auto_pad, rank))
    along_axes = [
        axis_reads(extents[i], kernels[i], stride[i], int(begins[i]), dilation[i], int(windows[i])) for i in range(rank)
    ]
    return WindowReads(prod([a.positions for a in along_axes]), prod([a.taps for a in along_axes]))


def convolution_reads(use: OperatorUse, x: TensorType | None, w: TensorType | None, weight: int = 1) -> LeastWork:
    """A convolution of x [N, C_in, *in] with w [C_out, C_in/group, *kernel], the input at position `weight` -> its
    MACs, and what it reads of both."""
    assert x is not None and w is not None and x.shape is not None and w.shape is not None
    reads = window_reads(x, w.shape[2:], use)
    if reads is None:
        return LeastWork(use.macs.value)
    elements = {0: prod(x.shape[:2]) * reads.positions, weight: prod(w.shape[:2]) * reads.taps}
    return LeastWork(use.macs.value, elements)


def pool_reads(use: OperatorUse, channels_last: int = 0) -> LeastWork:
    """A pool -> what it reads of its first input."""
    x = use.input(0)
    assert x is not None
    x = to_channels_first(x, channels_last)
    assert x.shape is not None
    reads = window_reads(x, use.attributes["kernel_shape"], use)
    return LeastWork(0, {} if reads is None else {0: prod(x.shape[:2]) * reads.positions})


def transposed_convolution_reads(use: OperatorUse, x: TensorType, w: TensorType) -> LeastWork:
    """A transposed convolution of x [N, C_in, *in] with w [C_in, C_out/group, *kernel] -> its MACs, and what it reads
    of both: input position i meets tap j at output i · stride + j · dilation - begin, which may be cut off."""
    assert x.shape is not None and w.shape is not None
    inside = [n for n in x.shape[2:] if isinstance(n, int)]
    kernel = [k for k in w.shape[2:] if isinstance(k, int)]
    rank = x.rank - 2
    if len(inside) != rank or len(kernel) != rank:
        return LeastWork(use.macs.value)
    stride = axis_attribute(use.attributes.get("strides"), rank, "strides")
    dilation = axis_attribute(use.attributes.get("dilations"), rank, "dilations")
    positions, taps = prod(x.shape[:2]), prod(w.shape[:2])
    for i, (begin, extent) in enumerate(transposed_extents(inside, kernel, use.attributes)):
        ranges = tap_windows(int(extent), kernel[i], stride[i], int(begin), dilation[i], inside[i])
        positions *= _count_union([(first, last) for _, first, last in ranges])
        taps *= len(ranges)
    return LeastWork(use.macs.value, {0: positions, 1: taps})


def count_column_elements(image: Sequence[int], block: Sequence[int], attributes: Attributes) -> int:
    """Image, block and the attributes of a Col2Im -> elements of one channel's columns that stand in the image, not in
    its padding."""
    rank = len(image)
    stride = axis_attribute(attributes.get("strides"), rank, "strides")
    dilation = axis_attribute(attributes.get("dilations"), rank, "dilations")
    begins = explicit_pads(attributes.get("pads"), "NOTSET", rank)
    windows = output_shape(image, block, stride, attributes.get("pads"), dilation, "NOTSET")
    count = 1
    for i in range(rank):
        taps = tap_windows(image[i], block[i], stride[i], int(begins[i]), dilation[i], int(windows[i]))
        count *= sum(last - first + 1 for _, first, last in taps)
    return count
