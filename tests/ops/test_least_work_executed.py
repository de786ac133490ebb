"""What the rules of least work leave out changes no output of ONNX Runtime, and what they count changes one.

The number of pairs of a query and a key is found by execution: a value that a query sees changes what it gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("onnxruntime")

from support.perturbation import Call, changed, least_work, make_session, numbers, outputs_of  # noqa: E402

MS = "com.microsoft"
D = 8
LARGE = 1e6


def i32(*values: int) -> Any:
    return np.array(values, np.int32)


def i64(*values: int) -> Any:
    return np.array(values, np.int64)


class Keys(NamedTuple):
    """Where an attention's keys and values stand: their inputs, and those of the past (-1: none)."""

    key: int = 1
    value: int = 2
    past_key: int = -1
    past_value: int = -1


def attention(shape: tuple[int, ...], *more: Any, **attributes: Any) -> Call:
    """ONNX's Attention of shape (batch, queries, keys, heads, heads of keys) in 4 axes."""
    b, s, k, heads, kv = shape
    arrays = (numbers(b, heads, s, D), numbers(b, kv, k, D), numbers(b, kv, k, D), *more)
    stored = tuple(i for i in (3, 6) if i < len(arrays) and arrays[i] is not None)
    return Call("Attention", arrays, attributes, stored=stored)


def grouped(shape: tuple[int, ...], past: int, lengths: tuple[int, ...], capacity: int = 0, **attributes: Any) -> Call:
    """GroupQueryAttention of shape (batch, queries, heads, heads of keys) behind a past."""
    b, s, heads, kv = shape
    cache = [numbers(b, kv, capacity or past, D) for _ in range(2)] if past else [None, None]
    total = np.array(max(lengths), np.int32)
    arrays = (numbers(b, s, heads * D), numbers(b, s, kv * D), numbers(b, s, kv * D), *cache)
    sizes = {"num_heads": heads, "kv_num_heads": kv}
    return Call(
        "GroupQueryAttention", (*arrays, i32(*[n - 1 for n in lengths]), total), {**sizes, **attributes}, MS, (5, 6), 3
    )


def multi_head(b: int, s: int, k: int, *more: Any, **attributes: Any) -> Call:
    arrays = (numbers(b, s, 2 * D), numbers(b, k, 2 * D), numbers(b, k, 2 * D), *more)
    return Call("MultiHeadAttention", arrays, {"num_heads": 2, **attributes}, MS, (4, 8), 3 if len(more) > 3 else 1)


MASK = np.array([[1, 0, 1, 0, 0], [1, 1, 0, 0, 1], [0, 0, 0, 0, 1]], bool)

