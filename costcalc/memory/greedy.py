"""Execution orders found without looking back: at each place the step that seems best of those that can run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush

from costcalc.memory.search import Problem, need_of, release, start

Key = Callable[[int, int, int], tuple[int, ...]]
"""Of a step: by how much live bytes rise while it runs and after it, and when it became ready (later is less)."""

KEYS: tuple[Key, ...] = (
    lambda during, after, age: (after, age, during),
    lambda during, after, age: (after, during, age),
    lambda during, after, age: (min(after, 0), age),
    lambda during, after, age: (during, after, age),
)
"""The most freed first, what became ready last before its elders, so that a branch is finished before the next."""


def greedy_orders(p: Problem) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(peak, order) by each of the KEYS."""
    return (_greedy(p, key) for key in KEYS)


def _greedy(p: Problem, key: Key) -> tuple[int, tuple[int, ...]]:
    """What a step adds and frees changes only when a buffer that it reads has no other reader left, or a source that it
    needs has run; it is then queued again, and an entry that has become wrong is dropped when it comes up."""
    first = start(p)
    ready, missing, left = set(first.ready), dict[int, int](), dict[int, int]()
    live, peak = first.live, first.peak
    order: list[int] = []
    age = 0
    queue: list[tuple[tuple[int, ...], int, int, int]] = []
    born: dict[int, int] = {}

    def offer(step: int) -> None:
        during, after = need_of(p, missing, left, 0, step)
        heappush(queue, (key(during, after, born[step]), step, during, after))

    for i in sorted(ready):
        born[i] = 0
        offer(i)
    while queue:
        _, i, during, after = heappop(queue)
        if i not in ready or need_of(p, missing, left, 0, i) != (during, after):
            continue
        new = [s for s in p.sources[i] if s not in missing]
        order += [*new, i]
        peak, live = max(peak, live + during), live + after
        ready.discard(i)
        age -= 1
        changed = release(p, i, ready, missing, left)
        changed += [f for s in new for f in p.followers[s] if f in ready]
        for j in changed:
            born.setdefault(j, age)
            offer(j)
    return peak, tuple(order)
