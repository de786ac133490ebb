"""Choosing elements by their values: NonZero, Unique, TopK, NonMaxSuppression. How many there are depends on data."""

from __future__ import annotations

from collections.abc import Callable

from costcalc.assume import at_least
from costcalc.core.traits import traits
from costcalc.dim import Dim
from costcalc.errors import ShapeError
from costcalc.formula import Cost, Formula, Work, of, per, product
from costcalc.ir import DType, TensorType, Value
from costcalc.ops import flat
from costcalc.ops.axes import axis_of
from costcalc.registry import cost_rule, describe, shape_rule, value_rule

traits("TopK", keeps="indices")
describe("The places of the elements that are not 0.", "NonZero")
describe("Each different element (or slice) once.", "Unique")
describe("The k largest or smallest elements along an axis, and where they stand.", "TopK")
describe("Boxes that overlap a better one too much are dropped.", "NonMaxSuppression")

Fresh = Callable[[str], Dim]


@shape_rule("NonZero")
def non_zero_shape(x: TensorType, *, fresh: Fresh) -> TensorType:
    """[rank, how many elements are not 0]: a new symbol unless the input's contents are known."""
    count: Dim | None = None
    if x.value is not None and all(isinstance(e, (int, float)) for e in x.value):
        count = sum(e != 0 for e in x.value)
    return TensorType(DType.INT64, (x.rank, fresh("nonzero") if count is None else count))


@value_rule("NonZero")
def non_zero_value(x: TensorType) -> Value | None:
    """The places, axis by axis."""
    if x.value is None or x.shape is None or not all(isinstance(e, (int, float)) for e in x.value):
        return None
    places = [i for i, e in enumerate(x.value) if e != 0]
    rows: list[list[int]] = []
    for extent in reversed(flat.ints(x.shape)):
        rows.insert(0, [place % extent for place in places])
        places = [place // extent for place in places]
    return tuple([i for row in rows for i in row])


@shape_rule("Unique")
def unique_shape(x: TensorType, *, axis: int | None = None, fresh: Fresh) -> tuple[TensorType, ...]:
    """(values, first places, inverse, counts): as many as there are different elements, or slices along the axis; a
    new symbol."""
    assert x.shape is not None
    count = fresh("unique")
    per_value = TensorType(DType.INT64, (count,))
    if axis is None:
        return TensorType(x.dtype, (count,)), per_value, TensorType(DType.INT64, (x.elements,)), per_value
    at = axis_of(axis, len(x.shape))
    values = TensorType(x.dtype, (*x.shape[:at], count, *x.shape[at + 1 :]))
    return values, per_value, TensorType(DType.INT64, (x.shape[at],)), per_value


@shape_rule("TopK")
def top_k_shape(
    x: TensorType, count: TensorType | None = None, *, k: int | None = None, axis: int = -1, fresh: Fresh
) -> tuple[TensorType, TensorType]:
    """(values, places): the extent of the axis becomes k (an attribute below opset 10); a new symbol where k is not
    known."""
    assert x.shape is not None
    at = axis_of(axis, len(x.shape))
    chosen: Dim
    if count is not None:
        chosen = fresh("k") if count.value is None else count.value[0]
    elif k is not None:
        chosen = k
    else:
        raise ShapeError("TopK has no k", "say how many elements to keep")
    if count is None or count.value is not None:
        at_least(x.shape[at], chosen, f"the {chosen} largest of {x.shape[at]} are asked for", "use a smaller k")
    shape = (*x.shape[:at], chosen, *x.shape[at + 1 :])
    return TensorType(x.dtype, shape), TensorType(DType.INT64, shape)


@cost_rule("NonZero", "Unique", "TopK")
def selection_cost(x: TensorType, count: TensorType | None = None) -> Cost:
    """One comparison per element of the input: a lower bound that no way of sorting or selecting goes below."""
    return Cost(work=per("compare", "elementwise", x.elements))


@shape_rule("NonMaxSuppression")
def non_max_suppression_shape(
    boxes: TensorType,
    scores: TensorType,
    max_output: TensorType | None = None,
    iou_threshold: TensorType | None = None,
    score_threshold: TensorType | None = None,
    *,
    fresh: Fresh,
) -> TensorType:
    """[how many boxes are kept, 3] (batch, class, box): a new symbol; none where max_output_boxes_per_class is absent
    or 0."""
    none = max_output is None or (max_output.value is not None and max_output.value[0] == 0)
    return TensorType(DType.INT64, (0 if none else fresh("boxes"), 3))


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
    scores_ = of("#scores", *zip(names, scores.shape, strict=False))
    return Cost(work=(Work("compare", "elementwise", Formula((product(scores_),))),))
