"""Two Snapshots → which layer of one is which of the other, by name where names are stable, by structure where not.

A layer is the same one if all that it rests on, or all that rests on it, is. In what that leaves, the shortest edit
script is taken if it is short; if not, the layers with MACs are aligned first: they make a network, and two exports of
one agree in them. What stands between two of them is aligned within its gap. Where names are numbered automatically (an
inserted convolution makes conv3 into conv4), structure decides and names only break ties; the names of containers are
followed where that leaves fewer changes. What was moved, or stands in another order in the file, is found through its
neighbours that are aligned already, and by its name.

What two versions have in common out of order: layers that moved, or that a file lists in another order.

Two runs of layers in containers (`stage2/block1/conv`) → pairs within equally named containers, where that explains
the difference with fewer changes.

Where a block is edited that stands in many places, each place has come to look a little like its neighbours; what
structure alone would take for a shift by one block, the containers' names tell apart.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

from costcalc.studies.diff.keys import AnchorKeys, LayerKeys, Numbers, anchor_keys, layer_keys
from costcalc.studies.diff.names import NamePart, split_name
from costcalc.studies.diff.sequence import (
    Pairs,
    align_runs,
    anchor_gaps,
    are_kindred,
    longest_ascending,
    pair_in_order,
    score,
    shortest_script,
    unique_by,
    unique_keys,
)
from costcalc.studies.diff.snapshot import Snapshot

MAX_NEIGHBOURS = 16
"""Neighbours of one layer that are compared with each other; a value that hundreds read tells little of them."""


def pair_by_neighbours(a: LayerKeys, b: LayerKeys, pairs: Mapping[int, int]) -> dict[int, int]:
    """Further pairs: layers of one definition that read, or are read by, layers that are paired."""
    found: dict[int, int] = {}
    taken = set(pairs.values())
    if len(pairs) == len(a.layers) or len(taken) == len(b.layers):
        return found
    queue = deque(pairs.items())
    while queue:
        i, j = queue.popleft()
        for mine, theirs in ((a.graph.down[i], b.graph.down[j]), (a.graph.up[i], b.graph.up[j])):
            xs = [x for x in mine if x not in pairs and x not in found][:MAX_NEIGHBOURS]
            ys = [y for y in theirs if y not in taken][:MAX_NEIGHBOURS] if xs else []
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


def pair_by_name(a: LayerKeys, b: LayerKeys, pairs: Mapping[int, int]) -> dict[int, int]:
    """Further pairs: one name and one operator (and one definition where the name may shift); and layers with MACs that
    are alike in all their shapes, if there is one such on either side, or in a container of either side (a quantiser
    makes `query/MatMul` into `query/MatMul_quant`)."""
    taken = set(pairs.values())
    xs = [i for i in range(len(a.layers)) if i not in pairs]
    ys = [j for j in range(len(b.layers)) if j not in taken]
    found: dict[int, int] = {}
    x_of, y_of = unique_keys(xs, a.name), unique_keys(ys, b.name)
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


def _strict(side: LayerKeys, i: int) -> Hashable:
    return side.strict[i]


def _alike_in_container(side: LayerKeys, i: int) -> Hashable:
    return side.layers[i].name.rpartition("/")[0] or (id(side), i), side.alike[i]


def _alike(side: LayerKeys, i: int) -> Hashable:
    return side.alike[i]


def unsupported_pairs(a: LayerKeys, b: LayerKeys, pairs: Mapping[int, int]) -> Sequence[int]:
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
            keep = are_kindred(a, i, b, j) and (as_many or (above and below))
        if not keep:
            lost.append(i)
    return lost


MAX_CONTAINER_DEPTH = 16
"""Levels of containers that are looked into."""

Align = Callable[[Sequence[int], Sequence[int]], Pairs]


class LayerRun(NamedTuple):
    """The layers of a container, as positions in a run of layers."""

    start: int
    end: int


def align_containers(
    a: LayerKeys, b: LayerKeys, xs: Sequence[int], ys: Sequence[int], align: Align, depth: int = 0
) -> Pairs:
    """The pairs that align finds in the runs as a whole, or container by container: whichever has fewer changes."""
    whole = align(xs, ys)
    cost = _cost(a, b, xs, ys, whole)
    if cost == (abs(len(xs) - len(ys)), 0, 0):
        return whole
    shared = _shared(a, b, xs, ys, depth)
    while shared == [(LayerRun(0, len(xs)), LayerRun(0, len(ys)))]:
        depth += 1
        shared = _shared(a, b, xs, ys, depth)
    parts: Pairs = []
    x = y = 0
    for mine, theirs in shared:
        parts += align(xs[x : mine.start], ys[y : theirs.start])
        parts += align_containers(a, b, xs[mine.start : mine.end], ys[theirs.start : theirs.end], align, depth + 1)
        x, y = mine.end, theirs.end
    if shared:
        parts += align(xs[x:], ys[y:])
    return parts if shared and _cost(a, b, xs, ys, parts) < cost else whole


def _cost(a: LayerKeys, b: LayerKeys, xs: Sequence[int], ys: Sequence[int], pairs: Pairs) -> tuple[int, int, int]:
    """How many layers come, go and change; how many have another name, numbers aside; and how many with them."""
    changed = sum(a.full[i] != b.full[j] for i, j in pairs)
    renamed = sum(a.stem[i] != b.stem[j] for i, j in pairs)
    return len(xs) + len(ys) - 2 * len(pairs) + changed, renamed, sum(a.name[i] != b.name[j] for i, j in pairs)


def _shared(
    a: LayerKeys, b: LayerKeys, xs: Sequence[int], ys: Sequence[int], depth: int
) -> list[tuple[LayerRun, LayerRun]]:
    """Containers of one name at a depth of the path, in order; the only one of its like may have a number or none."""
    mine, theirs = dict(_runs(a, xs, depth)), dict(_runs(b, ys, depth))
    found = sorted((mine[name].start, theirs[name].start, name) for name in mine.keys() & theirs.keys())
    kept = longest_ascending([(x, y) for x, y, _ in found])
    name_at = {x: name for x, _, name in found}
    return [(mine[name_at[x]], theirs[name_at[x]]) for x, _ in kept]


def _runs(side: LayerKeys, indexes: Sequence[int], depth: int) -> Iterator[tuple[tuple[str, int], LayerRun]]:
    """Each container whose layers stand together."""
    names = [_container(side.layers[index].name, depth) for index in indexes]
    starts = [at for at, name in enumerate(names) if at == 0 or names[at - 1] != name]
    opened = Counter(names[at] for at in starts)
    for start, end in zip(starts, [*starts[1:], len(names)], strict=True):
        name = names[start]
        if name is not None and opened[name] == 1:
            yield name, LayerRun(start, end)


def _container(name: str, depth: int) -> tuple[str, int] | None:
    """The part of a name at a depth, where it is not the layer's own."""
    path = split_name(name)
    if depth + 1 >= min(len(path), MAX_CONTAINER_DEPTH):
        return None
    part: NamePart = path[depth]
    return part.word, 1 if part.number is None else part.number


