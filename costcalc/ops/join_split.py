"""Operators that cut, join and pad without arithmetic: Concat, Split, Pad, Slice, and the small ones beside them.

A Slice of an extent that depends on a symbol gives a minimum and a maximum, which vanish where the order is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.core.assumptions import require_at_least, require_equal
from costcalc.core.dim import Dim, bounds, divide, maximum, minimum, prod
from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType, Value
from costcalc.core.registry import FreshSymbol, Types, describe, free, shape_rule, value_rule
from costcalc.core.traits import Attributes, LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common import elements as flat
from costcalc.ops.common.axes import normalise_axes, normalise_axis, optional_value, vector_length
from costcalc.ops.common.selection_reads import count_compressed, count_inside, count_triangle
from costcalc.ops.common.visibility import known_integers

free("Concat", "Split", "Pad", "ReverseSequence", "Compress", "Trilu", "CenterCropPad")

traits("Concat", "Split", "Pad", "Trilu", "CenterCropPad", keeps="nothing")

traits("Split", rearranges=True, reads="part")

traits("Compress", keeps="indices")

describe("The inputs stand one behind the other along an axis.", "Concat")

describe("The input is cut into parts along an axis.", "Split")

describe("Elements are added around the input (or, where a pad is negative, removed).", "Pad")

describe("The first elements of each sequence stand in reverse order.", "ReverseSequence")

describe("The places where the condition holds are kept.", "Compress")

describe("The upper or lower triangle of each matrix is kept, the rest is 0.", "Trilu")

describe("The middle is cut out, or zeros are added around it.", "CenterCropPad")


@shape_rule("Concat")
def concat_shape(first: TensorType, *others: TensorType, axis: int = 1) -> TensorType:
    """The extents add up along the axis, and agree elsewhere."""
    assert first.shape is not None
    out = list(first.shape)
    axis_index = normalise_axis(axis, len(out))
    for tensor in others:
        shape = tensor.shape or ()
        if len(shape) != len(out):
            raise ShapeError(f"the inputs are of rank {len(out)} and {len(shape)}", "give all of them one rank")
        for i, extent in enumerate(shape):
            if i == axis_index:
                out[i] = out[i] + extent
            elif extent != out[i]:
                out[i] = require_equal(
                    out[i], extent, f"the extents of axis {i}, which is not the axis of Concat ({axis_index}),"
                )
    return TensorType(first.dtype, tuple(out))


@value_rule("Concat")
def concat_value(*inputs: TensorType, axis: int = 1) -> Value | None:
    """The elements of all inputs."""
    values, shapes = [], []
    for x in inputs:
        if x.value is None or x.shape is None:
            return None
        values.append(x.value)
        shapes.append(flat.concrete_shape(x.shape))
    return flat.concatenate(values, shapes, normalise_axis(axis, len(shapes[0])))


@shape_rule("Split")
def split_shape(
    x: TensorType,
    sizes: TensorType | None = None,
    *,
    axis: int = 0,
    split: Sequence[int] | None = None,
    num_outputs: int | None = None,
    n_outputs: int,
    fresh: FreshSymbol,
) -> tuple[TensorType, ...]:
    """Parts of the sizes in `split` along the axis, or equal ones; with num_outputs each ⌈extent / num_outputs⌉ and the
    last the rest. Where the sizes are not known, all but the last are new symbols."""
    assert x.shape is not None
    axis_index = normalise_axis(axis, len(x.shape))
    extent = x.shape[axis_index]
    if num_outputs is not None and num_outputs != n_outputs:
        raise ShapeError(f"num_outputs is {num_outputs}, the node has {n_outputs} outputs", "make them equal")
    parts: Sequence[Dim]
    if sizes is not None and sizes.value is None:
        symbols = [fresh(f"part{i}") for i in range(n_outputs - 1)]
        parts = [*symbols, extent - sum(symbols)]
    elif split is not None or sizes is not None:
        parts = split if split is not None else (optional_value(sizes) or ())
        require_equal(sum(parts), extent, f"the sum of the parts {list(parts)} and the extent")
    else:
        parts = _equal_parts(extent, num_outputs or n_outputs, even=num_outputs is None)
    if len(parts) != n_outputs:
        raise ShapeError(f"{len(parts)} parts are given for {n_outputs} outputs", "give one size per output")
    before, behind = x.shape[:axis_index], x.shape[axis_index + 1 :]
    types = [TensorType(x.dtype, (*before, part, *behind)) for part in parts]
    if x.value is None:
        return tuple(types)
    shape, start = flat.concrete_shape(x.shape), 0
    for i, part in enumerate(flat.concrete_shape(parts)):
        elements = flat.take(x.value, shape, axis_index, range(start, start + part))
        types[i], start = types[i]._replace(value=elements), start + part
    return tuple(types)


def _equal_parts(extent: Dim, n: int, even: bool) -> list[Dim]:
    part = divide(extent, n)
    if part is not None:
        return [part] * n
    if even:
        require_equal(extent // n * n, extent, f"{n} equal parts and the extent")
        return [extent // n] * n
    part = (extent + (n - 1)) // n
    last = extent - part * (n - 1)
    require_at_least(last, 0, f"an extent of {extent} leaves nothing for the last of {n} parts", "split it into fewer")
    return [part] * (n - 1) + [last]


@shape_rule("Pad")
def pad_shape(
    data: TensorType,
    pad: TensorType | None = None,
    constant: TensorType | None = None,
    axis: TensorType | None = None,
    *,
    pads: Sequence[int] | None = None,
    fresh: FreshSymbol,
) -> TensorType:
    """extent + begin + end on each axis; pads is [all begins, all ends], an attribute below opset 11. Where
    the pads are not known the extents are new symbols."""
    assert data.shape is not None
    out = list(data.shape)
    axes = range(len(out)) if axis is None else axis.value
    if pad is not None:
        pads = pad.value
    if pads is None or axes is None:
        for axis_index in normalise_axes(axes if axes is not None else range(len(out)), len(out)):
            out[axis_index] = fresh(f"extent{axis_index}")
        return TensorType(data.dtype, tuple(out))
    if len(pads) != 2 * len(axes):
        raise ShapeError(f"pads has {len(pads)} numbers for {len(axes)} axes", f"give {2 * len(axes)}")
    for i, axis_index in enumerate(normalise_axes(axes, len(out))):
        extent = out[axis_index] + (pads[i] + pads[len(axes) + i])
        if bounds(extent)[0] < 0:
            require_at_least(extent, 0, f"the padded extent of axis {axis_index} is {extent}", "remove less")
        out[axis_index] = extent
    return TensorType(data.dtype, tuple(out))


@least_work_rule("Pad")
def pad_least_work(use: OperatorUse) -> LeastWork:
    """What negative pads remove: stored pads are read, any other may remove all."""
    data, pads, axes = use.input(0), use.input(1), use.input(3)
    assert data is not None and data.shape is not None
    if pads is None:
        return LeastWork(0, {0: count_inside(data.shape, use.attributes.get("pads", ()), None)})
    known_axes = None if axes is None else known_integers(axes)
    known = None if axes is not None and known_axes is None else known_integers(pads)
    return LeastWork(0, {0: count_inside(data.shape, known, known_axes)})


@least_work_rule("Compress")
def compress_least_work(use: OperatorUse) -> LeastWork:
    """Places where the condition does not hold: a stored condition is read, any other may hold nowhere."""
    data, condition = use.input(0), use.input(1)
    assert data is not None and condition is not None
    return LeastWork(0, {0: count_compressed(data, condition, use.attributes.get("axis"))})


@least_work_rule("Trilu")
def trilu_least_work(use: OperatorUse) -> LeastWork:
    """The triangle that becomes 0; all where k comes at run time."""
    x, diagonal = use.input(0), use.input(1)
    assert x is not None and x.shape is not None
    known = (0,) if diagonal is None else known_integers(diagonal)
    rows, columns = x.shape[-2:]
    if known is None:
        return LeastWork(0, {0: 0})
    if not isinstance(rows, int) or not isinstance(columns, int):
        return LeastWork(0)
    kept = count_triangle(rows, columns, known[0], bool(use.attributes.get("upper", 1)))
    return LeastWork(0, {0: prod(x.shape[:-2]) * kept})


@least_work_rule("CenterCropPad")
def center_crop_pad_least_work(use: OperatorUse) -> LeastWork:
    """What is cut away: a stored shape is read, any other may cut away all."""
    x, shape = use.input(0), use.input(1)
    assert x is not None and x.shape is not None
    sizes, axes = known_integers(shape), use.attributes.get("axes")
    if sizes is None:
        return LeastWork(0, {0: 0})
    extents = list(x.shape)
    for axis, size in zip(
        normalise_axes(range(len(extents)) if axes is None else axes, len(extents)), sizes, strict=True
    ):
        extents[axis] = minimum(extents[axis], size)
    return LeastWork(0, {0: prod(extents)})


@shape_rule("ReverseSequence", "Trilu")
def same_shape(x: TensorType, second: TensorType | None = None) -> TensorType:
    """The shape stays."""
    return TensorType(x.dtype, x.shape)


@shape_rule("Compress")
def compress_shape(x: TensorType, condition: TensorType, *, axis: int | None = None, fresh: FreshSymbol) -> TensorType:
    """The positions along the axis (without one: of the flat input) at which the condition is true; a new symbol where
    it depends on data."""
    assert x.shape is not None
    length = x.elements if axis is None else x.shape[normalise_axis(axis, len(x.shape))]
    if isinstance(condition.shape, tuple) and len(condition.shape) == 1:
        length = minimum(length, condition.shape[0])
    count: Dim = fresh("selected", length) if condition.value is None else sum(map(bool, condition.value))
    if axis is None:
        return TensorType(x.dtype, (count,))
    axis_index = normalise_axis(axis, len(x.shape))
    return TensorType(x.dtype, (*x.shape[:axis_index], count, *x.shape[axis_index + 1 :]))


@shape_rule("CenterCropPad")
def center_crop_pad_shape(
    x: TensorType, shape: TensorType, *, axes: Sequence[int] | None = None, fresh: FreshSymbol
) -> TensorType:
    """The named axes get the extents of `shape`; new symbols where those are not known."""
    assert x.shape is not None
    out = list(x.shape)
    axis_indices = normalise_axes(range(len(out)) if axes is None else axes, len(out))
    sizes = shape.value if shape.value is not None else tuple([fresh(f"extent{i}") for i in axis_indices])
    if len(sizes) != len(axis_indices):
        raise ShapeError(f"{len(sizes)} extents are given for {len(axis_indices)} axes", "give one per axis")
    for i, extent in zip(axis_indices, sizes, strict=True):
        out[i] = extent
    return TensorType(x.dtype, tuple(out))


free("Slice")

traits("Slice", reads="part", positions="lost", keeps="nothing")

describe("A range of each axis is cut out.", "Slice")

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
    fresh: FreshSymbol,
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
        return TensorType(data.dtype, tuple([fresh(f"extent{i}", d) for i, d in enumerate(out)]))
    for i, axis_index in enumerate(normalise_axes(axes, len(out))):
        if starts is None or ends is None or steps is None:
            out[axis_index] = fresh(f"extent{axis_index}", out[axis_index])
            continue
        extent = slice_extent(out[axis_index], starts[i], ends[i], steps[i])
        out[axis_index] = fresh(f"extent{axis_index}", out[axis_index]) if extent is None else extent
    return TensorType(data.dtype, tuple(out))


def slice_extent(n: Dim, start: Dim, end: Dim, step: Dim) -> Dim | None:
    """The number of the n elements that [start:end:step] selects; None where the direction depends on a symbol.

    For a positive step the length is min(E) - max(S) over the candidates of end and start (an end beyond n is n, a
    start before 0 is 0); written as the minimum of the differences, each at least 0, the known ones vanish.
    """
    if step == 0:
        raise ShapeError("the step of a slice is 0", "use a step other than 0")
    if isinstance(n, int) and isinstance(start, int) and isinstance(end, int) and isinstance(step, int):
        first, stop = _clamp_bounds(n, start, end, step)
        return len(range(first, stop, step))
    low, high = bounds(step)
    if low <= 0 <= high:
        return None
    if isinstance(start, int) and abs(start) >= END_OF_AXIS:
        start = 0 if start < 0 else n if low > 0 else n - 1
    if low > 0:
        to_the_end = isinstance(end, int) and end >= END_OF_AXIS
        # An end that counts from behind lies below n, a start that counts from the front not below 0.
        last = [n] if to_the_end else [_absolute_index(end, n)] + ([] if bounds(end)[1] < 0 else [n])
        first_ = [_absolute_index(start, n)] + ([] if bounds(start)[0] >= 0 else [0])
        length: Dim | None = None
        for e in last:
            for s in first_:
                candidate = maximum(e - s, 0)
                length = candidate if length is None else minimum(length, candidate)
        assert length is not None
        return (length + (step - 1)) // step
    begin = minimum(maximum(_absolute_index(start, n), 0), n - 1)
    behind = (
        -1 if isinstance(end, int) and end <= -END_OF_AXIS else maximum(minimum(_absolute_index(end, n), n - 1), -1)
    )
    return (maximum(begin - behind, 0) + (-step - 1)) // -step


def _absolute_index(index: Dim, n: Dim) -> Dim:
    """The index counted from the front: n is added to a negative one. min(1, max(0, -index)) is 1 exactly there."""
    low, high = bounds(index)
    if low >= 0:
        return index
    return index + n * (1 if high < 0 else minimum(1, maximum(0, -index)))


def _clamp_bounds(n: int, start: int, end: int, step: int) -> tuple[int, int]:
    """Slice's effective start and end: a start beyond either end becomes the last index there."""
    first, stop = (index + n if index < 0 else index for index in (start, end))
    if step > 0:
        return min(max(first, 0), n), min(max(stop, 0), n)
    return min(max(first, 0), n - 1), min(max(stop, -1), n - 1)


