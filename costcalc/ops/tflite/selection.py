"""TensorFlow Lite's operators that take parts of tensors, by place, by index or by value, and casts.

Source: LiteRT's tflite/kernels (slice.cc, strided_slice.cc, split.cc, gather.cc, topk_v2.cc, arg_min_max.cc).
"""

from __future__ import annotations

from costcalc.core.dim import Dim, maximum, minimum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DTYPE_OF_CODE, TensorType, Value
from costcalc.core.registry import cost_rule, describe, free, operands, shape_rule, value_rule
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common.axes import divide_exactly, known_integers, normalise_axis
from costcalc.ops.common.lookup import count_gathered
from costcalc.ops.reduce import combination_work
from costcalc.ops.tflite import TFLITE

PARTS = ("GATHER", "SLICE", "STRIDED_SLICE", "DYNAMIC_UPDATE_SLICE")

free(*PARTS, "CAST", "ONE_HOT", "SPLIT", "SPLIT_V", "STABLEHLO_CONVERT", domain=TFLITE)

operands("GATHER", domain=TFLITE, weights=(0,))

operands("ONE_HOT", domain=TFLITE, buffers=(2, 3))

traits("GATHER", domain=TFLITE, kind="lookup", positions="lost")

traits("GATHER", "SLICE", "STRIDED_SLICE", domain=TFLITE, reads="part", keeps="indices")

traits("CAST", "STABLEHLO_CONVERT", domain=TFLITE, passes_on="converted", keeps="nothing")

traits("SPLIT", "SPLIT_V", domain=TFLITE, keeps="nothing")

describe("Takes a part of each axis.", "SLICE", "STRIDED_SLICE", domain=TFLITE)

describe("Writes a tensor into a part of another.", "DYNAMIC_UPDATE_SLICE", domain=TFLITE)

describe("Each index picks a slice of the table; nothing is multiplied.", "GATHER", domain=TFLITE)

describe("Takes a tensor apart along an axis.", "SPLIT", "SPLIT_V", domain=TFLITE)

describe("Changes the element type.", "CAST", "STABLEHLO_CONVERT", domain=TFLITE)

describe("Each index becomes a vector that is on at that place only.", "ONE_HOT", domain=TFLITE)

describe("Finds the place of an extreme element along an axis.", "ARG_MAX", "ARG_MIN", domain=TFLITE)

describe("Takes the greatest elements of each row, and their places.", "TOPK_V2", domain=TFLITE)


@shape_rule("CAST", domain=TFLITE)
def cast_shape(x: TensorType, *, to: int = 0) -> TensorType:
    """The input's shape."""
    return TensorType(DTYPE_OF_CODE.get(to, x.dtype), x.shape, x.value if x.dtype.is_integer else None)


@shape_rule("DYNAMIC_UPDATE_SLICE", domain=TFLITE)
def update_shape(x: TensorType, update: TensorType, start: TensorType) -> TensorType:
    """The first input's shape."""
    return TensorType(x.dtype, x.shape)


@shape_rule("SLICE", domain=TFLITE)
def slice_shape(x: TensorType, begin: TensorType, size: TensorType) -> TensorType:
    """The sizes; -1 is all from begin on."""
    assert x.shape is not None
    begins, sizes = begin.value, size.value
    if sizes is None or (begins is None and -1 in sizes):
        return TensorType(x.dtype, None)
    if len(sizes) != len(x.shape) or (begins is not None and len(begins) != len(x.shape)):
        raise ShapeError(f"{len(sizes)} sizes are given for {len(x.shape)} axes", "give one of each axis")
    starts = begins if begins is not None else (0,) * len(sizes)
    return TensorType(x.dtype, tuple([d - b if s == -1 else s for d, b, s in zip(x.shape, starts, sizes, strict=True)]))


