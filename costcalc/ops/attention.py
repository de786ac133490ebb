"""Scaled dot-product attention and rotary embeddings of ONNX."""

from __future__ import annotations

from typing import NamedTuple

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import (
    Cost,
    Factor,
    Formula,
    Work,
    elementwise_work,
    product,
    product_factor,
    sum_of_products,
)
from costcalc.core.ir import TensorType
from costcalc.core.registry import cost_rule, describe, operands, shape_rule
from costcalc.core.traits import contraction_gradient, traits
from costcalc.ops.common.axes import Shape

operands("Attention", weights=(0, 1, 2))

traits(
    "Attention",
    kind="attention",
    causal=lambda attributes: bool(attributes.get("is_causal", 0)),
    past=(4, 5),
    gradient=contraction_gradient(((0,), (1, 4)), ((0, 1, 3, 4), (2, 5))),
)

operands("RotaryEmbedding", weights=(0,), buffers=(1, 2))

describe(
    "Each query is compared with all keys; the softmax of the scores says how much of each value it takes.", "Attention"
)

describe("Pairs of features are rotated by an angle that grows with the position.", "RotaryEmbedding")


class HeadExtents(NamedTuple):
    """The extents of an attention: queries, keys and values by head; keys include the past ones."""

    batch: Dim
    q_heads: Dim
    kv_heads: Dim
    queries: Dim
    keys: Dim
    past: Dim
    qk_size: Dim
    v_size: Dim


@shape_rule("Attention")
def attention_shape(
    q: TensorType,
    k: TensorType,
    v: TensorType,
    attn_mask: TensorType | None = None,
    past_key: TensorType | None = None,
    past_value: TensorType | None = None,
    nonpad_kv_seqlen: TensorType | None = None,
    *,
    q_num_heads: int = 0,
    kv_num_heads: int = 0,
) -> tuple[TensorType, ...]:
    """q [B, H, S_q, D_qk] (or [B, S_q, H · D_qk]), k, v [B, H_kv, S, D] -> Y [B, H, S_q, D_v] (or [B, S_q, H · D_v]),
    present key and value [B, H_kv, past + S, D], scores [B, H, S_q, past + S]."""
    h = attention_heads(q, k, v, past_key, q_num_heads, kv_num_heads)
    shape: Shape = (h.batch, h.q_heads, h.queries, h.v_size)
    if q.rank == 3:
        shape = (h.batch, h.queries, h.q_heads * h.v_size)
    return (
        TensorType(q.dtype, shape),
        TensorType(k.dtype, (h.batch, h.kv_heads, h.keys, h.qk_size)),
        TensorType(v.dtype, (h.batch, h.kv_heads, h.keys, h.v_size)),
        TensorType(q.dtype, (h.batch, h.q_heads, h.queries, h.keys)),
    )


def attention_heads(
    q: TensorType, k: TensorType, v: TensorType, past_key: TensorType | None, q_num_heads: int, kv_num_heads: int
) -> HeadExtents:
    """The extents by head; ShapeError where queries, keys and values do not fit each other."""
    batch, q_heads, queries, size = split_heads(q, q_num_heads, "Q", "q_num_heads")
    batch_k, kv_heads, keys, size_k = split_heads(k, kv_num_heads, "K", "kv_num_heads")
    batch_v, heads_v, values, v_size = split_heads(v, kv_num_heads, "V", "kv_num_heads")
    batch = require_equal(require_equal(batch, batch_k, "the batches of Q and K"), batch_v, "the batches of Q and V")
    size = require_equal(size, size_k, "the head sizes of Q and K")
    keys = require_equal(keys, values, "the sequence lengths of K and V")
    kv_heads = require_equal(kv_heads, heads_v, "the heads of K and V")
    if q_heads % kv_heads != 0:
        raise ShapeError(f"{q_heads} query heads do not divide into {kv_heads} key heads", "use a multiple")
    past: Dim = 0
    if past_key is not None:
        past = split_heads(past_key, 0, "past_key", "kv_num_heads")[2]
    return HeadExtents(batch, q_heads, kv_heads, queries, past + keys, past, size, v_size)


def split_heads(t: TensorType, heads: int, name: str, attribute: str) -> tuple[Dim, Dim, Dim, Dim]:
    """(batch, heads, sequence, head size) of [B, H, S, D] or [B, S, H · D]."""
    assert t.shape is not None
    if len(t.shape) == 4:
        b, h, s, d = t.shape
        return b, h, s, d
    if len(t.shape) != 3:
        raise ShapeError(f"{name} has {len(t.shape)} axes", "it has 3 or 4")
    if heads < 1:
        raise ShapeError(f"{name} has 3 axes and {attribute} is not given", f"give {attribute}")
    b, s, hidden = t.shape
    if hidden % heads != 0:
        raise ShapeError(f"{name} has {hidden} features for {heads} heads", f"use a multiple of {attribute}")
    return b, heads, s, hidden // heads


