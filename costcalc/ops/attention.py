"""Scaled dot-product attention and rotary embeddings of ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, maximum, minimum
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
from costcalc.core.traits import (
    CacheSlot,
    HeadInputs,
    LeastWork,
    OperatorUse,
    cache_rule,
    contraction_gradient,
    least_work_rule,
    traits,
)
from costcalc.ops.common.axes import Shape, known_integers
from costcalc.ops.common.visibility import Texts, Visibility, mask_pairs, texts_of

operands("Attention", weights=(0, 1, 2))

traits(
    "Attention",
    kind="attention",
    causal=lambda attributes: bool(attributes.get("is_causal", 0)),
    lengths=(6, 0),
    heads=HeadInputs({0: -1}, {1: -1, 2: -1, 4: 1, 5: 1}),
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

    @property
    def new(self) -> Dim:
        """Number of keys that are not past ones."""
        return self.keys - self.past


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


@cache_rule("Attention")
def attention_caches(
    types: Sequence[TensorType | None], attributes: Mapping[str, Any], tokens: Dim
) -> tuple[CacheSlot, ...]:
    """Keys and values of all earlier tokens: [B, H_kv, tokens, D] each."""
    return key_value_slots(types, attributes, tokens)


def key_value_slots(
    types: Sequence[TensorType | None], attributes: Mapping[str, Any], tokens: Dim
) -> tuple[CacheSlot, ...]:
    """Keys and values (inputs 1 and 2) of so many tokens, as inputs 4 and 5: [B, H_kv, tokens, D] each."""
    heads = int(attributes.get("kv_num_heads", 0))
    slots = []
    for new, name in ((1, "past_key"), (2, "past_value")):
        t = types[new]
        assert t is not None
        batch, kv_heads, _, size = split_heads(t, heads, "K" if new == 1 else "V", "kv_num_heads")
        slots.append(CacheSlot(new + 3, name, TensorType(t.dtype, (batch, kv_heads, tokens, size)), new))
    return tuple(slots)


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


class KeyInputs(NamedTuple):
    """Positions of an attention's inputs; masks are those that change its scores. Outputs 1 and 2 are the present keys
    and values, output 3 the scores."""

    query: int
    key: int
    value: int
    past_key: int
    past_value: int
    masks: tuple[int, ...]


@least_work_rule("Attention")
def attention_least_work(use: OperatorUse) -> LeastWork:
    """Keys that is_causal hides: query i sees the keys up to offset + i, the offset being the length of the past or,
    without one, nonpad_kv_seqlen - S_q (0 without both). Keys behind nonpad_kv_seqlen, all of them where it comes at
    run time. Keys that attn_mask hides: a small stored one is read, any other may hide all. Present keys and values
    take no arithmetic; qk_matmul_output takes every score."""
    q, k, v = use.types[:3]
    assert q is not None and k is not None and v is not None
    heads = [int(use.attributes.get(name, 0)) for name in ("q_num_heads", "kv_num_heads")]
    h = attention_heads(q, k, v, use.input(4), *heads)
    causal, lengths = bool(use.attributes.get("is_causal", 0)), use.input(6)
    texts: Sequence[Texts] = ((Visibility(h.queries, h.keys, h.past if causal else None), h.batch),)
    if lengths is not None:
        texts = texts_of(h.batch, known_integers(lengths), h.queries, h.keys, causal)
    at = KeyInputs(0, 1, 2, 4, 5, (3, 6))
    return least_attention(use, h, at, texts, use.input(3))


def least_attention(
    use: OperatorUse,
    h: HeadExtents,
    at: KeyInputs,
    texts: Sequence[Texts],
    mask: TensorType | None = None,
    shares_buffer: bool = False,
) -> LeastWork:
    """What the texts of an attention see (nothing: it may all be skipped) and a mask that hides more of it -> the
    least work. A past that shares its buffer with the present is neither read nor written where it stays."""
    scores: Dim = sum([count * text.pairs for text, count in texts], 0) * h.q_heads
    queries: Dim = sum([count * text.queries_with_keys for text, count in texts], 0)
    may_hide = not texts or any(text.offset is not None for text, _ in texts)
    if mask is not None:
        scores, queries, texts = mask_pairs(mask, texts, h.q_heads) or 0, 0, ()
    gives_output, gives_scores = 0 in use.outputs, 3 in use.outputs
    macs = scores * (h.qk_size + h.v_size) if gives_output else 0
    if gives_scores:
        macs = h.batch * h.q_heads * h.queries * h.keys * h.qk_size + (scores * h.v_size if gives_output else 0)
    is_separate, reads, writes = use.input(at.key) is not None, dict[int, Dim](), dict[int, Dim]()
    if is_separate and not gives_scores:
        reads[at.query] = queries * h.q_heads * h.qk_size if gives_output else 0
    if may_hide or not gives_output:
        reads |= dict.fromkeys(at.masks, 0)
    past_rows, new_rows = count_rows(texts if gives_output else (), h.new)
    for present, size, new, past in ((1, h.qk_size, at.key, at.past_key), (2, h.v_size, at.value, at.past_value)):
        is_needed, past_type = present in use.outputs, use.input(past)
        row = past_type.shape[-1] if past_type is not None and past_type.shape else size
        if is_needed and shares_buffer:
            writes[present] = h.batch * h.kv_heads * h.new * row
        elif is_needed or (gives_scores and present == 1):
            continue
        elif is_separate:
            reads[new] = new_rows * h.kv_heads * size
        reads[past] = past_rows * h.kv_heads * row
    is_unused = is_separate and not gives_output and not gives_scores
    return LeastWork(macs, reads, writes, frozenset((at.query, *at.masks)) if is_unused else frozenset())


def count_rows(texts: Sequence[Texts], new: Dim) -> tuple[Dim, Dim]:
    """What the texts see, and the number of new keys -> the keys that a query of theirs sees, of the past and of the
    new ones, over all texts."""
    past_rows: Dim = 0
    new_rows: Dim = 0
    for text, count in texts:
        first, end = text.key_range
        past = maximum(0, text.keys - new)
        past_rows = past_rows + count * maximum(0, minimum(end, past) - first)
        new_rows = new_rows + count * maximum(0, end - maximum(first, past))
    return past_rows, new_rows


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
