"""Moving the elements of small tensors about: row-major tuples and their shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from costcalc.dim import Dim
from costcalc.ir import Value


def ints(shape: Sequence[Dim]) -> tuple[int, ...]:
    """A shape whose extents are numbers (that of every tensor whose elements are known)."""
    return tuple([int(extent) for extent in shape])


def take(value: Value, shape: Sequence[int], axis: int, indices: Sequence[int]) -> Value:
    """numpy.take along an axis, the indices not negative."""
    if len(shape) == 1:
        return tuple([value[i] for i in indices])
    inner = math.prod(shape[axis + 1 :])
    block = inner * shape[axis]
    out: list[object] = []
    for start in range(0, block * math.prod(shape[:axis]), block or 1):
        for i in indices:
            out += value[start + i * inner : start + (i + 1) * inner]
    return tuple(out)


def concatenate(values: Sequence[Value], shapes: Sequence[Sequence[int]], axis: int) -> Value:
    """numpy.concatenate along an axis."""
    blocks = [math.prod(shape[axis:]) for shape in shapes]
    out: list[object] = []
    for i in range(math.prod(shapes[0][:axis])):
        for value, block in zip(values, blocks, strict=True):
            out += value[i * block : (i + 1) * block]
    return tuple(out)


def permute(value: Value, shape: Sequence[int], perm: Sequence[int]) -> Value:
    """numpy.transpose."""
    strides = [math.prod(shape[axis + 1 :]) for axis in perm]
    places = [0]
    for axis, stride in zip(perm, strides, strict=True):
        places = [place + i * stride for place in places for i in range(shape[axis])]
    return tuple([value[place] for place in places])


def expand(value: Value, shape: Sequence[int], out: Sequence[int]) -> Value:
    """numpy.broadcast_to."""
    shape = [1] * (len(out) - len(shape)) + list(shape)
    places = [0]
    for axis, extent in enumerate(out):
        stride = 0 if shape[axis] == 1 else math.prod(shape[axis + 1 :])
        places = [place + i * stride for place in places for i in range(extent)]
    return tuple([value[place] for place in places])