ATTENTIONS: dict[str, tuple[Call, Keys]] = {
    "square": (attention((2, 3, 3, 2, 2)), Keys()),
    "causal": (attention((1, 4, 4, 2, 1), is_causal=1), Keys()),
    "causal, more keys": (attention((1, 2, 5, 2, 2), is_causal=1), Keys()),
    "causal, more queries": (attention((1, 5, 2, 2, 2), is_causal=1), Keys()),
    "causal, past": (
        attention((1, 3, 3, 2, 2), None, numbers(1, 2, 4, D), numbers(1, 2, 4, D), is_causal=1)._replace(n=3),
        Keys(past_key=4, past_value=5),
    ),
    "nonpad_kv_seqlen": (attention((2, 1, 6, 2, 2), None, None, None, i64(3, 5)), Keys()),
    "causal, nonpad_kv_seqlen": (attention((3, 3, 6, 2, 1), None, None, None, i64(4, 6, 3), is_causal=1), Keys()),
    "fewer keys than queries": (attention((1, 4, 6, 1, 1), None, None, None, i64(2), is_causal=1), Keys()),
    "bool mask": (attention((1, 3, 5, 2, 2), MASK), Keys()),
    "float mask, causal": (
        attention((2, 3, 5, 2, 2), np.where(MASK, 0.5, -np.inf).astype(np.float32), is_causal=1),
        Keys(),
    ),
    "grouped prompt": (grouped((1, 4, 4, 2), 0, (4,)), Keys()),
    "grouped prompt, window": (grouped((1, 7, 2, 1), 0, (7,), local_window_size=3), Keys()),
    "grouped step": (grouped((2, 1, 2, 1), 5, (6, 6)), Keys(past_key=3, past_value=4)),
    "grouped step, window": (grouped((1, 1, 2, 2), 7, (8,), local_window_size=3), Keys(past_key=3, past_value=4)),
    "grouped chunk, window": (grouped((1, 3, 2, 1), 7, (10,), local_window_size=4), Keys(past_key=3, past_value=4)),
    "grouped chunk, wide window": (
        grouped((1, 3, 2, 1), 2, (5,), local_window_size=9),
        Keys(past_key=3, past_value=4),
    ),
    "grouped, not causal": (grouped((1, 4, 2, 1), 0, (4,), causal=0), Keys()),
    "grouped, shared buffer": (
        grouped((2, 1, 2, 1), 9, (4, 8), local_window_size=5),
        Keys(past_key=3, past_value=4),
    ),
    "multi-head": (multi_head(2, 3, 5), Keys()),
    "multi-head, unidirectional": (multi_head(1, 4, 4, unidirectional=1), Keys()),
    "multi-head, lengths": (multi_head(2, 3, 5, None, i32(2, 4)), Keys()),
    "multi-head, past": (
        multi_head(1, 3, 3, None, None, None, numbers(1, 2, 4, D), numbers(1, 2, 4, D), unidirectional=1),
        Keys(past_key=6, past_value=7),
    ),
    "multi-head, shared buffer": (
        multi_head(1, 1, 1, None, None, None, numbers(1, 2, 6, D), numbers(1, 2, 6, D), i32(3)),
        Keys(past_key=6, past_value=7),
    ),
    "one query, shared buffer": (
        Call(
            "DecoderMaskedMultiHeadAttention",
            (*(numbers(1, 1, 2 * D),) * 3, None, None, numbers(1, 2, 6, D), numbers(1, 2, 6, D), i32(3)),
            {"num_heads": 2, "past_present_share_buffer": 1},
            MS,
            (7,),
            3,
        ),
        Keys(past_key=5, past_value=6),
    ),
}


def heads_of(call: Call) -> tuple[int, int]:
    """Heads of queries and of keys."""
    attributes = call.attributes
    if "num_heads" in attributes:
        return attributes["num_heads"], attributes.get("kv_num_heads", attributes["num_heads"])
    return call.arrays[0].shape[1], call.arrays[1].shape[1]


def by_head(array: Any, heads: int) -> Any:
    """[B, S, H · D] or [B, H, S, D] -> [B, H, S, D]."""
    return array if array.ndim == 4 else array.reshape(*array.shape[:2], heads, -1).swapaxes(1, 2)


def rows(array: Any, heads: int) -> Iterator[tuple[int, Any]]:
    """(key, index) of each row of keys or values."""
    for b, h, k in np.ndindex(*by_head(array, heads).shape[:3]):
        size = array.shape[-1] // heads
        yield k, (b, h, k) if array.ndim == 4 else (b, k, slice(h * size, (h + 1) * size))


