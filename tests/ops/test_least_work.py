"""What a mask, a window or a length leaves of an attention, by counting pairs one by one; and docs/explanation/bounds.md."""

from __future__ import annotations

import runpy
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.operator_rules import I32, U8, ints, scalar, t
from support.paths import ROOT

from costcalc.core.dim import substitute, symbol
from costcalc.core.formula import Formula
from costcalc.core.ir import DType, TensorType
from costcalc.core.traits import TRAITS, LeastWork, OperatorUse
from costcalc.ops.common.visibility import Visibility, mask_pairs

MS = "com.microsoft"
SIZES = st.integers(1, 9)


def least(
    op_type: str, *types: TensorType | None, domain: str = "", outputs: Any = (0,), **attributes: Any
) -> LeastWork:
    """The least work of a node by its rule."""
    rule = TRAITS[domain, op_type].least_work
    assert rule is not None
    return rule(OperatorUse(Formula(), types, attributes, frozenset(outputs)))


def sees(query: int, key: int, offset: int | None, window: int) -> bool:
    """Whether a query at position offset + query sees a key."""
    if offset is None:
        return True
    return key <= offset + query and (not window or key > offset + query - window)


VISIBILITIES = st.tuples(st.integers(0, 9), st.integers(0, 9), st.none() | st.integers(-9, 12), st.integers(0, 9))


@given(VISIBILITIES)
def test_pairs_are_counted(extents: tuple[int, int, int | None, int]) -> None:
    queries, keys, offset, window = extents
    pairs = {(i, j) for i in range(queries) for j in range(keys) if sees(i, j, offset, window)}
    visible = Visibility(*extents)
    assert visible.pairs == len(pairs)
    first, end = visible.key_range
    assert isinstance(first, int) and isinstance(end, int)
    assert not pairs or {j for _, j in pairs} == set(range(first, end))


@given(VISIBILITIES)
def test_open_extents_give_the_same_pairs(extents: tuple[int, int, int | None, int]) -> None:
    """Symbols are positive integers; an offset of a symbol is a past."""
    queries, keys, offset, window = extents
    if not queries or not keys or (offset is not None and offset < 1):
        return
    s, k, past = symbol("s"), symbol("k"), symbol("past")
    pairs = Visibility(s, k, None if offset is None else past, window).pairs
    assert substitute(pairs, {"s": queries, "k": keys, "past": offset or 1}) == Visibility(*extents).pairs


@given(SIZES, SIZES, st.none() | st.integers(-2, 4), st.data())
def test_stored_masks_are_read(queries: int, keys: int, offset: int | None, data: st.DataObject) -> None:
    of_batch, of_heads, of_queries = (data.draw(st.sampled_from((1, n))) for n in (2, 2, queries))
    of_keys = data.draw(st.integers(min(2, keys), keys))
    elements = of_batch * of_heads * of_queries * of_keys
    flags = data.draw(st.lists(st.booleans(), min_size=elements, max_size=elements))
    mask = TensorType(DType.BOOL, (of_batch, of_heads, of_queries, of_keys), tuple(flags))
    pairs = sum(
        flags[((b % of_batch * of_heads + h % of_heads) * of_queries + i % of_queries) * of_keys + j]
        for b in range(2)
        for h in range(2)
        for i in range(queries)
        for j in range(of_keys)
        if sees(i, j, offset, 0)
    )
    found = mask_pairs(mask, ((Visibility(queries, keys, offset), 2),), 2)
    assert found == pairs if of_keys > 1 else found is None


@given(SIZES, SIZES, SIZES, st.integers(0, 5), st.booleans())
def test_attention(batch: int, queries: int, keys: int, past: int, causal: bool) -> None:
    """Batch × heads × the pairs that the mask lets through × the sizes of a key and of a value."""
    caches = (t(batch, 2, past, 3), t(batch, 2, past, 5)) if past else ()
    types = (t(batch, 4, queries, 3), t(batch, 2, keys, 3), t(batch, 2, keys, 5), None, *caches)
    pairs = sum(sees(i, j, past if causal else None, 0) for i in range(queries) for j in range(past + keys))
    assert least("Attention", *types, is_causal=int(causal)).macs == batch * 4 * pairs * (3 + 5)


