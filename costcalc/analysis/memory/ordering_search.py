"""Graph and steps to OrderingProblem and its SearchStates: which steps can run, what memory each needs and leaves.

What is live depends only on which steps have run, not on their order. A state is such a set of steps, represented by
its frontier.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from costcalc.analysis.memory.liveness import ScheduleStep, in_place_inputs, make_schedule
from costcalc.core.ir import Graph

StepTrail = tuple["StepTrail", int] | None
"""Linked list of the steps that have run, the last first."""


class OrderingProblem(NamedTuple):
    """Steps and buffers as indexes.

    Of each step: waits, the number of steps that it waits for; followers, those that wait for it; sources that it
    needs; the buffers that it reads (each once); the bytes that it allocates, and of them those that no step reads
    (unread); over, the buffers that it may write over where it is their last reader. Of each buffer: nbytes; uses, the
    number of steps that read it (one more where it lives to the end); its readers. at_start are the bytes of the
    inputs.

    A source is a step that reads nothing. It is never worse to run it right before the first step that needs it, so no
    step waits for it, and the search runs it with that step.
    """

    waits: tuple[int, ...]
    followers: tuple[tuple[int, ...], ...]
    sources: tuple[tuple[int, ...], ...]
    reads: tuple[tuple[int, ...], ...]
    allocates: tuple[int, ...]
    unread: tuple[int, ...]
    over: tuple[tuple[int, ...], ...]
    nbytes: tuple[int, ...]
    uses: tuple[int, ...]
    readers: tuple[tuple[int, ...], ...]
    at_start: int


class SearchState(NamedTuple):
    """A set of steps that have run.

    ready are the steps that can run next. missing maps steps of which some predecessors have run to the number of the
    others (sources that have run, to the number of followers that have not). left maps buffers that were read to the
    number of their remaining uses. live and peak are bytes, now and at most so far; ran counts the steps.
    """

    ready: frozenset[int]
    missing: dict[int, int]
    left: dict[int, int]
    live: int
    peak: int
    trail: StepTrail
    ran: int


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
    to_the_end |= {i for i, b in enumerate(buffers) if b.born < 0 and not readers[i]}
    allocates, unread = [0] * len(steps), [0] * len(steps)
    for i, buffer in enumerate(buffers):
        if buffer.born >= 0:
            allocates[buffer.born] += sizes[i]
            unread[buffer.born] += 0 if readers[i] or i in to_the_end else sizes[i]
    over = [
        tuple(home[v] for v in in_place_inputs(graph, step) if v in home and buffers[home[v]].born >= 0)
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
        sum(sizes[i] for i, b in enumerate(buffers) if b.born < 0),
    )


def lower_bound(p: OrderingProblem) -> int:
    """Problem -> bytes that no order can do with less: the largest need of a single step, and the inputs."""
    needs = [
        sum(p.nbytes[b] for b in p.reads[i]) + p.allocates[i] - (p.nbytes[p.over[i][0]] if p.over[i] else 0)
        for i in range(len(p.waits))
    ]
    return max([p.at_start, *needs])


def initial_state(p: OrderingProblem) -> SearchState:
    """Problem -> the state before the first step."""
    sources = {s for needed in p.sources for s in needed}
    ready = frozenset(i for i, n in enumerate(p.waits) if not n and i not in sources)
    return SearchState(ready, {}, {}, p.at_start, p.at_start, None, 0)


def state_need(p: OrderingProblem, state: SearchState, step: int) -> tuple[int, int]:
    """State and step -> (live bytes while the step runs, live bytes after it), its sources included."""
    return step_need(p, state.missing, state.left, state.live, step)


def step_need(
    p: OrderingProblem, missing: dict[int, int], left: dict[int, int], live: int, step: int
) -> tuple[int, int]:
    """Parts of a state and a step -> (live bytes while the step runs, live bytes after it), its sources included."""
    freed = 0
    for b in p.reads[step]:
        if left.get(b, p.uses[b]) == 1:
            freed += p.nbytes[b]
    most = 0
    for source in p.sources[step]:
        if source not in missing:
            most = max(most, live + p.allocates[source])
            live += p.allocates[source] - p.unread[source]
    during = live + p.allocates[step]
    after = during - freed - p.unread[step]
    if p.over[step]:
        during -= max([p.nbytes[b] for b in p.over[step] if left.get(b, p.uses[b]) == 1], default=0)
    return max(most, during), after


def run_step(p: OrderingProblem, state: SearchState, step: int, floor: int) -> SearchState:
    """State and step -> the state after it, and after every step that is then free: one that needs no more than the
    order needs anyway (floor, or the peak so far) and leaves no more than before.

    Running a free step at once is never worse: whatever else ran first, it would free no less then, and with it done
    every other step finds no more memory taken.
    """
    ready, missing, left = set(state.ready), dict(state.missing), dict(state.left)
    live, peak, trail, ran = state.live, max(state.peak, floor), state.trail, state.ran
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
        n = missing.pop(j, p.waits[j]) - 1
        if n:
            missing[j] = n
        else:
            ready.add(j)
            changed.append(j)
    for b in p.reads[step]:
        n = left.pop(b, p.uses[b]) - 1
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
