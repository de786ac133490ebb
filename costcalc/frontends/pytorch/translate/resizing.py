"""Images at another size: upsampling, padding, channels to pixels, patches to columns, sampling on a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.core.dim import Dim
from costcalc.core.errors import LoadError
from costcalc.core.ir import DType
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.convolution import image_input, spatial_rank
from costcalc.frontends.pytorch.translate.operand import emit_own
from costcalc.frontends.symbols import simple_fraction

_NEAREST = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}

_EXACT = {"mode": "nearest", "coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"}


@translates("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d")
def upsample_nearest(call: CallSite) -> None:
    """Each output is the input at the place ⌊output place / scale⌋."""
    _resize(call, _NEAREST)


@translates("_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "_upsample_nearest_exact3d")
def upsample_nearest_exact(call: CallSite) -> None:
    """Each output is the input whose pixel holds the output's centre."""
    _resize(call, _EXACT)


@translates("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d")
def upsample_linear(call: CallSite) -> None:
    """Each output is interpolated from 2 inputs an axis."""
    _resize(call, {"mode": "linear", **_coordinates(call)})


@translates("upsample_bicubic2d")
def upsample_cubic(call: CallSite) -> None:
    """Each output is interpolated from 4 inputs an axis."""
    _resize(call, {"mode": "cubic", "cubic_coeff_a": -0.75, **_coordinates(call)})


@translates("_upsample_bilinear2d_aa")
def upsample_linear_smooth(call: CallSite) -> None:
    """As upsample_bilinear2d, but a smaller image takes wider windows."""
    _resize(call, {"mode": "linear", "exclude_outside": 1, "antialias": 1, **_coordinates(call)})


@translates("_upsample_bicubic2d_aa")
def upsample_cubic_smooth(call: CallSite) -> None:
    """As upsample_bicubic2d, but a smaller image takes wider windows."""
    _resize(call, {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1, "antialias": 1, **_coordinates(call)})


@translates("_upsample_lanczos2d_aa")
def upsample_lanczos(call: CallSite) -> None:
    """Each output is interpolated from 6 inputs an axis."""
    emit_own(call, "upsample_lanczos", image_input(call), attributes={"axes": 2})


def _coordinates(call: CallSite) -> dict[str, Any]:
    corners = call.flag("align_corners")
    return {"coordinate_transformation_mode": "align_corners" if corners else "half_pixel"}


def _resize(call: CallSite, attributes: dict[str, Any]) -> None:
    """A Resize of the spatial axes: by the scales where they give the extents of the program, else by its sizes."""
    x, rank = image_input(call), spatial_rank(call)
    extents, sizes = call.shape(x)[2:], call.out_shape()[2:]
    if len(extents) != rank or len(sizes) != rank:
        raise LoadError(f"the image has {len(extents)} spatial axes", f"{call.target} takes {rank}")
    attributes = {**attributes, "axes": tuple(range(2, rank + 2))}
    scales = call.get("scale_factors") or ()
    if len(scales) == rank and _are_sizes(extents, scales, sizes):
        call.emit("Resize", (x, "", call.constant(scales, "scales", DType.FLOAT32)), attributes)
    else:
        call.emit("Resize", (x, "", "", call.constant(sizes, "sizes")), attributes)


def _are_sizes(extents: Sequence[Dim], scales: Sequence[Any], sizes: Sequence[Dim]) -> bool:
    """Whether the scales give the sizes by the rule of Resize, in float32 and in any other precision."""
    return all(
        isinstance(scale, float) and 0 < scale < _MAX_SCALE and _is_size(extent, scale, size)
        for extent, scale, size in zip(extents, scales, sizes, strict=True)
    )


_MAX_SCALE = 1 << 10

_ROUNDING = 2.0**-20


def _is_size(extent: Dim, scale: float, size: Dim) -> bool:
    """Whether an extent times a scale, rounded down, is a size."""
    if isinstance(extent, int) and isinstance(size, int):
        product = extent * scale
        slack = 0 if scale * 1024 % 1 == 0 else product * _ROUNDING
        return size + slack <= product < size + 1 - slack
    numerator, denominator = simple_fraction(scale)
    return extent * numerator // denominator == size


_PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@translates("pad", "constant_pad_nd")
def pad(call: CallSite) -> None:
    """Elements around the last axes: pad is (begin, end) of the last one, then of the one before it, …."""
    _pad(call, str(call.get("mode", "constant")), "pad")


@translates("_pad_enum")
def pad_by_number(call: CallSite) -> None:
    """As pad, the mode as a number."""
    mode = call.integer("mode", 0)
    if not 0 <= mode < len(_PAD_MODES):
        raise LoadError(f"{call.target} has the mode {mode}", f"it is 0 to {len(_PAD_MODES) - 1}")
    _pad(call, list(_PAD_MODES)[mode], "pad")


@translates("reflection_pad1d", "reflection_pad2d", "reflection_pad3d")
def reflection_pad(call: CallSite) -> None:
    """As pad, mirrored at the border."""
    _pad(call, "reflect", "padding")


@translates("replication_pad1d", "replication_pad2d", "replication_pad3d")
def replication_pad(call: CallSite) -> None:
    """As pad, with the elements at the border."""
    _pad(call, "replicate", "padding")


@translates("_pad_circular")
def circular_pad(call: CallSite) -> None:
    """As pad, with the elements of the other side."""
    _pad(call, "circular", "pad")