@pytest.mark.parametrize("name", ATTENTIONS)
def test_attention(name: str) -> None:
    """Each pair of a query and a value that it depends on takes D_qk + D_v multiplications; each row of keys and values
    that a query depends on is read. All other rows together, and each for itself, change nothing."""
    call, at = ATTENTIONS[name]
    session, (heads, kv_heads) = make_session(call), heads_of(call)
    expected = by_head(outputs_of(session, call.arrays)[0], heads)
    work, pairs = least_work(call), 0
    hidden: list[Any] = []
    hidden_keys: list[Any] = []
    for key, value in ((at.key, at.value), (at.past_key, at.past_value)):
        seen_rows = 0
        for k, index in rows(call.arrays[value], kv_heads) if value >= 0 else ():
            differ = [
                (by_head(outputs_of(session, changed(call.arrays, [(i, index)], 9.0))[0], heads) != expected).any(-1)
                for i in (value, key)
            ]
            assert not (differ[1] & ~differ[0]).any(), f"a query that does not see value {k} sees its key"
            pairs += int(differ[0].sum())
            seen_rows += int(differ[0].any())
            if not differ[0].any():
                hidden.append((value, index))
                hidden_keys.append((key, index))
        for i in (key, value):
            if i >= 0 and "mask" not in name:
                assert work.reads[i] == seen_rows * D, f"rows of input {i} that are read"
    assert work.macs == pairs * 2 * D
    # com.microsoft's masks add -10,000 to a score, so that a key must stay below what would make up for it.
    arrays = changed(changed(call.arrays, hidden, LARGE), hidden_keys, 100.0)
    result = outputs_of(session, arrays)[0]
    assert np.array_equal(by_head(result, heads), expected)


def test_multi_head_attention_of_more_keys_than_queries() -> None:
    """Nothing says how unidirectional lines up other numbers of queries and keys: the bound takes the fewest pairs, and
    ONNX Runtime's last query sees every key."""
    call = multi_head(1, 3, 5, unidirectional=1)
    session = make_session(call)
    expected = by_head(outputs_of(session, call.arrays)[0], 2)
    pairs = sum(
        int((by_head(outputs_of(session, changed(call.arrays, [(2, index)], 9.0))[0], 2) != expected).any(-1).sum())
        for _, index in rows(call.arrays[2], 2)
    )
    assert least_work(call).macs == 2 * (1 + 2 + 3) * 2 * D <= pairs * 2 * D


@pytest.mark.parametrize("name", [name for name, (call, _) in ATTENTIONS.items() if call.stored])
def test_lengths_and_masks_at_run_time(name: str) -> None:
    """What may come at run time can only hide more than what is stored."""
    call, _ = ATTENTIONS[name]
    stored, open_work = least_work(call), least_work(call, stored=())
    assert open_work.macs <= stored.macs
    assert all(elements <= stored.reads.get(i, elements) for i, elements in open_work.reads.items())


def test_present_keys_and_values_take_no_arithmetic() -> None:
    for name in ("causal, past", "grouped step", "multi-head, past"):
        call, at = ATTENTIONS[name]
        session = make_session(call)
        expected = outputs_of(session, call.arrays)[1:]
        result = outputs_of(session, changed(call.arrays, [(0, ...)], 7.0))[1:]
        assert all(np.array_equal(a, b) for a, b in zip(result, expected, strict=True))
        work = least_work(call, outputs=(1, 2))
        assert work.macs == 0 and 0 in work.unused and work.reads[0] == 0
        assert not {at.key, at.value, at.past_key, at.past_value} & work.reads.keys(), "all of them are read"


