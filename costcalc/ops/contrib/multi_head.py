"""Multi-head attention of com.microsoft: over projected queries, keys and values, and over packed tokens.

Packed tokens are sequences one after the other, without padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, maximum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Formula, Work, elementwise_work
from costcalc.core.ir import TensorType
from costcalc.core.registry import MS, Types, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import Attributes, Contraction, GradientRule, LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.attention import (
    HeadExtents,
    KeyInputs,
    attention_macs,
    attention_work,
    least_attention,
    split_heads,
)
from costcalc.ops.common.visibility import known_integers
from costcalc.ops.contrib.attention import PROJECTED, padded_texts, projected_attention_cost, projected_extents


def by_head_gradient(bias: int, added: int, past: tuple[int, int]) -> GradientRule:
    """The gradient rule of an attention over query, key and value; a key that is not there is packed with the query, a
    value with the key. bias, added and past are the positions of biases and of earlier keys and values."""

    def rule(formula: Formula, types: Types, attributes: Attributes) -> tuple[Contraction, ...]:
        key = 1 if len(types) > 1 and types[1] is not None else 0
        value = 2 if len(types) > 2 and types[2] is not None else key
        scores, mixed = formula.terms
        return (
            Contraction(scores.value, (0, bias), (key, bias, past[0])),
            Contraction(mixed.value, (0, key, bias, added, past[0]), (value, bias, past[1])),
        )

    return rule


operands("MultiHeadAttention", domain=MS, weights=(3,))

operands("DecoderMaskedMultiHeadAttention", domain=MS, weights=(10,))

traits("MultiHeadAttention", "DecoderMaskedMultiHeadAttention", domain=MS, kind="attention")

traits(
    "MultiHeadAttention",
    domain=MS,
    causal=lambda attributes: bool(attributes.get("unidirectional", 0)),
    gradient=by_head_gradient(3, 5, (6, 7)),
)

describe(
    "Each query is compared with all keys; the softmax of the scores says how much of each value it takes.",
    "MultiHeadAttention",
    "DecoderMaskedMultiHeadAttention",
    domain=MS,
)


def _multi_head_extents(
    query: TensorType,
    key: TensorType | None,
    value: TensorType | None,
    past_key: TensorType | None,
    num_heads: int,
    share: int = 0,
) -> HeadExtents:
    """The extents by head of separate or packed queries, keys and values, of [B, S, hidden] or [B, H, S, D]."""
    assert query.shape is not None
    if key is None:
        if query.rank == 5:
            batch, steps, heads, _, size = query.shape
            return HeadExtents(batch, heads, heads, steps, steps, 0, size, size)
        if query.rank != 3:
            raise ShapeError(f"packed queries, keys and values have {query.rank} axes", "they have 3 or 5")
        batch, steps, hidden = query.shape
        size = hidden // 3 // num_heads
        extents = HeadExtents(batch, num_heads, num_heads, steps, steps, 0, size, size)
        new = steps
    else:
        batch, heads, steps, size = split_heads(query, num_heads, "the query", "num_heads")
        assert key.shape is not None
        if key.rank == 5:
            return HeadExtents(batch, heads, heads, steps, key.shape[1], 0, size, key.shape[4])
        _, _, new, size_k = split_heads(key, num_heads, "the key", "num_heads")
        require_equal(size, size_k, "the head sizes of query and key")
        v_size = size if value is None else split_heads(value, num_heads, "the value", "num_heads")[3]
        extents = HeadExtents(batch, heads, heads, steps, new, 0, size, v_size)
    if past_key is None:
        return extents
    assert past_key.shape is not None
    past = past_key.shape[2]
    return extents._replace(past=past, keys=maximum(past, new) if share else past + new)


def _multi_head_types(query: TensorType, h: HeadExtents) -> tuple[TensorType, ...]:
    return (
        TensorType(query.dtype, (h.batch, h.queries, h.q_heads * h.v_size)),
        TensorType(query.dtype, (h.batch, h.kv_heads, h.keys, h.qk_size)),
        TensorType(query.dtype, (h.batch, h.kv_heads, h.keys, h.v_size)),
        TensorType(query.dtype, (h.batch, h.q_heads, h.queries, h.keys)),
    )


def _bias_work(bias: TensorType | None, h: HeadExtents, key: TensorType | None) -> tuple[Work, ...]:
    """One addition per projected element; keys and values that come by heads have had theirs."""
    if bias is None:
        return ()
    elements = h.batch * h.queries * h.q_heads * h.qk_size
    if key is None or key.rank != 4:
        elements = elements + h.batch * (h.keys - h.past) * h.kv_heads * (h.qk_size + h.v_size)
    return elementwise_work("add", "bias", elements, 1, "#projected")


@shape_rule("MultiHeadAttention", domain=MS)
def multi_head_attention_shape(
    query: TensorType,
    key: TensorType | None = None,
    value: TensorType | None = None,
    bias: TensorType | None = None,
    key_padding_mask: TensorType | None = None,
    attention_bias: TensorType | None = None,
    past_key: TensorType | None = None,
    past_value: TensorType | None = None,
    past_sequence_length: TensorType | None = None,
    cache_indirection: TensorType | None = None,
    *,
    num_heads: int,
) -> tuple[TensorType, ...]:
    """query [B, S, H · D], key and value [B, S_kv, H · D] or [B, H, S_kv, D] (or packed: [B, S, H, 3, D] alone,
    [B, S_kv, H, 2, D] as key) -> [B, S, H · D_v], present key and value [B, H, past + S_kv, D], scores."""
    h = _multi_head_extents(query, key, value, past_key, num_heads, int(past_sequence_length is not None))
    return _multi_head_types(query, h)


@cost_rule("MultiHeadAttention", domain=MS)
def multi_head_attention_cost(
    query: TensorType,
    key: TensorType | None = None,
    value: TensorType | None = None,
    bias: TensorType | None = None,
    key_padding_mask: TensorType | None = None,
    attention_bias: TensorType | None = None,
    past_key: TensorType | None = None,
    past_value: TensorType | None = None,
    past_sequence_length: TensorType | None = None,
    cache_indirection: TensorType | None = None,
    *,
    num_heads: int,
    unidirectional: int = 0,
) -> Cost:
    """QKᵀ: B · H · S · S_kv · D_qk, plus PV: B · H · S · S_kv · D_v; S_kv includes the past. Besides, per score 5 for
    the softmax and 1 addition each for the padding mask, the attention bias and unidirectional; the scale is one
    multiplication per element of Q and K, the bias one addition per element of Q and of the new K and V."""
    h = _multi_head_extents(query, key, value, past_key, num_heads, int(past_sequence_length is not None))
    masks = (key_padding_mask is not None) + (attention_bias is not None) + bool(unidirectional)
    return Cost(attention_macs(h), _bias_work(bias, h, key) + attention_work(h, masks))


@shape_rule("DecoderMaskedMultiHeadAttention", domain=MS)
def decoder_multi_head_shape(
    query: TensorType,
    key: TensorType | None = None,
    value: TensorType | None = None,
    mask_index: TensorType | None = None,
    attention_bias: TensorType | None = None,
    past_key: TensorType | None = None,
    past_value: TensorType | None = None,
    past_sequence_length: TensorType | None = None,
    beam_width: TensorType | None = None,
    cache_indirection: TensorType | None = None,
    bias: TensorType | None = None,
    *,
    num_heads: int,
    past_present_share_buffer: int = 0,
) -> tuple[TensorType, ...]:
    """query [B, 1, H · D], key and value likewise or [B, H, S_kv, D] -> [B, 1, H · D_v], present key and value,
    scores."""
    return _multi_head_types(
        query, _multi_head_extents(query, key, value, past_key, num_heads, past_present_share_buffer)
    )


@cost_rule("DecoderMaskedMultiHeadAttention", domain=MS)
def decoder_multi_head_cost(
    query: TensorType,
    key: TensorType | None = None,
    value: TensorType | None = None,
    mask_index: TensorType | None = None,
    attention_bias: TensorType | None = None,
    past_key: TensorType | None = None,
    past_value: TensorType | None = None,
    past_sequence_length: TensorType | None = None,
    beam_width: TensorType | None = None,
    cache_indirection: TensorType | None = None,
    bias: TensorType | None = None,
    *,
    num_heads: int,
    past_present_share_buffer: int = 0,
) -> Cost:
    """As MultiHeadAttention, one query per sequence; a shared buffer counts in full."""
    h = _multi_head_extents(query, key, value, past_key, num_heads, past_present_share_buffer)
    masks = (mask_index is not None) + (attention_bias is not None)
    return Cost(attention_macs(h), _bias_work(bias, h, key) + attention_work(h, masks))


def _least_multi_head(use: OperatorUse, at: KeyInputs, mask: int, length: int, share: bool) -> LeastWork:
    query, key, value, past_key, mask_type = (use.input(i) for i in (0, 1, 2, at.past_key, mask))
    assert query is not None
    h = _multi_head_extents(query, key, value, past_key, int(use.attributes["num_heads"]), int(share))
    if share and past_key is not None:
        known = known_integers(use.input(length))
        past, new = known[0] if known else 0, h.queries if key is None or key.rank == 5 else _sequence(key)
        h = h._replace(past=past, keys=past + new)
    texts = padded_texts(mask_type, h, bool(use.attributes.get("unidirectional", 0)))
    if use.input(at.masks[1]) is not None or use.input(9) is not None:
        texts = ()
    return least_attention(use, h, at, texts, None, share)


def _sequence(t: TensorType) -> Dim:
    assert t.shape is not None
    return t.shape[2] if t.rank == 4 else t.shape[1]


@least_work_rule("MultiHeadAttention", domain=MS)
def multi_head_least_work(use: OperatorUse) -> LeastWork:
    """Keys that unidirectional hides: query i sees the keys up to past + i. Keys that key_padding_mask, attention_bias
    or cache_indirection leaves out: a stored [B] of lengths is read, any other may leave out all. Present keys and
    values take no arithmetic; of a shared buffer whose length comes at run time no past is read."""
    return _least_multi_head(use, KeyInputs(0, 1, 2, 6, 7, (4, 5)), 4, 8, use.input(8) is not None)


@least_work_rule("DecoderMaskedMultiHeadAttention", domain=MS)
def decoder_multi_head_least_work(use: OperatorUse) -> LeastWork:
    """As MultiHeadAttention, with mask_index as its key_padding_mask."""
    share = bool(use.attributes.get("past_present_share_buffer", 0))
    return _least_multi_head(use, KeyInputs(0, 1, 2, 5, 6, (3, 4)), 3, 7, share)


operands("PackedAttention", domain=MS, weights=(1, 2))

traits("PackedAttention", domain=MS, kind="attention", gradient=PROJECTED)

traits("PackedMultiHeadAttention", domain=MS, kind="attention", gradient=by_head_gradient(3, 6, (6, 7)))

describe(
    "The input is projected to queries, keys and values; each query takes from the values what the softmax of its "
    "scores says.",
    "PackedAttention",
    domain=MS,
)

operands("PackedMultiHeadAttention", domain=MS, weights=(3,))

describe(
    "Each query is compared with all keys; the softmax of the scores says how much of each value it takes.",
    "PackedMultiHeadAttention",
    domain=MS,
)


@shape_rule("PackedAttention", domain=MS)
def packed_attention_shape(
    x: TensorType,
    weights: TensorType,
    bias: TensorType | None,
    token_offset: TensorType,
    cumulative_sequence_length: TensorType,
    attention_bias: TensorType | None = None,
    *,
    num_heads: int,
    qkv_hidden_sizes: Sequence[int] | None = None,
) -> TensorType:
    """x [tokens, C], weights [C, Q + K + V] -> [tokens, V]."""
    _, sizes = projected_extents(x, weights, None, num_heads, qkv_hidden_sizes, 0)
    assert x.shape is not None
    return TensorType(x.dtype, (x.shape[0], sizes[2]))


@cost_rule("PackedAttention", domain=MS)
def packed_attention_cost(
    x: TensorType,
    weights: TensorType,
    bias: TensorType | None,
    token_offset: TensorType,
    cumulative_sequence_length: TensorType,
    attention_bias: TensorType | None = None,
    *,
    num_heads: int,
    qkv_hidden_sizes: Sequence[int] | None = None,
) -> Cost:
    """As Attention with input projections over the tokens; the scores are those of the padded [B, S] sequences that
    token_offset tells, for the sequences' own lengths are data."""
    h, _ = projected_extents(x, weights, None, num_heads, qkv_hidden_sizes, 0)
    return projected_attention_cost(
        x, weights, bias, unpack_tokens(h, token_offset), int(attention_bias is not None), 0
    )


