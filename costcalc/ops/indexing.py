"""Reading, writing and choice of elements by index or value: Gather, Scatter, OneHot, Col2Im, NonZero, TopK.

A Gather from a stored table is an embedding. Col2Im adds where its blocks overlap. How many elements NonZero, Unique
and NonMaxSuppression give depends on data.
"""

from __future__ import annotations

import math

from costcalc.core.assumptions import require_at_least, require_equal
from costcalc.core.dim import Dim, maximum, minimum, prod
from costcalc.core.errors import ShapeError
from costcalc.core.formula import NO_COST, Cost, Formula, Work, elementwise_work, product, product_factor
from costcalc.core.ir import DType, TensorType, Value
from costcalc.core.registry import FreshSymbol, cost_rule, describe, free, operands, shape_rule, value_rule
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.common import elements as flat
from costcalc.ops.common.axes import divide_exactly, known_integers, normalise_axis, vector_length
from costcalc.ops.common.lookup import count_elements_along, count_gathered, count_places
from costcalc.ops.common.window_reads import count_column_elements

operands("Gather", weights=(0,))

operands("OneHot", buffers=(2,))

traits("Gather", kind="lookup", positions="lost")

traits("Gather", "GatherElements", "GatherND", reads="part")

traits("Gather", "GatherElements", "GatherND", keeps="indices")

traits("ScatterElements", "ScatterND", "Scatter", "TensorScatter", keeps="indices")

traits("Col2Im", keeps="nothing")

free("Gather", "GatherElements", "GatherND", "Scatter", "TensorScatter", "OneHot")

describe("Each index picks a slice of the table; nothing is multiplied.", "Gather")

describe("Each index picks one element of the input.", "GatherElements")

describe("Each vector of indices picks a slice of the input.", "GatherND")

describe(
    "The updates are written into a copy of the input.", "Scatter", "ScatterElements", "ScatterND", "TensorScatter"
)

describe("Each index becomes a vector that is on at that place only.", "OneHot")

describe("Blocks of columns are added into an image, where they overlap.", "Col2Im")

REDUCTIONS = {"add": "add", "mul": "multiply", "max": "compare", "min": "compare"}


@shape_rule("Gather")
def gather_shape(data: TensorType, indices: TensorType, *, axis: int = 0) -> TensorType:
    """data [*before, axis, *behind] -> [*before, *indices, *behind]."""
    assert data.shape is not None and indices.shape is not None
    axis_index = normalise_axis(axis, len(data.shape))
    return TensorType(data.dtype, (*data.shape[:axis_index], *indices.shape, *data.shape[axis_index + 1 :]))


@least_work_rule("Gather")
def gather_least_work(use: OperatorUse) -> LeastWork:
    """Rows that no index names, and a row that several name is read once: stored indices are read, any other may all
    name one row."""
    data, indices = use.input(0), use.input(1)
    assert data is not None and indices is not None
    return LeastWork(0, {0: count_gathered(data, indices, use.attributes.get("axis", 0))})


@value_rule("Gather")
def gather_value(data: TensorType, indices: TensorType, *, axis: int = 0) -> Value | None:
    """The picked elements, where the indices are numbers."""
    if data.value is None or indices.value is None or data.shape is None:
        return None
    if not all(isinstance(i, int) for i in indices.value):
        return None
    shape = flat.concrete_shape(data.shape)
    axis_index = normalise_axis(axis, len(shape))
    n = shape[axis_index]
    for i in indices.value:
        if not -n <= i < n:
            raise ShapeError(f"index {i} does not exist on an axis of {n}", f"give one from {-n} to {n - 1}")
    return flat.take(data.value, shape, axis_index, [i + n if i < 0 else i for i in indices.value])


@shape_rule("GatherElements")
def gather_elements_shape(data: TensorType, indices: TensorType, *, axis: int = 0) -> TensorType:
    """The shape of the indices."""
    normalise_axis(axis, data.rank)
    return TensorType(data.dtype, indices.shape)