def slice_region(types: Types, attributes: Attributes) -> tuple[range, ...] | None:
    """Inputs and attributes of a Slice -> the indexes of each axis that it reads; None where a bound is not known."""
    data, start, end, axis, step = (*types, *(None,) * 5)[:5]
    starts, ends, axes = (attributes.get(name) for name in ("starts", "ends", "axes"))
    steps: Sequence[Any] | None = None
    if start is not None and end is not None:
        starts, ends, axes = start.value, end.value, axis and axis.value
        steps = step and step.value
        if (axis is not None and axes is None) or (step is not None and steps is None):
            return None
    if data is None or data.shape is None or starts is None or ends is None:
        return None
    numbers = (*data.shape, *starts, *ends, *(steps or ()))
    if not all(isinstance(n, int) for n in numbers):
        return None
    region = [range(n) for n in data.shape if isinstance(n, int)]
    for i, position in enumerate(normalise_axes(tuple(range(len(starts))) if axes is None else axes, len(region))):
        by = steps[i] if steps else 1
        region[position] = range(*_clamp_bounds(len(region[position]), starts[i], ends[i], by), by)
    return tuple(region)


traits("Slice", region=slice_region)


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
    for i, axis_index in enumerate(normalise_axes(axes, len(shape))):
        places = range(*_clamp_bounds(shape[axis_index], starts[i], ends[i], steps[i]), steps[i])
        value = flat.take(value, shape, axis_index, places)
        shape[axis_index] = len(places)
    return value
