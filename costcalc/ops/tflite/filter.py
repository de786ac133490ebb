"""TensorFlow Lite's operators whose number of results depends on data: WHERE, UNIQUE, NON_MAX_SUPPRESSION; and look-ups
in lists that are searched.

A number that depends on data is a symbol, bounded where its inputs bound it. Source: LiteRT's tflite/kernels (where.cc,
unique.cc, non_max_suppression.cc, hashtable_lookup.cc, lsh_projection.cc, skip_gram.cc, bucketize.cc).
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.dim import Dim
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DTYPE_OF_CODE, DType, TensorType
from costcalc.core.registry import FreshSymbol, cost_rule, declare_unknown, describe, operands, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.tflite import TFLITE
from costcalc.ops.tflite.common import known_shape

SUPPRESSIONS = ("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5")

operands("HASHTABLE_LOOKUP", domain=TFLITE, weights=(2,))

traits("HASHTABLE_LOOKUP", domain=TFLITE, kind="lookup", positions="lost", keeps="indices")

traits("WHERE", "UNIQUE", *SUPPRESSIONS, "BUCKETIZE", domain=TFLITE, keeps="nothing")

traits("WHERE", "UNIQUE", *SUPPRESSIONS, domain=TFLITE, positions="lost")

describe("The places of the elements that are not 0.", "WHERE", domain=TFLITE)

describe("Each different element once.", "UNIQUE", domain=TFLITE)

describe("Boxes that overlap a better one too much are dropped.", *SUPPRESSIONS, domain=TFLITE)

describe("Each key is looked up in a list of keys.", "HASHTABLE_LOOKUP", domain=TFLITE)

describe("The place of each element among boundaries in order.", "BUCKETIZE", domain=TFLITE)

declare_unknown("hashes the bits of its inputs; how much that is depends on the hash", "LSH_PROJECTION", domain=TFLITE)

declare_unknown("takes text apart; how much it does depends on the words", "SKIP_GRAM", domain=TFLITE)

declare_unknown("no kernel of the runtime defines it", "CONCAT_EMBEDDINGS", "DELEGATE", domain=TFLITE)

declare_unknown(
    "is no operator, but says that its number is a larger one", "PLACEHOLDER_FOR_GREATER_OP_CODES", domain=TFLITE
)


@shape_rule("WHERE", domain=TFLITE)
def where_shape(condition: TensorType, *, fresh: FreshSymbol) -> TensorType:
    """[how many elements are not 0, rank]: a new symbol, at most all."""
    return TensorType(DType.INT64, (fresh("nonzero", condition.elements), condition.rank))


@shape_rule("UNIQUE", domain=TFLITE)
def unique_shape(x: TensorType, *, to: int = 6, fresh: FreshSymbol) -> tuple[TensorType, TensorType]:
    """([how many elements differ], [the place of each among them]): a new symbol, at most all."""
    places = TensorType(DTYPE_OF_CODE.get(to, DType.INT32), (x.elements,))
    return TensorType(x.dtype, (fresh("unique", x.elements),)), places


@cost_rule("WHERE", "UNIQUE", domain=TFLITE)
def selection_cost(x: TensorType) -> Cost:
    """One comparison per element of the input: a lower bound that no way of sorting or selecting goes below."""
    return Cost(work=elementwise_work("compare", "elementwise", x.elements))


@shape_rule(*SUPPRESSIONS, domain=TFLITE)
def suppression_shape(
    boxes: TensorType,
    scores: TensorType,
    max_output: TensorType,
    iou_threshold: TensorType,
    score_threshold: TensorType,
    sigma: TensorType | None = None,
    *,
    fresh: FreshSymbol,
) -> tuple[TensorType, ...]:
    """boxes [n, 4], scores [n] -> (places [max_output], with sigma their scores too, how many of them count)."""
    (n,) = known_shape(scores, 1, "the scores")
    count: Dim = fresh("boxes", n) if max_output.value is None else max_output.value[0]
    places, number = TensorType(DType.INT32, (count,)), TensorType(DType.INT32, ())
    return (places, number) if sigma is None else (places, TensorType(scores.dtype, (count,)), number)


@cost_rule(*SUPPRESSIONS, domain=TFLITE)
def suppression_cost(boxes: TensorType, scores: TensorType, *others: TensorType) -> Cost:
    """One comparison per score, a lower bound: how many pairs of boxes are compared depends on data."""
    return Cost(work=elementwise_work("compare", "elementwise", scores.elements, 1, "#scores"))


@shape_rule("HASHTABLE_LOOKUP", domain=TFLITE)
def lookup_shape(keys: TensorType, table: TensorType, rows: TensorType) -> tuple[TensorType, TensorType]:
    """keys [n], table [m], rows [m, *row] -> ([n, *row], which keys were there [n])."""
    (n,) = known_shape(keys, 1, "the keys")
    assert rows.shape is not None
    return TensorType(rows.dtype, (n, *rows.shape[1:])), TensorType(DType.UINT8, (n,))


@cost_rule("HASHTABLE_LOOKUP", domain=TFLITE)
def lookup_cost(keys: TensorType, table: TensorType, rows: TensorType) -> Cost:
    """One comparison per key: a lower bound, for the search looks at more."""
    return Cost(work=elementwise_work("compare", "elementwise", keys.elements, 1, "#keys"))


@shape_rule("BUCKETIZE", domain=TFLITE)
def bucketize_shape(x: TensorType) -> TensorType:
    """A place for each element."""
    return TensorType(DType.INT32, x.shape)


@cost_rule("BUCKETIZE", domain=TFLITE)
def bucketize_cost(x: TensorType, *, boundaries: Sequence[float] = ()) -> Cost:
    """⌈log₂(#boundaries + 1)⌉ comparisons per element: a binary search."""
    return Cost(work=elementwise_work("compare", "elementwise", x.elements, len(boundaries).bit_length()))
