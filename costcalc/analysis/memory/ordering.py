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
    are those of the graph's inputs that are read or given back, first_step_bytes those of the others: they are alive in
    the first step only, whichever it is.

    A source is a step that reads nothing. It is never worse to run it right before the first step that needs it, so no
    step waits for it, and the search runs it with that step; unless first_step_bytes may make it the best first step.
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
    first_step_bytes: int


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
    schedule = make_schedule(graph, steps)
    buffers = schedule.buffers
    sizes = tuple([b.nbytes for b in buffers if isinstance(b.nbytes, int)])
    assert len(sizes) == len(buffers), "open sizes are refused before"
    buffer_of = {value: i for i, b in enumerate(buffers) for value in b.values}
    writer_of = {value: i for i, step in enumerate(steps) for value in step.writes}
    final_buffers = {buffer_of[v] for v in graph.outputs if v in buffer_of}
    predecessor_sets = [frozenset(writer_of[v] for v in step.reads if v in writer_of) for step in steps]
    reads = [tuple(dict.fromkeys(buffer_of[v] for v in step.reads if v in buffer_of)) for step in steps]
    readers: list[list[int]] = [[] for _ in buffers]
    followers: list[list[int]] = [[] for _ in steps]
    unread = {i for i, b in enumerate(buffers) if b.first_step < 0}.difference(final_buffers, *reads)
    sources: list[tuple[int, ...]] = []
    for i in range(len(steps)):
        candidates = () if unread else predecessor_sets[i]
        sources.append(tuple(sorted(j for j in candidates if not predecessor_sets[j] and not reads[j])))
        for j in predecessor_sets[i]:
            followers[j].append(i)
        for b in reads[i]:
            readers[b].append(i)
    allocated_bytes, unread_bytes = [0] * len(steps), [0] * len(steps)
    for i, buffer in enumerate(buffers):
        if buffer.first_step >= 0:
            allocated_bytes[buffer.first_step] += sizes[i]
            unread_bytes[buffer.first_step] += 0 if readers[i] or i in final_buffers else sizes[i]
    computed = {v: i for v, i in buffer_of.items() if buffers[i].first_step >= 0}
    overwritable = [
        tuple(computed[v] for v in in_place_inputs(graph, step) if v in computed) if in_place else () for step in steps
    ]
    return OrderingProblem(
        tuple([len(predecessors) - len(sources[i]) for i, predecessors in enumerate(predecessor_sets)]),
        tuple(map(tuple, followers)),
        tuple(sources),
        tuple(reads),
        tuple(allocated_bytes),
        tuple(unread_bytes),
        tuple(overwritable),
        sizes,
        tuple([len(r) + (i in final_buffers) for i, r in enumerate(readers)]),
        tuple(map(tuple, readers)),
        sum(sizes[i] for i, b in enumerate(buffers) if b.first_step < 0 and i not in unread),
        sum(sizes[i] for i in unread),
    )


def lower_bound(p: OrderingProblem) -> int:
    """Problem -> bytes that no order can do with less: the largest need of a single step, and the inputs."""
    step_bytes = [
        sum(p.nbytes[b] for b in p.reads[i])
        + p.allocated_bytes[i]
        - (p.nbytes[p.overwritable[i][0]] if p.overwritable[i] else 0)
        for i in range(len(p.predecessor_counts))
    ]
    return max([p.input_bytes, *step_bytes])


def initial_state(p: OrderingProblem) -> SearchState:
    """Problem -> the state before the first step."""
    sources = {s for group in p.sources for s in group}
    ready = frozenset(i for i, n in enumerate(p.predecessor_counts) if not n and i not in sources)
    return SearchState(ready, {}, {}, p.input_bytes, p.input_bytes, None, 0)


def measure_step_in_state(p: OrderingProblem, state: SearchState, step: int) -> tuple[int, int]:
    """State and step -> (live bytes while the step runs, live bytes after it), its sources included."""
    during, after = measure_step(p, state.pending, state.remaining_uses, state.live, step)
    return (during if state.step_count else during + p.first_step_bytes), after