def unpack_tokens(h: HeadExtents, token_offset: TensorType) -> HeadExtents:
    """The extents by head with batch and sequence length of the padded [B, S] sequences of token_offset."""
    assert token_offset.shape is not None
    batch, steps = token_offset.shape
    return h._replace(batch=batch, queries=steps, keys=steps)


@shape_rule("PackedMultiHeadAttention", domain=MS)
def packed_multi_head_shape(
    query: TensorType,
    key: TensorType | None,
    value: TensorType | None,
    bias: TensorType | None,
    token_offset: TensorType,
    cumulative_sequence_length: TensorType,
    attention_bias: TensorType | None = None,
    *,
    num_heads: int,
) -> TensorType:
    """query, key and value [tokens, H · D], or packed [tokens, H, 3, D] -> [tokens, H · D_v]."""
    h = _packed_heads(query, value, num_heads, token_offset)
    assert query.shape is not None
    return TensorType(query.dtype, (query.shape[0], h.q_heads * h.v_size))


def _packed_heads(query: TensorType, value: TensorType | None, num_heads: int, token_offset: TensorType) -> HeadExtents:
    assert query.shape is not None
    size = query.shape[3] if query.rank == 4 else query.shape[1] // num_heads
    v_size = size if value is None or value.shape is None else value.shape[1] // num_heads
    return unpack_tokens(HeadExtents(1, num_heads, num_heads, 0, 0, 0, size, v_size), token_offset)