@pytest.mark.parametrize(("unidirectional", "lengths"), [(1, None), (0, (2, 4)), (0, None), (1, (1, 3))])
@pytest.mark.parametrize("quantised", [False, True])
def test_projected_attention(unidirectional: int, lengths: tuple[int, ...] | None, quantised: bool) -> None:
    """Of an attention with projections the pairs of different positions are found by execution; a position sees itself
    where it is no padding. Keys and values of padding need no projection."""
    b, s, c, heads = 2, 4, 8, 2
    mask = None if lengths is None else i32(*lengths)
    if quantised:
        rng = np.random.default_rng(0)
        x, w = rng.integers(0, 9, (b, s, c)).astype(np.uint8), rng.integers(-9, 9, (c, 3 * c)).astype(np.int8)
        scale = np.array(0.1, np.float32)
        arrays: tuple[Any, ...] = (
            x,
            w,
            numbers(3 * c),
            scale,
            scale,
            mask,
            np.array(0, np.uint8),
            np.array(0, np.int8),
        )
    else:
        arrays = (numbers(b, s, c), numbers(c, 3 * c), numbers(3 * c), mask)
    attributes = {"num_heads": heads, "unidirectional": unidirectional}
    call = Call("QAttention" if quantised else "Attention", arrays, attributes, MS, (3, 5))
    session = make_session(call)
    expected = outputs_of(session, arrays)[0]
    own = sum(min(n, s) for n in lengths or (s, s))
    pairs = own
    for i, j in np.ndindex(b, s):
        differ = (outputs_of(session, changed(arrays, [(0, (i, j))], 20))[0] != expected).any(-1)
        pairs += int(differ.sum() - differ[i, j])
    seen = own if lengths else b * s
    assert least_work(call).macs == b * s * c * c + seen * c * 2 * c + pairs * heads * 2 * (c // heads)


RECURRENT = [
    (op, gates, direction, lengths, initial)
    for op, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1))
    for direction in ("forward", "bidirectional")
    for lengths, initial in (((1, 3), False), ((2, 0), True), (None, False))
]


@pytest.mark.parametrize(("op", "gates", "direction", "lengths", "initial"), RECURRENT)
def test_recurrent(op: str, gates: int, direction: str, lengths: Any, initial: bool) -> None:
    """A step behind a text's length changes nothing, any other does; h · R of the first step is left out where h is 0
    there."""
    steps, batch, c, hidden, d = 3, 2, 4, 2, 1 + (direction == "bidirectional")
    w, r = numbers(d, gates * hidden, c), numbers(d, gates * hidden, hidden)
    state = numbers(d, batch, hidden) if initial else None
    arrays = (numbers(steps, batch, c), w, r, None, None if lengths is None else i32(*lengths), state)
    call = Call(op, arrays, {"hidden_size": hidden, "direction": direction}, "", (4,), 2, 22)
    session, count, padding = make_session(call), 0, []
    expected = outputs_of(session, arrays)
    for step, text in np.ndindex(steps, batch):
        result = outputs_of(session, changed(arrays, [(0, (step, text))], -9.0))
        depends = any((x != y).any() for x, y in zip(result, expected, strict=True))
        count += depends
        padding += [] if depends else [(0, (step, text))]
    result = outputs_of(session, changed(arrays, padding, np.nan))
    assert all(np.array_equal(x, y) for x, y in zip(result, expected, strict=True))
    texts = sum(n > 0 for n in lengths) if lengths else batch
    work = least_work(call)
    assert work.macs == count * w.size + (count if initial else count - texts) * r.size
    assert work.reads[0] == count * c
    if lengths:
        assert least_work(call, stored=()).macs == 0


