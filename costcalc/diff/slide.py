"""Added and removed runs among layers that are all alike → the same runs where the names say that they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from costcalc.diff.side import Side

MOST = 1024
"""Layers by which a run is moved at the most."""


def slid(a: Side, b: Side, pairs: Mapping[int, int]) -> dict[int, int]:
    """The pairs with each run of added or removed layers moved up or down, past layers that are alike, to where most
    names agree. Of five equal blocks that were four, the fifth is the new one unless the names tell otherwise."""
    back = _moved(b, a, {j: i for i, j in pairs.items()})
    return _moved(a, b, {i: j for j, i in back.items()})


def _moved(new: Side, old: Side, match: dict[int, int]) -> dict[int, int]:
    """The layers of `new` with their partners in `old`; runs of those without one are moved."""
    n, end = len(new.layers), 0
    while end < n:
        start = end
        if start in match:
            end += 1
            continue
        while end < n and end not in match:
            end += 1
        down = _gain(new, old, match, ((end + t, start + t) for t in range(min(MOST, n - end))))
        up = _gain(new, old, match, ((start - 1 - t, end - 1 - t) for t in range(min(MOST, start))))
        steps = max(down, up, key=len)
        for source, target in steps:
            match[target] = match.pop(source)
        if steps is down:
            end += len(steps)
    return match


def _gain(new: Side, old: Side, match: Mapping[int, int], steps: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """The steps (from, to) that move partners on while these are alike, up to where most names agree; none where that
    is no more than agree now."""
    gain, most, kept = 0, 0, 0
    taken: list[tuple[int, int]] = []
    for source, target in steps:
        partner = match.get(source)
        if partner is None or old.strict[partner] != new.strict[target]:
            break
        taken.append((source, target))
        name = old.name[partner]
        gain += (name == new.name[target]) - (name == new.name[source])
        if gain > most:
            most, kept = gain, len(taken)
    return taken[:kept]