@cost_rule("PackedMultiHeadAttention", domain=MS)
def packed_multi_head_cost(
    query: TensorType,
    key: TensorType | None,
    value: TensorType | None,
    bias: TensorType | None,
    token_offset: TensorType,
    cumulative_sequence_length: TensorType,
    attention_bias: TensorType | None = None,
    *,
    num_heads: int,
) -> Cost:
    """As MultiHeadAttention over the padded [B, S] sequences that token_offset tells, for the sequences' own lengths
    are data."""
    h = _packed_heads(query, value, num_heads, token_offset)
    assert query.shape is not None
    work = elementwise_work("add", "bias", query.shape[0] * bias.elements, 1, "#projected") if bias is not None else ()
    return Cost(attention_macs(h), work + attention_work(h, int(attention_bias is not None)))


def _least_packed_scores(h: HeadExtents, tokens: Dim, lengths: TensorType | None, bias: TensorType | None) -> Dim:
    """Tokens and where each text begins and ends -> the fewest scores of all heads: texts of equal length have the
    fewest where their lengths come at run time."""
    if bias is not None:
        return 0
    ends = known_integers(lengths)
    if ends is not None:
        return h.q_heads * sum([(end - begin) ** 2 for begin, end in pairwise(ends)])
    if not isinstance(tokens, int) or not isinstance(h.batch, int) or not h.batch:
        return 0
    length, longer = divmod(tokens, h.batch)
    return h.q_heads * ((h.batch - longer) * length**2 + longer * (length + 1) ** 2)