@pytest.mark.parametrize(("op", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_a_single_step_from_zero_needs_no_recurrence(op: str, gates: int) -> None:
    arrays = (numbers(1, 2, 4), numbers(1, gates * 2, 4), numbers(1, gates * 2, 2))
    call = Call(op, arrays, {"hidden_size": 2}, "", (), 2, 22)
    session = make_session(call)
    same = outputs_of(session, changed(arrays, [(2, ...)], LARGE))
    assert all(np.array_equal(x, y) for x, y in zip(same, outputs_of(session, arrays), strict=True))
    work = least_work(call)
    assert work.macs == 2 * arrays[1].size and work.reads[2] == 0


def test_quantised_lstm() -> None:
    scale, zero = np.full(1, 0.1, np.float32), np.zeros(1, np.int8)
    weights = [np.full((1, n, 8), 3, np.int8) for n in (4, 2)]
    arrays = (numbers(3, 2, 4), *weights, None, i32(1, 3), None, None, None, scale, zero, scale, zero)
    call = Call("DynamicQuantizeLSTM", arrays, {"hidden_size": 2}, MS, (4,), 3)
    session = make_session(call)
    expected = outputs_of(session, arrays)
    same = outputs_of(session, changed(arrays, [(0, (slice(1, 3), 0))], 0.5))
    assert all(np.array_equal(x, y) for x, y in zip(same, expected, strict=True))
    other = outputs_of(session, changed(arrays, [(0, (2, 1))], -0.9))
    assert not np.array_equal(other[0], expected[0])
    assert least_work(call).macs == 4 * 32 + 2 * 16


def test_a_first_step_with_attention() -> None:
    """The first step of a text reads no memory, later steps do; steps behind a length change nothing."""
    hidden = numbers(1, 5, 8), numbers(1, 7, 8), numbers(1, 8)
    weights = numbers(1, 20, 4 + 7), numbers(1, 20, 5)

    def call(steps: int, *lengths: int) -> Call:
        arrays = (numbers(steps, 2, 4), *weights, None, i32(*lengths), None, None, None, *hidden, numbers(2, 6, 7))
        return Call("AttnLSTM", arrays, {"hidden_size": 5}, MS, (4,), 3)

    one = call(1, 1, 1)
    session = make_session(one)
    memory = [(i, ...) for i in (2, 8, 9, 10, 11)]
    same = outputs_of(session, changed(one.arrays, memory, 9.0))
    assert all(np.array_equal(x, y) for x, y in zip(same, outputs_of(session, one.arrays), strict=True))
    assert least_work(one).macs == 2 * 20 * 4 and least_work(one, stored=()).macs == 0
    three = call(3, 1, 3)
    session = make_session(three)
    expected = outputs_of(session, three.arrays)
    same = outputs_of(session, changed(three.arrays, [(0, (slice(1, 3), 0))], 9.0))
    assert all(np.array_equal(x, y) for x, y in zip(same, expected, strict=True))
    assert not np.array_equal(outputs_of(session, changed(three.arrays, [(11, 1)], 9.0))[1], expected[1])
    assert least_work(three).macs == 2 * 20 * 4 + 2 * (20 * 11 + 20 * 5) and least_work(three).reads[0] == 4 * 4


def test_taps_before_the_first_position() -> None:
    """Without a past the first positions have fewer taps: by execution 1 + 2 + 3 + 3 + 3 pairs of a position and a
    tap."""
    x, w = numbers(1, 2, 5), numbers(2, 1, 3)
    call = Call("CausalConvWithState", (x, w), {}, "", (), 2, 27)
    session = make_session(call)
    expected, pairs = outputs_of(session, call.arrays)[0], 0
    for tap in range(3):
        pairs += int((outputs_of(session, changed(call.arrays, [(1, (..., tap))], 9.0))[0] != expected).sum())
    assert least_work(call).macs == pairs == 2 * 12
    assert least_work(call, outputs=(1,)).macs == 0
    state = outputs_of(session, call.arrays)[1]
    assert np.array_equal(outputs_of(session, changed(call.arrays, [(1, ...)], 9.0))[1], state)


def test_linear_attention_sees_no_later_token() -> None:
    arrays = (numbers(1, 4, 8), numbers(1, 4, 8), numbers(1, 4, 8))
    sizes = {"q_num_heads": 1, "kv_num_heads": 1, "update_rule": "linear"}
    call = Call("LinearAttention", arrays, sizes, "", (), 2, 27)
    session = make_session(call)
    expected = outputs_of(session, arrays)
    later = outputs_of(session, changed(arrays, [(i, (0, 3)) for i in (1, 2)], LARGE))[0]
    assert np.array_equal(later[:, :3], expected[0][:, :3]) and not np.array_equal(later, expected[0])
    other = outputs_of(session, changed(arrays, [(0, ...)], 9.0))
    assert np.array_equal(other[1], expected[1]) and not np.array_equal(other[0], expected[0])
    state, pair = 8 * 8, 8 + 8
    assert least_work(call).macs == (1 + 2 + 3) * pair + state
    assert least_work(call, outputs=(1,)).macs == 4 * state and least_work(call, outputs=(1,)).unused == {0}
    assert least_work(call, outputs=(0, 1)).macs == (1 + 2 + 3) * pair + 5 * state


NORM = (numbers(4), numbers(4))

LOOKUPS: dict[str, tuple[Call, tuple[int, ...]]] = {
    "rows": (Call("Gather", (numbers(5, 3), i64(2, 2, -3, 4)), {}, stored=(1,)), (0,)),
    "columns": (Call("Gather", (numbers(2, 5, 3), i64(0, -5)), {"axis": 1}, stored=(1,)), (0,)),
    "elements": (
        Call("GatherElements", (numbers(3, 4), np.array([[0, 1, 2], [-3, 1, 0]])), {"axis": 0}, stored=(1,)),
        (0,),
    ),
    "elements of rows": (
        Call("GatherElements", (numbers(2, 4), np.array([[1, 1, -3]])), {"axis": 1}, stored=(1,)),
        (0,),
    ),
    "vectors": (Call("GatherND", (numbers(3, 4, 2), np.array([[0, 1], [0, -3], [2, 2]])), {}, stored=(1,)), (0,)),
    "vectors of batches": (
        Call("GatherND", (numbers(2, 4, 3), np.array([[[1], [1]], [[0], [3]]])), {"batch_dims": 1}, stored=(1,)),
        (0,),
    ),
    "embeddings": (
        Call(
            "EmbedLayerNormalization",
            (*(np.array([[3, 3, 1], [0, 3, 1]], np.int32), np.array([[1, 1, 1], [1, 1, 1]], np.int32)),)
            + (numbers(6, 4), numbers(5, 4), numbers(2, 4), *NORM),
            {},
            MS,
            (0, 1),
            2,
        ),
        (2, 3, 4),
    ),
    "embeddings at positions": (
        Call(
            "EmbedLayerNormalization",
            (np.array([[3, 1]], np.int32), None, numbers(6, 4), numbers(5, 4), None, *NORM, None)
            + (np.array([[4, 4]], np.int32),),
            {},
            MS,
            (0, 8),
            2,
        ),
        (2, 3),
    ),
}


def count_read(call: Call, position: int) -> int:
    """How many elements of an input change the first output."""
    session = make_session(call)
    expected = outputs_of(session, call.arrays)[0]
    results = (
        outputs_of(session, changed(call.arrays, [(position, index)], 9.0))[0]
        for index in np.ndindex(call.arrays[position].shape)
    )
    return sum(not np.array_equal(result, expected) for result in results)


@pytest.mark.parametrize("name", LOOKUPS)
def test_rows_that_are_looked_up(name: str) -> None:
    """A row that several indices name is read once; at run time all indices may be the same."""
    call, tables = LOOKUPS[name]
    assert least_work(call).reads == {i: count_read(call, i) for i in tables}
    same = call._replace(arrays=tuple(a * 0 if i in call.stored else a for i, a in enumerate(call.arrays)))
    assert least_work(call, stored=()).reads == {i: count_read(same, i) for i in tables}


def test_taps_that_an_offset_moves_out_of_the_input() -> None:
    arrays = (numbers(1, 1, 4, 4), numbers(1, 1, 3, 3), np.full((1, 18, 2, 2), 100, np.float32))
    call = Call("DeformConv", arrays, {}, "", (), 1, 22)
    session = make_session(call)
    expected = outputs_of(session, arrays)[0]
    assert np.array_equal(outputs_of(session, changed(arrays, [(0, ...), (1, ...)], 9.0))[0], expected)
    assert least_work(call).macs == 0 and least_work(call).reads == {0: 0, 1: 0}
