"""Multi-head latent attention: keys and values are linear maps of one latent vector a token, which is what is cached.

Source: DeepSeek-V2, arXiv:2405.04434, section 2.1; the map of latents to keys and values (kv_b_proj) is a weight of the
operator, because the product with it may be taken on either side of the attention: expanded, each latent becomes a key
and a value of each head; absorbed, queries and outputs are mapped instead, and all heads share the latents.
"""

from __future__ import annotations

from typing import NamedTuple

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, maximum, minimum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Formula, product, product_factor, sum_of_products
from costcalc.core.ir import TensorType
from costcalc.core.registry import Types, cost_rule, describe, operands, shape_rule
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
from costcalc.ops.attention import HeadExtents, attention_work
from costcalc.ops.common.visibility import Visibility
from costcalc.ops.llm import LLM

operands("LatentAttention", domain=LLM, weights=(3,))

traits("LatentAttention", domain=LLM, kind="attention", causal=lambda attributes: True)

describe("Attention whose keys and values are linear maps of one latent vector a token.", "LatentAttention", domain=LLM)


class LatentExtents(NamedTuple):
    """The extents of a latent attention: keys count the past ones; latent is the size of a latent vector, rope that of
    the part of a key that all heads share, plain that of the other part."""

    batch: Dim
    heads: int
    queries: Dim
    keys: Dim
    past: Dim
    latent: Dim
    rope: Dim
    plain: Dim
    v_size: Dim


def latent_extents(
    q: TensorType, latent: TensorType, rope_key: TensorType, weight: TensorType, past: TensorType | None, num_heads: int
) -> LatentExtents:
    """The extents; ShapeError where the inputs do not fit each other."""
    assert q.shape is not None and latent.shape is not None and rope_key.shape is not None and weight.shape is not None
    batch, queries, features = q.shape
    new = require_equal(latent.shape[1], rope_key.shape[1], "the lengths of latents and keys")
    size, outputs = require_equal(latent.shape[2], weight.shape[0], "the latent sizes"), weight.shape[1]
    if features % num_heads != 0 or outputs % num_heads != 0:
        raise ShapeError(f"{features} features of queries and {outputs} of keys and values for {num_heads} heads", "")
    rope = rope_key.shape[2]
    plain = features // num_heads - rope
    tokens: Dim = 0
    if past is not None:
        assert past.shape is not None
        tokens = past.shape[1]
    return LatentExtents(
        batch, num_heads, queries, tokens + new, tokens, size, rope, plain, outputs // num_heads - plain
    )


@shape_rule("LatentAttention", domain=LLM)
def latent_attention_shape(
    q: TensorType,
    latent: TensorType,
    rope_key: TensorType,
    weight: TensorType,
    past_latent: TensorType | None = None,
    past_rope_key: TensorType | None = None,
    indices: TensorType | None = None,
    *,
    num_heads: int,
    top_k: int = 0,
) -> TensorType:
    """q [B, S_q, H · (n + r)], latent [B, S, c], rope_key [B, S, r], weight [c, H · (n + v)], past [B, P, c] and
    [B, P, r], indices [B, S_q, ≤ top_k] of the tokens that a query sees -> [B, S_q, H · v]."""
    e = latent_extents(q, latent, rope_key, weight, past_latent, num_heads)
    return TensorType(q.dtype, (e.batch, e.queries, e.heads * e.v_size))


@cache_rule("LatentAttention", domain=LLM)
def latent_attention_caches(types: Types, attributes: Attributes, tokens: Dim) -> tuple[CacheSlot, ...]:
    """The latents and the shared part of the keys of all earlier tokens: [B, tokens, c] and [B, tokens, r]."""
    slots = []
    for new, name in ((1, "past_latent"), (2, "past_rope_key")):
        t = types[new]
        assert t is not None and t.shape is not None
        slots.append(CacheSlot(new + 3, name, TensorType(t.dtype, (t.shape[0], tokens, t.shape[2])), new))
    return tuple(slots)


