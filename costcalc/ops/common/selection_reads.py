"""Operators that choose, cut or resample -> how many elements they read of a tensor at least.

What a file stores (a condition, pads, sizes) is read; what comes at run time may choose as little as the operator
allows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from costcalc.core.dim import Dim, minimum, prod
from costcalc.core.ir import TensorType
from costcalc.ops.common.axes import normalise_axes, normalise_axis
from costcalc.ops.common.visibility import known_integers

MAX_EXTENT = 65_536
"""Positions of a resampled axis that are looked at one by one."""


def count_taken(condition: TensorType, x: TensorType, wanted: bool) -> Dim:
    """A condition and a tensor that is taken where it is `wanted`, both broadcast -> elements that are taken: none
    where the condition is not known, one at least where the tensor is the smaller of both."""
    known = known_integers(condition)
    taken = 0 if known is None else sum(1 for value in known if bool(value) == wanted)
    if known is None or not taken:
        return 0
    shape, x_shape = condition.shape or (), x.shape or ()
    behind = x_shape[len(x_shape) - len(shape) :] if len(shape) <= len(x_shape) else None
    if behind is not None and all(c in (1, d) for c, d in zip(shape, behind, strict=True)):
        return x.elements * taken // len(known)
    return minimum(1, x.elements)


def count_compressed(data: TensorType, condition: TensorType, axis: int | None) -> Dim:
    """Data and a condition along an axis, or along the flat data -> elements where it holds."""
    known = known_integers(condition)
    if known is None:
        return 0
    assert data.shape is not None
    index = None if axis is None else normalise_axis(axis, data.rank)
    return sum(map(bool, known)) * (1 if index is None else prod([d for i, d in enumerate(data.shape) if i != index]))


def count_triangle(rows: int, columns: int, k: int, upper: bool) -> int:
    """The elements of a matrix on and above the k-th diagonal, or on and below it."""
    if not upper:
        return rows * columns - count_triangle(rows, columns, k + 1, True)
    full = min(rows, max(0, 1 - k))
    last = max(full, min(rows, columns - k))
    return full * columns + (columns - k) * (last - full) - (last * (last - 1) - full * (full - 1)) // 2


def count_inside(shape: Sequence[Dim], pads: Sequence[Any] | None, axes: Sequence[int] | None) -> Dim:
    """A shape and pads, all begins first -> its elements that negative pads leave; 0 where the pads are not known."""
    if pads is None or not all(isinstance(pad, int) for pad in pads):
        return 0
    extents = list(shape)
    indices = normalise_axes(tuple(range(len(extents))) if axes is None else axes, len(extents))
    for i, axis in enumerate(indices):
        extents[axis] += min(0, pads[i]) + min(0, pads[len(indices) + i])
    return prod(extents)


def count_sampled(extent: int, size: int, scale: float, sampling: Sampling) -> int:
    """An axis, its extent behind a Resize and the scale -> the positions that are read of it."""
    if extent < 1 or size < 1 or sampling.antialias:
        return extent if size > 0 else 0
    if max(extent, size) > MAX_EXTENT:
        return min(extent, size)
    positions: set[int] = set()
    for output in range(size):
        x = sampling.coordinate(output, extent, size, scale)
        positions.update(min(max(p, 0), extent - 1) for p in sampling.taps(x, extent))
    return len(positions)


class Sampling:
    """How a Resize finds an output's place in its input: its attributes, by ONNX's names."""

    def __init__(self, attributes: Any, transform: str = "half_pixel", rounding: str = "round_prefer_floor") -> None:
        self.mode = attributes.get("mode", "nearest")
        self.transform = attributes.get("coordinate_transformation_mode", transform)
        self.rounding = attributes.get("nearest_mode", rounding)
        self.antialias = bool(attributes.get("antialias", 0)) and self.mode != "nearest"
        self.excludes_outside = bool(attributes.get("exclude_outside", 0))

    def coordinate(self, output: int, extent: int, size: int, scale: float) -> float:
        """An output's place in the input's positions."""
        if self.transform == "asymmetric":
            return output / scale
        if self.transform == "align_corners":
            return output * (extent - 1) / (size - 1) if size > 1 else 0.0
        if self.transform == "pytorch_half_pixel" and size == 1:
            return 0.0
        shift = 0.0
        if self.transform == "half_pixel_symmetric":
            shift = extent / 2 * (1 - size / (scale * extent))
        return shift + (output + 0.5) / scale - 0.5

    def taps(self, x: float, extent: int) -> list[int]:
        """A place -> the positions that its value is computed from with a weight other than 0."""
        low = math.floor(x)
        if self.mode == "nearest":
            return [self._nearest(x)]
        if x == low:
            return [low]
        taps = [low, low + 1] if self.mode == "linear" else [low - 1, low, low + 1, low + 2]
        return [p for p in taps if 0 <= p < extent] if self.excludes_outside and self.mode == "cubic" else taps

    def _nearest(self, x: float) -> int:
        if self.rounding in ("floor", "simple") or (self.rounding == "round_prefer_floor" and x % 1 == 0.5):
            return math.floor(x)
        return math.ceil(x) if self.rounding == "ceil" else math.floor(x + 0.5)
