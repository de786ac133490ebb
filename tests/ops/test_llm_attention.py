"""Causal attention within windows and chunks, and latent attention: MACs, caches and least work against their definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.analysis.experts import Routing
from costcalc.analysis.report import Report, analyze_graph
from costcalc.analysis.roofline.least_work import least_macs
from costcalc.core.dim import minimum, symbol
from costcalc.core.errors import ShapeError
from costcalc.core.ir import DType, TensorType
from costcalc.core.traits import TRAITS
from costcalc.graph.builder import GraphBuilder
from costcalc.ops.llm import LLM

BATCH, HEADS, KV_HEADS, SIZE, V_SIZE = 2, 4, 2, 6, 5


def report(
    op_type: str, shapes: Mapping[str, tuple[int, ...]], past: Mapping[int, tuple[int, ...]], **attributes: Any
) -> Report:
    """One node that reads inputs of these shapes, and past ones at their positions."""
    builder = GraphBuilder("one", "one", {"": 23})
    names = [builder.add_input(name, DType.FLOAT32, shape) for name, shape in shapes.items()]
    for position, shape in past.items():
        names += [""] * (position + 1 - len(names))
        names[position] = builder.add_input(f"past{position}", DType.FLOAT32, shape)
    builder.add(op_type, names, attributes, name="y", domain=LLM)
    return analyze_graph(builder.build(["y"]))


def attention(queries: int, past: int, **attributes: Any) -> Report:
    shapes: dict[str, tuple[int, ...]] = {"q": (BATCH, queries, HEADS * SIZE), "k": (BATCH, queries, KV_HEADS * SIZE)}
    shapes |= {"v": (BATCH, queries, KV_HEADS * V_SIZE)}
    caches = {4: (BATCH, KV_HEADS, past, SIZE), 5: (BATCH, KV_HEADS, past, V_SIZE)} if past else {}
    return report("CausalAttention", shapes, caches, q_num_heads=HEADS, kv_num_heads=KV_HEADS, **attributes)


def needed(found: Report) -> int:
    return least_macs(found.graph, found.rows[0], found.graph.nodes[0])


@given(st.integers(1, 9), st.integers(0, 9), st.integers(1, 12))
def test_a_window_shows_the_last_keys(queries: int, past: int, window: int) -> None:
    found = attention(queries, past, window=window)
    per_pair = BATCH * HEADS * (SIZE + V_SIZE)
    assert found.macs == queries * (past + queries) * per_pair
    pairs = sum(1 for q in range(queries) for k in range(past + queries) if 0 <= past + q - k < window)
    assert needed(found) == pairs * per_pair


@given(st.integers(1, 20), st.integers(1, 7))
def test_a_chunk_shows_its_own_keys(queries: int, chunk: int) -> None:
    found = attention(queries, 0, chunk=chunk)
    pairs = sum(1 for q in range(queries) for k in range(q + 1) if q // chunk == k // chunk)
    assert needed(found) == pairs * BATCH * HEADS * (SIZE + V_SIZE)


def test_of_chunks_behind_a_cache_each_query_sees_a_key_at_least() -> None:
    assert needed(attention(1, 3, chunk=4)) == 1 * BATCH * HEADS * (SIZE + V_SIZE)


def test_without_a_window_all_keys_before_are_seen() -> None:
    assert needed(attention(3, 4)) == (5 + 6 + 7) * BATCH * HEADS * (SIZE + V_SIZE)


def test_windows_and_chunks_exclude_each_other() -> None:
    with pytest.raises(ShapeError, match="window is 4, chunk is 4; give one of both"):
        attention(3, 0, window=4, chunk=4)


def slots(op_type: str, types: list[TensorType], **attributes: Any) -> list[tuple[int, str, tuple[Any, ...]]]:
    rule = TRAITS[LLM, op_type].caches
    assert rule is not None
    return [(slot.position, slot.name, slot.type.shape or ()) for slot in rule(types, attributes, symbol("tokens"))]


@pytest.mark.parametrize(
    ("attributes", "kept"),
    [
        ({}, symbol("tokens")),
        ({"window": 128}, minimum(symbol("tokens"), 127)),
        ({"chunk": 64}, minimum(symbol("tokens"), 63)),
    ],
)
def test_a_window_keeps_one_token_fewer_than_it_shows(attributes: dict[str, int], kept: Any) -> None:
    t = TensorType(DType.BFLOAT16, (1, 5, 8))
    found = slots("CausalAttention", [t, t, t], q_num_heads=4, kv_num_heads=2, **attributes)
    assert found == [(4, "past_key", (1, 2, kept, 4)), (5, "past_value", (1, 2, kept, 4))]


LATENT, ROPE, PLAIN = 16, 4, 8


def latent(queries: int, past: int) -> Report:
    shapes: dict[str, tuple[int, ...]] = {"q": (BATCH, queries, HEADS * (PLAIN + ROPE)), "c": (BATCH, queries, LATENT)}
    shapes |= {"r": (BATCH, queries, ROPE), "w": (LATENT, HEADS * (PLAIN + V_SIZE))}
    caches = {4: (BATCH, past, LATENT), 5: (BATCH, past, ROPE)} if past else {}
    return report("LatentAttention", shapes, caches, num_heads=HEADS)


@given(st.integers(1, 12), st.integers(0, 40))
def test_latents_are_expanded_or_absorbed(queries: int, past: int) -> None:
    keys = past + queries

    def expanded(pairs: int) -> int:
        return BATCH * (keys * HEADS * (PLAIN + V_SIZE) * LATENT + HEADS * pairs * (PLAIN + ROPE + V_SIZE))

    def absorbed(pairs: int) -> int:
        return BATCH * (queries * HEADS * (PLAIN + V_SIZE) * LATENT + HEADS * pairs * (LATENT + ROPE + LATENT))

    found = latent(queries, past)
    seen = sum(past + q + 1 for q in range(queries))
    if not past:
        assert (found.macs, needed(found)) == (expanded(queries * keys), expanded(seen))
    else:
        assert found.macs == min(expanded(queries * keys), absorbed(queries * keys))
        assert needed(found) == min(expanded(seen), absorbed(seen))


def test_a_token_s_latent_is_cached_for_all_heads() -> None:
    """DeepSeek-V3: 512 + 64 numbers a token and layer (arXiv:2412.19437, section 2.1.1)."""
    types = [TensorType(DType.BFLOAT16, (1, 7, n)) for n in (128 * 192, 512, 64)]
    found = slots("LatentAttention", types, num_heads=128)
    tokens = symbol("tokens")
    assert found == [(4, "past_latent", (1, tokens, 512)), (5, "past_rope_key", (1, tokens, 64))]


def test_how_many_experts_a_step_reads() -> None:
    """By hand: of 4 experts, 2 a token, two tokens leave one out with probability (1/2)²: 4 · 3/4."""
    routing = Routing(4, 2)
    assert [(routing.fewest(n), routing.most(n)) for n in (0, 1, 2, 3)] == [(0, 0), (2, 2), (2, 4), (2, 4)]
    assert [routing.expected(n) for n in (0, 1, 2)] == pytest.approx([0, 2, 3])
    assert Routing(4, 4).expected(3) == 4


INDEX_HEADS, INDEX_SIZE, TOP_K = 3, 7, 4


def indexer(queries: int, past: int) -> Report:
    shapes: dict[str, tuple[int, ...]] = {"q": (BATCH, queries, INDEX_HEADS * INDEX_SIZE)}
    shapes |= {"k": (BATCH, queries, INDEX_SIZE), "w": (BATCH, queries, INDEX_HEADS)}
    return report("SparseIndexer", shapes, {3: (BATCH, past, INDEX_SIZE)} if past else {}, top_k=TOP_K)


@given(st.integers(1, 9), st.integers(0, 9))
def test_an_indexer_scores_all_earlier_tokens(queries: int, past: int) -> None:
    """DeepSeek-V3.2, equation 1. Of no more tokens than are chosen none needs a score."""
    found, keys = indexer(queries, past), past + queries
    assert found.macs == BATCH * INDEX_HEADS * queries * keys * (INDEX_SIZE + 1)
    assert found.graph.types["y"].shape == (BATCH, queries, min(TOP_K, keys))
    seen = sum(past + q + 1 for q in range(queries))
    assert needed(found) == (BATCH * INDEX_HEADS * seen * (INDEX_SIZE + 1) if keys > TOP_K else 0)


def test_an_indexer_caches_a_key_a_token() -> None:
    types = [TensorType(DType.BFLOAT16, (1, 7, n)) for n in (64 * 128, 128, 64)]
    assert slots("SparseIndexer", types, top_k=2048) == [(3, "past_index_key", (1, symbol("tokens"), 128))]


@given(st.integers(1, 12), st.integers(0, 40))
def test_sparse_attention_needs_the_chosen_latents_alone(queries: int, past: int) -> None:
    """All scores count, as the published code computes them; needed are those of top_k tokens of each query."""
    shapes: dict[str, tuple[int, ...]] = {"q": (BATCH, queries, HEADS * (PLAIN + ROPE)), "c": (BATCH, queries, LATENT)}
    shapes |= {"r": (BATCH, queries, ROPE), "w": (LATENT, HEADS * (PLAIN + V_SIZE))}
    caches = {4: (BATCH, past, LATENT), 5: (BATCH, past, ROPE)} if past else {}
    caches[6] = (BATCH, queries, min(TOP_K, past + queries))
    found = report("LatentAttention", shapes, caches, num_heads=HEADS, top_k=TOP_K)
    assert found.macs == latent(queries, past).macs
    pairs, keys = sum(min(past + q + 1, TOP_K) for q in range(queries)), min(past + queries, TOP_K)
    expanded = keys * HEADS * (PLAIN + V_SIZE) * LATENT + HEADS * pairs * (PLAIN + ROPE + V_SIZE)
    absorbed = queries * HEADS * (PLAIN + V_SIZE) * LATENT + HEADS * pairs * (LATENT + ROPE + LATENT)
    assert needed(found) == BATCH * min(expanded, absorbed)
