"""Schedule to Arena: an offset for each buffer in one static plan, as microcontroller runtimes lay out memory.

The largest buffer goes first, each at the lowest offset that is free while it lives (the greedy planner of TensorFlow
Lite for Microcontrollers). While the arena is larger than what is alive at once, other orders are tried, then orders in
which the topmost buffer has changed places with one that is in its way; the smallest arena wins. Graphs with very many
overlapping lifetimes are laid out step by step in time instead.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

from costcalc.analysis.memory.liveness import Buffer, Schedule
from costcalc.analysis.memory.ordering import check_sizes
from costcalc.analysis.options import TFLM_RUNTIMES, ExecutionOptions
from costcalc.core.ir import Graph
from costcalc.core.result import short_repr

Lifetime = tuple[int, int]
"""The first and the last step that a buffer lives through."""


def count_overlaps(spans: Sequence[Lifetime]) -> int:
    """Lifetimes -> the number of pairs that overlap."""
    total = alive = 0
    ends: dict[int, int] = {}
    for _, last in spans:
        ends[last + 1] = ends.get(last + 1, 0) + 1
    starts: dict[int, int] = {}
    for first, _ in spans:
        starts[first] = starts.get(first, 0) + 1
    for step in sorted({*ends, *starts}):
        alive -= ends.get(step, 0)
        started = starts.get(step, 0)
        total += started * alive + started * (started - 1) // 2
        alive += started
    return total


def overlapping_buffers(spans: Sequence[Lifetime]) -> list[list[int]]:
    """Lifetimes -> for each buffer the indexes of all others whose lifetime overlaps its own."""
    overlaps: list[list[int]] = [[] for _ in spans]
    alive: list[int] = []
    for i in sorted(range(len(spans)), key=lambda i: spans[i][0]):
        alive = [j for j in alive if spans[j][1] >= spans[i][0]]
        for j in alive:
            overlaps[j].append(i)
        overlaps[i] += alive
        alive.append(i)
    return overlaps


def place_lowest(order: Sequence[int], sizes: Sequence[int], overlaps: Sequence[Sequence[int]]) -> list[int]:
    """Order of placement, sizes and overlaps -> the offset of each buffer, in the lowest gap that holds it."""
    offsets = [-1] * len(sizes)
    for i in order:
        size, low = sizes[i], 0
        for start, j in sorted([(offsets[j], j) for j in overlaps[i] if offsets[j] >= 0]):
            if start - low >= size:
                break
            end = start + sizes[j]
            if end > low:
                low = end
        offsets[i] = low
    return offsets


def place_in_time(sizes: Sequence[int], spans: Sequence[Lifetime]) -> list[int]:
    """Sizes and lifetimes -> the offset of each buffer when memory is allocated and freed step by step, always in the
    lowest gap that is large enough."""
    offsets = [0] * len(sizes)
    gaps: list[Lifetime] = []
    """(start, end) of free memory below the top, in order, no two of them adjacent."""
    top = 0
    alive: list[tuple[int, int]] = []
    for i in sorted(range(len(sizes)), key=lambda i: (spans[i][0], -sizes[i])):
        while alive and alive[0][0] < spans[i][0]:
            j = heappop(alive)[1]
            _free_gap(gaps, offsets[j], offsets[j] + sizes[j])
        if not sizes[i]:
            continue
        for position, (start, end) in enumerate(gaps):
            if end - start >= sizes[i]:
                offsets[i] = start
                gaps[position : position + 1] = [(start + sizes[i], end)] if end - start > sizes[i] else []
                break
        else:
            offsets[i] = top if not gaps or gaps[-1][1] < top else gaps.pop()[0]
            top = offsets[i] + sizes[i]
        heappush(alive, (spans[i][1], i))
    return offsets


def _free_gap(gaps: list[Lifetime], start: int, end: int) -> None:
    """Sorted gaps and the start and end of freed memory -> the gaps hold it too, united with those that it touches."""
    position = bisect_left(gaps, (start, end))
    if position < len(gaps) and gaps[position][0] == end:
        end = gaps.pop(position)[1]
    if position and gaps[position - 1][1] == start:
        start = gaps.pop(position - 1)[0]
    insort(gaps, (start, end))


MAX_COMPARISONS = 1_500_000
"""Most pairs of buffers that all orders together compare."""

MAX_OVERLAPS = 4_000_000
"""Most overlapping pairs for which orders are tried; with more, buffers are placed in time."""

ACCEPT_WORSE = 0.02
"""Probability that the search continues from a worse order."""


class Arena(NamedTuple):
    """A static plan. offsets in bytes, one for each buffer of the schedule; size of the arena; bound is the largest sum
    of live buffers, each rounded up to the alignment: no arena is smaller."""

    buffers: tuple[Buffer, ...]
    offsets: tuple[int, ...]
    size: int
    bound: int
    alignment: int

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr("Arena of", f"{len(self.buffers):,} buffers", f"{self.size:,} bytes")


def plan_arena(schedule: Schedule, alignment: int = 1) -> Arena:
    """Schedule and alignment in bytes -> a plan in which no two buffers that live at the same time overlap.
    UndecidedError while sizes are open."""
    check_sizes(schedule.buffers, "an offset")
    sizes = [-(-int(b.nbytes) // alignment) * alignment for b in schedule.buffers]
    end = max(len(schedule.steps) - 1, 0)
    spans = [(max(b.first_step, 0), max(min(b.last_step, end), b.first_step, 0)) for b in schedule.buffers]
    live = _live_bytes(sizes, spans, end + 1)
    bound = max(live)
    offsets = (
        place_in_time(sizes, spans)
        if count_overlaps(spans) > MAX_OVERLAPS
        else _smallest_placement(sizes, spans, live, bound)
    )
    return Arena(schedule.buffers, tuple(offsets), _arena_size(offsets, sizes), bound, alignment)


def _live_bytes(sizes: Sequence[int], spans: Sequence[Lifetime], steps: int) -> list[int]:
    """Sizes and lifetimes -> live bytes at each step."""
    changes = [0] * (steps + 1)
    for size, (first, last) in zip(sizes, spans, strict=True):
        changes[first] += size
        changes[last + 1] -= size
    current, live = 0, []
    for i in range(steps):
        current += changes[i]
        live.append(current)
    return live


def _arena_size(offsets: Sequence[int], sizes: Sequence[int]) -> int:
    return max([offset + size for offset, size in zip(offsets, sizes, strict=True)], default=0)


def _smallest_placement(sizes: Sequence[int], spans: Sequence[Lifetime], live: Sequence[int], bound: int) -> list[int]:
    """Sizes, lifetimes and live bytes -> the offsets of the smallest arena among all orders that are tried."""
    indexes = range(len(sizes))
    overlaps = overlapping_buffers(spans)
    crowding = [max(live[first : min(last, first + 32) + 1]) for first, last in spans]
    keys: list[Callable[[int], tuple[int, ...]]] = [
        lambda i: (-sizes[i], spans[i][0]),
        lambda i: (-crowding[i], -sizes[i]),
        lambda i: (-sizes[i] * (spans[i][1] - spans[i][0] + 1),),
        lambda i: (spans[i][0] - spans[i][1], -sizes[i]),
        lambda i: (spans[i][0], -sizes[i]),
    ]
    comparisons = len(sizes) + sum(map(len, overlaps))
    best: tuple[int, list[int], list[int]] | None = None
    for key in keys:
        order = sorted(indexes, key=key)
        offsets = place_lowest(order, sizes, overlaps)
        height = _arena_size(offsets, sizes)
        if best is None or height < best[0]:
            best = height, order, offsets
        if height <= bound:
            return offsets
    assert best is not None
    return _improve_placement(*best, sizes, overlaps, bound, MAX_COMPARISONS // max(comparisons, 1))


def _improve_placement(
    height: int,
    order: list[int],
    offsets: list[int],
    sizes: Sequence[int],
    overlaps: Sequence[Sequence[int]],
    bound: int,
    rounds: int,
) -> list[int]:
    """Order and its offsets -> the offsets of the smallest arena of a local search: the buffer that ends highest
    changes places with one that was placed before it and overlaps it, or overlaps one of those. The choice is
    pseudo-random with a fixed seed."""
    random = Random(0)
    best, current = (height, offsets), (height, offsets)
    for _ in range(rounds):
        if best[0] <= bound:
            break
        rank = {i: r for r, i in enumerate(order)}
        top = random.choice([i for i in order if current[1][i] + sizes[i] == current[0]])
        candidates = [j for j in overlaps[top] if rank[j] < rank[top]]
        candidates += [
            k for j in random.sample(candidates, min(3, len(candidates))) for k in overlaps[j] if rank[k] < rank[top]
        ]
        if not candidates:
            break
        lower = random.choice(candidates)
        swapped = list(order)
        swapped[rank[top]], swapped[rank[lower]] = lower, top
        placement = place_lowest(swapped, sizes, overlaps)
        height = _arena_size(placement, sizes)
        if height <= current[0] or random.random() < ACCEPT_WORSE:
            order, current = swapped, (height, placement)
        if height < best[0]:
            best = height, placement
    return best[1]


REFERENCE_KERNELS = "tflm:cortex-m"
"""The build that suits every core of 32 bits."""

NO_RUNTIME = "tensors alone: an interpreter's arena is larger"
NO_RUNTIME_REMEDIES = {
    True: "--runtime tflm:cmsis-nn for Cortex-M; tflm:cortex-m for others of 32 bits",
    False: "--runtime tflm tells it of a .tflite file",
}
"""What is said of an arena without what a runtime adds, and what tells it, by whether the model is a .tflite file."""


def arena_remark(graph: Graph, execution: ExecutionOptions, device_runtime: str = "") -> str:
    """Graph, execution and the runtime of the device's core, if known -> what arena bytes leave out (all that an
    interpreter adds, unless a runtime of microcontrollers is stated), or that the stated one is that of other cores."""
    flat = graph.flat
    is_stored = flat is not None and flat.is_as_stored
    if execution.runtime in TFLM_RUNTIMES:
        is_other = device_runtime and execution.runtime not in (device_runtime, REFERENCE_KERNELS)
        return f"{execution.runtime} is no build for its core: --runtime {device_runtime}" if is_other else ""
    own = f"--runtime {device_runtime} is the build for its core"
    return f"{NO_RUNTIME} ({own if device_runtime and is_stored else NO_RUNTIME_REMEDIES[is_stored]})"
