"""Resize and Upsample: images at another size, by scales or by sizes."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from costcalc.core.dim import Dim, maximum, minimum, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import NO_COST, Cost, elementwise_work
from costcalc.core.ir import TensorType, Value
from costcalc.core.registry import FreshSymbol, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common.axes import normalise_axes, optional_value, vector_length
from costcalc.ops.common.ratio import ExtentRatio
from costcalc.ops.common.selection_reads import Sampling, count_sampled

operands("Resize", buffers=(1, 2))

operands("Upsample", buffers=(1,))

traits("Resize", "Upsample", layout="channels_first", positions="lost", keeps="nothing")

describe("Each output pixel is read, or interpolated, at its place in the input.", "Resize", "Upsample")


def resized_extent(extent: Dim, scale: Any, crop: Fraction = Fraction(1)) -> Dim:
    """⌊extent · crop · scale⌋. Of a number, the product is rounded to float32 before the floor, as runtimes do; of a
    symbol, the scale stands for the simplest fraction that float32 does not distinguish from it (0.33333334 is 1/3).
    Both are the same wherever the scale is a sum of a few powers of two, or not below its fraction."""
    if isinstance(scale, ExtentRatio):
        return extent * scale.num * crop.numerator // (scale.den * crop.denominator)
    if crop == 1 and not isinstance(scale, float):
        return extent * scale  # type: ignore[no-any-return]
    if crop == 1 and isinstance(extent, int):
        return math.floor(_float32(_float32(extent) * _float32(scale)))
    ratio = crop * rational(scale)
    return extent * ratio.numerator // ratio.denominator


def _float32(x: float) -> float:
    rounded: float = struct.unpack("f", struct.pack("f", x))[0]
    return rounded


def rational(x: float) -> Fraction:
    """The fraction of a denominator up to 1000 within float32's precision of x, or x exactly."""
    exact = Fraction(x)
    simple = exact.limit_denominator(1000)
    return simple if abs(simple - exact) <= abs(exact) / 2**24 else exact


@shape_rule("Resize")
def resize_shape(
    x: TensorType,
    roi: TensorType | None = None,
    scales: TensorType | None = None,
    sizes: TensorType | None = None,
    *,
    axes: Sequence[int] | None = None,
    keep_aspect_ratio_policy: str = "stretch",
    coordinate_transformation_mode: str = "half_pixel",
    opset: int,
    fresh: FreshSymbol,
) -> TensorType:
    """On each axis (or the attribute's axes) the size, or ⌊extent · scale⌋, with tf_crop_and_resize ⌊extent · (end -
    start) · scale⌋; with a keep_aspect_ratio_policy the sizes are rounded to one scale for all axes. Where neither
    contents are known, the extents (batch and channels of four axes or more excepted) are new symbols."""
    assert x.shape is not None
    if opset < 11:
        roi, scales, sizes = None, roi, None
    out = list(x.shape)
    axis_indices = normalise_axes(range(len(out)) if axes is None else axes, len(out))
    if sizes is not None and vector_length(sizes) > 0:
        if sizes.value is not None:
            _check_length(sizes.value, axis_indices, "sizes")
            for i, size in zip(
                axis_indices,
                _keep_aspect_ratio([out[i] for i in axis_indices], sizes.value, keep_aspect_ratio_policy),
                strict=True,
            ):
                out[i] = size
            return TensorType(x.dtype, tuple(out))
    elif scales is None or vector_length(scales) == 0:
        raise ShapeError("neither scales nor sizes are given", "give one of them")
    elif scales.value is not None:
        _check_length(scales.value, axis_indices, "scales")
        crops = [Fraction(1)] * len(axis_indices)
        region = optional_value(roi)
        if coordinate_transformation_mode == "tf_crop_and_resize" and roi is not None:
            if region is None:
                return TensorType(x.dtype, _open_extents(out, axis_indices, fresh))
            crops = [rational(region[len(axis_indices) + i]) - rational(region[i]) for i in range(len(axis_indices))]
        for i, scale, crop in zip(axis_indices, scales.value, crops, strict=True):
            out[i] = resized_extent(out[i], scale, crop)
        return TensorType(x.dtype, tuple(out))
    return TensorType(x.dtype, _open_extents(out, axis_indices, fresh))