Aligned = tuple[tuple["int | None", "int | None"], ...]
"""(index before, index after), None where the layer is not there."""

MAX_EDITS = 64
"""Layers that come and go in a script that is worth looking for."""


def align(before: Snapshot, after: Snapshot) -> Aligned:
    """Pairs of layer indexes, every layer in exactly one: in the new version's order, a removed layer after the one
    that it stood behind. Time is near-linear in the number of layers; only short runs are compared all with all."""
    numbers = Numbers()
    a, b = layer_keys(before, numbers), layer_keys(after, numbers)
    pairs = dict(_ordered(a, b, numbers))
    for find in (pair_by_neighbours, pair_by_name, pair_by_neighbours):
        pairs |= find(a, b, pairs)
    lost = unsupported_pairs(a, b, pairs)
    for i in lost:
        del pairs[i]
    for find in (pair_by_name, pair_by_neighbours) if lost else ():
        pairs |= find(a, b, pairs)
    pairs = align_runs(a, b, pairs)
    return tuple(_in_place(pairs, len(a.layers), len(b.layers)))


def _ordered(a: LayerKeys, b: LayerKeys, numbers: Numbers) -> Pairs:
    """The pairs that keep the order: by whole lineages first, then, in what these leave, by the shortest edit script
    if that is short, and by the layers with MACs."""
    light, heavy = anchor_keys(a, b, False, numbers), anchor_keys(a, b, True, numbers)

    def heavy_first(xs: Sequence[int], ys: Sequence[int]) -> Pairs:
        pairs = pair_in_order(a, [x for x in xs if a.heavy[x]], b, [y for y in ys if b.heavy[y]], heavy)
        for rest_x, rest_y, _ in anchor_gaps(xs, ys, pairs, 0):
            free = [x for x in rest_x if not a.heavy[x]], [y for y in rest_y if not b.heavy[y]]
            pairs = pairs + pair_in_order(a, free[0], b, free[1], light)
        return pairs

    def nearly_alike(xs: Sequence[int], ys: Sequence[int]) -> Pairs:
        keys = [a.full[x] for x in xs], [b.full[y] for y in ys]
        found = shortest_script(*keys, min(MAX_EDITS, (len(xs) + len(ys)) // 10))
        if found is None:
            return heavy_first(xs, ys)
        pairs = [(xs[i], ys[j]) for i, j in found]
        for rest_x, rest_y, _ in anchor_gaps(xs, ys, pairs, 0):
            pairs = pairs + pair_in_order(a, rest_x, b, rest_y, light, heavy_first)
        return pairs

    def lineages_first(xs: Sequence[int], ys: Sequence[int]) -> Pairs:
        return pair_in_order(a, xs, b, ys, AnchorKeys(light.lineages, light.lineages), nearly_alike)

    return align_containers(a, b, range(len(a.layers)), range(len(b.layers)), lineages_first)


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