@shape_rule("STRIDED_SLICE", domain=TFLITE)
def strided_slice_shape(
    x: TensorType,
    begin: TensorType,
    end: TensorType,
    strides: TensorType,
    *,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    offset: int = 0,
) -> TensorType:
    """begin : end : stride of each axis as in Python; a bit of a mask takes all from the first element or to the last
    one, stands for all axes that are not named (ellipsis), adds an axis of 1, or takes one element and no axis. With
    offset, end counts from begin."""
    assert x.shape is not None
    begins, ends, steps = known_integers(begin), known_integers(end), known_integers(strides)
    if begins is None or ends is None or steps is None:
        return TensorType(x.dtype, None)
    if not len(begins) == len(ends) == len(steps):
        raise ShapeError("begin, end and strides differ in length", "give one of each axis")
    if offset:
        ends = tuple([a + b for a, b in zip(begins, ends, strict=True)])
    count = len(begins)
    named = sum(not (ellipsis_mask | new_axis_mask) >> i & 1 for i in range(count))
    out: list[Dim] = []
    axis = 0
    for i in range(count):
        if ellipsis_mask >> i & 1:
            rest = max(0, len(x.shape) - named)
            out += x.shape[axis : axis + rest]
            axis += rest
        elif new_axis_mask >> i & 1:
            out.append(1)
        else:
            if axis >= len(x.shape):
                raise ShapeError(f"{count} axes are sliced of {len(x.shape)}", "name fewer")
            if not shrink_axis_mask >> i & 1:
                first = None if begin_mask >> i & 1 else begins[i]
                last = None if end_mask >> i & 1 else ends[i]
                out.append(_sliced_extent(x.shape[axis], first, last, steps[i]))
            axis += 1
    return TensorType(x.dtype, (*out, *x.shape[axis:]))


