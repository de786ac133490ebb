"""Slice: a range of each axis. Of an extent that depends on a symbol it is a minimum and a maximum, which vanish
wherever the order is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from costcalc.core.dim import Dim, bounds, maximum, minimum
from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType, Value
from costcalc.core.registry import describe, free, shape_rule, value_rule
from costcalc.core.traits import traits
from costcalc.ops.common import elements as flat
from costcalc.ops.common.axes import normalise_axes, vector_length

free("Slice")

traits("Slice", reads="part", positions="lost", keeps="nothing")

describe("A range of each axis is cut out.", "Slice")

Fresh = Callable[[str], Dim]

END_OF_AXIS = 2**31 - 1
"""A bound at or beyond INT32_MAX (or as far below 0) means that end of the axis, as ONNX recommends to write it."""


@shape_rule("Slice")
def slice_shape(
    data: TensorType,
    start: TensorType | None = None,
    end: TensorType | None = None,
    axis: TensorType | None = None,
    step: TensorType | None = None,
    *,
    starts: Sequence[int] | None = None,
    ends: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    fresh: Fresh,
) -> TensorType:
    """The range [start, end) of each named axis, every step-th, as Python slices; attributes below opset 10. Where a
    bound is not known the extent is a new symbol."""
    assert data.shape is not None
    if start is not None and end is not None:
        starts, ends = start.value, end.value
        axes = tuple(range(vector_length(start))) if axis is None else axis.value
    elif axes is None:
        axes = tuple(range(len(starts or ())))
    steps = (1,) * len(axes or ()) if step is None else step.value
    out = list(data.shape)
    if axes is None:
        return TensorType(data.dtype, tuple([fresh(f"extent{i}") for i in range(len(out))]))
    for i, at in enumerate(normalise_axes(axes, len(out))):
        if starts is None or ends is None or steps is None:
            out[at] = fresh(f"extent{at}")
            continue
        extent = slice_extent(out[at], starts[i], ends[i], steps[i])
        out[at] = fresh(f"extent{at}") if extent is None else extent
    return TensorType(data.dtype, tuple(out))


def slice_extent(n: Dim, start: Dim, end: Dim, step: Dim) -> Dim | None:
    """How many of n elements [start:end:step] keeps; None where the direction depends on a symbol.

    For a positive step the length is min(E) - max(S) over the candidates of end and start (an end beyond n is n, a
    start before 0 is 0); written as the minimum of the differences, each at least 0, the known ones vanish.
    """
    if step == 0:
        raise ShapeError("the step of a slice is 0", "use a step other than 0")
    if isinstance(n, int) and isinstance(start, int) and isinstance(end, int) and isinstance(step, int):
        first, stop = _clamped(n, start, end, step)
        return len(range(first, stop, step))
    low, high = bounds(step)
    if low <= 0 <= high:
        return None
    if isinstance(start, int) and abs(start) >= END_OF_AXIS:
        start = 0 if start < 0 else n if low > 0 else n - 1
    if low > 0:
        far = isinstance(end, int) and end >= END_OF_AXIS
        # An end that counts from behind lies below n, a start that counts from the front not below 0.
        last = [n] if far else [_absolute(end, n)] + ([] if bounds(end)[1] < 0 else [n])
        first_ = [_absolute(start, n)] + ([] if bounds(start)[0] >= 0 else [0])
        length: Dim | None = None
        for e in last:
            for s in first_:
                candidate = maximum(e - s, 0)
                length = candidate if length is None else minimum(length, candidate)
        assert length is not None
        return (length + (step - 1)) // step
    begin = minimum(maximum(_absolute(start, n), 0), n - 1)
    behind = -1 if isinstance(end, int) and end <= -END_OF_AXIS else maximum(minimum(_absolute(end, n), n - 1), -1)
    return (maximum(begin - behind, 0) + (-step - 1)) // -step


def _absolute(place: Dim, n: Dim) -> Dim:
    """The place counted from the front: n is added to a negative one. min(1, max(0, -place)) is 1 exactly there."""
    low, high = bounds(place)
    if low >= 0:
        return place
    return place + n * (1 if high < 0 else minimum(1, maximum(0, -place)))


def _clamped(n: int, start: int, end: int, step: int) -> tuple[int, int]:
    """Slice's effective start and end: a start beyond either end stands at the last place there."""
    first, stop = (place + n if place < 0 else place for place in (start, end))
    if step > 0:
        return min(max(first, 0), n), min(max(stop, 0), n)
    return min(max(first, 0), n - 1), min(max(stop, -1), n - 1)


@value_rule("Slice")
def slice_value(
    data: TensorType,
    start: TensorType | None = None,
    end: TensorType | None = None,
    axis: TensorType | None = None,
    step: TensorType | None = None,
    *,
    starts: Sequence[int] | None = None,
    ends: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
) -> Value | None:
    """The elements in the range, where its bounds are numbers."""
    if data.value is None or data.shape is None:
        return None
    if start is not None and end is not None:
        starts, ends = start.value, end.value
    if starts is None or ends is None:
        return None
    axes = range(len(starts)) if axis is None and axes is None else axes if axis is None else axis.value
    steps = (1,) * len(starts) if step is None else step.value
    if axes is None or steps is None or not all(isinstance(x, int) for x in (*starts, *ends, *steps)):
        return None
    value, shape = data.value, list(flat.concrete_shape(data.shape))
    for i, at in enumerate(normalise_axes(axes, len(shape))):
        places = range(*_clamped(shape[at], starts[i], ends[i], steps[i]), steps[i])
        value = flat.take(value, shape, at, places)
        shape[at] = len(places)
    return value
