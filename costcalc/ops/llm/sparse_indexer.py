"""The indexer of sparse attention: which earlier tokens each query attends to.

Source: DeepSeek-V3.2 (DSA, the lightning indexer), section 2.1, and its modelling code: small heads score every earlier
token, I(t, s) = Σ_h w(t, h) · ReLU(q(t, h) · k(s)), and the top_k tokens of a query are what its attention reads. The
keys of the indexer, one a token for all heads, are cached beside those of the attention.
"""

from __future__ import annotations

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, minimum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Formula, elementwise_work, product, product_factor, sum_of_products
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import Types, cost_rule, describe, shape_rule
from costcalc.core.traits import (
    Attributes,
    CacheSlot,
    Contraction,
    LeastWork,
    OperatorUse,
    cache_rule,
    gradient_rule,
    least_work_rule,
    traits,
)
from costcalc.ops.common.visibility import Visibility
from costcalc.ops.llm import LLM

traits("SparseIndexer", domain=LLM, kind="attention", causal=lambda attributes: True, keeps="indices")

describe(
    "Small heads score all earlier tokens; those with the highest scores are attended to.", "SparseIndexer", domain=LLM
)


def _extents(
    q: TensorType, k: TensorType, weights: TensorType, past_key: TensorType | None
) -> tuple[Dim, Dim, Dim, Dim, Dim]:
    """(batch, queries, keys, past, size of a head); ShapeError where the inputs do not fit each other."""
    assert q.shape is not None and k.shape is not None and weights.shape is not None
    batch, queries, features = q.shape
    heads, size = weights.shape[2], k.shape[2]
    if features != heads * size:
        raise ShapeError(f"{features} features of queries for {heads} heads of {size}", "give a weight for each head")
    new = require_equal(k.shape[1], queries, "the lengths of queries and keys")
    past: Dim = 0
    if past_key is not None:
        assert past_key.shape is not None
        past = past_key.shape[1]
    return batch, queries, past + new, past, size


@shape_rule("SparseIndexer", domain=LLM)
def sparse_indexer_shape(
    q: TensorType, k: TensorType, weights: TensorType, past_key: TensorType | None = None, *, top_k: int
) -> TensorType:
    """q [B, S, H · D], k [B, S, D], weights [B, S, H], past [B, P, D] -> indices [B, S, min(top_k, P + S)], int32."""
    batch, queries, keys, _, _ = _extents(q, k, weights, past_key)
    return TensorType(DType.INT32, (batch, queries, minimum(top_k, keys)))


@cache_rule("SparseIndexer", domain=LLM)
def sparse_indexer_caches(types: Types, attributes: Attributes, tokens: Dim) -> tuple[CacheSlot, ...]:
    """The indexer's keys of all earlier tokens: [B, tokens, D]."""
    k = types[1]
    assert k is not None and k.shape is not None
    return (CacheSlot(3, "past_index_key", TensorType(k.dtype, (k.shape[0], tokens, k.shape[2])), 1),)


@cost_rule("SparseIndexer", domain=LLM)
def sparse_indexer_cost(
    q: TensorType, k: TensorType, weights: TensorType, past_key: TensorType | None = None, *, top_k: int
) -> Cost:
    """QKᵀ B · H · S_q · S_kv · D, and the weighted sum over heads B · H · S_q · S_kv; masked scores count. Per score of
    a head 1 scale and 1 comparison (ReLU), per sum of heads 1 addition for the mask; the choice of the top_k takes no
    arithmetic, as TopK. The scale of weights is one multiplication each."""
    batch, queries, keys, _, size = _extents(q, k, weights, past_key)
    assert weights.shape is not None
    pairs, heads = batch * queries * keys, weights.shape[2]
    work = elementwise_work("multiply", "elementwise", pairs * heads, 1, "#scores")
    work += elementwise_work("compare", "activation", pairs * heads, 1, "#scores")
    work += elementwise_work("add", "elementwise", pairs, 1, "#scores of a key")
    work += elementwise_work("multiply", "elementwise", batch * queries * heads, 1, "#weights")
    return Cost(_indexer_macs(pairs, heads, size), work)


def _indexer_macs(pairs: Dim, heads: Dim, size: Dim) -> Formula:
    scores = product_factor("#scores", ("H", heads), ("S_q · S_kv", pairs))
    return sum_of_products(product(scores, ("D", size), name="QKᵀ"), product(scores, name="sum over heads"))


@gradient_rule("SparseIndexer", domain=LLM)
def sparse_indexer_gradient(formula: Formula, types: Types, attributes: Attributes) -> tuple[Contraction, ...]:
    """Scores of queries and keys, and the sum of scores that weights weigh."""
    sides = (((0,), (1, 3)), ((0, 1, 3), (2,)))
    return tuple(Contraction(term.value, *pair) for term, pair in zip(formula.terms, sides, strict=True))


@least_work_rule("SparseIndexer", domain=LLM)
def sparse_indexer_least_work(use: OperatorUse) -> LeastWork:
    """Keys behind a query; nothing at all where no more keys than top_k are there, as all of them are chosen then."""
    q, k, weights = use.types[:3]
    assert q is not None and k is not None and weights is not None and weights.shape is not None
    batch, queries, keys, past, size = _extents(q, k, weights, use.input(3))
    if not isinstance(keys, int) or keys <= int(use.attributes["top_k"]):
        return LeastWork(0, dict.fromkeys(range(4), 0))
    pairs = batch * Visibility(queries, keys, past).pairs
    return LeastWork(_indexer_macs(pairs, weights.shape[2], size).value)
