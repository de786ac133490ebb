"""Operators that cut, join and pad without arithmetic: Concat, Split, Pad, and the small ones beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from costcalc.core.assumptions import require_at_least, require_equal
from costcalc.core.dim import Dim, bounds, divide
from costcalc.core.errors import ShapeError
from costcalc.core.ir import TensorType, Value
from costcalc.core.registry import describe, free, shape_rule, value_rule
from costcalc.core.traits import traits
from costcalc.ops.common import elements as flat
from costcalc.ops.common.axes import normalise_axes, normalise_axis, optional_value

free("Concat", "Split", "Pad", "ReverseSequence", "Compress", "Trilu", "CenterCropPad")

traits("Concat", "Split", "Pad", "Trilu", "CenterCropPad", keeps="nothing")

traits("Compress", keeps="indices")

describe("The inputs stand one behind the other along an axis.", "Concat")

describe("The input is cut into parts along an axis.", "Split")

describe("Elements are added around the input (or, where a pad is negative, removed).", "Pad")

describe("The first elements of each sequence stand in reverse order.", "ReverseSequence")

describe("The places where the condition holds are kept.", "Compress")

describe("The upper or lower triangle of each matrix is kept, the rest is 0.", "Trilu")

describe("The middle is cut out, or zeros are added around it.", "CenterCropPad")

Fresh = Callable[[str], Dim]


@shape_rule("Concat")
def concat_shape(first: TensorType, *others: TensorType, axis: int = 1) -> TensorType:
    """The extents add up along the axis, and agree elsewhere."""
    assert first.shape is not None
    out = list(first.shape)
    at = normalise_axis(axis, len(out))
    for other in others:
        shape = other.shape or ()
        if len(shape) != len(out):
            raise ShapeError(f"the inputs are of rank {len(out)} and {len(shape)}", "give all of them one rank")
        for i, extent in enumerate(shape):
            if i == at:
                out[i] = out[i] + extent
            elif extent != out[i]:
                out[i] = require_equal(
                    out[i], extent, f"the extents of axis {i}, which is not the axis of Concat ({at}),"
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
    fresh: Fresh,
) -> tuple[TensorType, ...]:
    """Parts of the given sizes along the axis, or equal ones; with num_outputs each ⌈extent / num_outputs⌉ and the last
    what is left. Where the sizes are not known, all but the last are new symbols."""
    assert x.shape is not None
    at = normalise_axis(axis, len(x.shape))
    extent = x.shape[at]
    parts: Sequence[Dim]
    if sizes is not None and sizes.value is None:
        new = [fresh(f"part{i}") for i in range(n_outputs - 1)]
        parts = [*new, extent - sum(new)]
    elif split is not None or sizes is not None:
        parts = split if split is not None else (optional_value(sizes) or ())
        require_equal(sum(parts), extent, f"the sum of the parts {list(parts)} and the extent")
    else:
        parts = _equal_parts(extent, num_outputs or n_outputs, even=num_outputs is None)
    if len(parts) != n_outputs:
        raise ShapeError(f"{len(parts)} parts are given for {n_outputs} outputs", "give one size per output")
    before, behind = x.shape[:at], x.shape[at + 1 :]
    types = [TensorType(x.dtype, (*before, part, *behind)) for part in parts]
    if x.value is None:
        return tuple(types)
    shape, start = flat.concrete_shape(x.shape), 0
    for i, part in enumerate(flat.concrete_shape(parts)):
        taken = flat.take(x.value, shape, at, range(start, start + part))
        types[i], start = types[i]._replace(value=taken), start + part
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
    fresh: Fresh,
) -> TensorType:
    """extent + begin + end on each axis; pads is [all begins, all ends], an attribute below opset 11. Where
    the pads are not known the extents are new symbols."""
    assert data.shape is not None
    out = list(data.shape)
    axes = range(len(out)) if axis is None else axis.value
    if pad is not None:
        pads = pad.value
    if pads is None or axes is None:
        for at in normalise_axes(axes if axes is not None else range(len(out)), len(out)):
            out[at] = fresh(f"extent{at}")
        return TensorType(data.dtype, tuple(out))
    if len(pads) != 2 * len(axes):
        raise ShapeError(f"pads has {len(pads)} numbers for {len(axes)} axes", f"give {2 * len(axes)}")
    for i, at in enumerate(normalise_axes(axes, len(out))):
        extent = out[at] + (pads[i] + pads[len(axes) + i])
        if bounds(extent)[0] < 0:
            require_at_least(extent, 0, f"the padded extent of axis {at} is {extent}", "remove less")
        out[at] = extent
    return TensorType(data.dtype, tuple(out))


@shape_rule("ReverseSequence", "Trilu")
def same_shape(x: TensorType, second: TensorType | None = None) -> TensorType:
    """The shape stays."""
    return TensorType(x.dtype, x.shape)


@shape_rule("Compress")
def compress_shape(x: TensorType, condition: TensorType, *, axis: int | None = None, fresh: Fresh) -> TensorType:
    """As many places along the axis (of the flat input where none is given) as the condition is true at; a new symbol
    where it depends on data."""
    assert x.shape is not None
    count: Dim = fresh("selected") if condition.value is None else sum(map(bool, condition.value))
    if axis is None:
        return TensorType(x.dtype, (count,))
    at = normalise_axis(axis, len(x.shape))
    return TensorType(x.dtype, (*x.shape[:at], count, *x.shape[at + 1 :]))


@shape_rule("CenterCropPad")
def center_crop_pad_shape(
    x: TensorType, shape: TensorType, *, axes: Sequence[int] | None = None, fresh: Fresh
) -> TensorType:
    """The named axes get the given extents; new symbols where those are not known."""
    assert x.shape is not None
    out = list(x.shape)
    at = normalise_axes(range(len(out)) if axes is None else axes, len(out))
    given = shape.value if shape.value is not None else tuple([fresh(f"extent{i}") for i in at])
    if len(given) != len(at):
        raise ShapeError(f"{len(given)} extents are given for {len(at)} axes", "give one per axis")
    for i, extent in zip(at, given, strict=True):
        out[i] = extent
    return TensorType(x.dtype, tuple(out))