@least_work_rule("GatherElements")
def gather_elements_least_work(use: OperatorUse) -> LeastWork:
    """As Gather, element by element; each place on the other axes has indices of its own."""
    data, indices = use.input(0), use.input(1)
    assert data is not None and indices is not None
    return LeastWork(0, {0: count_elements_along(data, indices, use.attributes.get("axis", 0))})


@least_work_rule("GatherND")
def gather_nd_least_work(use: OperatorUse) -> LeastWork:
    """As Gather, with a vector of indices for each slice; each batch has vectors of its own."""
    data, indices = use.input(0), use.input(1)
    assert data is not None and indices is not None
    return LeastWork(0, {0: count_places(data, indices, use.attributes.get("batch_dims", 0))})


@shape_rule("GatherND")
def gather_nd_shape(data: TensorType, indices: TensorType, *, batch_dims: int = 0) -> TensorType:
    """indices [*at, depth] -> [*at, *the axes of data behind batch_dims + depth]."""
    assert data.shape is not None and indices.shape is not None
    if not indices.shape:
        raise ShapeError("the indices are a scalar", "give vectors of indices, one axis at least")
    *batch, depth = indices.shape
    first = batch_dims + int(depth)
    if first > len(data.shape):
        raise ShapeError(
            f"indices of {depth} numbers reach behind the {len(data.shape)} axes of the input",
            "use shorter vectors of indices",
        )
    return TensorType(data.dtype, (*batch, *data.shape[first:]))


@least_work_rule("TensorScatter")
def tensor_scatter_least_work(use: OperatorUse) -> LeastWork:
    """Elements of the cache that the update is written over."""
    cache, update = use.input(0), use.input(1)
    assert cache is not None and update is not None
    return LeastWork(0, {0: maximum(cache.elements - update.elements, 0)})


@least_work_rule("Scatter", "ScatterElements", "ScatterND")
def scatter_least_work(use: OperatorUse) -> LeastWork:
    """Elements that updates are written over, one for each update, where reduction is none."""
    data, updates = use.input(0), use.input(2)
    assert data is not None and updates is not None
    if use.attributes.get("reduction", "none") != "none":
        return LeastWork(0)
    return LeastWork(0, {0: maximum(data.elements - updates.elements, 0)})


@shape_rule("Scatter", "ScatterElements", "ScatterND")
def scatter_shape(data: TensorType, indices: TensorType, updates: TensorType) -> TensorType:
    """The shape of the input."""
    return TensorType(data.dtype, data.shape)


