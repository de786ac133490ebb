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
    HeadInputs,
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

traits(
    "LatentAttention",
    domain=LLM,
    kind="attention",
    causal=lambda attributes: True,
    heads=HeadInputs({0: -1, 3: 1}, {}, "num_heads", "num_heads"),
)

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


def _attention_form(e: LatentExtents, pairs: Dim, is_absorbed: bool) -> Formula:
    """Extents and the number of pairs of a query and a key -> the MACs: expanded, of keys and values of every head that
    all latents are mapped to; absorbed, of latents that queries are mapped to, and outputs from."""
    rows = ("S_q", e.batch * e.queries) if is_absorbed else ("S_kv", e.batch * e.keys)
    key = ("c + r", e.latent + e.rope) if is_absorbed else ("n + r", e.plain + e.rope)
    value = ("c", e.latent) if is_absorbed else ("v", e.v_size)
    scores = product_factor("#scores", ("H", e.heads), ("S_q · S_kv", pairs))
    outputs = product_factor("#outputs", ("H", e.heads), ("n + v", e.plain + e.v_size))
    return sum_of_products(
        product(rows, outputs, ("c", e.latent), name="keys and values"),
        product(scores, key, name="QKᵀ"),
        product(scores, value, name="PV"),
    )


def latent_macs(e: LatentExtents, pairs: Dim) -> Formula:
    """The form with fewer MACs: expanded without a cache; behind one, absorbed where that is not known to be more."""
    expanded = _attention_form(e, pairs, is_absorbed=False)
    if e.past == 0:
        return expanded
    absorbed = _attention_form(e, pairs, is_absorbed=True)
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
    expanded, as models are defined; behind one the fewer of both. Masked scores count, those that indices leave out
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
    """An operator's use -> the MACs over keys that its queries see and indices name, of keys and of values in the form
    (expanded or absorbed) with fewer. Of earlier latents at least those are read that one query sees."""
    q, latent, rope_key, weight = use.types[:4]
    assert q is not None and latent is not None and rope_key is not None and weight is not None
    e = latent_extents(q, latent, rope_key, weight, use.input(4), int(use.attributes["num_heads"]))
    top_k = int(use.attributes.get("top_k", 0))
    keys = minimum(e.keys, top_k) if top_k else e.keys
    pairs = e.batch * Visibility(e.queries, e.keys, e.past, top_k).pairs
    macs = e.heads * e.rope * pairs
    for size in (e.plain, e.v_size):
        weight_macs = e.heads * size * e.latent * e.batch
        expanded = weight_macs * keys + e.heads * pairs * size
        macs = macs + minimum(expanded, weight_macs * e.queries + e.heads * pairs * e.latent)
    if not top_k or e.past == 0:
        return LeastWork(macs)
    rows = e.batch * maximum(0, keys - (e.keys - e.past))
    return LeastWork(macs, {4: rows * e.latent, 5: rows * e.rope})
