"""Operators on strings: StringNormalizer, StringConcat, StringSplit, RegexFullMatch, TfIdfVectorizer.

Work on characters is not counted as arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.errors import ShapeError
from costcalc.core.formula import NO_COST, Cost, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import FreshSymbol, cost_rule, describe, free, shape_rule
from costcalc.ops.common.axes import broadcast_types

free("StringNormalizer", "StringConcat", "StringSplit", "RegexFullMatch")

describe("Strings change their case, and stop words are dropped.", "StringNormalizer")

describe("Strings are joined pair by pair.", "StringConcat")

describe("Each string is split into pieces.", "StringSplit")

describe("Whether each string matches a pattern.", "RegexFullMatch")

describe("Each row is described by how often n-grams occur in it.", "TfIdfVectorizer")


@shape_rule("StringNormalizer")
def string_normalizer_shape(x: TensorType, *, stopwords: Sequence[str] | None = None, fresh: FreshSymbol) -> TensorType:
    """[C] or [1, C]; with stop words a new symbol for C."""
    assert x.shape is not None
    if not stopwords:
        return TensorType(x.dtype, x.shape)
    return TensorType(x.dtype, (*x.shape[:-1], fresh("words")))


@shape_rule("StringConcat")
def string_concat_shape(x: TensorType, y: TensorType) -> TensorType:
    """The shape that both broadcast to."""
    return TensorType(x.dtype, broadcast_types(x, y))


@shape_rule("StringSplit")
def string_split_shape(x: TensorType, *, fresh: FreshSymbol) -> tuple[TensorType, TensorType]:
    """(x's shape with an axis of as many pieces as the longest string gives, x's shape: the number of pieces)."""
    assert x.shape is not None
    return TensorType(x.dtype, (*x.shape, fresh("pieces"))), TensorType(DType.INT64, x.shape)


@shape_rule("RegexFullMatch")
def regex_full_match_shape(x: TensorType) -> TensorType:
    """x's shape, of booleans."""
    return TensorType(DType.BOOL, x.shape)


@shape_rule("TfIdfVectorizer")
def tf_idf_shape(x: TensorType, *, ngram_indexes: Sequence[int]) -> TensorType:
    """[C] -> [max(ngram_indexes) + 1]; [N, C] -> [N, max(ngram_indexes) + 1]."""
    assert x.shape is not None
    if len(x.shape) not in (1, 2):
        raise ShapeError(f"the input is of rank {len(x.shape)}", "give [C] or [N, C]")
    return TensorType(DType.FLOAT32, (*x.shape[:-1], max(ngram_indexes) + 1))


@cost_rule("TfIdfVectorizer")
def tf_idf_cost(x: TensorType, *, mode: str = "TF", out: TensorType) -> Cost:
    """TF: nothing, counting n-grams is no arithmetic. IDF and TFIDF: one multiplication per output element, by its
    weight."""
    return NO_COST if mode == "TF" else Cost(work=elementwise_work("multiply", "elementwise", out.elements))
