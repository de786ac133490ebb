"""Graph and steps to an execution order with a lower peak of live bytes: by greedy orders, an exact search, and a beam
where the exact search takes too long.

A greedy order takes at each place the step that is best by its key among those that can run, and never goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush, nsmallest
from typing import NamedTuple

from costcalc.analysis.memory.liveness import Buffer, ScheduleStep, live_memory, make_schedule
from costcalc.analysis.memory.ordering_search import (
    OrderingProblem,
    SearchState,
    finish_step,
    initial_state,
    lower_bound,
    make_problem,
    run_step,
    state_need,
    step_need,
    trail_order,
)
from costcalc.core.dim import Poly, bind_remedy
from costcalc.core.errors import UndecidedError
from costcalc.core.ir import Graph

OrderKey = Callable[[int, int, int], tuple[int, ...]]
"""Step -> its rank, the least first, from the rise of live bytes while it runs and after it, and from when it became
ready (later is less)."""

ORDER_KEYS: tuple[OrderKey, ...] = (
    lambda during, after, age: (after, age, during),
    lambda during, after, age: (after, during, age),
    lambda during, after, age: (min(after, 0), age),
    lambda during, after, age: (during, after, age),
)
"""Steps that free the most come first, among equals those that became ready last, so that a branch is finished before
the next one begins."""


def greedy_orders(p: OrderingProblem) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Problem -> (peak in bytes, indexes of the steps in order) by each of the ORDER_KEYS."""
    return (_greedy_order(p, key) for key in ORDER_KEYS)


def _greedy_order(p: OrderingProblem, key: OrderKey) -> tuple[int, tuple[int, ...]]:
    """Problem and key -> (peak, order).

    What a step adds and frees changes only when a buffer that it reads has no other reader left, or a source that it
    needs has run; it is then queued again, and an outdated entry is dropped when it comes up.
    """
    first = initial_state(p)
    ready, missing, left = set(first.ready), dict[int, int](), dict[int, int]()
    live, peak = first.live, first.peak
    order: list[int] = []
    age = 0
    queue: list[tuple[tuple[int, ...], int, int, int]] = []
    born: dict[int, int] = {}

    def offer(step: int) -> None:
        during, after = step_need(p, missing, left, 0, step)
        heappush(queue, (key(during, after, born[step]), step, during, after))

    for i in sorted(ready):
        born[i] = 0
        offer(i)
    while queue:
        _, i, during, after = heappop(queue)
        if i not in ready or step_need(p, missing, left, 0, i) != (during, after):
            continue
        new = [s for s in p.sources[i] if s not in missing]
        order += [*new, i]
        peak, live = max(peak, live + during), live + after
        ready.discard(i)
        age -= 1
        changed = finish_step(p, i, ready, missing, left)
        changed += [f for s in new for f in p.followers[s] if f in ready]
        for j in changed:
            born.setdefault(j, age)
            offer(j)
    return peak, tuple(order)


EXACT_BUDGET = 400_000
"""Entries that the exact search copies at most (a state of w ready steps and open buffers has w); then the beam search
follows."""

BEAM_BUDGET = 600_000
"""Entries that the beam search copies at most; the larger the graph, the narrower is its beam."""

MAX_BEAM = 64
"""Most states of the beam."""

MAX_BRANCHES = 8
"""Most next steps of a state that the beam search follows."""


class ExecutionOrder(NamedTuple):
    """Steps in an order; best says whether no order has a lower peak."""

    steps: tuple[ScheduleStep, ...]
    best: bool


