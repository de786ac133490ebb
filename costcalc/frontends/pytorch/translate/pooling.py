"""Pools over windows, adaptive pools, pools at random places, and max unpooling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costcalc.core.dim import Dim
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.convolution import emit_batched, image_input, spatial_rank
from costcalc.frontends.pytorch.translate.operand import emit_own
from costcalc.ops.aten import ATEN
from costcalc.ops.common.window import dilated_kernel


def _window(call: CallSite, rank: int) -> dict[str, Any]:
    """The attributes of a window: its kernel, strides (those of the kernel by default), pads."""
    kernel = call.ints("kernel_size", length=rank)
    return {
        "kernel_shape": kernel,
        "strides": call.ints("stride", (), rank) or kernel,
        "pads": call.ints("padding", 0, rank) * 2,
        "ceil_mode": int(call.flag("ceil_mode")),
    }


@translates(
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_pool1d_with_indices",
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
    "mkldnn_max_pool2d",
    "mkldnn_max_pool3d",
    "quantized_max_pool1d",
    "quantized_max_pool2d",
)
def max_pool(call: CallSite) -> None:
    """The maximum of each window, and, where they are read, the places."""
    x, rank, outputs = image_input(call), spatial_rank(call), call.read_outputs()
    attributes = {**_window(call, rank), "dilations": call.ints("dilation", 1, rank)}
    declared = _is_for_some_extents(call, x, attributes)
    emit_batched(call, "MaxPool", (x,), attributes, rank, outputs=outputs, declared=declared)


@translates("avg_pool1d", "avg_pool2d", "avg_pool3d")
def average_pool(call: CallSite) -> None:
    """The mean of each window; its sum over a given divisor is no operator of ONNX, and costs the same."""
    x, rank = image_input(call), spatial_rank(call)
    attributes = {**_window(call, rank), "count_include_pad": int(call.flag("count_include_pad", True))}
    divisor = call.get("divisor_override")
    if divisor is not None:
        emit_batched(call, "avg_pool", (x,), {**attributes, "divisor": divisor}, rank, domain=ATEN)
    else:
        emit_batched(call, "AveragePool", (x,), attributes, rank, declared=_is_for_some_extents(call, x, attributes))


def _is_for_some_extents(call: CallSite, x: str, attributes: Mapping[str, Any]) -> bool:
    """Whether the output has the extents of ceil_mode for some open extents only: a last window that would start in the
    padding is left out, and torch.export decides by the extents that it sees whether there is one."""
    kernel, strides, pads = attributes["kernel_shape"], attributes["strides"], attributes["pads"]
    dilations = attributes.get("dilations", (1,) * len(kernel))
    extents, sizes = call.shape(x)[-len(kernel) :], call.out_shape()[-len(kernel) :]
    if not attributes["ceil_mode"] or all(isinstance(extent, int) for extent in extents):
        return False
    for i, (extent, size) in enumerate(call.pairs(extents, sizes, "an image and an output")):
        free = extent + 2 * pads[i] - dilated_kernel(kernel[i], dilations[i])
        left_out = (free + (strides[i] - 1)) // strides[i] + 1 - size
        if not (isinstance(left_out, int) and 0 <= left_out <= 1):
            return False
    return True


@translates(
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "_adaptive_avg_pool2d",
    "_adaptive_avg_pool3d",
    "mkldnn_adaptive_avg_pool2d",
)
def adaptive_average_pool(call: CallSite) -> None:
    """The mean of each of output_size windows that cover the image."""
    _adaptive_pool(call, "AveragePool", "adaptive_avg_pool")


@translates("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def adaptive_max_pool(call: CallSite) -> None:
    """The maximum of each of output_size windows that cover the image, and, where they are read, the places."""
    _adaptive_pool(call, "MaxPool", "adaptive_max_pool")


def _adaptive_pool(call: CallSite, pool: str, name: str) -> None:
    """A global pool where one window is asked for, a pool where the windows are equal and do not overlap, else an
    operator that ONNX does not have."""
    x, rank, outputs = image_input(call), spatial_rank(call), call.read_outputs()
    extents, sizes = call.shape(x)[-rank:], call.out_shape()[-rank:]
    if all(size == 1 for size in sizes) and len(outputs) == 1:
        emit_batched(call, f"Global{pool}", (x,), {}, rank)
        return
    kernel = tuple([_equal_windows(*pair) for pair in call.pairs(extents, sizes, "an image and an output")])
    if all(kernel):
        emit_batched(call, pool, (x,), {"kernel_shape": kernel, "strides": kernel}, rank, outputs=outputs)
    else:
        emit_batched(call, name, (x,), {"axes": rank}, rank, outputs=outputs, domain=ATEN)


def _equal_windows(extent: Dim, size: Dim) -> int:
    """The extent of each of `size` windows that cover an axis and do not overlap; 0 where there are none such, or it is
    not known."""
    if extent == size:
        return 1
    return extent // size if isinstance(extent, int) and isinstance(size, int) and size and not extent % size else 0


@translates("fractional_max_pool2d", "fractional_max_pool3d")
def fractional_max_pool(call: CallSite) -> None:
    """The maximum of each window; the windows stand at random places."""
    rank = spatial_rank(call)
    inputs = (call.tensor("self"), call.tensor("random_samples"))
    attributes = {"kernel_shape": call.ints("kernel_size", length=rank)}
    emit_batched(call, "fractional_max_pool", inputs, attributes, rank, outputs=call.read_outputs(), domain=ATEN)


@translates("max_unpool2d", "max_unpool3d")
def max_unpool(call: CallSite) -> None:
    """Each value at the place where a max pool found it. The kernel, which ONNX's operator needs, is not known."""
    inputs = (call.tensor("self"), call.tensor("indices"))
    emit_own(call, "max_unpool", *inputs)