@cost_rule("Attention")
def attention_cost(
    q: TensorType,
    k: TensorType,
    v: TensorType,
    attn_mask: TensorType | None = None,
    past_key: TensorType | None = None,
    past_value: TensorType | None = None,
    nonpad_kv_seqlen: TensorType | None = None,
    *,
    q_num_heads: int = 0,
    kv_num_heads: int = 0,
    is_causal: int = 0,
    softcap: float = 0.0,
) -> Cost:
    """QKᵀ: B · H · S_q · S_kv · D_qk, plus PV: B · H · S_q · S_kv · D_v; S_kv includes the past; masked scores count.
    Per score besides: 5 for the softmax (maximum, subtract, exp, sum, divide), 1 addition each for attn_mask and for
    is_causal, 3 for softcap (divide, tanh, multiply). The scale is one multiplication per element of Q and of K."""
    h = attention_heads(q, k, v, past_key, q_num_heads, kv_num_heads)
    masks = (attn_mask is not None) + bool(is_causal)
    return Cost(attention_macs(h), attention_work(h, masks, softcap))


def attention_macs(h: HeadExtents) -> Formula:
    """B · H · S_q · S_kv · (D_qk + D_v), as its two products."""
    scores = count_scores(h)
    return sum_of_products(
        product(scores, ("D_qk", h.qk_size), name="QKᵀ"), product(scores, ("D_v", h.v_size), name="PV")
    )


def count_scores(h: HeadExtents) -> Factor:
    """One score per query and key of each head."""
    return product_factor("#scores", ("B", h.batch), ("H", h.q_heads), ("S_q", h.queries), ("S_kv", h.keys))


def attention_work(h: HeadExtents, masks: int, softcap: float = 0.0) -> tuple[Work, ...]:
    """Scaling, masks, softcap and softmax."""
    scores = count_scores(h).value
    scaled_elements = h.batch * (h.q_heads * h.queries + h.kv_heads * h.keys) * h.qk_size
    work = elementwise_work("multiply", "elementwise", scaled_elements, 1, "#elements of Q and K")
    if softcap:
        work += elementwise_work("divide", "elementwise", scores, 1, "#scores")
        work += elementwise_work("transcendental", "elementwise", scores, 1, "#scores")
        work += elementwise_work("multiply", "elementwise", scores, 1, "#scores")
    return work + elementwise_work("add", "elementwise", scores, masks, "#scores") + softmax_work(scores)


def softmax_work(scores: Dim) -> tuple[Work, ...]:
    """5 per score: maximum, subtract, exp, sum, divide."""
    return (
        elementwise_work("compare", "softmax", scores, 1, "#scores")
        + elementwise_work("add", "softmax", scores, 2, "#scores")
        + elementwise_work("exp", "softmax", scores, 1, "#scores")
        + elementwise_work("divide", "softmax", scores, 1, "#scores")
    )


@shape_rule("RotaryEmbedding")
def rotary_shape(
    x: TensorType, cos_cache: TensorType, sin_cache: TensorType, position_ids: TensorType | None = None
) -> TensorType:
    """x [B, H, S, D] or [B, S, H · D] -> the same."""
    return TensorType(x.dtype, x.shape)


@cost_rule("RotaryEmbedding")
def rotary_cost(
    x: TensorType,
    cos_cache: TensorType,
    sin_cache: TensorType,
    position_ids: TensorType | None = None,
    *,
    num_heads: int = 0,
    rotary_embedding_dim: int = 0,
) -> Cost:
    """2 multiplications and 1 addition per rotated element: all of x, or rotary_embedding_dim features of each head."""
    elements = x.elements
    if rotary_embedding_dim:
        b, h, s, _ = split_heads(x, num_heads, "X", "num_heads")
        elements = b * h * s * rotary_embedding_dim
    return Cost(work=rotation_work(elements))


def rotation_work(elements: Dim) -> tuple[Work, ...]:
    """cos · x₁ - sin · x₂: 2 multiplications and 1 addition per rotated element."""
    return elementwise_work("multiply", "elementwise", elements, 2, "#rotated elements") + elementwise_work(
        "add", "elementwise", elements, 1, "#rotated elements"
    )