@given(st.lists(SIZES, min_size=1, max_size=3), SIZES, st.integers(-1, 6), st.booleans())
def test_grouped_query_attention(lengths: list[int], queries: int, window: int, causal: bool) -> None:
    window = window if causal and window else -1
    batch, total = len(lengths), max(lengths)
    types = (t(batch, queries, 4 * 8), t(batch, queries, 2 * 8), t(batch, queries, 2 * 8))
    cache = (t(batch, 2, 9, 8), t(batch, 2, 9, 8))
    sizes: Any = {"num_heads": 4, "kv_num_heads": 2, "local_window_size": window, "causal": int(causal)}
    stored = ints(*[n - 1 for n in lengths], dtype=I32)
    pairs = sum(
        sees(i, j, n - min(queries, n) if causal else None, max(0, window))
        for n in lengths
        for i in range(min(queries, n))
        for j in range(n)
    )
    found = least("GroupQueryAttention", *types, *cache, stored, scalar(total, I32), domain=MS, **sizes)
    assert found.macs == 4 * pairs * 2 * 8
    if queries <= min(lengths):
        at_run_time = t(batch, dtype=I32)
        open_lengths = least("GroupQueryAttention", *types, *cache, at_run_time, scalar(total, I32), domain=MS, **sizes)
        assert open_lengths.macs <= found.macs
        nothing_known = least("GroupQueryAttention", *types, *cache, at_run_time, t(dtype=I32), domain=MS, **sizes)
        assert nothing_known.macs <= open_lengths.macs


@given(st.lists(st.integers(0, 6), min_size=1, max_size=4))
def test_packed_attention(lengths: list[int]) -> None:
    """n² scores for a text of n tokens; where the texts' lengths come at run time, no more than that."""
    tokens, batch = sum(lengths), len(lengths)
    ends = ints(*[sum(lengths[:i]) for i in range(batch + 1)], dtype=I32)
    types = (t(tokens, 16), t(tokens, 16), t(tokens, 16), None, t(batch, 6, dtype=I32))
    stored = least("PackedMultiHeadAttention", *types, ends, domain=MS, num_heads=2)
    assert stored.macs == 2 * sum(n * n for n in lengths) * (8 + 8)
    assert (
        least("PackedMultiHeadAttention", *types, t(batch + 1, dtype=I32), domain=MS, num_heads=2).macs <= stored.macs
    )
    weights = (t(tokens, 16), t(16, 48), t(48), t(batch, 6, dtype=I32))
    assert least("PackedAttention", *weights, ends, domain=MS, num_heads=2).macs == stored.macs + tokens * 16 * 48


def test_a_projected_attention_that_only_gives_its_cache_projects_keys_and_values() -> None:
    types = (t(2, 5, 8), t(8, 24), t(24), None, t(2, 2, 2, 3, 4))
    both = least("Attention", *types, domain=MS, num_heads=2, unidirectional=1, outputs=(0, 1))
    cache = least("Attention", *types, domain=MS, num_heads=2, unidirectional=1, outputs=(1,))
    assert cache.macs == 2 * 5 * 8 * 16 and cache.reads == {1: 8 * 16}
    assert both.macs == 2 * 5 * 8 * 24 + 2 * 2 * (4 + 5 + 6 + 7 + 8) * (4 + 4)
    masked = least("Attention", *types[:3], t(2, 5, dtype=I32), domain=MS, num_heads=2)
    assert masked.macs == 0 and masked.reads[0] == masked.reads[1] == 0, "a mask at run time may hide every key"


