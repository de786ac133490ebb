"""A reshaped tensor's axes: which of the extents before stand in each axis after, found by their products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from costcalc.core.dim import Dim, divide, prod


class AxisFactor(NamedTuple):
    """A part of an axis: what it counts (batch, channels, resolution, kernel, other), and how many."""

    role: str
    extent: Dim


Axis = tuple[AxisFactor, ...]
"""An axis is the product of its factors: a flattened 512 × 7 × 7 is channels times height times width."""

Axes = tuple[Axis, ...]


def extent(axis: Axis) -> Dim:
    """The product of its factors."""
    return prod([factor.extent for factor in axis])


def regroup(axes: Axes, shape: Sequence[Dim]) -> Axes | None:
    """The axes of a tensor that is reshaped to shape; None where its extents do not follow from one another. A factor
    may be cut in two (768 channels into 12 heads of 64)."""
    left = [factor for axis in axes for factor in axis]
    left.reverse()
    found: list[Axis] = []
    for wanted in shape:
        axis: list[AxisFactor] = []
        have: Dim = 1
        while left and (have != wanted or not axis):
            factor = left[-1]
            if _exact(wanted, have * factor.extent) is not None:
                axis.append(left.pop())
                have = have * factor.extent
                continue
            rest = _exact(wanted, have)
            other = None if rest is None or rest == 1 else _exact(factor.extent, rest)
            if rest is not None and other is not None:
                axis.append(AxisFactor(factor.role, rest))
                left[-1] = AxisFactor(factor.role, other)
                have = wanted
            break
        if have != wanted:
            return None
        found.append(tuple(axis))
    if prod([factor.extent for factor in left]) != 1:
        return None
    if left and found:
        found[-1] += tuple(reversed(left))
    return tuple(found)


def _exact(a: Dim, b: Dim) -> Dim | None:
    """a / b where that is a whole number."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b if b and a % b == 0 else None
    return divide(a, b)