def measure_step(
    p: OrderingProblem, pending: dict[int, int], remaining_uses: dict[int, int], live: int, step: int
) -> tuple[int, int]:
    """Parts of a state and a step -> (live bytes while the step runs, live bytes after it), its sources included."""
    freed = 0
    for b in p.reads[step]:
        if remaining_uses.get(b, p.use_counts[b]) == 1:
            freed += p.nbytes[b]
    most = 0
    for source in p.sources[step]:
        if source not in pending:
            most = max(most, live + p.allocated_bytes[source])
            live += p.allocated_bytes[source] - p.unread_bytes[source]
    during = live + p.allocated_bytes[step]
    after = during - freed - p.unread_bytes[step]
    if p.overwritable[step]:
        during -= max(
            [p.nbytes[b] for b in p.overwritable[step] if remaining_uses.get(b, p.use_counts[b]) == 1], default=0
        )
    return max(most, during), after


def run_step(p: OrderingProblem, state: SearchState, step: int, floor: int) -> SearchState:
    """State and step -> the state after it, and after every step that is then free: one that needs no more than the
    order needs anyway (floor, or the peak so far) and leaves no more than before.

    Running a free step at once is never worse: whatever else ran first, it would free no less then, and with it done
    every other step finds no more memory taken.
    """
    ready, pending, remaining_uses = set(state.ready), dict(state.pending), dict(state.remaining_uses)
    live, peak, trail, step_count = state.live, max(state.peak, floor), state.trail, state.step_count
    queue = [step]
    forced = True
    while queue:
        i = queue.pop()
        if i not in ready:
            continue
        during, after = measure_step(p, pending, remaining_uses, live, i)
        during += 0 if step_count else p.first_step_bytes
        if not forced and (during > peak or after > live):
            continue
        for source in p.sources[i]:
            if source not in pending:
                trail, step_count = (trail, source), step_count + 1
        peak, live, trail, step_count = max(peak, during), after, (trail, i), step_count + 1
        ready.discard(i)
        queue += finish_step(p, i, ready, pending, remaining_uses)
        if forced:
            forced = False
            queue += sorted(ready)
    return SearchState(frozenset(ready), pending, remaining_uses, live, peak, trail, step_count)


def finish_step(
    p: OrderingProblem, step: int, ready: set[int], pending: dict[int, int], remaining_uses: dict[int, int]
) -> list[int]:
    """Step and the sets of a state, which mark it as done -> the steps that can run now, or that would now free a
    buffer."""
    changed = []
    for source in p.sources[step]:
        n = pending.pop(source, len(p.followers[source])) - 1
        if n:
            pending[source] = n
    for j in p.followers[step]:
        n = pending.pop(j, p.predecessor_counts[j]) - 1
        if n:
            pending[j] = n
        else:
            ready.add(j)
            changed.append(j)
    for b in p.reads[step]:
        n = remaining_uses.pop(b, p.use_counts[b]) - 1
        if n:
            remaining_uses[b] = n
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
    ready, pending, remaining_uses = set(first.ready), dict[int, int](), dict[int, int]()
    live, peak = first.live, first.peak
    order: list[int] = []
    age = 0
    queue: list[tuple[tuple[int, ...], int, int, int]] = []
    ready_ages: dict[int, int] = {}

    def offer(step: int) -> None:
        during, after = measure_step(p, pending, remaining_uses, 0, step)
        heappush(queue, (key(during, after, ready_ages[step]), step, during, after))

    for i in sorted(ready):
        ready_ages[i] = 0
        offer(i)
    while queue:
        _, i, during, after = heappop(queue)
        if i not in ready or measure_step(p, pending, remaining_uses, 0, i) != (during, after):
            continue
        new_sources = [s for s in p.sources[i] if s not in pending]
        order += [*new_sources, i]
        peak = max(peak, live + during + (0 if len(order) > 1 else p.first_step_bytes))
        live += after
        ready.discard(i)
        age -= 1
        changed = finish_step(p, i, ready, pending, remaining_uses)
        changed += [f for s in new_sources for f in p.followers[s] if f in ready]
        for j in changed:
            ready_ages.setdefault(j, age)
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
    schedule = make_schedule(graph, steps, in_place)
    check_sizes(schedule.buffers, "an execution order")
    p = make_problem(graph, steps, in_place)
    floor, limit = lower_bound(p), live_memory(schedule).peak
    assert isinstance(limit, int)
    order: tuple[int, ...] = ()
    for peak, greedy in greedy_orders(p) if limit > floor else ():
        if peak < limit:
            limit, order = peak, greedy
    is_optimal = limit <= floor
    if not is_optimal:
        exact_order, is_optimal = _exact_search(p, floor, limit)
        order = exact_order or (order if is_optimal else _beam_search(p, floor, limit) or order)
    return ExecutionOrder(tuple([steps[i] for i in order]) if order else steps, is_optimal)


