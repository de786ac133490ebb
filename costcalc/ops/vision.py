"""Sampling of feature maps (regions of interest, grids, deformable convolution), and images from bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import cost_rule, describe, free, operands, shape_rule
from costcalc.core.traits import LeastWork, OperatorUse, contraction_gradient, least_work_rule, traits
from costcalc.ops.conv import conv_cost, conv_extents, kernel_size

operands("DeformConv", weights=(1, 3))

traits("MaxRoiPool", kind="pool")

traits("DeformConv", kind="deformable_convolution", bias=3, gradient=contraction_gradient(((0, 2, 4), (1,))))

free("ImageDecoder")


@least_work_rule("DeformConv")
def deform_conv_least_work(use: OperatorUse) -> LeastWork:
    """Taps outside of the input: the offsets are data and may move all of them there."""
    return LeastWork(0, {0: 0, 1: 0})


@least_work_rule("GridSample")
def grid_sample_least_work(use: OperatorUse) -> LeastWork:
    """Positions that the grid does not name: it may name one for all outputs, or none that is in the input."""
    return LeastWork(0, {0: 0})


@least_work_rule("RoiAlign", "MaxRoiPool")
def region_least_work(use: OperatorUse) -> LeastWork:
    """Positions outside of the regions: all of them may lie beside the input."""
    return LeastWork(0, {0: 0})


describe("Each bin of each region is the mean or the maximum of points interpolated in the feature map.", "RoiAlign")

describe("Each bin of each region is the maximum of the feature map in it.", "MaxRoiPool")

describe("Each output is interpolated from the input around the position that the grid names.", "GridSample")

describe("Positions on an even grid are moved by an affine matrix.", "AffineGrid")

describe("A convolution that reads its input at positions that another layer moved.", "DeformConv")

describe(
    "An encoded image is decoded; the decoder's own work depends on format and data and is not counted.", "ImageDecoder"
)


@shape_rule("RoiAlign")
def roi_align_shape(
    x: TensorType, rois: TensorType, batch_indices: TensorType, *, output_height: int = 1, output_width: int = 1
) -> TensorType:
    """x [N, C, H, W], rois [R, 4] -> [R, C, output_height, output_width]."""
    _check_rank(x, 4, "X")
    _check_rank(rois, 2, "rois")
    assert x.shape is not None and rois.shape is not None and batch_indices.shape is not None
    regions = require_equal(rois.shape[0], batch_indices.elements, "the regions and their batch indices")
    return TensorType(x.dtype, (regions, x.shape[1], output_height, output_width))


def _check_rank(t: TensorType, rank: int, name: str) -> None:
    if t.rank != rank:
        raise ShapeError(f"{name} has {t.rank} axes", f"it has {rank}")


@cost_rule("RoiAlign")
def roi_align_cost(
    x: TensorType, rois: TensorType, batch_indices: TensorType, *, sampling_ratio: int = 0, out: TensorType
) -> Cost:
    """Per output sampling_ratio² points, each 4 multiplications and 3 additions (bilinear) and 1 operation of the mean
    or maximum. With sampling_ratio 0 the points depend on the regions' sizes: 1 is counted, the least there is."""
    points = out.elements * max(sampling_ratio, 1) ** 2
    return Cost(
        work=interpolation_work(points, 4, "#points") + elementwise_work("add", "pooling", points, 1, "#points")
    )


def interpolation_work(points: Dim, corners: int, element_name: str = "#elements") -> tuple[Work, ...]:
    """A weighted mean of corners: a multiplication each, and one addition less."""
    return elementwise_work("multiply", "elementwise", points, corners, element_name) + elementwise_work(
        "add", "elementwise", points, corners - 1, element_name
    )


@shape_rule("MaxRoiPool")
def max_roi_pool_shape(x: TensorType, rois: TensorType, *, pooled_shape: Sequence[int]) -> TensorType:
    """x [N, C, H, W], rois [R, 5] -> [R, C, *pooled_shape]."""
    _check_rank(x, 4, "X")
    _check_rank(rois, 2, "rois")
    assert x.shape is not None and rois.shape is not None
    return TensorType(x.dtype, (rois.shape[0], x.shape[1], *pooled_shape))


@cost_rule("MaxRoiPool")
def max_roi_pool_cost(x: TensorType, rois: TensorType, *, out: TensorType) -> Cost:
    """1 comparison per output: how many inputs lie in a bin depends on the regions; 1 is the least there is."""
    return Cost(work=elementwise_work("compare", "pooling", out.elements))


@shape_rule("GridSample")
def grid_sample_shape(x: TensorType, grid: TensorType) -> TensorType:
    """x [N, C, *in] of r spatial axes, grid [N, *out, r] -> [N, C, *out]."""
    assert x.shape is not None and grid.shape is not None
    _check_rank(grid, x.rank, "the grid")
    require_equal(grid.shape[-1], x.rank - 2, "the coordinates of the grid and the spatial axes")
    return TensorType(x.dtype, (require_equal(x.shape[0], grid.shape[0], "the batches"), x.shape[1], *grid.shape[1:-1]))


