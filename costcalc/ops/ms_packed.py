"""com.microsoft's attention over packed tokens: sequences one after the other, without padding."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.traits import traits
from costcalc.formula import Cost, per
from costcalc.ir import TensorType
from costcalc.ops.attention import Heads, attention_macs, attention_work
from costcalc.ops.ms_attention import PROJECTED, projected, with_projection
from costcalc.ops.ms_heads import by_head_gradient
from costcalc.ops.ms_matmul import MS
from costcalc.registry import cost_rule, describe, operands, shape_rule

operands("PackedAttention", domain=MS, weights=(1, 2))
traits("PackedAttention", domain=MS, kind="attention", gradient=PROJECTED)
traits("PackedMultiHeadAttention", domain=MS, kind="attention", gradient=by_head_gradient(3, 6, (6, 7)))
describe("The input is projected to queries, keys and values; each query takes from the values what the softmax of its "
         "scores says.", "PackedAttention", domain=MS)  # fmt: skip
operands("PackedMultiHeadAttention", domain=MS, weights=(3,))
describe("Each query is compared with all keys; the softmax of the scores says how much of each value it takes.",
         "PackedMultiHeadAttention", domain=MS)  # fmt: skip


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
    _, sizes = projected(x, weights, None, num_heads, qkv_hidden_sizes, 0)
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
    h, _ = projected(x, weights, None, num_heads, qkv_hidden_sizes, 0)
    return with_projection(x, weights, bias, unpacked(h, token_offset), int(attention_bias is not None), 0)


def unpacked(h: Heads, token_offset: TensorType) -> Heads:
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


def _packed_heads(query: TensorType, value: TensorType | None, num_heads: int, token_offset: TensorType) -> Heads:
    assert query.shape is not None
    size = query.shape[3] if query.rank == 4 else query.shape[1] // num_heads
    v_size = size if value is None or value.shape is None else value.shape[1] // num_heads
    return unpacked(Heads(1, num_heads, num_heads, 0, 0, 0, size, v_size), token_offset)


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
    work = per("add", "bias", query.shape[0] * bias.elements, 1, "#projected") if bias is not None else ()
    return Cost(attention_macs(h), work + attention_work(h, int(attention_bias is not None)))