def minimise_peak(graph: Graph, steps: tuple[ScheduleStep, ...], in_place: bool = False) -> ExecutionOrder:
    """Graph and its steps -> an order of them whose peak is no higher than that of the order given. UndecidedError
    while sizes are open."""
    plan = make_schedule(graph, steps, in_place)
    check_sizes(plan.buffers, "an execution order")
    p = make_problem(graph, steps, in_place)
    floor, limit = lower_bound(p), live_memory(plan).peak
    assert isinstance(limit, int)
    order: tuple[int, ...] = ()
    for peak, greedy in greedy_orders(p) if limit > floor else ():
        if peak < limit:
            limit, order = peak, greedy
    best = limit <= floor
    if not best:
        exact, best = _exact_search(p, floor, limit)
        order = exact or (order if best else _beam_search(p, floor, limit) or order)
    return ExecutionOrder(tuple([steps[i] for i in order]) if order else steps, best)


def check_sizes(buffers: tuple[Buffer, ...], what: str) -> None:
    """Buffers and the name of what depends on them -> UndecidedError where a size is a formula."""
    for buffer in buffers:
        if isinstance(buffer.nbytes, Poly):
            raise UndecidedError(
                f"{what} is chosen by sizes, and that of {buffer.name} is open", bind_remedy(buffer.nbytes)
            )


def _exact_search(p: OrderingProblem, floor: int, limit: int) -> tuple[tuple[int, ...], bool]:
    """Problem, lower bound and peak to beat -> (a best order, or () where none beats it; True), or ((), False) where
    the budget is spent.

    States are visited by their peak, the lowest first; so the first complete order is a best one.
    """
    queue: list[tuple[int, int, int, SearchState]] = []
    lowest: dict[frozenset[int], int] = {}
    count = spent = 0
    first = initial_state(p)
    heappush(queue, (max(first.peak, floor), 0, 0, first))
    while queue:
        peak, _, _, state = heappop(queue)
        if state.ran == len(p.waits):
            return tuple(trail_order(state.trail)), True
        if lowest.get(state.ready, peak) < peak:
            continue
        for step in state.ready:
            if max(peak, state_need(p, state, step)[0]) >= limit:
                continue
            after = run_step(p, state, step, floor)
            spent += 1 + len(after.ready) + len(after.left) + after.ran - state.ran
            if spent > EXACT_BUDGET:
                return (), False
            if after.peak < limit and after.peak < lowest.get(after.ready, limit):
                lowest[after.ready] = after.peak
                count += 1
                heappush(queue, (after.peak, -after.ran, count, after))
    return (), True


def _beam_search(p: OrderingProblem, floor: int, limit: int) -> tuple[int, ...]:
    """Problem, lower bound and peak to beat -> a better order, or () where none is found: at each place the states with
    the lowest peaks are continued."""
    states, spent = [initial_state(p)], 0
    best: SearchState | None = None
    while states and spent <= 2 * BEAM_BUDGET:
        before = spent
        spent += sum(len(state.ready) for state in states)
        reached: dict[frozenset[int], SearchState] = {}
        for after in _successors(p, states, floor, limit if best is None else best.peak):
            spent += 1 + len(after.ready) + len(after.left)
            if after.ran == len(p.waits):
                best = after if best is None or after.peak < best.peak else best
            elif after.ready not in reached or after.peak < reached[after.ready].peak:
                reached[after.ready] = after
        each = (spent - before) / len(states)
        remaining = len(p.waits) - max((state.ran for state in reached.values()), default=0)
        width = int(max(1, min(MAX_BEAM, (BEAM_BUDGET - spent) / each / max(remaining, 1))))
        states = nsmallest(width, reached.values(), key=lambda s: (s.peak, s.live, -s.ran))
    return () if best is None else tuple(trail_order(best.trail))


def _successors(p: OrderingProblem, states: list[SearchState], floor: int, limit: int) -> Iterator[SearchState]:
    """States -> the states after each one's MAX_BRANCHES best next steps that need less than a limit."""
    for state in states:
        needs = [(*state_need(p, state, i), i) for i in sorted(state.ready)]
        chosen = nsmallest(MAX_BRANCHES, needs, key=lambda n: (max(n[0], state.peak, floor), n[1]))
        yield from (run_step(p, state, i, floor) for during, _, i in chosen if during < limit)
