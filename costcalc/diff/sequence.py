"""Two runs of layers → pairs in order: equal ends first, then anchors whose key is unique on both sides, and the best
pairs within the small gaps that are left."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from costcalc.diff.pairing import Pairs, best
from costcalc.diff.side import Level, Levels, Side

SMALL, LARGE, HUGE = 400, 20_000, 2_000_000
"""Cells (layers × layers) up to which a gap is paired at once, after anchors are looked for, and within a band."""

BAND = 16

Key = TypeVar("Key", bound=Hashable)

Rest = Callable[[Sequence[int], Sequence[int]], Pairs]
"""What pairs a gap without anchors that is too large to be paired at once."""


def in_order(a: Side, xs: Sequence[int], b: Side, ys: Sequence[int], keys: Levels, rest: Rest | None = None) -> Pairs:
    """Pairs of indexes that ascend on both sides; a layer without a counterpart is in none."""
    pairs: Pairs = []
    gaps = [(xs, ys, 0)]
    while gaps:
        xs, ys, level = gaps.pop()
        xs, ys = _trimmed(a, xs, b, ys, pairs)
        cells = len(xs) * len(ys)
        anchors: Pairs = []
        # the keys of whole lineages are tried in small gaps too: what they say holds against any likeness
        while cells and level < (len(keys.all) if cells > SMALL else len(keys.whole)) and not anchors:
            anchors = _anchors(xs, ys, keys.all[level]())
            level += not anchors
        if anchors:
            gaps += between(xs, ys, anchors, level)
            pairs += anchors
        elif rest is not None and cells > SMALL:
            pairs += rest(xs, ys)
        elif 0 < cells <= LARGE:
            pairs += best(a, xs, b, ys)
        elif cells and len(xs) * (abs(len(xs) - len(ys)) + 2 * BAND) <= HUGE:
            pairs += best(a, xs, b, ys, BAND)
    return sorted(pairs)


def _trimmed(
    a: Side, xs: Sequence[int], b: Side, ys: Sequence[int], pairs: Pairs
) -> tuple[Sequence[int], Sequence[int]]:
    """The runs without their common beginning and end: layers of one name that are alike in all."""
    start, end = 0, min(len(xs), len(ys))
    while start < end and _same(a, xs[start], b, ys[start]):
        pairs.append((xs[start], ys[start]))
        start += 1
    last = 0
    while last < end - start and _same(a, xs[-1 - last], b, ys[-1 - last]):
        last += 1
        pairs.append((xs[-last], ys[-last]))
    return xs[start : len(xs) - last], ys[start : len(ys) - last]


def _same(a: Side, i: int, b: Side, j: int) -> bool:
    return a.strict[i] == b.strict[j] and a.name[i] == b.name[j]


def _anchors(xs: Sequence[int], ys: Sequence[int], level: Level) -> Pairs:
    """Layers whose key occurs once on either side, without those that cross."""
    x_of, y_of = unique(xs, level.before), unique(ys, level.after)
    return ascending([(x, y_of[key]) for key, x in x_of.items() if key in y_of])


def unique(indexes: Sequence[int], keys: Sequence[int]) -> dict[int, int]:
    """The index of each key that occurs once."""
    return unique_by([(index, keys[index]) for index in indexes])


def unique_by(keyed: Iterable[tuple[int, Key]]) -> dict[Key, int]:
    """The index of each key that occurs once, of (index, key)."""
    once: dict[Key, int] = {}
    more: set[Key] = set()
    for index, key in keyed:
        if key in once:
            more.add(key)
        once[key] = index
    return {key: index for key, index in once.items() if key not in more}


def ascending(pairs: Pairs) -> Pairs:
    """The longest run of pairs, given with ascending first numbers, whose second numbers ascend too."""
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for at, (_, y) in enumerate(pairs):
        pile = bisect_left(tops, y)
        if pile == len(tops):
            tops.append(y)
            ends.append(at)
        else:
            tops[pile] = y
            ends[pile] = at
        before.append(ends[pile - 1] if pile else -1)
    found: Pairs = []
    at = ends[-1] if ends else -1
    while at >= 0:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]


def between(
    xs: Sequence[int], ys: Sequence[int], anchors: Pairs, level: int
) -> list[tuple[Sequence[int], Sequence[int], int]]:
    """The gaps beside and between anchors."""
    gaps = []
    x_start = y_start = 0
    for x, y in anchors:
        x_at, y_at = bisect_left(xs, x, x_start), bisect_left(ys, y, y_start)
        gaps.append((xs[x_start:x_at], ys[y_start:y_at], level))
        x_start, y_start = x_at + 1, y_at + 1
    gaps.append((xs[x_start:], ys[y_start:], level))
    return [gap for gap in gaps if gap[0] and gap[1]]
