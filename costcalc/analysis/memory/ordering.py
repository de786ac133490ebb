"""Steps -> the same steps in an order with a lower peak of live bytes: the best one where the search can finish.

Execution orders found without looking back: at each place the step that seems best of those that can run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush, nsmallest
from typing import NamedTuple

from costcalc.analysis.memory.liveness import Buffer, ScheduleStep, schedule, timeline
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
from costcalc.core.dim import Poly, remedy
from costcalc.core.errors import UndecidedError
from costcalc.core.ir import Graph

OrderKey = Callable[[int, int, int], tuple[int, ...]]
"""Of a step: by how much live bytes rise while it runs and after it, and when it became ready (later is less)."""

ORDER_KEYS: tuple[OrderKey, ...] = (
    lambda during, after, age: (after, age, during),
    lambda during, after, age: (after, during, age),
    lambda during, after, age: (min(after, 0), age),
    lambda during, after, age: (during, after, age),
)
"""The most freed first, what became ready last before its elders, so that a branch is finished before the next."""


def greedy_orders(p: OrderingProblem) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(peak, order) by each of the KEYS."""
    return (_greedy_order(p, key) for key in ORDER_KEYS)


def _greedy_order(p: OrderingProblem, key: OrderKey) -> tuple[int, tuple[int, ...]]:
    """What a step adds and frees changes only when a buffer that it reads has no other reader left, or a source that it
    needs has run; it is then queued again, and an entry that has become wrong is dropped when it comes up."""
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
"""How much the exact search may copy (a state of w ready steps and open buffers counts w) before a beam takes over."""

BEAM_BUDGET = 600_000
"""The same for the beam, which becomes the narrower, the larger the graph is."""

MAX_BEAM = 64

MAX_BRANCHES = 8
"""How many next steps of a state the beam follows."""


class ExecutionOrder(NamedTuple):
    """Steps in an order; best says whether none has a lower peak."""

    steps: tuple[ScheduleStep, ...]
    best: bool


def minimise_peak(graph: Graph, steps: tuple[ScheduleStep, ...], in_place: bool = False) -> ExecutionOrder:
    """An order whose peak is never above that of the given one. UndecidedError while sizes are open."""
    plan = schedule(graph, steps, in_place)
    check_sizes(plan.buffers, "an execution order")
    p = make_problem(graph, steps, in_place)
    floor, given = lower_bound(p), timeline(plan).peak
    assert isinstance(given, int)
    order: tuple[int, ...] = ()
    for peak, found in greedy_orders(p) if given > floor else ():
        if peak < given:
            given, order = peak, found
    best = given <= floor
    if not best:
        found, best = _exact_search(p, floor, given)
        order = found or (order if best else _beam_search(p, floor, given) or order)
    return ExecutionOrder(tuple([steps[i] for i in order]) if order else steps, best)


def check_sizes(buffers: tuple[Buffer, ...], what: str) -> None:
    """UndecidedError where a size is still a formula."""
    for buffer in buffers:
        if isinstance(buffer.nbytes, Poly):
            raise UndecidedError(f"{what} is chosen by sizes, and that of {buffer.name} is open", remedy(buffer.nbytes))


def _exact_search(p: OrderingProblem, floor: int, given: int) -> tuple[tuple[int, ...], bool]:
    """(a best order, or () where the given one is best; True), or ((), False) where it takes too long.

    States are visited by their peak, the lowest first; so the first complete order is a best one.
    """
    queue: list[tuple[int, int, int, SearchState]] = []
    seen: dict[frozenset[int], int] = {}
    count = spent = 0
    first = initial_state(p)
    heappush(queue, (max(first.peak, floor), 0, 0, first))
    while queue:
        peak, _, _, state = heappop(queue)
        if state.ran == len(p.waits):
            return tuple(trail_order(state.trail)), True
        if seen.get(state.ready, peak) < peak:
            continue
        for step in state.ready:
            if max(peak, state_need(p, state, step)[0]) >= given:
                continue
            after = run_step(p, state, step, floor)
            spent += 1 + len(after.ready) + len(after.left) + after.ran - state.ran
            if spent > EXACT_BUDGET:
                return (), False
            if after.peak < given and after.peak < seen.get(after.ready, given):
                seen[after.ready] = after.peak
                count += 1
                heappush(queue, (after.peak, -after.ran, count, after))
    return (), True


def _beam_search(p: OrderingProblem, floor: int, given: int) -> tuple[int, ...]:
    """A better order than the given one, or () where none is met: the states with the lowest peaks go on together."""
    states, spent = [initial_state(p)], 0
    best: SearchState | None = None
    while states and spent <= 2 * BEAM_BUDGET:
        before = spent
        spent += sum(len(state.ready) for state in states)
        reached: dict[frozenset[int], SearchState] = {}
        for after in _successors(p, states, floor, given if best is None else best.peak):
            spent += 1 + len(after.ready) + len(after.left)
            if after.ran == len(p.waits):
                best = after if best is None or after.peak < best.peak else best
            elif after.ready not in reached or after.peak < reached[after.ready].peak:
                reached[after.ready] = after
        each = (spent - before) / len(states)
        to_come = len(p.waits) - max((state.ran for state in reached.values()), default=0)
        width = int(max(1, min(MAX_BEAM, (BEAM_BUDGET - spent) / each / max(to_come, 1))))
        states = nsmallest(width, reached.values(), key=lambda s: (s.peak, s.live, -s.ran))
    return () if best is None else tuple(trail_order(best.trail))


def _successors(p: OrderingProblem, states: list[SearchState], floor: int, limit: int) -> Iterator[SearchState]:
    """The most promising states one step further, below a limit."""
    for state in states:
        needs = [(*state_need(p, state, i), i) for i in sorted(state.ready)]
        chosen = nsmallest(MAX_BRANCHES, needs, key=lambda n: (max(n[0], state.peak, floor), n[1]))
        yield from (run_step(p, state, i, floor) for during, _, i in chosen if during < limit)