def _open_extents(out: list[Dim], axis_indices: Sequence[int], fresh: FreshSymbol) -> tuple[Dim, ...]:
    spatial = [i for i in axis_indices if i > 1 or len(out) < 4]
    return tuple([fresh(f"extent{i}") if i in spatial else extent for i, extent in enumerate(out)])


def _check_length(values: Value, axes: Sequence[int], name: str) -> None:
    if len(values) != len(axes):
        raise ShapeError(f"{name} has {len(values)} numbers for {len(axes)} axes", f"give {len(axes)}")


def _keep_aspect_ratio(extents: Sequence[Dim], sizes: Value, policy: str) -> Sequence[Dim]:
    """The sizes under a keep_aspect_ratio_policy. Rounding keeps order, so that the extent at the smallest scale is
    the smallest of the extents at all scales: no comparison of scales is needed."""
    if policy == "stretch":
        return sizes
    if policy not in ("not_larger", "not_smaller"):
        raise ShapeError(f"keep_aspect_ratio_policy is {policy!r}", "use stretch, not_larger or not_smaller")
    choose = minimum if policy == "not_larger" else maximum
    out: list[Dim] = []
    for extent in extents:
        best: Dim | None = None
        for reference, size in zip(extents, sizes, strict=True):
            rounded = (2 * extent * size + reference) // (2 * reference)
            best = rounded if best is None else choose(best, rounded)
        assert best is not None
        out.append(best)
    return out


@shape_rule("Upsample")
def upsample_shape(
    x: TensorType, scale: TensorType | None = None, *, scales: Sequence[float] | None = None, fresh: FreshSymbol
) -> TensorType:
    """⌊extent · scale⌋ on each axis; the scales are an attribute below opset 9."""
    assert x.shape is not None
    values = tuple(scales) if scale is None and scales is not None else optional_value(scale)
    if values is None:
        return TensorType(x.dtype, _open_extents(list(x.shape), range(len(x.shape)), fresh))
    _check_length(values, range(len(x.shape)), "scales")
    return TensorType(x.dtype, tuple([resized_extent(extent, s) for extent, s in zip(x.shape, values, strict=True)]))


@least_work_rule("Resize")
def resize_least_work(use: OperatorUse) -> LeastWork:
    """Positions that no output is at, or is interpolated from: all of them where scales or sizes come at run time, or
    where tf_crop_and_resize may take a region beside the input."""
    x, scales, sizes = use.input(0), use.input(1 if len(use.types) == 2 else 2), use.input(3)
    assert x is not None and x.shape is not None
    scale_values, size_values = optional_value(scales), optional_value(sizes)
    if _crops(use) or (scale_values is None and size_values is None):
        return LeastWork(0, {0: 0})
    if len(use.types) == 2:  # opset 10
        return LeastWork(
            0, {0: _count_read(x, scale_values, None, use, Sampling(use.attributes, "asymmetric", "simple"))}
        )
    return LeastWork(0, {0: _count_read(x, scale_values, size_values, use, Sampling(use.attributes))})


@least_work_rule("Upsample")
def upsample_least_work(use: OperatorUse) -> LeastWork:
    """As Resize."""
    x, scale = use.input(0), use.input(1)
    assert x is not None and x.shape is not None
    values = use.attributes.get("scales") if scale is None else optional_value(scale)
    if values is None:
        return LeastWork(0, {0: 0})
    return LeastWork(0, {0: _count_read(x, values, None, use, Sampling(use.attributes, "asymmetric", "simple"))})


def _crops(use: OperatorUse) -> bool:
    return bool(use.attributes.get("coordinate_transformation_mode", "") == "tf_crop_and_resize")


