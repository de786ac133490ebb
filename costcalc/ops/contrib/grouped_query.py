"""Grouped-query attention of com.microsoft and its rotary embedding."""

from __future__ import annotations

from costcalc.core.dim import Dim, maximum, minimum
from costcalc.core.formula import Cost
from costcalc.core.ir import TensorType
from costcalc.core.registry import MS, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import LeastWork, OperatorUse, least_work_rule, traits
from costcalc.ops.attention import (
    HeadExtents,
    KeyInputs,
    attention_macs,
    attention_work,
    least_attention,
    rotary_cost,
    rotation_work,
)
from costcalc.ops.common.visibility import Texts, Visibility, known_integers
from costcalc.ops.contrib.multi_head import by_head_gradient

operands("GroupQueryAttention", domain=MS, weights=(11, 14, 15), buffers=(7, 8, 12, 13))

traits(
    "GroupQueryAttention",
    domain=MS,
    kind="attention",
    causal=lambda attributes: bool(attributes.get("causal", 1)),
    lengths=(5, 1),
    gradient=by_head_gradient(10, 10, (3, 4)),
)

operands("RotaryEmbedding", domain=MS, buffers=(2, 3))

describe("Attention whose queries share keys and values in groups of heads.", "GroupQueryAttention", domain=MS)

describe("Pairs of features are rotated by an angle that grows with the position.", "RotaryEmbedding", domain=MS)


def _grouped_extents(
    query: TensorType,
    key: TensorType | None,
    past_key: TensorType | None,
    total: TensorType | None,
    num_heads: int,
    kv_num_heads: int,
) -> HeadExtents:
    """Keys: the total where its value is known, else past + new. Where the cache is longer than the total (a shared
    buffer) the total is what is attended to."""
    assert query.shape is not None
    batch, steps, width = query.shape
    size = width // (num_heads + 2 * kv_num_heads) if key is None else width // num_heads
    new_keys = steps if key is None else _new_keys(key)
    past: Dim = 0
    if past_key is not None:
        assert past_key.shape is not None
        past = past_key.shape[2]
    total_value = total.value[0] if total is not None and total.value else None
    keys = past + new_keys if total_value is None else total_value
    return HeadExtents(batch, num_heads, kv_num_heads, steps, keys, past, size, size)


@shape_rule("GroupQueryAttention", domain=MS)
def group_query_attention_shape(
    query: TensorType,
    key: TensorType | None = None,
    value: TensorType | None = None,
    past_key: TensorType | None = None,
    past_value: TensorType | None = None,
    seqlens_k: TensorType | None = None,
    total_sequence_length: TensorType | None = None,
    cos_cache: TensorType | None = None,
    sin_cache: TensorType | None = None,
    position_ids: TensorType | None = None,
    attention_bias: TensorType | None = None,
    head_sink: TensorType | None = None,
    k_scale: TensorType | None = None,
    v_scale: TensorType | None = None,
    q_norm_weight: TensorType | None = None,
    k_norm_weight: TensorType | None = None,
    query_seqlens: TensorType | None = None,
    *,
    num_heads: int,
    kv_num_heads: int,
) -> tuple[TensorType, ...]:
    """query [B, S, H · D], key and value [B, S, H_kv · D] (or packed in query) -> [B, S, H · D], present key and value
    [B, H_kv, max(past, total), D], scores [B, H, S, total]."""
    h = _grouped_extents(query, key, past_key, total_sequence_length, num_heads, kv_num_heads)
    cache = past_key if past_key is not None else query
    present = TensorType(cache.dtype, (h.batch, h.kv_heads, maximum(h.past, h.keys), h.qk_size))
    return (
        TensorType(query.dtype, (h.batch, h.queries, h.q_heads * h.v_size)),
        present,
        present,
        TensorType(query.dtype, (h.batch, h.q_heads, h.queries, h.keys)),
    )


