"""Two runs of layers in containers (`stage2/block1/conv`) → pairs within equally named containers, where that explains
the difference with fewer changes.

Where a block is edited that stands in many places, each place has come to look a little like its neighbours; what
structure alone would take for a shift by one block, the containers' names tell apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from costcalc.diff.naming import Part, split
from costcalc.diff.pairing import Pairs
from costcalc.diff.sequence import ascending
from costcalc.diff.side import Side

DEEPEST = 16
"""Levels of containers that are looked into."""

Align = Callable[[Sequence[int], Sequence[int]], Pairs]


class Run(NamedTuple):
    """The layers of a container, as positions in a run of layers."""

    start: int
    end: int


def nested(a: Side, b: Side, xs: Sequence[int], ys: Sequence[int], align: Align, depth: int = 0) -> Pairs:
    """The pairs that align finds in the runs as a whole, or container by container: whichever has fewer changes."""
    whole = align(xs, ys)
    cost = _cost(a, b, xs, ys, whole)
    if cost == (abs(len(xs) - len(ys)), 0, 0):
        return whole
    shared = _shared(a, b, xs, ys, depth)
    while shared == [(Run(0, len(xs)), Run(0, len(ys)))]:
        depth += 1
        shared = _shared(a, b, xs, ys, depth)
    parts: Pairs = []
    x = y = 0
    for mine, theirs in shared:
        parts += align(xs[x : mine.start], ys[y : theirs.start])
        parts += nested(a, b, xs[mine.start : mine.end], ys[theirs.start : theirs.end], align, depth + 1)
        x, y = mine.end, theirs.end
    if shared:
        parts += align(xs[x:], ys[y:])
    return parts if shared and _cost(a, b, xs, ys, parts) < cost else whole


def _cost(a: Side, b: Side, xs: Sequence[int], ys: Sequence[int], pairs: Pairs) -> tuple[int, int, int]:
    """How many layers come, go and change; how many have another name, numbers aside; and how many with them."""
    changed = sum(a.full[i] != b.full[j] for i, j in pairs)
    renamed = sum(a.stem[i] != b.stem[j] for i, j in pairs)
    return len(xs) + len(ys) - 2 * len(pairs) + changed, renamed, sum(a.name[i] != b.name[j] for i, j in pairs)


def _shared(a: Side, b: Side, xs: Sequence[int], ys: Sequence[int], depth: int) -> list[tuple[Run, Run]]:
    """Containers of one name at a depth of the path, in order; the only one of its like may have a number or none."""
    mine, theirs = dict(_runs(a, xs, depth)), dict(_runs(b, ys, depth))
    found = sorted((mine[name].start, theirs[name].start, name) for name in mine.keys() & theirs.keys())
    kept = ascending([(x, y) for x, y, _ in found])
    name_at = {x: name for x, _, name in found}
    return [(mine[name_at[x]], theirs[name_at[x]]) for x, _ in kept]


def _runs(side: Side, indexes: Sequence[int], depth: int) -> Iterator[tuple[tuple[str, int], Run]]:
    """Each container whose layers stand together."""
    names = [_container(side.layers[index].name, depth) for index in indexes]
    starts = [at for at, name in enumerate(names) if at == 0 or names[at - 1] != name]
    opened = Counter(names[at] for at in starts)
    for start, end in zip(starts, [*starts[1:], len(names)], strict=True):
        name = names[start]
        if name is not None and opened[name] == 1:
            yield name, Run(start, end)


def _container(name: str, depth: int) -> tuple[str, int] | None:
    """The part of a name at a depth, where it is not the layer's own."""
    path = split(name)
    if depth + 1 >= min(len(path), DEEPEST):
        return None
    part: Part = path[depth]
    return part.word, 1 if part.number is None else part.number
