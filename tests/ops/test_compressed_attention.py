"""Attention over compressed entries, its indexer, and hyper-connections: MACs, caches and least work against their
definitions (DeepSeek-V4's modelling code)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.analysis.report import Report, analyze_graph
from costcalc.analysis.roofline.least_work import least_macs
from costcalc.core.errors import ShapeError
from costcalc.core.ir import DType, TensorType
from costcalc.core.traits import TRAITS
from costcalc.graph.builder import GraphBuilder
from costcalc.ops.llm import LLM

BATCH, HEADS, SIZE, WINDOW, RATIO, TOP_K = 2, 3, 5, 6, 4, 2


def report(op_type: str, shapes: Mapping[int, tuple[int, ...]], outputs: int = 1, **attributes: Any) -> Report:
    """One node that reads inputs of these shapes at their positions."""
    builder = GraphBuilder("one", "one", {"": 23})
    names = [""] * (max(shapes) + 1)
    for position, shape in shapes.items():
        names[position] = builder.add_input(f"x{position}", DType.FLOAT32, shape)
    results = ["y", *[f"y{i}" for i in range(1, outputs)]]
    builder.add(op_type, names, attributes, name="node", outputs=results, domain=LLM)
    return analyze_graph(builder.build(results))


def needed(found: Report) -> int:
    return least_macs(found.graph, found.rows[0], found.graph.nodes[0])


def kept(
    op_type: str, shapes: Mapping[int, tuple[int, ...]], tokens: int, **attributes: Any
) -> dict[int, tuple[int, ...]]:
    """What a node keeps of so many tokens, by the input that holds it."""
    types: list[TensorType | None] = [None] * (max(shapes) + 1)
    for position, shape in shapes.items():
        types[position] = TensorType(DType.FLOAT32, shape)
    rule = TRAITS[LLM, op_type].caches
    assert rule is not None
    return {slot.position: slot.type.shape or () for slot in rule(types, attributes, tokens)}  # type: ignore[misc]


def attention_shapes(queries: int, overlap: int) -> dict[int, tuple[int, ...]]:
    width = overlap * SIZE
    shapes: dict[int, tuple[int, ...]] = {0: (BATCH, queries, HEADS * SIZE), 1: (BATCH, queries, SIZE), 2: (HEADS,)}
    return shapes | {3: (BATCH, queries, width), 4: (BATCH, queries, width), 5: (RATIO, width), 6: (SIZE,)}


@given(st.integers(1, 12), st.integers(0, 30), st.sampled_from([1, 2]), st.booleans())
def test_tokens_and_entries_are_attended_to(queries: int, past: int, overlap: int, chosen: bool) -> None:
    shapes = attention_shapes(queries, overlap)
    entries = (past + queries) // RATIO
    attributes = {"num_heads": HEADS, "window": WINDOW}
    if past:
        shapes |= kept("CompressedAttention", shapes, past, **attributes)
    if chosen:
        shapes[7] = (BATCH, queries, min(TOP_K, entries))
    found = report("CompressedAttention", shapes, **attributes)
    tokens = min(past, WINDOW - 1) + queries
    assert found.macs == 2 * BATCH * HEADS * queries * (tokens + entries) * SIZE
    limit = min(TOP_K, entries) if chosen else entries
    seen = sum(min(p + 1, WINDOW) + min((p + 1) // RATIO, limit) for p in range(past, past + queries))
    assert needed(found) == 2 * BATCH * HEADS * seen * SIZE


def test_what_is_kept_of_tokens() -> None:
    """Of 23 tokens the last 5, 5 entries, and states and gates of the 3 that fill no window; of overlapping ones those of
    the last full window."""
    found = kept("CompressedAttention", attention_shapes(1, 1), 23, num_heads=HEADS, window=WINDOW)
    alone = {8: (BATCH, 5, SIZE), 9: (BATCH, 5, SIZE), 10: (BATCH, 3, SIZE), 11: (BATCH, 3, SIZE)}
    assert found == alone
    found = kept("CompressedAttention", attention_shapes(1, 2), 23, num_heads=HEADS, window=WINDOW)
    wide = {10: (BATCH, 3, 2 * SIZE), 11: (BATCH, 3, 2 * SIZE), 12: (BATCH, 4, SIZE), 13: (BATCH, 4, SIZE)}
    assert found == alone | wide


@given(st.integers(1, 12), st.integers(0, 30))
def test_an_indexer_scores_entries(queries: int, past: int) -> None:
    width = 2 * SIZE
    shapes: dict[int, tuple[int, ...]] = {0: (BATCH, queries, HEADS * SIZE), 1: (BATCH, queries, width)}
    shapes |= {2: (BATCH, queries, width), 3: (RATIO, width), 4: (SIZE,), 5: (BATCH, queries, HEADS)}
    if past:
        shapes |= kept("CompressedIndexer", shapes, past)
    found = report("CompressedIndexer", shapes, top_k=TOP_K)
    entries = (past + queries) // RATIO
    assert found.macs == BATCH * HEADS * queries * entries * SIZE
    assert found.graph.types["y"].shape == (BATCH, queries, min(TOP_K, entries))
    seen = sum((p + 1) // RATIO for p in range(past, past + queries))
    assert needed(found) == (BATCH * HEADS * seen * SIZE if entries > TOP_K else 0)


def test_a_state_is_as_wide_as_an_entry_or_twice() -> None:
    with pytest.raises(ShapeError, match="states have 15 features for entries of 5"):
        report("CompressedAttention", attention_shapes(4, 3), num_heads=HEADS, window=WINDOW)


def test_hyper_connections() -> None:
    """4 streams of 8 features, 7 tokens: 4 · 8 features to 4 + 4 + 4² weights."""
    shapes: dict[int, tuple[int, ...]] = {0: (1, 7, 4, 8), 1: (24, 32), 2: (24,), 3: (3,)}
    found = report("HyperConnection", shapes, outputs=3, iterations=20)
    assert found.macs == 7 * 24 * 32
    assert [found.graph.types[name].shape for name in ("y", "y1", "y2")] == [(1, 7, 8), (1, 7, 4), (1, 7, 4, 4)]
    with pytest.raises(ShapeError, match=r"fn is \[24, 40\] for 4 streams of 8"):
        report("HyperConnection", shapes | {1: (24, 40)}, outputs=3, iterations=20)