def _pad(call: CallSite, mode: str, argument: str) -> None:
    """A Pad; nothing at all where no element is added."""
    x, pads = call.tensor("self"), call.dims(argument)
    rank = len(call.shape(x))
    if mode not in _PAD_MODES or len(pads) % 2 or len(pads) > 2 * rank:
        raise LoadError(f"{call.target} pads {mode} by {len(pads)} numbers", "give two for each of the last axes")
    if all(isinstance(n, int) and n == 0 for n in pads):
        call.alias(x)
        return
    ends: list[Dim] = [0] * (2 * rank)
    for i in range(len(pads) // 2):
        ends[rank - 1 - i], ends[2 * rank - 1 - i] = pads[2 * i], pads[2 * i + 1]
    inputs = [x, call.constant(ends, "pads")]
    value = call.get("value")
    if mode == "constant" and isinstance(value, (int, float)) and value:
        dtype = call.type(x).dtype
        inputs.append(call.constant((float(value) if dtype.is_float else int(value),), "value", dtype, scalar=True))
    call.emit("Pad", inputs, {"mode": _PAD_MODES[mode]})


@translates("pixel_shuffle")
def pixel_shuffle(call: CallSite) -> None:
    """[…, C · r², H, W] -> […, C, H · r, W · r]."""
    x, factor = call.tensor("self"), call.integer("upscale_factor")
    *batch, _, height, width = call.shape(x, 3)
    out = call.out_shape(0, 3)
    if len(batch) == 1:
        call.emit("DepthToSpace", (x,), {"blocksize": factor, "mode": "CRD"})
        return
    blocks = (*batch, out[-3], factor, factor, height, width)
    n = len(batch)
    _rearrange(call, x, blocks, (*range(n), n, n + 3, n + 1, n + 4, n + 2))


@translates("pixel_unshuffle")
def pixel_unshuffle(call: CallSite) -> None:
    """[…, C, H · r, W · r] -> […, C · r², H, W]. ONNX's SpaceToDepth orders the channels in another way."""
    x, factor = call.tensor("self"), call.integer("downscale_factor")
    *batch, channels, _, _ = call.shape(x, 3)
    out = call.out_shape(0, 3)
    n = len(batch)
    blocks = (*batch, channels, out[-2], factor, out[-1], factor)
    _rearrange(call, x, blocks, (*range(n), n, n + 2, n + 4, n + 1, n + 3))


@translates("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(call: CallSite) -> None:
    """[N, groups · C, …]: the channels of the groups take turns."""
    x, groups = call.tensor("self"), call.integer("groups")
    n, channels, *spatial = call.shape(x, 2)
    _rearrange(call, x, (n, groups, channels // groups, *spatial), (0, 2, 1, *range(3, 3 + len(spatial))))


def _rearrange(call: CallSite, x: str, blocks: tuple[Dim, ...], perm: tuple[int, ...]) -> None:
    """x in the shape `blocks`, its axes in the order perm, in the output's shape."""
    blocked = call.emit("Reshape", (x, call.constant(blocks, "blocks")), suffix="blocks")
    moved = call.emit("Transpose", (blocked,), {"perm": perm}, suffix="transpose")
    call.emit("Reshape", (moved, call.constant(call.out_shape(), "shape")))


@translates("im2col")
def image_to_columns(call: CallSite) -> None:
    """[N, C, H, W] or [C, H, W] -> the pixels under each position of a window, [N, C · ∏kernel, positions]."""
    window = {key: call.ints(key, length=2) for key in ("kernel_size", "dilation", "padding", "stride")}
    emit_own(call, "im2col", call.tensor("self"), attributes=window)


@translates("col2im")
def columns_to_image(call: CallSite) -> None:
    """[N, C · ∏kernel, positions] or [C · ∏kernel, positions] -> the image that the windows add up to."""
    x = call.tensor("self")
    kernel = call.ints("kernel_size", length=2)
    is_batch = len(call.shape(x)) == 3
    axis = "" if is_batch else call.constant((0,), "batch_axis")
    columns = x if is_batch else call.emit("Unsqueeze", (x, axis), suffix="batch")
    inputs = (columns, call.constant(call.dims("output_size"), "image"), call.constant(kernel, "block"))
    attributes = {
        "dilations": call.ints("dilation", 1, 2),
        "pads": call.ints("padding", 0, 2) * 2,
        "strides": call.ints("stride", 1, 2),
    }
    image = call.emit("Col2Im", inputs, attributes, suffix="" if is_batch else "image")
    if not is_batch:
        call.emit("Squeeze", (image, axis))


_GRID_MODES = ("linear", "nearest", "cubic")

_GRID_PADDING = ("zeros", "border", "reflection")


@translates("grid_sampler", "grid_sampler_2d", "grid_sampler_3d", "_grid_sampler_2d_cpu_fallback")
def grid_sampler(call: CallSite) -> None:
    """Each output is interpolated from the input around the place that the grid names."""
    mode, padding = call.integer("interpolation_mode"), call.integer("padding_mode")
    if not (0 <= mode < len(_GRID_MODES) and 0 <= padding < len(_GRID_PADDING)):
        raise LoadError(f"{call.target} has the mode {mode} and pads by {padding}", "these are 0, 1 or 2")
    attributes = {
        "mode": _GRID_MODES[mode],
        "padding_mode": _GRID_PADDING[padding],
        "align_corners": int(call.flag("align_corners")),
    }
    call.emit("GridSample", (call.tensor("input"), call.tensor("grid")), attributes)


@translates("affine_grid_generator")
def affine_grid(call: CallSite) -> None:
    """Places on an even grid, moved by an affine matrix for each sample."""
    inputs = (call.tensor("theta"), call.constant(call.dims("size"), "size"))
    call.emit("AffineGrid", inputs, {"align_corners": int(call.flag("align_corners"))})
