"""Causal attention with sinks, and of which a query sees the last tokens only (a sliding window) or those of its chunk.

ONNX's Attention has no window. com.microsoft's GroupQueryAttention has one, but takes the lengths of texts as inputs,
and keys and values of one size. Sources: arXiv:2004.05150 (windows), Llama 4's code (chunks), arXiv:2309.17453
(sinks: a learned score for each head that takes part in the softmax and gives no value).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costcalc.core.dim import Dim, minimum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import TensorType
from costcalc.core.registry import Types, cost_rule, describe, operands, shape_rule
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
from costcalc.ops.attention import (
    KeyInputs,
    attention_heads,
    attention_macs,
    attention_work,
    key_value_slots,
    least_attention,
)
from costcalc.ops.common.axes import Shape
from costcalc.ops.common.visibility import Visibility
from costcalc.ops.llm import LLM

operands("CausalAttention", domain=LLM, weights=(3,))

traits(
    "CausalAttention",
    domain=LLM,
    kind="attention",
    causal=lambda attributes: True,
    heads=HeadInputs({0: -1, 3: 0}, {1: -1, 2: -1, 4: 1, 5: 1}),
    gradient=contraction_gradient(((0,), (1, 4)), ((0, 1, 3, 4), (2, 5))),
)

describe(
    "Each query is compared with the keys before it: all, or those of a window or of its chunk.",
    "CausalAttention",
    domain=LLM,
)


@shape_rule("CausalAttention", domain=LLM)
def causal_attention_shape(
    q: TensorType,
    k: TensorType,
    v: TensorType,
    sinks: TensorType | None = None,
    past_key: TensorType | None = None,
    past_value: TensorType | None = None,
    *,
    q_num_heads: int,
    kv_num_heads: int,
    window: int = 0,
    chunk: int = 0,
) -> TensorType:
    """q [B, S, H · D_qk], k and v [B, S, H_kv · D], sinks [H], past [B, H_kv, P, D] -> [B, S, H · D_v]. ShapeError if
    both window and chunk are given."""
    if min(window, chunk) < 0 or (window and chunk):
        raise ShapeError(f"window is {window}, chunk is {chunk}", "give one of both, at least 1")
    h = attention_heads(q, k, v, past_key, q_num_heads, kv_num_heads)
    shape: Shape = (h.batch, h.queries, h.q_heads * h.v_size)
    return TensorType(q.dtype, shape)


@cost_rule("CausalAttention", domain=LLM)
def causal_attention_cost(
    q: TensorType,
    k: TensorType,
    v: TensorType,
    sinks: TensorType | None = None,
    past_key: TensorType | None = None,
    past_value: TensorType | None = None,
    *,
    q_num_heads: int,
    kv_num_heads: int,
    softcap: float = 0.0,
) -> Cost:
    """As Attention: QKᵀ B · H · S_q · S_kv · D_qk, plus PV B · H · S_q · S_kv · D_v; S_kv are the new keys and those of
    the cache, of which there are no more than a query sees. Masked scores and those outside the window count. Per score
    5 for the softmax, 1 addition for the mask, 3 for softcap; per query and head of a sink 1 exponential and 1
    addition."""
    h = attention_heads(q, k, v, past_key, q_num_heads, kv_num_heads)
    work = attention_work(h, 1, softcap)
    if sinks is not None:
        rows = h.batch * h.q_heads * h.queries
        work += elementwise_work("exp", "softmax", rows, 1, "#sinks × queries")
        work += elementwise_work("add", "softmax", rows, 1, "#sinks × queries")
    return Cost(attention_macs(h), work)


@cache_rule("CausalAttention", domain=LLM)
def causal_attention_caches(types: Types, attributes: Mapping[str, Any], tokens: Dim) -> tuple[CacheSlot, ...]:
    """Keys and values of the last tokens, one fewer than a query sees, as it sees its own, too: [B, H_kv,
    min(tokens, window - 1), D]; without a window of all tokens."""
    reach = _reach(attributes)
    return key_value_slots(types, attributes, minimum(tokens, reach - 1) if reach else tokens)


def _reach(attributes: Mapping[str, Any]) -> int:
    """The most keys that a query sees; 0 where it sees all before it."""
    return int(attributes.get("window", 0) or attributes.get("chunk", 0))


@least_work_rule("CausalAttention", domain=LLM)
def causal_attention_least_work(use: OperatorUse) -> LeastWork:
    """An operator's use -> the work on keys that a query sees: none behind it, none before its window or chunk. Where
    chunks begin is not known behind a cache: there each query sees a key at least."""
    q, k, v = use.types[:3]
    assert q is not None and k is not None and v is not None
    heads = [int(use.attributes[name]) for name in ("q_num_heads", "kv_num_heads")]
    h = attention_heads(q, k, v, use.input(4), *heads)
    at, reach = KeyInputs(0, 1, 2, 4, 5, (3,)), _reach(use.attributes)
    if not use.attributes.get("chunk"):
        return least_attention(use, h, at, ((Visibility(h.queries, h.keys, h.past, reach), h.batch),))
    if use.input(4) is not None:
        return least_attention(use, h, at, ((Visibility(h.queries, h.keys, h.past, 1), h.batch),))
    whole, rest = h.queries // reach, h.queries % reach
    texts = [(Visibility(reach, reach, 0), h.batch * whole), (Visibility(rest, rest, 0), h.batch)]
    return least_attention(use, h, at, texts)
