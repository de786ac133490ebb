"""TensorFlow Lite's operators that combine rows by segment or write elements to places: SEGMENT_SUM, SCATTER_ND, sparse
look-ups, diagonals.

Source: LiteRT's tflite/kernels (segment_sum.cc, unsorted_segment.cc, scatter_nd.cc, sparse_to_dense.cc,
embedding_lookup_sparse.cc, matrix_diag.cc, matrix_set_diag.cc, densify.cc, broadcast_args.cc).
"""

from __future__ import annotations

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work, formula
from costcalc.core.ir import TensorType, Value
from costcalc.core.registry import FreshSymbol, cost_rule, describe, free, operands, shape_rule, value_rule
from costcalc.core.traits import traits
from costcalc.ops.common.axes import broadcast, known_integers
from costcalc.ops.tflite import TFLITE
from costcalc.ops.tflite.common import known_shape

SEGMENTS = {
    "SEGMENT_SUM": "add",
    "UNSORTED_SEGMENT_SUM": "add",
    "UNSORTED_SEGMENT_PROD": "multiply",
    "UNSORTED_SEGMENT_MAX": "compare",
    "UNSORTED_SEGMENT_MIN": "compare",
}
"""What is done to each element of a row to join it to its segment."""

UNSORTED = tuple(SEGMENTS)[1:]

WRITES = ("BROADCAST_ARGS", "DENSIFY", "MATRIX_DIAG", "MATRIX_SET_DIAG", "SPARSE_TO_DENSE")

free(*WRITES, domain=TFLITE)

operands("DENSIFY", domain=TFLITE, weights=(0,))

operands("EMBEDDING_LOOKUP_SPARSE", domain=TFLITE, weights=(4,))

traits("DENSIFY", domain=TFLITE, passes_on="same")

traits(*WRITES, "SCATTER_ND", domain=TFLITE, keeps="nothing")

traits(*SEGMENTS, "SCATTER_ND", "SPARSE_TO_DENSE", "MATRIX_DIAG", domain=TFLITE, positions="lost")

traits("EMBEDDING_LOOKUP_SPARSE", domain=TFLITE, kind="lookup", positions="lost", keeps="indices")

describe("Rows of the same segment become one.", *SEGMENTS, domain=TFLITE)

describe("Writes elements to places, or repeats them.", *WRITES, domain=TFLITE)

describe("Adds the updates at the places that the indices name.", "SCATTER_ND", domain=TFLITE)

describe("Each text is the weighted sum of the rows that its indices pick.", "EMBEDDING_LOOKUP_SPARSE", domain=TFLITE)


@shape_rule("SEGMENT_SUM", domain=TFLITE)
def segment_shape(x: TensorType, segments: TensorType, *, fresh: FreshSymbol) -> TensorType:
    """x [n, *row], segments [n] in order -> [the last one's number + 1, *row]: a new symbol where they are not
    known."""
    assert x.shape is not None
    if not x.shape:
        raise ShapeError("a scalar has no rows", "give rows")
    ids = known_integers(segments)
    count: Dim = fresh("segments") if ids is None else max(ids[-1], -1) + 1 if ids else 0
    return TensorType(x.dtype, (count, *x.shape[1:]))


@shape_rule(*UNSORTED, domain=TFLITE)
def unsorted_shape(x: TensorType, segments: TensorType, count: TensorType, *, fresh: FreshSymbol) -> TensorType:
    """x [*batch, *row], segments [*batch] -> [count, *row]."""
    assert x.shape is not None
    number: Dim = fresh("segments") if count.value is None else count.value[0]
    return TensorType(x.dtype, (number, *x.shape[segments.rank :]))


def _register_segment(name: str, kind: str) -> None:
    @cost_rule(name, domain=TFLITE)
    def segment_cost(x: TensorType, segments: TensorType, count: TensorType | None = None) -> Cost:
        """One addition, multiplication or comparison per input: each joins what its segment has so far."""
        return Cost(work=elementwise_work(kind, "reduction", x.elements, 1, "#inputs"))