def test_the_page_says_what_the_rules_say() -> None:
    page = ROOT / "docs" / "explanation" / "bounds.md"
    text = page.read_text(encoding="utf-8")
    assert runpy.run_path(str(ROOT / "docs" / "write_bounds.py"))["write_page"](text) == text, "run `make docs`"


def test_attentions_and_recurrent_layers_say_what_may_be_skipped() -> None:
    """FlexAttention has no mask besides its subgraphs, and no cost with these. TensorFlow Lite's recurrent layers take
    no lengths: they compute every step."""
    silent = {
        key
        for key, traits in TRAITS.items()
        if key[0] != "tflite" and traits.kind in ("attention", "recurrent") and traits.least_work is None
    }
    assert silent - {("x.y", "Attend")} == {("ai.onnx.preview", "FlexAttention")}


def test_look_ups_of_other_domains() -> None:
    """Rows of 4: what stored indices name, each once, and one row where indices come at run time."""
    ids, table = ints(2, 2, -1, dtype=I32), t(9, 4)
    late = t(3, dtype=I32)
    assert least("EMBEDDING_LOOKUP", ids, table, domain="tflite").reads == {1: 2 * 4}
    assert least("EMBEDDING_LOOKUP", late, table, domain="tflite").reads == {1: 4}
    batches = t(2, 3, dtype=I32, value=(0, 0, 1, 2, 2, 2))
    how: Any = {"domain": "tflite", "axis": 1, "batch_dims": 1}
    assert least("GATHER", t(2, 5, 4), batches, **how).reads == {0: (2 + 1) * 4}
    assert least("GATHER", t(2, 5, 4), t(2, 3, dtype=I32), **how).reads == {0: 2 * 4}
    assert least("GATHER", t(2, 5, 4), ids, domain="tflite", axis=-1).reads == {0: 2 * 5 * 2}
    assert least("embedding_bag", table, ids, domain="aten", mode="sum").reads == {0: 2 * 4}
    assert least("embedding_bag", table, late, domain="aten", mode="sum", padding=0).reads == {0: 0}
    assert least("TorchEmbedding", table, ids, domain=MS).reads == {0: 2 * 4}
    packed: Any = (t(9, 16, dtype=U8), ints(2, 2, 9, -9), t(9, 1), t(9, 1, dtype=U8))
    assert least("GatherBlockQuantized", *packed, domain=MS).reads == {0: 2 * 16, 2: 2, 3: 2}


def test_open_look_ups_take_one_row() -> None:
    ids, table = t(symbol("batch"), symbol("seq"), dtype=I32), t(symbol("words"), 4)
    assert least("Gather", table, ids).reads == {0: 4}
    assert least("GatherElements", t(5, symbol("c")), t(3, symbol("c"), dtype=I32), axis=0).reads == {0: symbol("c")}
    assert least("GatherND", t(5, 6, 7), t(symbol("n"), 2, dtype=I32)).reads == {0: 7}
    assert least("Gather", t(0, 4), t(0, dtype=I32)).reads == {0: 0}


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 9)), min_size=1, max_size=4))
def test_places_of_strides_are_no_more_than_there_are(axes: list[tuple[int, int]]) -> None:
    """Windows that overlap read an element once; where none do, all places count."""
    size, stride = (tuple(values) for values in zip(*axes, strict=True))
    places = {sum(i * s for i, s in zip(index, stride, strict=True)) for index in product(*map(range, size))}
    (counted,) = least("as_strided", t(100), domain="aten", size=size, stride=stride).reads.values()
    assert isinstance(counted, int) and 1 <= counted <= len(places)


def test_places_of_strides() -> None:
    for size, stride, counted in (((3, 4), (4, 1), 12), ((3, 4), (0, 1), 4), ((5, 3), (1, 1), 5), ((2, 2), (7, 3), 4)):
        assert least("as_strided", t(100), domain="aten", size=size, stride=stride).reads == {0: counted}