@cost_rule("GroupQueryAttention", domain=MS)
def group_query_attention_cost(
    query: TensorType,
    key: TensorType | None = None,
    value: TensorType | None = None,
    past_key: TensorType | None = None,
    past_value: TensorType | None = None,
    seqlens_k: TensorType | None = None,
    total_sequence_length: TensorType | None = None,
    cos_cache: TensorType | None = None,
    sin_cache: TensorType | None = None,
    position_ids: TensorType | None = None,
    attention_bias: TensorType | None = None,
    head_sink: TensorType | None = None,
    k_scale: TensorType | None = None,
    v_scale: TensorType | None = None,
    q_norm_weight: TensorType | None = None,
    k_norm_weight: TensorType | None = None,
    query_seqlens: TensorType | None = None,
    *,
    num_heads: int,
    kv_num_heads: int,
    do_rotary: int = 0,
    softcap: float = 0.0,
    causal: int = 1,
) -> Cost:
    """QKᵀ: B · H · S · S_kv · D, plus PV: the same; S_kv is the total where its value is known, else past + new; masked
    scores and those outside a local window count. Besides, per score 5 for the softmax, 1 addition each for causal and
    the attention bias, 3 for softcap; the scale is one multiplication per element of Q and K, do_rotary 3 operations
    per element of the new Q and K."""
    h = _grouped_extents(query, key, past_key, total_sequence_length, num_heads, kv_num_heads)
    work = attention_work(h, (attention_bias is not None) + bool(causal), softcap)
    if do_rotary:
        new = query.elements if key is None else query.elements + key.elements
        values = h.batch * h.queries * h.kv_heads * h.v_size if key is None else 0
        work += rotation_work(new - values)
    return Cost(attention_macs(h), work)


@least_work_rule("GroupQueryAttention", domain=MS)
def group_query_least_work(use: OperatorUse) -> LeastWork:
    """Of a text of T = seqlens_k + 1 tokens the last min(S, T) are queries (query_seqlens says so at run time), and
    query i sees the keys up to T - min(S, T) + i, with local_window_size w the last w of them; with causal = 0 all
    T. Keys behind T, queries behind min(S, T). seqlens_k at run time: the longest text has total_sequence_length
    tokens (S where that comes at run time, too), every other one may have a single one. Keys that attention_bias
    hides: a small stored one is read, any other may hide all. Present keys and values take no arithmetic, and past
    ones are not read for them where both may share a buffer."""
    query, key, past_key, total = (use.input(i) for i in (0, 1, 3, 6))
    assert query is not None
    heads, kv_heads = (int(use.attributes[name]) for name in ("num_heads", "kv_num_heads"))
    h = _grouped_extents(query, key, past_key, total, heads, kv_heads)
    lengths = known_integers(use.input(5))
    has_total = total is not None and total.value is not None
    causal, window = bool(use.attributes.get("causal", 1)), max(0, int(use.attributes.get("local_window_size", -1)))
    new = h.queries if key is None else _new_keys(key)
    texts: tuple[Texts, ...] = ()
    if use.input(16) is None and lengths is not None and len(lengths) == h.batch:
        texts = tuple([(_text(h.queries, n + 1, causal, window), 1) for n in lengths])
    elif use.input(16) is None:
        longest = h.keys if has_total or past_key is None else h.queries
        texts = ((_text(h.queries, longest, causal, window), 1), (Visibility(1, 1), h.batch - 1))
    shares_buffer = past_key is not None and maximum(h.past, h.keys) == h.past
    at = KeyInputs(0, 1, 2, 3, 4, (5, 6, 10, 16))
    return least_attention(use, h._replace(past=h.keys - new), at, texts, use.input(10), shares_buffer)


def _new_keys(key: TensorType) -> Dim:
    assert key.shape is not None
    return key.shape[1] if key.rank == 3 else key.shape[2]


def _text(queries: Dim, keys: Dim, causal: bool, window: int) -> Visibility:
    """What a text sees whose last queries are at its end."""
    queries = minimum(queries, keys)
    return Visibility(queries, keys, keys - queries if causal else None, window if causal else 0)


@shape_rule("RotaryEmbedding", domain=MS)
def ms_rotary_shape(
    x: TensorType, position_ids: TensorType, cos_cache: TensorType, sin_cache: TensorType
) -> TensorType:
    """x [B, S, H · D] or [B, H, S, D] -> the same."""
    return TensorType(x.dtype, x.shape)


@cost_rule("RotaryEmbedding", domain=MS)
def ms_rotary_cost(
    x: TensorType,
    position_ids: TensorType,
    cos_cache: TensorType,
    sin_cache: TensorType,
    *,
    num_heads: int = 0,
    rotary_embedding_dim: int = 0,
) -> Cost:
    """2 multiplications and 1 addition per rotated element: all of x, or rotary_embedding_dim features of each head."""
    return rotary_cost(x, cos_cache, sin_cache, num_heads=num_heads, rotary_embedding_dim=rotary_embedding_dim)
