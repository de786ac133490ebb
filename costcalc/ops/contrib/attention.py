"""Attention of com.microsoft with input projections: projection, scores, softmax and values in one operator."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, maximum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Formula, Product, elementwise_work, product, product_factor
from costcalc.core.ir import TensorType
from costcalc.core.registry import cost_rule, describe, operands, shape_rule
from costcalc.core.traits import contraction_gradient, traits
from costcalc.ops.attention import HeadExtents, attention_macs, attention_work, rotation_work
from costcalc.ops.contrib.matmul import MS

PROJECTED = contraction_gradient(((0,), (1,)), ((0, 1, 2), (0, 1, 2)), ((0, 1, 2), (0, 1, 2)))
"""The gradient rule of an attention that projects its first input with its second and third."""

operands("Attention", "DecoderMaskedSelfAttention", domain=MS, weights=(1, 2))

operands("QAttention", domain=MS, weights=(1, 2), buffers=(3, 4, 6, 7))

traits("Attention", "QAttention", "DecoderMaskedSelfAttention", domain=MS, kind="attention")

traits("Attention", "QAttention", domain=MS, causal=lambda attributes: bool(attributes.get("unidirectional", 0)))

traits("Attention", domain=MS, gradient=PROJECTED)

describe(
    "The input is projected to queries, keys and values; each query takes from the values what the softmax of its "
    "scores says.",
    "Attention",
    "QAttention",
    "DecoderMaskedSelfAttention",
    domain=MS,
)


def projected_extents(
    x: TensorType, weights: TensorType, past: TensorType | None, num_heads: int, sizes: Sequence[int] | None, share: int
) -> tuple[HeadExtents, tuple[Dim, Dim, Dim]]:
    """(extents by head, hidden sizes of Q, K and V) of an attention with input projections."""
    assert x.shape is not None and weights.shape is not None
    if x.rank not in (2, 3) or weights.rank != 2:
        raise ShapeError(f"the input has {x.rank} axes and the weights {weights.rank}", "they have 3 and 2")
    require_equal(x.shape[-1], weights.shape[0], "the input's features and those that the weights expect")
    merged = weights.shape[1]
    q, k, v = sizes if sizes else (merged // 3,) * 3
    require_equal(q + k + v, merged, "the columns of the weights and the hidden sizes of Q, K and V")
    batch, steps = (1, x.shape[0]) if x.rank == 2 else x.shape[:2]
    past_length: Dim = 0
    if past is not None:
        assert past.shape is not None
        past_length = past.shape[3]
    keys = maximum(past_length, steps) if share else past_length + steps
    heads = HeadExtents(batch, num_heads, num_heads, steps, keys, past_length, q // num_heads, v // num_heads)
    return heads, (q, k, v)


def _present_type(x: TensorType, h: HeadExtents) -> TensorType:
    return TensorType(x.dtype, (2, h.batch, h.kv_heads, h.keys, h.qk_size))


def projected_attention_cost(
    x: TensorType, weights: TensorType, bias: TensorType | None, h: HeadExtents, masks: int, rotary: int
) -> Cost:
    """Projection and attention."""
    assert x.shape is not None and weights.shape is not None
    rows = x.elements // x.shape[-1]
    merged = weights.shape[1]
    projection: Product = product(
        ("rows", rows), product_factor("#weights", ("C", weights.shape[0]), ("Q + K + V", merged)), name="projections"
    )
    work = elementwise_work("add", "bias", rows * merged, int(bias is not None), "#projected")
    if rotary:
        work += rotation_work(2 * h.batch * h.q_heads * h.queries * h.qk_size)
    return Cost(Formula((projection, *attention_macs(h).terms)), work + attention_work(h, masks))


@shape_rule("Attention", domain=MS)
def ms_attention_shape(
    x: TensorType,
    weights: TensorType,
    bias: TensorType | None = None,
    mask_index: TensorType | None = None,
    past: TensorType | None = None,
    attention_bias: TensorType | None = None,
    past_sequence_length: TensorType | None = None,
    *,
    num_heads: int,
    qkv_hidden_sizes: Sequence[int] | None = None,
    past_present_share_buffer: int = 0,
) -> tuple[TensorType, ...]:
    """x [B, S, C], weights [C, Q + K + V] -> [B, S, V], present [2, B, H, past + S, D]."""
    h, sizes = projected_extents(x, weights, past, num_heads, qkv_hidden_sizes, past_present_share_buffer)
    assert x.shape is not None
    return TensorType(x.dtype, (*x.shape[:-1], sizes[2])), _present_type(x, h)


@cost_rule("Attention", domain=MS)
def ms_attention_cost(
    x: TensorType,
    weights: TensorType,
    bias: TensorType | None = None,
    mask_index: TensorType | None = None,
    past: TensorType | None = None,
    attention_bias: TensorType | None = None,
    past_sequence_length: TensorType | None = None,
    *,
    num_heads: int,
    qkv_hidden_sizes: Sequence[int] | None = None,
    past_present_share_buffer: int = 0,
    unidirectional: int = 0,
    do_rotary: int = 0,
) -> Cost:
    """The projections B · S · C · (Q + K + V), plus QKᵀ: B · H · S · S_kv · D_qk, plus PV: B · H · S · S_kv · D_v;
    S_kv includes the past. Besides, per score 5 for the softmax and 1 addition each for the mask, the attention bias
    and unidirectional; the scale is one multiplication per element of Q and K; the bias one addition per projected
    element; do_rotary 3 operations per element of Q and K."""
    h, _ = projected_extents(x, weights, past, num_heads, qkv_hidden_sizes, past_present_share_buffer)
    masks = (mask_index is not None) + (attention_bias is not None) + bool(unidirectional)
    return projected_attention_cost(x, weights, bias, h, masks, do_rotary)


@shape_rule("DecoderMaskedSelfAttention", domain=MS)
def decoder_self_attention_shape(
    x: TensorType,
    weights: TensorType,
    bias: TensorType | None = None,
    mask_index: TensorType | None = None,
    past: TensorType | None = None,
    attention_bias: TensorType | None = None,
    past_sequence_length: TensorType | None = None,
    beam_width: TensorType | None = None,
    cache_indirection: TensorType | None = None,
    *,
    num_heads: int,
    past_present_share_buffer: int = 0,
) -> tuple[TensorType, ...]:
    """x [B, 1, C], weights [C, 3 · hidden] -> [B, 1, hidden], present [2, B, H, total, D]."""
    h, sizes = projected_extents(x, weights, past, num_heads, None, past_present_share_buffer)
    assert x.shape is not None
    return TensorType(x.dtype, (*x.shape[:-1], sizes[2])), _present_type(x, h)


@cost_rule("DecoderMaskedSelfAttention", domain=MS)
def decoder_self_attention_cost(
    x: TensorType,
    weights: TensorType,
    bias: TensorType | None = None,
    mask_index: TensorType | None = None,
    past: TensorType | None = None,
    attention_bias: TensorType | None = None,
    past_sequence_length: TensorType | None = None,
    beam_width: TensorType | None = None,
    cache_indirection: TensorType | None = None,
    *,
    num_heads: int,
    past_present_share_buffer: int = 0,
    do_rotary: int = 0,
) -> Cost:
    """As Attention with input projections; a shared buffer counts in full."""
    h, _ = projected_extents(x, weights, past, num_heads, None, past_present_share_buffer)
    masks = (mask_index is not None) + (attention_bias is not None)
    return projected_attention_cost(x, weights, bias, h, masks, do_rotary)


@shape_rule("QAttention", domain=MS)
def qattention_shape(
    x: TensorType,
    weights: TensorType,
    bias: TensorType,
    input_scale: TensorType,
    weight_scale: TensorType,
    mask_index: TensorType | None = None,
    input_zero_point: TensorType | None = None,
    weight_zero_point: TensorType | None = None,
    past: TensorType | None = None,
    *,
    num_heads: int,
    past_present_share_buffer: int = 0,
) -> tuple[TensorType, ...]:
    """x [B, S, C], weights [C, 3 · hidden] -> [B, S, hidden] in the scale's type, present [2, B, H, past + S, D]."""
    h, sizes = projected_extents(x, weights, past, num_heads, None, past_present_share_buffer)
    assert x.shape is not None
    return TensorType(input_scale.dtype, (*x.shape[:-1], sizes[2])), _present_type(input_scale, h)


@cost_rule("QAttention", domain=MS)
def qattention_cost(
    x: TensorType,
    weights: TensorType,
    bias: TensorType,
    input_scale: TensorType,
    weight_scale: TensorType,
    mask_index: TensorType | None = None,
    input_zero_point: TensorType | None = None,
    weight_zero_point: TensorType | None = None,
    past: TensorType | None = None,
    *,
    num_heads: int,
    past_present_share_buffer: int = 0,
    unidirectional: int = 0,
    do_rotary: int = 0,
) -> Cost:
    """As Attention with input projections; the scales are one multiplication per projected element."""
    assert x.shape is not None and weights.shape is not None
    h, _ = projected_extents(x, weights, past, num_heads, None, past_present_share_buffer)
    masks = (mask_index is not None) + bool(unidirectional)
    cost = projected_attention_cost(x, weights, bias, h, masks, do_rotary)
    count = x.elements // x.shape[-1] * weights.shape[1]
    return Cost(cost.macs, cost.work + elementwise_work("multiply", "quantization", count, 1, "#projected"))
