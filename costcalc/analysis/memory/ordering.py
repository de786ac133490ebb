"""Graph and steps to an execution order with a lower peak of live bytes: greedy orders, an exact search, and a beam
where the exact search takes too long.

A greedy order takes at each place the step that is best by its key among those that can run, and never goes back.
For the searches, what is live depends only on which steps have run, not on their order: a state is such a set of
steps, represented by its frontier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush, nsmallest
from typing import NamedTuple

from costcalc.analysis.memory.liveness import Buffer, ScheduleStep, in_place_inputs, live_memory, make_schedule
from costcalc.core.dim import Poly, bind_remedy
from costcalc.core.errors import UndecidedError
from costcalc.core.ir import Graph

StepTrail = tuple["StepTrail", int] | None
"""Linked list of the steps that have run, the last first."""


class OrderingProblem(NamedTuple):
    """Steps and buffers as indexes.

    Of each step: predecessor_counts, the number of steps that it waits for; followers, those that wait for it; sources
    that it needs; the buffers that it reads (each once); allocated_bytes, and of them those that no step reads
    (unread_bytes); overwritable, the buffers that it may write over where it is their last reader. Of each buffer:
    nbytes; use_counts, the number of steps that read it (one more where it lives to the end); its readers. input_bytes
    are those of the graph's inputs.

    A source is a step that reads nothing. It is never worse to run it right before the first step that needs it, so no
    step waits for it, and the search runs it with that step.
    """

    predecessor_counts: tuple[int, ...]
    followers: tuple[tuple[int, ...], ...]
    sources: tuple[tuple[int, ...], ...]
    reads: tuple[tuple[int, ...], ...]
    allocated_bytes: tuple[int, ...]
    unread_bytes: tuple[int, ...]
    overwritable: tuple[tuple[int, ...], ...]
    nbytes: tuple[int, ...]
    use_counts: tuple[int, ...]
    readers: tuple[tuple[int, ...], ...]
    input_bytes: int


class SearchState(NamedTuple):
    """A set of steps that have run.

    ready are the steps that can run next. pending maps steps of which some predecessors have run to the number of the
    others (sources that have run, to the number of followers that have not). remaining_uses maps buffers that were read
    to how often they will be read. live and peak are bytes, now and at most so far; step_count counts the steps.
    """

    ready: frozenset[int]
    pending: dict[int, int]
    remaining_uses: dict[int, int]
    live: int
    peak: int
    trail: StepTrail
    step_count: int


def make_problem(graph: Graph, steps: tuple[ScheduleStep, ...], in_place: bool) -> OrderingProblem:
    """Graph and its steps -> their ordering problem. All sizes must be numbers (ordering.check_sizes)."""
    plan = make_schedule(graph, steps)
    buffers = plan.buffers
    sizes = tuple([b.nbytes for b in buffers if isinstance(b.nbytes, int)])
    assert len(sizes) == len(buffers), "open sizes are refused before"
    home = {value: i for i, b in enumerate(buffers) for value in b.values}
    maker = {value: i for i, step in enumerate(steps) for value in step.writes}
    to_the_end = {home[v] for v in graph.outputs if v in home}
    before = [frozenset(maker[v] for v in step.reads if v in maker) for step in steps]
    reads = [tuple(dict.fromkeys(home[v] for v in step.reads if v in home)) for step in steps]
    readers: list[list[int]] = [[] for _ in buffers]
    followers: list[list[int]] = [[] for _ in steps]
    sources: list[tuple[int, ...]] = []
    for i in range(len(steps)):
        sources.append(tuple(sorted(j for j in before[i] if not before[j] and not reads[j])))
        for j in before[i]:
            followers[j].append(i)
        for b in reads[i]:
            readers[b].append(i)
    to_the_end |= {i for i, b in enumerate(buffers) if b.first_step < 0 and not readers[i]}
    allocates, unread = [0] * len(steps), [0] * len(steps)
    for i, buffer in enumerate(buffers):
        if buffer.first_step >= 0:
            allocates[buffer.first_step] += sizes[i]
            unread[buffer.first_step] += 0 if readers[i] or i in to_the_end else sizes[i]
    over = [
        tuple(home[v] for v in in_place_inputs(graph, step) if v in home and buffers[home[v]].first_step >= 0)
        if in_place
        else ()
        for step in steps
    ]
    return OrderingProblem(
        tuple([len(needed) - len(sources[i]) for i, needed in enumerate(before)]),
        tuple(map(tuple, followers)),
        tuple(sources),
        tuple(reads),
        tuple(allocates),
        tuple(unread),
        tuple(over),
        sizes,
        tuple([len(r) + (i in to_the_end) for i, r in enumerate(readers)]),
        tuple(map(tuple, readers)),
        sum(sizes[i] for i, b in enumerate(buffers) if b.first_step < 0),
    )


def lower_bound(p: OrderingProblem) -> int:
    """Problem -> bytes that no order can do with less: the largest need of a single step, and the inputs."""
    needs = [
        sum(p.nbytes[b] for b in p.reads[i])
        + p.allocated_bytes[i]
        - (p.nbytes[p.overwritable[i][0]] if p.overwritable[i] else 0)
        for i in range(len(p.predecessor_counts))
    ]
    return max([p.input_bytes, *needs])


def initial_state(p: OrderingProblem) -> SearchState:
    """Problem -> the state before the first step."""
    sources = {s for needed in p.sources for s in needed}
    ready = frozenset(i for i, n in enumerate(p.predecessor_counts) if not n and i not in sources)
    return SearchState(ready, {}, {}, p.input_bytes, p.input_bytes, None, 0)


def state_need(p: OrderingProblem, state: SearchState, step: int) -> tuple[int, int]:
    """State and step -> (live bytes while the step runs, live bytes after it), its sources included."""
    return step_need(p, state.pending, state.remaining_uses, state.live, step)


def step_need(
    p: OrderingProblem, missing: dict[int, int], left: dict[int, int], live: int, step: int
) -> tuple[int, int]:
    """Parts of a state and a step -> (live bytes while the step runs, live bytes after it), its sources included."""
    freed = 0
    for b in p.reads[step]:
        if left.get(b, p.use_counts[b]) == 1:
            freed += p.nbytes[b]
    most = 0
    for source in p.sources[step]:
        if source not in missing:
            most = max(most, live + p.allocated_bytes[source])
            live += p.allocated_bytes[source] - p.unread_bytes[source]
    during = live + p.allocated_bytes[step]
    after = during - freed - p.unread_bytes[step]
    if p.overwritable[step]:
        during -= max([p.nbytes[b] for b in p.overwritable[step] if left.get(b, p.use_counts[b]) == 1], default=0)
    return max(most, during), after


def run_step(p: OrderingProblem, state: SearchState, step: int, floor: int) -> SearchState:
    """State and step -> the state after it, and after every step that is then free: one that needs no more than the
    order needs anyway (floor, or the peak so far) and leaves no more than before.

    Running a free step at once is never worse: whatever else ran first, it would free no less then, and with it done
    every other step finds no more memory taken.
    """
    ready, missing, left = set(state.ready), dict(state.pending), dict(state.remaining_uses)
    live, peak, trail, ran = state.live, max(state.peak, floor), state.trail, state.step_count
    queue = [step]
    forced = True
    while queue:
        i = queue.pop()
        if i not in ready:
            continue
        during, after = step_need(p, missing, left, live, i)
        if not forced and (during > peak or after > live):
            continue
        for source in p.sources[i]:
            if source not in missing:
                trail, ran = (trail, source), ran + 1
        peak, live, trail, ran = max(peak, during), after, (trail, i), ran + 1
        ready.discard(i)
        queue += finish_step(p, i, ready, missing, left)
        if forced:
            forced = False
            queue += sorted(ready)
    return SearchState(frozenset(ready), missing, left, live, peak, trail, ran)


def finish_step(
    p: OrderingProblem, step: int, ready: set[int], missing: dict[int, int], left: dict[int, int]
) -> list[int]:
    """Marks a step as done in the sets of a state -> the steps that can run now, or that would now free a buffer."""
    changed = []
    for source in p.sources[step]:
        n = missing.pop(source, len(p.followers[source])) - 1
        if n:
            missing[source] = n
    for j in p.followers[step]:
        n = missing.pop(j, p.predecessor_counts[j]) - 1
        if n:
            missing[j] = n
        else:
            ready.add(j)
            changed.append(j)
    for b in p.reads[step]:
        n = left.pop(b, p.use_counts[b]) - 1
        if n:
            left[b] = n
        if n == 1:
            changed += [r for r in p.readers[b] if r in ready]
    return changed


def trail_order(trail: StepTrail) -> Iterator[int]:
    """Trail -> its steps, the first first."""
    steps = []
    while trail is not None:
        trail, step = trail
        steps.append(step)
    return reversed(steps)


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
    """Steps in an order; is_optimal says whether no order has a lower peak."""

    steps: tuple[ScheduleStep, ...]
    is_optimal: bool


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
        if state.step_count == len(p.predecessor_counts):
            return tuple(trail_order(state.trail)), True
        if lowest.get(state.ready, peak) < peak:
            continue
        for step in state.ready:
            if max(peak, state_need(p, state, step)[0]) >= limit:
                continue
            after = run_step(p, state, step, floor)
            spent += 1 + len(after.ready) + len(after.remaining_uses) + after.step_count - state.step_count
            if spent > EXACT_BUDGET:
                return (), False
            if after.peak < limit and after.peak < lowest.get(after.ready, limit):
                lowest[after.ready] = after.peak
                count += 1
                heappush(queue, (after.peak, -after.step_count, count, after))
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
            spent += 1 + len(after.ready) + len(after.remaining_uses)
            if after.step_count == len(p.predecessor_counts):
                best = after if best is None or after.peak < best.peak else best
            elif after.ready not in reached or after.peak < reached[after.ready].peak:
                reached[after.ready] = after
        each = (spent - before) / len(states)
        remaining = len(p.predecessor_counts) - max((state.step_count for state in reached.values()), default=0)
        width = int(max(1, min(MAX_BEAM, (BEAM_BUDGET - spent) / each / max(remaining, 1))))
        states = nsmallest(width, reached.values(), key=lambda s: (s.peak, s.live, -s.step_count))
    return () if best is None else tuple(trail_order(best.trail))


def _successors(p: OrderingProblem, states: list[SearchState], floor: int, limit: int) -> Iterator[SearchState]:
    """States -> the states after each one's MAX_BRANCHES best next steps that need less than a limit."""
    for state in states:
        needs = [(*state_need(p, state, i), i) for i in sorted(state.ready)]
        chosen = nsmallest(MAX_BRANCHES, needs, key=lambda n: (max(n[0], state.peak, floor), n[1]))
        yield from (run_step(p, state, i, floor) for during, _, i in chosen if during < limit)
