"""Attention of com.microsoft with input projections: projection, scores, softmax and values in one operator."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from costcalc.core.assumptions import require_equal
from costcalc.core.dim import Dim, maximum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Formula, Product, elementwise_work, product, product_factor
from costcalc.core.ir import TensorType
from costcalc.core.registry import MS, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import LeastWork, OperatorUse, contraction_gradient, least_work_rule, traits
from costcalc.ops.attention import HeadExtents, attention_macs, attention_work, count_rows, rotation_work
from costcalc.ops.common.visibility import Texts, Visibility, known_integers, texts_of

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
        if past.rank != 5:
            raise ShapeError(f"the past has {past.rank} axes", "it has 5: [2, B, H, S, D]")
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
    rows = prod(x.shape[:-1])
    merged = weights.shape[1]
    projection: Product = product(
        ("rows", rows), product_factor("#weights", ("C", weights.shape[0]), ("Q + K + V", merged)), name="projections"
    )
    work = elementwise_work("add", "bias", rows * merged, int(bias is not None), "#projected")
    if rotary:
        work += rotation_work(2 * h.batch * h.q_heads * h.queries * h.qk_size)
    return Cost(Formula((projection, *attention_macs(h).terms)), work + attention_work(h, masks))


def least_projected(use: OperatorUse, mask: int, past: int, bias: int | None, length: int | None) -> LeastWork:
    """An attention with input projections whose mask, past, attention bias and length of the past in a shared buffer
    stand at these positions -> its least work."""
    x, weights, past_type, mask_type = (use.input(i) for i in (0, 1, past, mask))
    assert x is not None and weights is not None and weights.shape is not None and x.shape is not None
    share = int(use.attributes.get("past_present_share_buffer", 0))
    sizes = use.attributes.get("qkv_hidden_sizes")
    h, (q, k, v) = projected_extents(x, weights, past_type, int(use.attributes["num_heads"]), sizes, share)
    if share:
        known = known_integers(use.input(length)) if length is not None else None
        h = h._replace(past=known[0] if known else 0, keys=h.queries + (known[0] if known else 0))
    texts = padded_texts(mask_type, h, bool(use.attributes.get("unidirectional", 0)))
    if bias is not None and use.input(bias) is not None:
        texts = ()
    gives_output, gives_present = 0 in use.outputs, 1 in use.outputs
    rows, features = prod(x.shape[:-1]), weights.shape[0]
    past_rows, new_rows = count_rows(texts if gives_output else (), h.new)
    columns = rows * (k + v) if gives_present else new_rows * (k + v)
    reads: dict[int, Dim] = {}
    if gives_output:
        scores = sum([count * text.pairs for text, count in texts], 0) * h.q_heads
        columns = columns + sum([count * text.queries_with_keys for text, count in texts], 0) * q
        macs = columns * features + scores * (h.qk_size + h.v_size)
    else:
        macs = columns * features
    if not gives_present or share:
        reads[past] = past_rows * h.kv_heads * (h.qk_size + h.v_size)
    if not texts and not gives_present:
        reads |= {0: 0, 1: 0}
    elif not gives_output:
        reads[1] = features * (k + v)
    writes = {1: 2 * h.batch * h.kv_heads * h.new * h.qk_size} if share and past_type is not None else {}
    return LeastWork(macs, reads, writes)


def padded_texts(mask: TensorType | None, h: HeadExtents, causal: bool) -> tuple[Texts, ...]:
    """Mask of com.microsoft's attentions -> what the texts see: all that they may where there is none; the first keys
    where a stored [batch] says how many; nothing where it is a mask of keys or comes at run time."""
    if mask is None:
        return ((Visibility(h.queries, h.keys, h.past if causal else None), h.batch),)
    if mask.rank != 1:
        return ()
    texts = texts_of(h.batch, known_integers(mask), h.queries, h.keys, False)
    return tuple([(text._replace(offset=h.past if causal else None), count) for text, count in texts])


@least_work_rule("Attention", domain=MS)
def ms_attention_least_work(use: OperatorUse) -> LeastWork:
    """Keys that unidirectional hides: query i sees the keys up to past + i. Keys that mask_index or attention_bias
    hides, with their projections: a stored [B] of lengths is read, any other mask may hide all. Present keys and values
    take the projections of all positions; of a shared buffer whose length comes at run time no past is read."""
    return least_projected(use, 3, 4, 5, 6)


@least_work_rule("DecoderMaskedSelfAttention", domain=MS)
def decoder_self_attention_least_work(use: OperatorUse) -> LeastWork:
    """As Attention with input projections."""
    return least_projected(use, 3, 4, 5, 6)


@least_work_rule("QAttention", domain=MS)
def qattention_least_work(use: OperatorUse) -> LeastWork:
    """As Attention with input projections."""
    return least_projected(use, 5, 8, None, None)


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
    count = prod(x.shape[:-1]) * weights.shape[1]
    return Cost(cost.macs, cost.work + elementwise_work("multiply", "quantization", count, 1, "#projected"))