def _count_read(
    x: TensorType, scales: Sequence[Any] | None, sizes: Sequence[Any] | None, use: OperatorUse, sampling: Sampling
) -> Dim:
    """Elements that a Resize by scales or by sizes reads. An axis whose extents are no numbers counts in full."""
    assert x.shape is not None
    axes = use.attributes.get("axes")
    indices = normalise_axes(range(len(x.shape)) if axes is None else axes, len(x.shape))
    policy = use.attributes.get("keep_aspect_ratio_policy", "stretch")
    read = list(x.shape)
    extents = [x.shape[i] for i in indices]
    if sizes is not None and not scales:
        outputs = _keep_aspect_ratio(extents, tuple(sizes), policy)
    else:
        outputs = [resized_extent(extent, scale) for extent, scale in zip(extents, scales or (), strict=True)]
    numbers = [n for n in (*extents, *outputs) if isinstance(n, int)]
    if len(numbers) != len(extents) + len(outputs) or 0 in extents:
        return x.elements
    if scales:
        ratios = [float(scale) if isinstance(scale, (int, float)) else 0.0 for scale in scales]
    else:
        choose = {"not_larger": min, "not_smaller": max}.get(policy)
        ratios = [size / extent for size, extent in zip(sizes or (), extents, strict=True)]
        ratios = [choose(ratios)] * len(ratios) if choose else ratios
    for i, extent, size, ratio in zip(indices, numbers, numbers[len(extents) :], ratios, strict=False):
        read[i] = (
            extent
            if size == extent and ratio in (0.0, 1.0)
            else count_sampled(extent, size, ratio or size / extent, sampling)
        )
    return prod(read)


@cost_rule("Resize")
def resize_cost(
    x: TensorType,
    roi: TensorType | None = None,
    scales: TensorType | None = None,
    sizes: TensorType | None = None,
    *,
    mode: str = "nearest",
    axes: Sequence[int] | None = None,
    opset: int = 0,
    out: TensorType,
) -> Cost:
    """nearest: nothing. linear: 2ᵏ taps per output element, cubic: 4ᵏ, each a multiplication, added up by one addition
    less. k is the number of resized axes: those whose scale is not 1, or, by sizes, those named, or all but batch and
    channels. How the weights of the taps are computed does not count, nor does antialias add taps."""
    scale_values = optional_value(roi if opset < 11 else scales)
    return interpolation(mode, _count_resized_axes(x, scale_values, None if axes is None else len(axes)), out)


@cost_rule("Upsample")
def upsample_cost(
    x: TensorType,
    scale: TensorType | None = None,
    *,
    scales: Sequence[float] | None = None,
    mode: str = "nearest",
    out: TensorType,
) -> Cost:
    """nearest: nothing. linear: 2ᵏ taps per output element, each a multiplication, added up by one addition less. k is
    the number of axes whose scale is not 1 (all but batch and channels where the scales are not known)."""
    return interpolation(
        mode, _count_resized_axes(x, optional_value(scale) if scale is not None else scales, None), out
    )


def _count_resized_axes(x: TensorType, scales: Sequence[Any] | None, axis_count: int | None) -> int:
    # Not read off the extents: h -> 224 resizes also where h is 224, so binding h does not change the count's form.
    if scales:
        return sum(scale != 1 for scale in scales)
    return axis_count if axis_count is not None else x.rank - 2 if x.rank > 2 else x.rank


def interpolation(mode: str, axes: int, out: TensorType) -> Cost:
    """The cost of interpolating each output element from the taps around it."""
    if mode == "nearest":
        return NO_COST
    if mode not in ("linear", "bilinear", "cubic"):
        raise ShapeError(f"the mode is {mode!r}", "use nearest, linear or cubic")
    taps = (4 if mode == "cubic" else 2) ** axes
    if taps == 1:
        return NO_COST
    elements = out.elements
    return Cost(
        work=elementwise_work("multiply", "elementwise", elements, taps)
        + elementwise_work("add", "elementwise", elements, taps - 1)
    )