def _expanded(e: LatentExtents, pairs: Dim) -> Formula:
    """Keys and values of every head from all latents, then attention over `pairs` of a query and a key."""
    scores = product_factor("#scores", ("H", e.heads), ("S_q · S_kv", pairs))
    outputs = product_factor("#outputs", ("H", e.heads), ("n + v", e.plain + e.v_size))
    return sum_of_products(
        product(("S_kv", e.batch * e.keys), outputs, ("c", e.latent), name="keys and values"),
        product(scores, ("n + r", e.plain + e.rope), name="QKᵀ"),
        product(scores, ("v", e.v_size), name="PV"),
    )


def _absorbed(e: LatentExtents, pairs: Dim) -> Formula:
    """Queries mapped to latents, attention over latents, outputs mapped to values."""
    scores = product_factor("#scores", ("H", e.heads), ("S_q · S_kv", pairs))
    outputs = product_factor("#outputs", ("H", e.heads), ("n + v", e.plain + e.v_size))
    return sum_of_products(
        product(("S_q", e.batch * e.queries), outputs, ("c", e.latent), name="keys and values"),
        product(scores, ("c + r", e.latent + e.rope), name="QKᵀ"),
        product(scores, ("c", e.latent), name="PV"),
    )


def latent_macs(e: LatentExtents, pairs: Dim) -> Formula:
    """The form with fewer MACs: expanded without a cache; behind one, absorbed where that is not known to be more."""
    expanded = _expanded(e, pairs)
    if e.past == 0:
        return expanded
    absorbed = _absorbed(e, pairs)
    values = (expanded.value, absorbed.value)
    is_known = all(isinstance(value, int) for value in values)
    return expanded if is_known and values[0] < values[1] else absorbed


@cost_rule("LatentAttention", domain=LLM)
def latent_attention_cost(
    q: TensorType,
    latent: TensorType,
    rope_key: TensorType,
    weight: TensorType,
    past_latent: TensorType | None = None,
    past_rope_key: TensorType | None = None,
    indices: TensorType | None = None,
    *,
    num_heads: int,
    top_k: int = 0,
) -> Cost:
    """Expanded: B · S_kv · H · (n + v) · c for keys and values, B · H · S_q · S_kv · (n + r) for QKᵀ and · v for PV.
    Absorbed: B · S_q · H · (n + v) · c for queries and outputs, B · H · S_q · S_kv · (c + r) and · c. Without a cache
    expanded, which is the fewer then; behind one the fewer of both. Masked scores count, those that indices leave out
    among them. Per score 5 for the softmax
    and 1 addition for the mask; the scale is one multiplication per element of queries and keys."""
    e = latent_extents(q, latent, rope_key, weight, past_latent, num_heads)
    h = HeadExtents(e.batch, e.heads, e.heads, e.queries, e.keys, e.past, e.plain + e.rope, e.v_size)
    return Cost(latent_macs(e, e.batch * e.queries * e.keys), attention_work(h, 1))


@gradient_rule("LatentAttention", domain=LLM)
def latent_attention_gradient(formula: Formula, types: Types, attributes: Attributes) -> tuple[Contraction, ...]:
    """Keys and values come from the latents and the weight; the attention is that of queries, keys and values."""
    sides = (((1, 4), (3,)), ((0,), (1, 2, 3, 4, 5)), ((0, 1, 2, 3, 4, 5), (1, 3, 4)))
    return tuple(Contraction(term.value, *pair) for term, pair in zip(formula.terms, sides, strict=True))


@least_work_rule("LatentAttention", domain=LLM)
def latent_attention_least_work(use: OperatorUse) -> LeastWork:
    """Keys behind a query, those that indices leave out, and the form (expanded or absorbed) with more MACs. Of earlier
    latents at least those are read that one query sees."""
    q, latent, rope_key, weight = use.types[:4]
    assert q is not None and latent is not None and rope_key is not None and weight is not None
    e = latent_extents(q, latent, rope_key, weight, use.input(4), int(use.attributes["num_heads"]))
    top_k = int(use.attributes.get("top_k", 0))
    pairs = e.batch * Visibility(e.queries, e.keys, e.past, top_k).pairs
    if not top_k:
        return LeastWork(latent_macs(e, pairs).value)
    macs = minimum(*[form(e._replace(keys=minimum(e.keys, top_k)), pairs).value for form in (_expanded, _absorbed)])
    rows = e.batch * maximum(0, minimum(e.keys, top_k) - (e.keys - e.past))
    return LeastWork(macs, {4: rows * e.latent, 5: rows * e.rope} if e.past != 0 else {})
