"""Schedule -> live bytes at each step, and the peak."""

from __future__ import annotations

from typing import NamedTuple

from costcalc.dim import Dim, bounds, maximum, substitute, symbols
from costcalc.memory.schedule import Schedule

WIDEST = 4
"""How many formulas a symbolic peak is the maximum of at most; more are left undecided."""


class Timeline(NamedTuple):
    """live[i] is what step i needs (its inputs, its outputs and what lives across it); peak is their maximum, None
    where open symbols leave it undecided; step is the first at the peak."""

    live: tuple[Dim, ...]
    peak: Dim | None
    step: int


def timeline(schedule: Schedule) -> Timeline:
    """Live activation bytes over an execution order."""
    live = live_bytes(schedule)
    peak, at = largest(live)
    return Timeline(tuple(live), peak, at)


def live_bytes(schedule: Schedule) -> list[Dim]:
    """What each step needs, by adding buffers at birth and taking them away after death."""
    count = len(schedule.steps)
    change: list[Dim] = [0] * (count + 2)
    for buffer in schedule.buffers:
        start = max(buffer.born, 0)
        change[start] = change[start] + buffer.nbytes
        if buffer.dies < count:
            change[buffer.dies + 1] = change[buffer.dies + 1] - buffer.nbytes
    live: list[Dim] = []
    now: Dim = 0
    for step in range(max(count, 1)):
        now = now + change[step]
        live.append(now)
    return live


def largest(values: list[Dim]) -> tuple[Dim | None, int]:
    """(the maximum, where it stands first); a max() of a few formulas where symbols leave it open, None of many."""
    numbers = [v for v in values if isinstance(v, int)]
    if len(numbers) == len(values):
        peak = max(numbers, default=0)
        return peak, values.index(peak) if values else 0
    names = symbols(*values)
    points = [dict.fromkeys(names, n) for n in (1, 100, 100_003)] + [{name: 7 + 31 * i for i, name in enumerate(names)}]
    at = {value: [substitute(value, point) for point in points] for value in dict.fromkeys(values)}

    def covers(a: Dim, b: Dim) -> bool:
        """Whether a >= b always; what numbers disprove is not asked."""
        return all(x >= y for x, y in zip(at[a], at[b], strict=True)) and bounds(a - b)[0] >= 0

    kept: list[Dim] = []
    for value in sorted(at, key=lambda v: at[v][2], reverse=True):
        if any(covers(have, value) for have in kept):
            continue
        kept = [have for have in kept if not covers(value, have)] + [value]
        if len(kept) > WIDEST * 4:
            return None, 0
    kept.sort(key=lambda v: -bounds(v)[0])
    if len(kept) > WIDEST:
        return None, 0
    total = kept[0]
    for value in kept[1:]:
        total = maximum(total, value)
    return total, values.index(kept[0])
