"""Attention over the last tokens and over compressed entries, each of which stands for `ratio` earlier tokens, and the
indexer that chooses among those entries.

Source: DeepSeek-V4's modelling code. An entry is the sum of the states of its tokens, weighed feature by feature with a
softmax over their gates (plus a learned bias by position), then normalised and rotated. With overlap the states are
twice as wide: an entry sums the first half of the window before its own and the second half of its own. Keys and values
are one vector, which all heads share. Kept are the last tokens, all entries, and the states and gates of the tokens
that do not fill a window yet; with overlap those of the last full window, too.
"""

from __future__ import annotations

from typing import NamedTuple

from costcalc.core.dim import Dim, maximum, minimum
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Work, elementwise_work, product, product_factor, sum_of_products
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import Types, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import (
    Attributes,
    CacheSlot,
    LeastWork,
    OperatorUse,
    cache_rule,
    contraction_gradient,
    least_work_rule,
    traits,
)
from costcalc.ops.attention import softmax_work
from costcalc.ops.common.visibility import Visibility
from costcalc.ops.llm import LLM

operands("CompressedAttention", domain=LLM, weights=(2, 5, 6))
operands("CompressedIndexer", domain=LLM, weights=(3, 4))

traits(
    "CompressedAttention",
    domain=LLM,
    kind="attention",
    causal=lambda attributes: True,
    gradient=contraction_gradient(((0,), (1, 3)), ((0, 1, 3), (1, 3))),
)
traits(
    "CompressedIndexer",
    domain=LLM,
    kind="attention",
    causal=lambda attributes: True,
    keeps="indices",
    gradient=contraction_gradient(((0,), (1,))),
)

describe(
    "Each query is compared with the last tokens and with entries for the others.", "CompressedAttention", domain=LLM
)
describe(
    "Small heads score the compressed entries; those with the highest scores are read.", "CompressedIndexer", domain=LLM
)

PAST_OF_ATTENTION, PAST_OF_INDEXER = 8, 6
"""The first inputs that hold something of earlier tokens."""


class Compression(NamedTuple):
    """Extents: entries in all and new ones, features of an entry, positions that it sums over, width of a state."""

    batch: Dim
    entries: Dim
    added: Dim
    size: Dim
    positions: Dim
    width: Dim

    @property
    def work(self) -> tuple[Work, ...]:
        """Of each position and feature of a new entry the softmax of gates, a product and a sum, and the bias by
        position; 4 per feature for the normalisation."""
        summed = self.batch * self.added * self.positions * self.size
        elements = self.batch * self.added * self.size
        return (
            softmax_work(summed)
            + elementwise_work("add", "elementwise", 2 * summed, 1, "#summed states")
            + elementwise_work("multiply", "elementwise", summed, 1, "#summed states")
            + elementwise_work("multiply", "normalization", elements, 3, "#entries")
            + elementwise_work("add", "normalization", elements, 1, "#entries")
        )