def _sliced_extent(extent: Dim, first: int | None, last: int | None, step: int) -> Dim:
    """The length of extent[first : last : step]."""
    if step == 0:
        raise ShapeError("a stride is 0", "strides are not 0")
    if isinstance(extent, int):
        return len(range(*slice(first, last, step).indices(extent)))
    if step < 0:
        return (extent + (-step - 1)) // -step
    begin: Dim = 0 if first is None else first if first >= 0 else maximum(extent + first, 0)
    end: Dim = extent if last is None else minimum(last, extent) if last >= 0 else extent + last
    return maximum((end - begin + (step - 1)) // step, 0)


@value_rule("STRIDED_SLICE", domain=TFLITE)
def strided_slice_value(
    x: TensorType,
    begin: TensorType,
    end: TensorType,
    strides: TensorType,
    *,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
) -> Value | None:
    """The elements of a vector that are taken."""
    begins, ends, steps = known_integers(begin), known_integers(end), known_integers(strides)
    if x.value is None or x.rank != 1 or not begins or not ends or not steps or len(begins) != 1 or ellipsis_mask & 1:
        return None
    if new_axis_mask & 1 or steps[0] == 0:
        return None
    if shrink_axis_mask & 1:
        return (x.value[begins[0]],) if -len(x.value) <= begins[0] < len(x.value) else None
    return x.value[slice(None if begin_mask & 1 else begins[0], None if end_mask & 1 else ends[0], steps[0])]


@shape_rule("GATHER", domain=TFLITE)
def gather_shape(table: TensorType, indices: TensorType, *, axis: int = 0, batch_dims: int = 0) -> TensorType:
    """table [*before, axis, *behind] -> [*before, *indices without batch axes, *behind]."""
    assert table.shape is not None and indices.shape is not None
    place = normalise_axis(axis, len(table.shape))
    batch = batch_dims + len(indices.shape) if batch_dims < 0 else batch_dims
    if not 0 <= batch <= min(place, len(indices.shape)):
        raise ShapeError(f"{batch_dims} axes are of the batch", f"they stand before axis {place}")
    return TensorType(table.dtype, (*table.shape[:place], *indices.shape[batch:], *table.shape[place + 1 :]))


@least_work_rule("GATHER", domain=TFLITE)
def gather_least_work(use: OperatorUse) -> LeastWork:
    """As ONNX's Gather; each batch has indices of its own."""
    table, indices = use.input(0), use.input(1)
    assert table is not None and indices is not None and indices.shape is not None
    batch = use.attributes.get("batch_dims", 0)
    batch += len(indices.shape) if batch < 0 else 0
    return LeastWork(0, {0: count_gathered(table, indices, use.attributes.get("axis", 0), batch)})


@value_rule("GATHER", domain=TFLITE)
def gather_value(table: TensorType, indices: TensorType) -> Value | None:
    """The elements of a vector at the places."""
    places = known_integers(indices)
    if table.value is None or table.rank != 1 or places is None:
        return None
    return tuple([table.value[i] for i in places]) if all(0 <= i < len(table.value) for i in places) else None


@shape_rule("SPLIT", domain=TFLITE)
def split_shape(axis: TensorType, x: TensorType, *, n_outputs: int = 1) -> tuple[TensorType, ...]:
    """Equal parts of an axis."""
    assert x.shape is not None
    places = known_integers(axis)
    if not places:
        return (TensorType(x.dtype, None),) * n_outputs
    place = normalise_axis(places[0], len(x.shape))
    part = divide_exactly(x.shape[place], n_outputs, f"{x.shape[place]} is no {n_outputs} equal parts", "correct it")
    return (TensorType(x.dtype, (*x.shape[:place], part, *x.shape[place + 1 :])),) * n_outputs


@shape_rule("SPLIT_V", domain=TFLITE)
def split_v_shape(x: TensorType, sizes: TensorType, axis: TensorType, *, n_outputs: int = 1) -> tuple[TensorType, ...]:
    """Parts of the given sizes; one may be -1, what is left."""
    assert x.shape is not None
    places, parts = known_integers(axis), known_integers(sizes)
    if not places or parts is None:
        return (TensorType(x.dtype, None),) * n_outputs
    if len(parts) != n_outputs:
        raise ShapeError(f"{len(parts)} sizes are given for {n_outputs} outputs", "give one of each")
    place = normalise_axis(places[0], len(x.shape))
    rest = x.shape[place] - sum(p for p in parts if p != -1)
    extents = [rest if p == -1 else p for p in parts]
    return tuple([TensorType(x.dtype, (*x.shape[:place], e, *x.shape[place + 1 :])) for e in extents])


@shape_rule("ARG_MAX", "ARG_MIN", domain=TFLITE)
def arg_shape(x: TensorType, axis: TensorType, *, to: int = 7) -> TensorType:
    """Places, without the axis."""
    assert x.shape is not None
    places = known_integers(axis)
    if not places:
        return TensorType(x.dtype, None)
    place = normalise_axis(places[0], len(x.shape))
    return TensorType(DTYPE_OF_CODE.get(to, x.dtype), (*x.shape[:place], *x.shape[place + 1 :]))


@cost_rule("ARG_MAX", "ARG_MIN", domain=TFLITE)
def arg_cost(x: TensorType, axis: TensorType, *, out: TensorType) -> Cost:
    """#inputs − #outputs comparisons."""
    return combination_work("compare", "reduction", x, out)


@shape_rule("ONE_HOT", domain=TFLITE)
def one_hot_shape(
    indices: TensorType, depth: TensorType, on: TensorType, off: TensorType, *, axis: int = -1
) -> TensorType:
    """The indices' shape with a new axis of the depth."""
    assert indices.shape is not None
    if depth.value is None:
        return TensorType(on.dtype, None)
    place = normalise_axis(axis, len(indices.shape) + 1)
    return TensorType(on.dtype, (*indices.shape[:place], depth.value[0], *indices.shape[place:]))


@shape_rule("TOPK_V2", domain=TFLITE)
def top_k_shape(x: TensorType, k: TensorType) -> tuple[TensorType, TensorType]:
    """(values, places) of the k greatest of the last axis."""
    assert x.shape is not None
    if not x.shape or k.value is None:
        return TensorType(x.dtype, None), TensorType(x.dtype, None)
    result = TensorType(x.dtype, (*x.shape[:-1], k.value[0]))
    return result, result


@cost_rule("TOPK_V2", domain=TFLITE)
def top_k_cost(x: TensorType, k: TensorType) -> Cost:
    """One comparison per input: a lower bound, for a selection orders the greatest ones too."""
    return Cost(work=elementwise_work("compare", "elementwise", x.elements, 1, "#inputs"))