for _name, _kind in SEGMENTS.items():
    _register_segment(_name, _kind)


@shape_rule("SCATTER_ND", domain=TFLITE)
def scatter_shape(indices: TensorType, updates: TensorType, shape: TensorType) -> TensorType:
    """The shape that the third input gives."""
    return TensorType(updates.dtype, None if shape.value is None else tuple(shape.value))


@cost_rule("SCATTER_ND", domain=TFLITE)
def scatter_cost(indices: TensorType, updates: TensorType, shape: TensorType) -> Cost:
    """One addition per update: updates of one place are added."""
    return Cost(work=elementwise_work("add", "elementwise", updates.elements, 1, "#updates"))


@shape_rule("SPARSE_TO_DENSE", domain=TFLITE)
def dense_shape(indices: TensorType, shape: TensorType, values: TensorType, default: TensorType) -> TensorType:
    """The shape that the second input gives."""
    return TensorType(values.dtype, None if shape.value is None else tuple(shape.value))


@shape_rule("DENSIFY", domain=TFLITE)
def densify_shape(x: TensorType) -> TensorType:
    """The input's shape."""
    return TensorType(x.dtype, x.shape)


@shape_rule("MATRIX_DIAG", domain=TFLITE)
def diagonal_shape(x: TensorType) -> TensorType:
    """[*batch, n] -> [*batch, n, n]."""
    if not x.shape:
        raise ShapeError("a scalar is no diagonal", "give one axis or more")
    return TensorType(x.dtype, (*x.shape, x.shape[-1]))


@shape_rule("MATRIX_SET_DIAG", domain=TFLITE)
def set_diagonal_shape(x: TensorType, diagonal: TensorType) -> TensorType:
    """The first input's shape."""
    return TensorType(x.dtype, x.shape)


@shape_rule("BROADCAST_ARGS", domain=TFLITE)
def broadcast_args_shape(a: TensorType, b: TensorType) -> TensorType:
    """Two shapes as vectors -> the length of the longer."""
    (first,), (second,) = known_shape(a, 1, "the first shape"), known_shape(b, 1, "the second shape")
    if not isinstance(first, int) or not isinstance(second, int):
        return TensorType(a.dtype, None)
    return TensorType(a.dtype, (max(first, second),))


@value_rule("BROADCAST_ARGS", domain=TFLITE)
def broadcast_args_value(a: TensorType, b: TensorType) -> Value | None:
    """The shape that both broadcast to."""
    if a.value is None or b.value is None:
        return None
    return broadcast(tuple(a.value), tuple(b.value))


@shape_rule("EMBEDDING_LOOKUP_SPARSE", domain=TFLITE)
def sparse_lookup_shape(
    ids: TensorType, indices: TensorType, shape: TensorType, weights: TensorType, table: TensorType
) -> TensorType:
    """shape [*texts, words], table [rows, *row] -> [*texts, *row]."""
    assert table.shape is not None
    if shape.value is None:
        return TensorType(table.dtype, None)
    return TensorType(table.dtype, (*shape.value[:-1], *table.shape[1:]))


@cost_rule("EMBEDDING_LOOKUP_SPARSE", domain=TFLITE)
def sparse_lookup_cost(
    ids: TensorType,
    indices: TensorType,
    shape: TensorType,
    weights: TensorType,
    table: TensorType,
    *,
    combiner: int = 0,
    out: TensorType,
) -> Cost:
    """#ids × the elements of a row; with a mean or a mean by the root of squares one division per output."""
    assert table.shape is not None
    row: Dim = 1
    for extent in table.shape[1:]:
        row = row * extent
    division = elementwise_work("divide", "reduction", out.elements) if combiner else ()
    return Cost(formula(("#ids", ids.elements), ("#row", row)), division)