@cost_rule("GridSample")
def grid_sample_cost(x: TensorType, grid: TensorType, *, mode: str = "linear", out: TensorType) -> Cost:
    """Per output of r spatial axes 2ʳ multiplications and 2ʳ - 1 additions (linear), 4ʳ and 4ʳ - 1 (cubic), or none
    (nearest); per coordinate of the grid 1 multiplication and 1 addition to scale it to the input's extent."""
    r = x.rank - 2
    work = elementwise_work("multiply", "elementwise", grid.elements, 1, "#coordinates")
    work += elementwise_work("add", "elementwise", grid.elements, 1, "#coordinates")
    if mode == "nearest":
        return Cost(work=work)
    return Cost(work=work + interpolation_work(out.elements, (4 if mode in ("cubic", "bicubic") else 2) ** r))


@shape_rule("AffineGrid")
def affine_grid_shape(theta: TensorType, size: TensorType, *, fresh: Callable[[str], Dim]) -> TensorType:
    """theta [N, 2, 3], size (N, C, H, W) -> [N, H, W, 2]; theta [N, 3, 4], size (N, C, D, H, W) -> [N, D, H, W, 3]."""
    _check_rank(theta, 3, "theta")
    assert theta.shape is not None
    axes = int(theta.shape[1])
    if size.value is None:
        spatial: tuple[Dim, ...] = tuple(fresh(axis_name) for axis_name in ("depth", "height", "width")[3 - axes :])
        return TensorType(theta.dtype, (theta.shape[0], *spatial, axes))
    require_equal(len(size.value), axes + 2, "the numbers of size and the axes of theta")
    batch = require_equal(theta.shape[0], size.value[0], "the batches of theta and size")
    return TensorType(theta.dtype, (batch, *size.value[2:], axes))


@cost_rule("AffineGrid")
def affine_grid_cost(theta: TensorType, size: TensorType, *, out: TensorType) -> Cost:
    """Per output of r spatial axes r multiplications and r additions, a row of theta times the position."""
    assert out.shape is not None
    r = out.rank - 2
    return Cost(
        work=elementwise_work("multiply", "elementwise", out.elements, r)
        + elementwise_work("add", "elementwise", out.elements, r)
    )


@shape_rule("DeformConv")
def deform_conv_shape(
    x: TensorType,
    w: TensorType,
    offset: TensorType,
    b: TensorType | None = None,
    mask: TensorType | None = None,
    *,
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    offset_group: int = 1,
) -> TensorType:
    """x [N, C_in, *in], w [C_out, C_in/group, *kernel], offset [N, offset_group · ∏kernel · r, *out] ->
    [N, C_out, *out]."""
    shape = conv_extents(x, w, b, strides, pads, dilations, group, "NOTSET")
    assert offset.shape is not None
    _check_rank(offset, x.rank, "the offset")
    require_equal(
        offset.shape[1], offset_group * kernel_size(w) * (x.rank - 2), "the offset's channels and those it needs"
    )
    for extent, need in zip(offset.shape[2:], shape[2:], strict=True):
        require_equal(extent, need, "the extents of the offset and of the output")
    return TensorType(x.dtype, shape)


@cost_rule("DeformConv")
def deform_conv_cost(
    x: TensorType,
    w: TensorType,
    offset: TensorType,
    b: TensorType | None = None,
    mask: TensorType | None = None,
    *,
    out: TensorType,
) -> Cost:
    """As Conv: #filter params × #filter positions × #filters. Besides, each input that a position reads
    (N · C_in · ∏out · ∏kernel) is interpolated over r spatial axes, 2ʳ multiplications and 2ʳ - 1 additions, and
    multiplied with the mask; each offset is added to its position."""
    assert x.shape is not None and out.shape is not None
    cost = conv_cost(x, w, b, out=out)
    reads: Dim = x.shape[0] * x.shape[1] * kernel_size(w)
    for extent in out.shape[2:]:
        reads = reads * extent
    work = interpolation_work(reads, 2 ** (x.rank - 2), "#reads")
    work += elementwise_work("multiply", "elementwise", reads, 1 if mask is not None else 0, "#reads")
    return Cost(cost.macs, cost.work + work + elementwise_work("add", "elementwise", offset.elements, 1, "#offsets"))


@shape_rule("ImageDecoder")
def image_decoder_shape(encoded: TensorType, *, pixel_format: str = "RGB", fresh: Callable[[str], Dim]) -> TensorType:
    """Bytes -> uint8 [height, width, 3], or 1 channel in Grayscale; height and width depend on the data."""

    return TensorType(DType.UINT8, (fresh("height"), fresh("width"), 1 if pixel_format == "Grayscale" else 3))
