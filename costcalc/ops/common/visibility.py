"""Which keys each query of an attention may see: how many pairs of both there are, and which keys any query reads.

Query i of a causal attention stands at position offset + i and sees the keys up to its own position; with a window of w
the last w of them, its own included. All counts are exact, and formulas where extents are open.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from costcalc.core.dim import Dim, maximum, minimum
from costcalc.core.ir import TensorType


class Visibility(NamedTuple):
    """Queries and keys of one sequence; offset is the position of the first query among the keys where the attention is
    causal (below 0: the first queries see nothing), None where every query sees every key. window 0 is none."""

    queries: Dim
    keys: Dim
    offset: Dim | None = None
    window: int = 0

    @property
    def pairs(self) -> Dim:
        """Number of pairs of a query and a key that it sees."""
        if self.offset is None:
            return self.queries * self.keys
        queries = maximum(0, minimum(self.queries, self.queries + self.offset))
        first = maximum(0, self.offset) + 1
        seen = _sum_of_minima(queries, first, self.keys)
        if not self.window:
            return seen
        # Of the keys before a query at position p, min(p, keys + window) - min(p, window) are behind its window.
        behind = _sum_of_minima(queries, first, self.keys + self.window) - _sum_of_minima(queries, first, self.window)
        return seen - behind

    @property
    def key_range(self) -> tuple[Dim, Dim]:
        """(first, end) of the keys that any query sees."""
        if self.offset is None:
            return 0, self.keys
        end = maximum(0, minimum(self.keys, self.offset + self.queries))
        if not self.window:
            return 0, end
        return minimum(end, maximum(0, self.offset + 1 - self.window)), end

    @property
    def queries_with_keys(self) -> Dim:
        """Number of queries that see a key, where there is one and no window lies behind all keys."""
        return self.queries if self.offset is None else maximum(0, minimum(self.queries, self.queries + self.offset))


def _sum_of_minima(count: Dim, first: Dim, limit: Dim) -> Dim:
    """min(first, limit) + min(first + 1, limit) + …, count terms."""
    below = minimum(maximum(limit - first + 1, 0), count)
    return below * (below - 1) // 2 + below * first + (count - below) * limit


Texts = tuple[Visibility, Dim]
"""What the queries of a text see, and how many texts are like it."""


def texts_of(
    batch: Dim, lengths: Sequence[int] | None, queries: Dim, keys: Dim, causal: bool, window: int = 0
) -> tuple[Texts, ...]:
    """Numbers of keys of each text, at most `keys` -> what the texts see; of a causal attention the queries are the
    last ones of the keys. Nothing where there are not as many numbers as texts."""
    if lengths is None or len(lengths) != batch:
        return ()
    seen = [minimum(max(0, n), keys) for n in lengths]
    return tuple([(Visibility(queries, n, n - queries if causal else None, window), 1) for n in seen])


MAX_MASK_ROWS = 1 << 14
"""Most rows of a stored mask, times texts, that are read."""


def mask_pairs(mask: TensorType, texts: Sequence[Texts], heads: Dim) -> int | None:
    """Stored mask (a query may see a key where it is True, not 0, above -∞; broadcast to [batch, heads, queries, keys],
    keys behind its last one are hidden) and what each text may see besides -> pairs over all texts and heads; None
    where the mask's elements or an extent are not known."""
    shape = [d for d in (1, 1, 1, *(mask.shape or ()))[-4:] if isinstance(d, int)]
    counts = [(text.queries, count) for text, count in texts]
    if mask.value is None or not mask.shape or len(mask.shape) > 4 or len(shape) < 4 or not isinstance(heads, int):
        return None
    if not all(isinstance(d, int) for text, count in texts for d in (text.queries, text.keys, count)):
        return None
    of_batch, of_heads, of_queries, of_keys = shape
    if of_keys == 1:
        return None
    if of_heads * sum(q * n for q, n in counts if isinstance(q, int) and isinstance(n, int)) > MAX_MASK_ROWS:
        return None
    flags = [bool(v) if isinstance(v, int) else isinstance(v, float) and v > float("-inf") for v in mask.value]
    total = 0
    for b, text in enumerate(text for text, count in texts if isinstance(count, int) for _ in range(count)):
        for h in range(of_heads):
            start = (b % of_batch * of_heads + h) * of_queries * of_keys
            rows = [flags[start + i * of_keys : start + (i + 1) * of_keys] for i in range(of_queries)]
            total += _pairs_of_rows(rows, text) * (heads // of_heads)
    return total


def _pairs_of_rows(rows: Sequence[Sequence[bool]], text: Visibility) -> int:
    """Rows of a mask (one for each query, or one for all) and what a text may see besides -> its pairs."""
    queries, _, offset, _ = text
    assert isinstance(queries, int)
    sums = [list(accumulate(row, initial=0)) for row in rows]
    pairs = 0
    for i in range(queries):
        first, end = text._replace(queries=1, offset=None if offset is None else offset + i).key_range
        counts = sums[i % len(sums)]
        assert isinstance(first, int) and isinstance(end, int)
        pairs += counts[min(end, len(counts) - 1)] - counts[min(first, len(counts) - 1)]
    return pairs
