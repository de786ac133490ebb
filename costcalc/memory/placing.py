"""Where buffers go in an arena: in a given order at the lowest gap that is free, or one after another in time."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from heapq import heappop, heappush

Span = tuple[int, int]
"""The first and the last step that a buffer lives through."""


def overlaps(spans: Sequence[Span]) -> int:
    """How many pairs live at the same time."""
    total = alive = 0
    ends: dict[int, int] = {}
    for _, last in spans:
        ends[last + 1] = ends.get(last + 1, 0) + 1
    births: dict[int, int] = {}
    for first, _ in spans:
        births[first] = births.get(first, 0) + 1
    for step in sorted({*ends, *births}):
        alive -= ends.get(step, 0)
        born = births.get(step, 0)
        total += born * alive + born * (born - 1) // 2
        alive += born
    return total


def neighbours(spans: Sequence[Span]) -> list[list[int]]:
    """For each buffer all others that live at a time when it does."""
    near: list[list[int]] = [[] for _ in spans]
    alive: list[int] = []
    for i in sorted(range(len(spans)), key=lambda i: spans[i][0]):
        alive = [j for j in alive if spans[j][1] >= spans[i][0]]
        for j in alive:
            near[j].append(i)
        near[i] += alive
        alive.append(i)
    return near


def placed(order: Sequence[int], sizes: Sequence[int], near: Sequence[Sequence[int]]) -> list[int]:
    """The offset of each buffer, placed in this order at the lowest gap that holds it."""
    offsets = [-1] * len(sizes)
    for i in order:
        size, low = sizes[i], 0
        for start, j in sorted([(offsets[j], j) for j in near[i] if offsets[j] >= 0]):
            if start - low >= size:
                break
            end = start + sizes[j]
            if end > low:
                low = end
        offsets[i] = low
    return offsets


def in_time(sizes: Sequence[int], spans: Sequence[Span]) -> list[int]:
    """The offset of each buffer when memory is taken and given back step by step, always at the lowest gap that is
    large enough."""
    offsets = [0] * len(sizes)
    gaps: list[Span] = []
    """(start, end) of what was given back below the top, in order, no two of them adjacent."""
    top = 0
    alive: list[tuple[int, int]] = []
    for i in sorted(range(len(sizes)), key=lambda i: (spans[i][0], -sizes[i])):
        while alive and alive[0][0] < spans[i][0]:
            j = heappop(alive)[1]
            _give_back(gaps, offsets[j], offsets[j] + sizes[j])
        if not sizes[i]:
            continue
        for at, (start, end) in enumerate(gaps):
            if end - start >= sizes[i]:
                offsets[i] = start
                gaps[at : at + 1] = [(start + sizes[i], end)] if end - start > sizes[i] else []
                break
        else:
            offsets[i] = top if not gaps or gaps[-1][1] < top else gaps.pop()[0]
            top = offsets[i] + sizes[i]
        heappush(alive, (spans[i][1], i))
    return offsets


def _give_back(gaps: list[Span], start: int, end: int) -> None:
    """Adds a gap, joined with those that it touches."""
    at = bisect_left(gaps, (start, end))
    if at < len(gaps) and gaps[at][0] == end:
        end = gaps.pop(at)[1]
    if at and gaps[at - 1][1] == start:
        start = gaps.pop(at - 1)[0]
    insort(gaps, (start, end))
