"""Short names of convolutions -> ONNX nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.frontends.yaml.layers.base import LayerKey, Site, layer
from costcalc.ops.common.window import same_pads

Extents = int | Sequence[int]

STRIDE = LayerKey("extents", 1, "step between two positions of the filter")

PAD = LayerKey("pad", 0, "rows and columns of zeros around the input")

DILATION = LayerKey("extents", 1, "distance between two filter elements")

BIAS = LayerKey("bool", True, "whether a bias is added")

WEIGHTS = LayerKey("layer", None, "a layer whose weights are shared")

FILTERS = LayerKey("extent", doc="output channels")

KERNEL = LayerKey("extents", doc="filter size")


def repeat_per_axis(value: Extents, rank: int, name: str) -> tuple[int, ...]:
    """One number for each spatial axis."""
    if isinstance(value, int):
        return (value,) * rank
    if len(value) != rank:
        raise ShapeError(f"{name} has {len(value)} numbers for {rank} spatial axes", f"give one number or {rank}")
    return tuple(value)


def window_attributes(
    rank: int, kernel: Extents, stride: Extents, pad: Any, dilation: Extents, spatial: Sequence[Dim] = ()
) -> dict[str, Any]:
    """kernel, stride, pad and dilation as ONNX's attributes. `same` padding of a dilated filter over known extents
    (`spatial`) is written in numbers: ONNX Runtime takes auto_pad without dilation only."""
    attributes: dict[str, Any] = {
        "kernel_shape": repeat_per_axis(kernel, rank, "kernel"),
        "strides": repeat_per_axis(stride, rank, "stride"),
    }
    if dilation != 1:
        attributes["dilations"] = repeat_per_axis(dilation, rank, "dilation")
    if pad in ("same", "same_lower") and dilation != 1 and spatial and all(isinstance(d, int) for d in spatial):
        axes = zip(spatial, *(attributes[k] for k in ("kernel_shape", "strides", "dilations")), strict=True)
        begins, ends = zip(*[same_pads(x, k, s, d, pad == "same_lower") for x, k, s, d in axes], strict=True)
        attributes["pads"] = (*begins, *ends)
    elif pad in ("same", "same_lower"):
        attributes["auto_pad"] = "SAME_UPPER" if pad == "same" else "SAME_LOWER"
    elif pad != "valid":
        has_begins_and_ends = isinstance(pad, list) and len(pad) == 2 * rank
        attributes["pads"] = tuple(pad) if has_begins_and_ends else repeat_per_axis(pad, rank, "pad") * 2
    return attributes


@layer(
    "conv",
    filters=FILTERS,
    kernel=KERNEL,
    stride=STRIDE,
    pad=PAD,
    dilation=DILATION,
    groups=LayerKey("extent", 1, "independent groups of channels"),
    bias=BIAS,
    weights=WEIGHTS,
)
def conv(
    site: Site, filters: Dim, kernel: Extents, stride: Extents, pad: Any, dilation: Extents, groups: Dim, bias: bool
) -> str:
    """A convolution over [N, C, spatial…]; its rank is the input's."""
    rank = site.spatial()
    channels = site.channels()
    sizes = repeat_per_axis(kernel, rank, "kernel")
    if groups != 1 and channels % groups != 0:
        raise ShapeError(f"{channels} channels do not divide into {groups} groups", "change groups")
    inputs = [site.x, site.weight("weight", (filters, channels // groups, *sizes))]
    if bias:
        inputs.append(site.weight("bias", (filters,)))
    attributes = window_attributes(rank, kernel, stride, pad, dilation, site.shape()[2:])
    if groups != 1:
        attributes["group"] = groups
    return site.op("Conv", inputs, attributes)


@layer(
    "depthwise_conv",
    kernel=KERNEL,
    stride=STRIDE,
    pad=PAD,
    dilation=DILATION,
    multiplier=LayerKey("extent", 1, "filters for each input channel"),
    bias=BIAS,
    weights=WEIGHTS,
)
def depthwise_conv(
    site: Site, kernel: Extents, stride: Extents, pad: Any, dilation: Extents, multiplier: Dim, bias: bool
) -> str:
    """A convolution that keeps the channels apart: `multiplier` filters for each."""
    site.spatial()
    channels = site.channels()
    return conv(site, channels * multiplier, kernel, stride, pad, dilation, channels, bias)


@layer(
    "pointwise_conv",
    filters=FILTERS,
    stride=STRIDE,
    groups=LayerKey("extent", 1, "independent groups of channels"),
    bias=BIAS,
    weights=WEIGHTS,
)
def pointwise_conv(site: Site, filters: Dim, stride: Extents, groups: Dim, bias: bool) -> str:
    """A 1×1 convolution: a linear map of the channels at every position."""
    return conv(site, filters, 1, stride, 0, 1, groups, bias)


@layer(
    "conv_transpose",
    filters=FILTERS,
    kernel=KERNEL,
    stride=STRIDE,
    pad=PAD,
    dilation=DILATION,
    output_pad=LayerKey("any", 0, "rows and columns added at the end of the output"),
    groups=LayerKey("extent", 1, "independent groups of channels"),
    bias=BIAS,
    weights=WEIGHTS,
)
def conv_transpose(
    site: Site,
    filters: Dim,
    kernel: Extents,
    stride: Extents,
    pad: Any,
    dilation: Extents,
    output_pad: Any,
    groups: Dim,
    bias: bool,
) -> str:
    """A transposed convolution: each input value spreads over the output."""
    rank = site.spatial()
    channels = site.channels()
    if groups != 1 and filters % groups != 0:
        raise ShapeError(f"{filters} filters do not divide into {groups} groups", "change groups")
    inputs = [site.x, site.weight("weight", (channels, filters // groups, *repeat_per_axis(kernel, rank, "kernel")))]
    if bias:
        inputs.append(site.weight("bias", (filters,)))
    attributes = window_attributes(rank, kernel, stride, pad, dilation)
    if output_pad:
        attributes["output_padding"] = repeat_per_axis(output_pad, rank, "output_pad")
    if groups != 1:
        attributes["group"] = groups
    return site.op("ConvTranspose", inputs, attributes)
