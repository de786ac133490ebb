"""Buffers with lifetimes -> a static plan: an offset for each in one arena, as microcontroller runtimes lay it out.

The largest buffer goes first, each at the lowest place that is free while it lives (the greedy planner of TensorFlow
Lite for Microcontrollers). While the arena is larger than what is alive at once, other orders are tried, then orders in
which the topmost buffer has changed places with one that is in its way; the smallest arena is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from costcalc.memory.placing import Span, in_time, neighbours, overlaps, placed
from costcalc.memory.reorder import numbers
from costcalc.memory.schedule import Buffer, Schedule

WORK = 1_500_000
"""How many pairs of buffers all orders together may compare."""
CROWDED = 4_000_000
"""With more pairs that live at the same time, buffers are laid out as they are born."""
UPHILL = 0.02
"""How often a worse order is gone on with."""


class Arena(NamedTuple):
    """offsets in bytes, one for each buffer of the schedule; size of the whole; bound is the most that is alive at
    once, each buffer rounded up to the alignment."""

    buffers: tuple[Buffer, ...]
    offsets: tuple[int, ...]
    size: int
    bound: int
    alignment: int


def arena(plan: Schedule, alignment: int = 1) -> Arena:
    """A plan in which no two buffers that live at the same time overlap. UndecidedError while sizes are open."""
    numbers(plan.buffers, "an offset")
    sizes = [-(-int(b.nbytes) // alignment) * alignment for b in plan.buffers]
    end = max(len(plan.steps) - 1, 0)
    spans = [(max(b.born, 0), max(min(b.dies, end), b.born, 0)) for b in plan.buffers]
    live = _live(sizes, spans, end + 1)
    bound = max(live)
    offsets = in_time(sizes, spans) if overlaps(spans) > CROWDED else _best(sizes, spans, live, bound)
    return Arena(plan.buffers, tuple(offsets), _height(offsets, sizes), bound, alignment)


def _live(sizes: Sequence[int], spans: Sequence[Span], steps: int) -> list[int]:
    """Bytes alive at each step."""
    change = [0] * (steps + 1)
    for size, (first, last) in zip(sizes, spans, strict=True):
        change[first] += size
        change[last + 1] -= size
    now, found = 0, []
    for i in range(steps):
        now += change[i]
        found.append(now)
    return found


def _height(offsets: Sequence[int], sizes: Sequence[int]) -> int:
    return max([offset + size for offset, size in zip(offsets, sizes, strict=True)], default=0)


def _best(sizes: Sequence[int], spans: Sequence[Span], live: Sequence[int], bound: int) -> list[int]:
    """The smallest arena that is found."""
    every = range(len(sizes))
    near = neighbours(spans)
    crowd = [max(live[first : min(last, first + 32) + 1]) for first, last in spans]
    keys: list[Callable[[int], tuple[int, ...]]] = [
        lambda i: (-sizes[i], spans[i][0]),
        lambda i: (-crowd[i], -sizes[i]),
        lambda i: (-sizes[i] * (spans[i][1] - spans[i][0] + 1),),
        lambda i: (spans[i][0] - spans[i][1], -sizes[i]),
        lambda i: (spans[i][0], -sizes[i]),
    ]
    each = len(sizes) + sum(map(len, near))
    best: tuple[int, list[int], list[int]] | None = None
    for key in keys:
        order = sorted(every, key=key)
        offsets = placed(order, sizes, near)
        height = _height(offsets, sizes)
        if best is None or height < best[0]:
            best = height, order, offsets
        if height <= bound:
            return offsets
    assert best is not None
    return _climbed(*best, sizes, near, bound, WORK // max(each, 1))


def _climbed(
    height: int,
    order: list[int],
    offsets: list[int],
    sizes: Sequence[int],
    near: Sequence[Sequence[int]],
    bound: int,
    rounds: int,
) -> list[int]:
    """The best plan met while the buffer that ends highest changes places with one that was placed before it and lives
    beside it, or beside one of those. The choice is random, and the same every time."""
    random = Random(0)
    best, now = (height, offsets), (height, offsets)
    for _ in range(rounds):
        if best[0] <= bound:
            break
        rank = {i: r for r, i in enumerate(order)}
        top = random.choice([i for i in order if now[1][i] + sizes[i] == now[0]])
        others = [j for j in near[top] if rank[j] < rank[top]]
        others += [k for j in random.sample(others, min(3, len(others))) for k in near[j] if rank[k] < rank[top]]
        if not others:
            break
        other = random.choice(others)
        changed = list(order)
        changed[rank[top]], changed[rank[other]] = other, top
        plan = placed(changed, sizes, near)
        height = _height(plan, sizes)
        if height <= now[0] or random.random() < UPHILL:
            order, now = changed, (height, plan)
        if height < best[0]:
            best = height, plan
    return best[1]