def check_sizes(buffers: tuple[Buffer, ...], decision: str) -> None:
    """Buffers and the name of what depends on them -> UndecidedError where a size is a formula."""
    for buffer in buffers:
        if isinstance(buffer.nbytes, Poly):
            raise UndecidedError(
                f"{decision} is chosen by sizes, and that of {buffer.name} is open", bind_remedy(buffer.nbytes)
            )


def _exact_search(p: OrderingProblem, floor: int, limit: int) -> tuple[tuple[int, ...], bool]:
    """Problem, lower bound and peak to beat -> (a best order, or () where none beats it; True), or ((), False) where
    the budget is spent.

    States are visited by their peak, the lowest first; so the first complete order is a best one.
    """
    queue: list[tuple[int, int, int, SearchState]] = []
    lowest: dict[frozenset[int], int] = {}
    count = copied = 0
    first = initial_state(p)
    heappush(queue, (max(first.peak, floor), 0, 0, first))
    while queue:
        peak, _, _, state = heappop(queue)
        if state.step_count == len(p.predecessor_counts):
            return tuple(trail_order(state.trail)), True
        if lowest.get(state.ready, peak) < peak:
            continue
        for step in state.ready:
            if max(peak, measure_step_in_state(p, state, step)[0]) >= limit:
                continue
            after = run_step(p, state, step, floor)
            copied += 1 + len(after.ready) + len(after.remaining_uses) + after.step_count - state.step_count
            if copied > EXACT_BUDGET:
                return (), False
            if after.peak < limit and after.peak < lowest.get(after.ready, limit):
                lowest[after.ready] = after.peak
                count += 1
                heappush(queue, (after.peak, -after.step_count, count, after))
    return (), True


def _beam_search(p: OrderingProblem, floor: int, limit: int) -> tuple[int, ...]:
    """Problem, lower bound and peak to beat -> a better order, or () where none is found: at each place the states with
    the lowest peaks are continued."""
    states, copied = [initial_state(p)], 0
    best: SearchState | None = None
    while states and copied <= 2 * BEAM_BUDGET:
        copied_before = copied
        copied += sum(len(state.ready) for state in states)
        reached: dict[frozenset[int], SearchState] = {}
        for after in _successors(p, states, floor, limit if best is None else best.peak):
            copied += 1 + len(after.ready) + len(after.remaining_uses)
            if after.step_count == len(p.predecessor_counts):
                best = after if best is None or after.peak < best.peak else best
            elif after.ready not in reached or after.peak < reached[after.ready].peak:
                reached[after.ready] = after
        copies_per_state = (copied - copied_before) / len(states)
        remaining_steps = len(p.predecessor_counts) - max((state.step_count for state in reached.values()), default=0)
        width = int(max(1, min(MAX_BEAM, (BEAM_BUDGET - copied) / copies_per_state / max(remaining_steps, 1))))
        states = nsmallest(width, reached.values(), key=lambda s: (s.peak, s.live, -s.step_count))
    return () if best is None else tuple(trail_order(best.trail))


def _successors(p: OrderingProblem, states: list[SearchState], floor: int, limit: int) -> Iterator[SearchState]:
    """States -> the states after each one's MAX_BRANCHES best next steps that need less than a limit."""
    for state in states:
        costs = [(*measure_step_in_state(p, state, i), i) for i in sorted(state.ready)]
        cheapest = nsmallest(MAX_BRANCHES, costs, key=lambda n: (max(n[0], state.peak, floor), n[1]))
        yield from (run_step(p, state, i, floor) for during, _, i in cheapest if during < limit)
