"""Two Snapshots → which layer of one is which of the other, by name where it tells, by structure where it does not.

A layer is the same one if all that it rests on, or all that rests on it, is. In what that leaves, the shortest edit
script is taken if it is short; if not, the layers with MACs are aligned first: they make a network, and two exports of
one agree in them. What stands between two of them is aligned within its gap. Where names are numbered automatically (an
inserted convolution makes conv3 into conv4), structure decides and names only break ties; the names of containers are
followed where that leaves fewer changes. What was moved, or stands in another order in the file, is found through its
neighbours that are aligned already, and by its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from costcalc.diff.containers import nested
from costcalc.diff.leftover import by_name, by_neighbours, doubtful
from costcalc.diff.pairing import Pairs
from costcalc.diff.sequence import between, in_order
from costcalc.diff.shortest import shortest
from costcalc.diff.side import Levels, Side, levels, side
from costcalc.diff.slide import slid
from costcalc.diff.wiring import Numbers
from costcalc.snapshot import Snapshot

Aligned = tuple[tuple["int | None", "int | None"], ...]
"""(index before, index after), None where the layer is not there."""

MOST_EDITS = 64
"""Layers that come and go in a script that is worth looking for."""


def align(before: Snapshot, after: Snapshot) -> Aligned:
    """Pairs of layer indexes, every layer in exactly one: in the new version's order, a removed layer after the one
    that it stood behind. Time is near-linear in the number of layers; only short runs are compared all with all."""
    numbers = Numbers()
    a, b = side(before, numbers), side(after, numbers)
    pairs = dict(_ordered(a, b, numbers))
    for find in (by_neighbours, by_name, by_neighbours):
        pairs |= find(a, b, pairs)
    lost = doubtful(a, b, pairs)
    for i in lost:
        del pairs[i]
    for find in (by_name, by_neighbours) if lost else ():
        pairs |= find(a, b, pairs)
    pairs = slid(a, b, pairs)
    return tuple(_in_place(pairs, len(a.layers), len(b.layers)))


def _ordered(a: Side, b: Side, numbers: Numbers) -> Pairs:
    """The pairs that keep the order: by whole lineages first, then, in what these leave, by the shortest edit script
    if that is short, and by the layers with MACs."""
    light, heavy = levels(a, b, False, numbers), levels(a, b, True, numbers)

    def heavy_first(xs: Sequence[int], ys: Sequence[int]) -> Pairs:
        pairs = in_order(a, [x for x in xs if a.heavy[x]], b, [y for y in ys if b.heavy[y]], heavy)
        for rest_x, rest_y, _ in between(xs, ys, pairs, 0):
            free = [x for x in rest_x if not a.heavy[x]], [y for y in rest_y if not b.heavy[y]]
            pairs = pairs + in_order(a, free[0], b, free[1], light)
        return pairs

    def nearly_alike(xs: Sequence[int], ys: Sequence[int]) -> Pairs:
        keys = [a.full[x] for x in xs], [b.full[y] for y in ys]
        found = shortest(*keys, min(MOST_EDITS, (len(xs) + len(ys)) // 10))
        if found is None:
            return heavy_first(xs, ys)
        pairs = [(xs[i], ys[j]) for i, j in found]
        for rest_x, rest_y, _ in between(xs, ys, pairs, 0):
            pairs = pairs + in_order(a, rest_x, b, rest_y, light, heavy_first)
        return pairs

    def lineages_first(xs: Sequence[int], ys: Sequence[int]) -> Pairs:
        return in_order(a, xs, b, ys, Levels(light.whole, light.whole), nearly_alike)

    return nested(a, b, range(len(a.layers)), range(len(b.layers)), lineages_first)


def _in_place(pairs: dict[int, int], n: int, m: int) -> Iterator[tuple[int | None, int | None]]:
    behind: dict[int, list[int]] = {}
    last = -1
    for i in range(n):
        if i in pairs:
            last = i
        else:
            behind.setdefault(last, []).append(i)
    back = {j: i for i, j in pairs.items()}
    yield from ((i, None) for i in behind.get(-1, ()))
    for j in range(m):
        match = back.get(j)
        yield match, j
        if match is not None:
            yield from ((i, None) for i in behind.get(match, ()))