def _compression(
    states: TensorType, bias: TensorType, norm: TensorType, past_entries: TensorType | None, rest: TensorType | None
) -> Compression:
    """States [B, S, c · D], bias [ratio, c · D], norm [D] -> the extents. ShapeError where c is neither 1 nor 2."""
    assert states.shape is not None and bias.shape is not None and norm.shape is not None
    batch, tokens, width = states.shape
    ratio, size = bias.shape[0], norm.shape[0]
    if width not in (size, 2 * size) or bias.shape[1] != width:
        raise ShapeError(f"states have {width} features for entries of {size}", "give as many, or twice as many")
    past: Dim = 0
    if past_entries is not None and rest is not None:
        assert past_entries.shape is not None and rest.shape is not None
        past, tokens = past_entries.shape[1], tokens + rest.shape[1]
    added = tokens // ratio
    return Compression(batch, past + added, added, size, ratio * (width // size), width)


def _slots(types: Types, states: int, bias: int, norm: int, first: int, tokens: Dim) -> list[CacheSlot]:
    """What is kept of the entries of so many tokens, from the input `first` on; states and gates stand side by side."""
    t, ratio_type, norm_type = types[states], types[bias], types[norm]
    assert t is not None and t.shape is not None and ratio_type is not None and norm_type is not None
    assert ratio_type.shape is not None and norm_type.shape is not None
    (batch, _, width), ratio, size = t.shape, ratio_type.shape[0], norm_type.shape[0]
    rest = tokens - tokens // ratio * ratio
    kept: list[tuple[str, Dim, Dim, int]] = [("past_entries", tokens // ratio, size, states)]
    kept += [("past_states", rest, width, states), ("past_gates", rest, width, states + 1)]
    if width != size:
        last = minimum(tokens // ratio, 1) * ratio
        kept += [("last_states", last, size, states), ("last_gates", last, size, states + 1)]
    return [
        CacheSlot(first + i, name, TensorType(t.dtype, (batch, rows, features)), new)
        for i, (name, rows, features, new) in enumerate(kept)
    ]


@shape_rule("CompressedAttention", domain=LLM)
def compressed_attention_shape(q: TensorType, *inputs: TensorType | None, num_heads: int, window: int) -> TensorType:
    """q [B, S, H · D], kv [B, S, D], sinks [H], states and gates [B, S, c · D], bias [ratio, c · D], norm [D], indices
    [B, S, k] where some entries are read only; past tokens, entries, states and gates -> [B, S, H · D]."""
    assert q.shape is not None and inputs[0] is not None and inputs[0].shape is not None
    if q.shape[2] != num_heads * inputs[0].shape[2]:
        raise ShapeError(f"{q.shape[2]} features of queries for {num_heads} heads of {inputs[0].shape[2]}", "")
    return TensorType(q.dtype, q.shape)


class _Reader:
    """The inputs of a node by their number; None behind the last."""

    def __init__(self, inputs: tuple[TensorType | None, ...]) -> None:
        self.inputs = inputs

    def __getitem__(self, position: int) -> TensorType | None:
        return self.inputs[position] if position < len(self.inputs) else None

    def compression(self, states: int, bias: int, norm: int, past: int) -> Compression:
        """The extents of compression, by the numbers of its inputs."""
        given = self[states], self[bias], self[norm]
        assert given[0] is not None and given[1] is not None and given[2] is not None
        return _compression(given[0], given[1], given[2], self[past], self[past + 1])

    def extent(self, position: int, axis: int) -> Dim:
        """An extent of an input; 0 where it is not there."""
        t = self[position]
        return t.shape[axis] if t is not None and t.shape is not None else 0


@cost_rule("CompressedAttention", domain=LLM)
def compressed_attention_cost(*inputs: TensorType | None, num_heads: int, window: int) -> Cost:
    """Tokens T and entries E: QKᵀ B · H · S · (T + E) · D, and as much for PV; masked scores count. Per score 5 for the
    softmax and 1 addition for the mask, per query and head of a sink 1 exponential and 1 addition; the scale is one
    multiplication per element of queries. An entry: 5 per summed state for the softmax of gates, 2 additions and 1
    product, 4 per feature for the normalisation."""
    read = _Reader(inputs)
    c = read.compression(3, 5, 6, PAST_OF_ATTENTION + 1)
    queries, tokens = read.extent(0, 1), read.extent(1, 1) + read.extent(PAST_OF_ATTENTION, 1)
    scores = product_factor("#scores", ("B · S", c.batch * queries), ("H", num_heads), ("T + E", tokens + c.entries))
    rows = c.batch * queries * num_heads
    work = elementwise_work("multiply", "elementwise", rows * c.size, 1, "#elements of Q")
    work += elementwise_work("add", "elementwise", scores.value, 1, "#scores") + softmax_work(scores.value)
    work += elementwise_work("exp", "softmax", rows, 1, "#sinks × queries")
    work += elementwise_work("add", "softmax", rows, 1, "#sinks × queries")
    products = sum_of_products(product(scores, ("D", c.size), name="QKᵀ"), product(scores, ("D", c.size), name="PV"))
    return Cost(products, work + c.work)


@cache_rule("CompressedAttention", domain=LLM)
def compressed_attention_caches(types: Types, attributes: Attributes, tokens: Dim) -> tuple[CacheSlot, ...]:
    """The last tokens, one fewer than the window: [B, min(tokens, window - 1), D]; the entries [B, tokens // ratio, D];
    of the tokens that fill no window states and gates, with overlap those of the last full window, too."""
    kv = types[1]
    assert kv is not None and kv.shape is not None
    rows = minimum(tokens, int(attributes["window"]) - 1)
    last = TensorType(kv.dtype, (kv.shape[0], rows, kv.shape[2]))
    slots = _slots(types, 3, 5, 6, PAST_OF_ATTENTION + 1, tokens)
    return (CacheSlot(PAST_OF_ATTENTION, "past_kv", last, 1), *slots)


@least_work_rule("CompressedAttention", domain=LLM)
def compressed_attention_least_work(use: OperatorUse) -> LeastWork:
    """Tokens behind a query and before its window, entries that no query may see yet, and those that indices leave out.
    Where extents are open: entries altogether."""
    read = _Reader(tuple(use.types))
    c = read.compression(3, 5, 6, PAST_OF_ATTENTION + 1)
    queries, past = read.extent(0, 1), read.extent(PAST_OF_ATTENTION, 1)
    ratio, chosen = read.extent(5, 0), read.extent(7, 2)
    pairs = Visibility(queries, past + queries, past, int(use.attributes["window"])).pairs
    earlier = read.extent(PAST_OF_ATTENTION + 1, 1) * ratio + read.extent(PAST_OF_ATTENTION + 2, 1)
    if all(isinstance(extent, int) for extent in (queries, earlier, ratio, chosen)):
        limit = chosen if use.input(7) is not None else c.entries
        pairs = pairs + _seen(earlier + queries, ratio, limit) - _seen(earlier, ratio, limit)
    reads: dict[int, Dim] = {}
    if use.input(7) is not None and use.input(PAST_OF_ATTENTION + 1) is not None:
        reads[PAST_OF_ATTENTION + 1] = c.batch * maximum(0, chosen - c.added) * c.size
    return LeastWork(2 * c.batch * int(use.attributes["num_heads"]) * pairs * c.size, reads)


def _seen(tokens: Dim, ratio: Dim, limit: Dim) -> Dim:
    """min(1 // ratio, limit) + min(2 // ratio, limit) + … + min(tokens // ratio, limit): entries that queries see."""
    within = minimum(tokens, limit * ratio)
    whole = within // ratio
    return ratio * (whole * (whole - 1) // 2) + whole * (within - whole * ratio + 1) + limit * (tokens - within)


@shape_rule("CompressedIndexer", domain=LLM)
def compressed_indexer_shape(*inputs: TensorType | None, top_k: int) -> TensorType:
    """q [B, S, H · D], states and gates [B, S, c · D], bias [ratio, c · D], norm [D], weights [B, S, H]; past entries,
    states and gates -> indices of entries [B, S, min(top_k, entries)], int32."""
    read = _Reader(inputs)
    c = read.compression(1, 3, 4, PAST_OF_INDEXER)
    if read.extent(0, 2) != read.extent(5, 2) * c.size:
        raise ShapeError(
            f"{read.extent(0, 2)} features of queries for heads of {c.size}", "give a weight for each head"
        )
    return TensorType(DType.INT32, (c.batch, read.extent(0, 1), minimum(top_k, c.entries)))


@cost_rule("CompressedIndexer", domain=LLM)
def compressed_indexer_cost(*inputs: TensorType | None, top_k: int) -> Cost:
    """Entries E: B · H · S · E · D. Per score of a head 1 scale, 1 comparison (ReLU), 1 product with a weight and 1
    addition to the sum over heads; entries as in CompressedAttention."""
    read = _Reader(inputs)
    c = read.compression(1, 3, 4, PAST_OF_INDEXER)
    heads = read.extent(5, 2)
    scores = product_factor("#scores", ("B · S", c.batch * read.extent(0, 1)), ("H", heads), ("E", c.entries))
    work = elementwise_work("multiply", "elementwise", scores.value, 2, "#scores")
    work += elementwise_work("compare", "activation", scores.value, 1, "#scores")
    work += elementwise_work("add", "reduction", scores.value, 1, "#scores")
    return Cost(sum_of_products(product(scores, ("D", c.size), name="QKᵀ")), work + c.work)


@cache_rule("CompressedIndexer", domain=LLM)
def compressed_indexer_caches(types: Types, attributes: Attributes, tokens: Dim) -> tuple[CacheSlot, ...]:
    """The entries [B, tokens // ratio, D], and states and gates as in CompressedAttention."""
    return tuple(_slots(types, 1, 3, 4, PAST_OF_INDEXER, tokens))


@least_work_rule("CompressedIndexer", domain=LLM)
def compressed_indexer_least_work(use: OperatorUse) -> LeastWork:
    """Entries that no query may see yet; no scores at all where no more entries than top_k are there."""
    read = _Reader(tuple(use.types))
    c = read.compression(1, 3, 4, PAST_OF_INDEXER)
    ratio, queries = read.extent(3, 0), read.extent(0, 1)
    earlier = read.extent(PAST_OF_INDEXER, 1) * ratio + read.extent(PAST_OF_INDEXER + 1, 1)
    known = isinstance(c.entries, int) and isinstance(earlier, int) and isinstance(queries, int)
    if not known or c.entries <= int(use.attributes["top_k"]):
        return LeastWork(0, {0: 0, 5: 0})
    pairs = _seen(earlier + queries, ratio, c.entries) - _seen(earlier, ratio, c.entries)
    return LeastWork(c.batch * read.extent(5, 2) * pairs * c.size)