@value_rule("ScatterND")
def scatter_nd_value(
    data: TensorType, indices: TensorType, updates: TensorType, *, reduction: str = "none"
) -> Value | None:
    """The elements with the updates written over them."""
    if data.value is None or indices.value is None or updates.value is None or reduction != "none":
        return None
    assert data.shape is not None and indices.shape is not None
    shape, depth = flat.concrete_shape(data.shape), int(indices.shape[-1])
    if not all(isinstance(i, int) for i in indices.value):
        return None
    inner = math.prod(shape[depth:])
    out = list(data.value)
    for row in range(len(indices.value) // depth if depth else 1):
        offset = 0
        for n, i in zip(shape, indices.value[row * depth : (row + 1) * depth], strict=False):
            if not -n <= i < n:
                raise ShapeError(f"index {i} does not exist on an axis of {n}", f"give one from {-n} to {n - 1}")
            offset = offset * n + i % n
        out[offset * inner : (offset + 1) * inner] = updates.value[row * inner : (row + 1) * inner]
    return tuple(out)


@cost_rule("ScatterElements", "ScatterND")
def scatter_cost(data: TensorType, indices: TensorType, updates: TensorType, *, reduction: str = "none") -> Cost:
    """With a reduction one operation (an addition, a multiplication, or a comparison) per element of the updates;
    without one nothing, the updates are only written."""
    if reduction == "none":
        return NO_COST
    kind = REDUCTIONS.get(reduction)
    if kind is None:
        raise ShapeError(f"the reduction is {reduction!r}", f"use none, {', '.join(REDUCTIONS)}")
    return Cost(work=elementwise_work(kind, "elementwise", updates.elements, element_name="#updates"))


@shape_rule("TensorScatter")
def tensor_scatter_shape(cache: TensorType, update: TensorType, write: TensorType | None = None) -> TensorType:
    """The shape of the cache."""
    return TensorType(cache.dtype, cache.shape)


@shape_rule("OneHot")
def one_hot_shape(
    indices: TensorType, depth: TensorType, values: TensorType, *, axis: int = -1, fresh: FreshSymbol
) -> TensorType:
    """The shape of the indices with an axis of extent `depth` inserted; a new symbol where that is not known."""
    assert indices.shape is not None
    axis_index = normalise_axis(axis, len(indices.shape) + 1)
    extent: Dim = fresh("depth") if depth.value is None else depth.value[0]
    if isinstance(extent, float):
        extent = int(extent)
    return TensorType(values.dtype, (*indices.shape[:axis_index], extent, *indices.shape[axis_index:]))


@shape_rule("Col2Im")
def col2im_shape(x: TensorType, image_shape: TensorType, block_shape: TensorType, *, fresh: FreshSymbol) -> TensorType:
    """x [N, C·∏block, L] -> [N, C, *image]; extents that are not known are new symbols."""
    assert x.shape is not None
    if len(x.shape) != 3:
        raise ShapeError(f"the input is of rank {len(x.shape)}", "give [N, C·∏block, L]")
    n, columns, _ = x.shape
    rank = vector_length(image_shape)
    require_equal(vector_length(block_shape), rank, "the numbers of image extents and of block extents")
    image = image_shape.value
    if image is None:
        image = tuple([fresh(f"image{i}") for i in range(rank)])
    if block_shape.value is None:
        return TensorType(x.dtype, (n, fresh("channels"), *image))
    block = prod(block_shape.value)
    channels = divide_exactly(
        columns, block, f"{columns} columns do not divide into blocks of {block}", "make them channels × ∏ block_shape"
    )
    return TensorType(x.dtype, (n, channels, *image))


@least_work_rule("Col2Im")
def col2im_least_work(use: OperatorUse) -> LeastWork:
    """Elements that fall into the padding; all where image_shape or block_shape comes at run time."""
    x, image, block = use.input(0), use.input(1), use.input(2)
    assert x is not None and x.shape is not None and image is not None and block is not None
    extents, kernel = known_integers(image), known_integers(block)
    if extents is None or kernel is None:
        return LeastWork(0, {0: 0})
    channels = x.shape[1] // max(1, math.prod(kernel))
    return LeastWork(0, {0: x.shape[0] * channels * count_column_elements(extents, kernel, use.attributes)})


@cost_rule("Col2Im")
def col2im_cost(x: TensorType, image_shape: TensorType, block_shape: TensorType) -> Cost:
    """One addition per element of the input: each is added to its pixel."""
    return Cost(work=elementwise_work("add", "elementwise", x.elements, element_name="#column elements"))


traits("TopK", keeps="indices")

describe("The places of the elements that are not 0.", "NonZero")

describe("Each different element (or slice) once.", "Unique")

describe("The k largest or smallest elements along an axis, and where they stand.", "TopK")

describe("Boxes that overlap a better one too much are dropped.", "NonMaxSuppression")


@shape_rule("NonZero")
def non_zero_shape(x: TensorType, *, fresh: FreshSymbol) -> TensorType:
    """[rank, how many elements are not 0]: a new symbol unless the input's contents are known."""
    count: Dim | None = None
    if x.value is not None and all(isinstance(e, (int, float)) for e in x.value):
        count = sum(e != 0 for e in x.value)
    return TensorType(DType.INT64, (max(x.rank, 1), fresh("nonzero", x.elements) if count is None else count))


@value_rule("NonZero")
def non_zero_value(x: TensorType) -> Value | None:
    """The places, axis by axis."""
    if x.value is None or x.shape is None or not all(isinstance(e, (int, float)) for e in x.value):
        return None
    offsets = [i for i, e in enumerate(x.value) if e != 0]
    rows: list[list[int]] = []
    for extent in reversed(flat.concrete_shape(x.shape)):
        rows.insert(0, [offset % extent for offset in offsets])
        offsets = [offset // extent for offset in offsets]
    return tuple([i for row in rows for i in row])


@shape_rule("Unique")
def unique_shape(x: TensorType, *, axis: int | None = None, fresh: FreshSymbol) -> tuple[TensorType, ...]:
    """(values, first places, inverse, counts): as many as there are different elements, or slices along the axis; a
    new symbol."""
    assert x.shape is not None
    count = fresh("unique", x.elements if axis is None else x.shape[normalise_axis(axis, len(x.shape))])
    per_value = TensorType(DType.INT64, (count,))
    if axis is None:
        return TensorType(x.dtype, (count,)), per_value, TensorType(DType.INT64, (x.elements,)), per_value
    axis_index = normalise_axis(axis, len(x.shape))
    values = TensorType(x.dtype, (*x.shape[:axis_index], count, *x.shape[axis_index + 1 :]))
    return values, per_value, TensorType(DType.INT64, (x.shape[axis_index],)), per_value


@shape_rule("TopK")
def top_k_shape(
    x: TensorType, count: TensorType | None = None, *, k: int | None = None, axis: int = -1, fresh: FreshSymbol
) -> tuple[TensorType, TensorType]:
    """(values, places): the extent of the axis becomes k (an attribute below opset 10); a new symbol where k is not
    known."""
    assert x.shape is not None
    axis_index = normalise_axis(axis, len(x.shape))
    selected: Dim
    if count is not None:
        selected = fresh("k", x.shape[axis_index]) if count.value is None else count.value[0]
    elif k is not None:
        selected = k
    else:
        raise ShapeError("TopK has no k", "say how many elements to keep")
    if count is None or count.value is not None:
        require_at_least(
            x.shape[axis_index],
            selected,
            f"the {selected} largest of {x.shape[axis_index]} are asked for",
            "use a smaller k",
        )
    shape = (*x.shape[:axis_index], selected, *x.shape[axis_index + 1 :])
    return TensorType(x.dtype, shape), TensorType(DType.INT64, shape)


@cost_rule("NonZero", "Unique", "TopK")
def selection_cost(x: TensorType, count: TensorType | None = None) -> Cost:
    """One comparison per element of the input: a lower bound that no way of sorting or selecting goes below."""
    return Cost(work=elementwise_work("compare", "elementwise", x.elements))


@least_work_rule("NonMaxSuppression")
def non_max_suppression_least_work(use: OperatorUse) -> LeastWork:
    """Boxes: the scores may leave one box of a class, or none, which then meets no other."""
    return LeastWork(0, {0: 0})


@shape_rule("NonMaxSuppression")
def non_max_suppression_shape(
    boxes: TensorType,
    scores: TensorType,
    max_output: TensorType | None = None,
    iou_threshold: TensorType | None = None,
    score_threshold: TensorType | None = None,
    *,
    fresh: FreshSymbol,
) -> TensorType:
    """[number of selected boxes, 3] (batch, class, box): a new symbol, at most max_output_boxes_per_class of each class
    of each image; 0 where max_output_boxes_per_class is absent or 0."""
    if max_output is None or (max_output.value is not None and max_output.value[0] == 0):
        return TensorType(DType.INT64, (0, 3))
    upper: Dim | None = None
    if scores.shape is not None and len(scores.shape) == 3:
        batches, classes, candidates = scores.shape
        limit = candidates if max_output.value is None else minimum(candidates, maximum(0, max_output.value[0]))
        upper = batches * classes * limit
    return TensorType(DType.INT64, (fresh("boxes", upper), 3))


@cost_rule("NonMaxSuppression")
def non_max_suppression_cost(
    boxes: TensorType,
    scores: TensorType,
    max_output: TensorType | None = None,
    iou_threshold: TensorType | None = None,
    score_threshold: TensorType | None = None,
) -> Cost:
    """One comparison per score, a lower bound: how many pairs of boxes are compared depends on data."""
    assert scores.shape is not None
    names = ("batches", "classes", "boxes")
    scores_ = product_factor("#scores", *zip(names, scores.shape, strict=False))
    return Cost(work=(Work("compare", "elementwise", Formula((product(scores_),))),))