@least_work_rule("PackedAttention", domain=MS)
def packed_attention_least_work(use: OperatorUse) -> LeastWork:
    """Keys of other texts and of padding: a text of n tokens has n² scores, n by cumulative_sequence_length; where that
    comes at run time, texts of equal length have the fewest. attention_bias may hide all keys."""
    x, weights, token_offset = (use.input(i) for i in (0, 1, 3))
    assert x is not None and x.shape is not None and weights is not None and token_offset is not None
    sizes = use.attributes.get("qkv_hidden_sizes")
    h, _ = projected_extents(x, weights, None, int(use.attributes["num_heads"]), sizes, 0)
    h = unpack_tokens(h, token_offset)
    scores = _least_packed_scores(h, x.shape[0], use.input(4), use.input(5))
    projections: Dim = 0 if use.input(5) is not None else x.shape[0] * weights.elements
    return LeastWork(projections + scores * (h.qk_size + h.v_size))


@least_work_rule("PackedMultiHeadAttention", domain=MS)
def packed_multi_head_least_work(use: OperatorUse) -> LeastWork:
    """As PackedAttention, without projections."""
    query, value, token_offset = (use.input(i) for i in (0, 2, 4))
    assert query is not None and query.shape is not None and token_offset is not None
    h = _packed_heads(query, value, int(use.attributes["num_heads"]), token_offset)
    return LeastWork(_least_packed_scores(h, query.shape[0], use.input(5), use.input(6)) * (h.qk_size + h.v_size))
