"""Steps -> the same steps in an order with a lower peak of live bytes: the best one where the search can finish.

Execution orders found without looking back: at each place the step that seems best of those that can run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush, nsmallest
from typing import NamedTuple

from costcalc.analysis.memory.liveness import Buffer, Step, schedule, timeline
from costcalc.analysis.memory.ordering_search import (
    Problem,
    State,
    least,
    need,
    need_of,
    path,
    problem,
    release,
    run,
    start,
)
from costcalc.core.dim import Poly, remedy
from costcalc.core.errors import UndecidedError
from costcalc.core.ir import Graph

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


EXACT = 400_000
"""How much the exact search may copy (a state of w ready steps and open buffers counts w) before a beam takes over."""

BEAM = 600_000
"""The same for the beam, which becomes the narrower, the larger the graph is."""

WIDEST_BEAM = 64

BRANCHES = 8
"""How many next steps of a state the beam follows."""


class Order(NamedTuple):
    """Steps in an order; best says whether none has a lower peak."""

    steps: tuple[Step, ...]
    best: bool


def reordered(graph: Graph, steps: tuple[Step, ...], in_place: bool = False) -> Order:
    """An order whose peak is never above that of the given one. UndecidedError while sizes are open."""
    plan = schedule(graph, steps, in_place)
    numbers(plan.buffers, "an execution order")
    p = problem(graph, steps, in_place)
    floor, given = least(p), timeline(plan).peak
    assert isinstance(given, int)
    order: tuple[int, ...] = ()
    for peak, found in greedy_orders(p) if given > floor else ():
        if peak < given:
            given, order = peak, found
    best = given <= floor
    if not best:
        found, best = _exact(p, floor, given)
        order = found or (order if best else _beam(p, floor, given) or order)
    return Order(tuple([steps[i] for i in order]) if order else steps, best)


def numbers(buffers: tuple[Buffer, ...], what: str) -> None:
    """UndecidedError where a size is still a formula."""
    for buffer in buffers:
        if isinstance(buffer.nbytes, Poly):
            raise UndecidedError(f"{what} is chosen by sizes, and that of {buffer.name} is open", remedy(buffer.nbytes))


def _exact(p: Problem, floor: int, given: int) -> tuple[tuple[int, ...], bool]:
    """(a best order, or () where the given one is best; True), or ((), False) where it takes too long.

    States are visited by their peak, the lowest first; so the first complete order is a best one.
    """
    queue: list[tuple[int, int, int, State]] = []
    seen: dict[frozenset[int], int] = {}
    count = spent = 0
    first = start(p)
    heappush(queue, (max(first.peak, floor), 0, 0, first))
    while queue:
        peak, _, _, state = heappop(queue)
        if state.ran == len(p.waits):
            return tuple(path(state.trail)), True
        if seen.get(state.ready, peak) < peak:
            continue
        for step in state.ready:
            if max(peak, need(p, state, step)[0]) >= given:
                continue
            after = run(p, state, step, floor)
            spent += 1 + len(after.ready) + len(after.left) + after.ran - state.ran
            if spent > EXACT:
                return (), False
            if after.peak < given and after.peak < seen.get(after.ready, given):
                seen[after.ready] = after.peak
                count += 1
                heappush(queue, (after.peak, -after.ran, count, after))
    return (), True


def _beam(p: Problem, floor: int, given: int) -> tuple[int, ...]:
    """A better order than the given one, or () where none is met: the states with the lowest peaks go on together."""
    states, spent = [start(p)], 0
    best: State | None = None
    while states and spent <= 2 * BEAM:
        before = spent
        spent += sum(len(state.ready) for state in states)
        reached: dict[frozenset[int], State] = {}
        for after in _next(p, states, floor, given if best is None else best.peak):
            spent += 1 + len(after.ready) + len(after.left)
            if after.ran == len(p.waits):
                best = after if best is None or after.peak < best.peak else best
            elif after.ready not in reached or after.peak < reached[after.ready].peak:
                reached[after.ready] = after
        each = (spent - before) / len(states)
        to_come = len(p.waits) - max((state.ran for state in reached.values()), default=0)
        width = int(max(1, min(WIDEST_BEAM, (BEAM - spent) / each / max(to_come, 1))))
        states = nsmallest(width, reached.values(), key=lambda s: (s.peak, s.live, -s.ran))
    return () if best is None else tuple(path(best.trail))


def _next(p: Problem, states: list[State], floor: int, limit: int) -> Iterator[State]:
    """The most promising states one step further, below a limit."""
    for state in states:
        needs = [(*need(p, state, i), i) for i in sorted(state.ready)]
        chosen = nsmallest(BRANCHES, needs, key=lambda n: (max(n[0], state.peak, floor), n[1]))
        yield from (run(p, state, i, floor) for during, _, i in chosen if during < limit)
