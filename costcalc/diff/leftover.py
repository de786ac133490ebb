"""What two versions have in common out of order: layers that moved, or that a file lists in another order."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping, Sequence

from costcalc.diff.pairing import kindred, score
from costcalc.diff.sequence import unique, unique_by
from costcalc.diff.side import Side

MOST = 16
"""Neighbours of one layer that are compared with each other; a value that hundreds read tells little of them."""


def by_neighbours(a: Side, b: Side, pairs: Mapping[int, int]) -> dict[int, int]:
    """Further pairs: layers of one definition that read, or are read by, layers that are paired."""
    found: dict[int, int] = {}
    taken = set(pairs.values())
    if len(pairs) == len(a.layers) or len(taken) == len(b.layers):
        return found
    queue = deque(pairs.items())
    while queue:
        i, j = queue.popleft()
        for mine, theirs in ((a.graph.down[i], b.graph.down[j]), (a.graph.up[i], b.graph.up[j])):
            xs = [x for x in mine if x not in pairs and x not in found][:MOST]
            ys = [y for y in theirs if y not in taken][:MOST] if xs else []
            ranked = sorted(
                ((score(a, x, b, y), -abs(x - i - y + j), x, y) for x in xs for y in ys if a.loose[x] == b.loose[y]),
                reverse=True,
            )
            for _, _, x, y in ranked:
                if x not in found and y not in taken:
                    found[x] = y
                    taken.add(y)
                    queue.append((x, y))
    return found


def by_name(a: Side, b: Side, pairs: Mapping[int, int]) -> dict[int, int]:
    """Further pairs: one name and one operator (and one definition where the name may shift); and layers with MACs that
    are alike in all their shapes, if there is one such on either side, or in a container of either side (a quantiser
    makes `query/MatMul` into `query/MatMul_quant`)."""
    taken = set(pairs.values())
    xs = [i for i in range(len(a.layers)) if i not in pairs]
    ys = [j for j in range(len(b.layers)) if j not in taken]
    found: dict[int, int] = {}
    x_of, y_of = unique(xs, a.name), unique(ys, b.name)
    for name, x in x_of.items():
        y = y_of.get(name)
        if y is not None and a.kind[x] == b.kind[y] and (a.fixed[x] or a.loose[x] == b.loose[y]):
            found[x] = y
    for key in (_strict, _alike_in_container, _alike):
        used = set(found.values())
        x_at = unique_by((x, key(a, x)) for x in xs if x not in found and a.heavy[x])
        y_at = unique_by((y, key(b, y)) for y in ys if y not in used and b.heavy[y])
        found |= {x: y_at[at] for at, x in x_at.items() if at in y_at}
    return found


def _strict(side: Side, i: int) -> Hashable:
    return side.strict[i]


def _alike_in_container(side: Side, i: int) -> Hashable:
    return side.layers[i].name.rpartition("/")[0] or (id(side), i), side.alike[i]


def _alike(side: Side, i: int) -> Hashable:
    return side.alike[i]


def doubtful(a: Side, b: Side, pairs: Mapping[int, int]) -> Sequence[int]:
    """Pairs (by their first layer) that nothing speaks for: layers that differ in definition and in name, without
    neighbours that are a pair or alike. An operator that is swapped for a kindred one needs such on both sides, or
    equal MACs."""

    def joined(mine: Sequence[int], theirs: Sequence[int]) -> bool:
        alike = {b.strict[y] for y in theirs}
        return (not mine and not theirs) or any(pairs.get(x) in theirs or a.strict[x] in alike for x in mine)

    lost = []
    for i, j in pairs.items():
        if a.loose[i] == b.loose[j] or (a.name[i] == b.name[j] and a.fixed[i]):
            continue
        above = joined(a.graph.up[i], b.graph.up[j])
        below = joined(a.graph.down[i], b.graph.down[j])
        as_many = a.heavy[i] and a.macs[i] == b.macs[j]
        if a.kind[i] == b.kind[j]:
            keep = above or below or as_many or a.stem[i] == b.stem[j]
        else:
            keep = kindred(a, i, b, j) and (as_many or (above and below))
        if not keep:
            lost.append(i)
    return lost
