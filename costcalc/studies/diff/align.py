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

from costcalc.studies.diff.keys import AnchorKeys, Interner, LayerKeys, make_anchor_keys, make_layer_keys
from costcalc.studies.diff.names import NamePart, split_name
from costcalc.studies.diff.sequence import (
    Pairs,
    align_runs,
    anchor_gaps,
    have_same_family,
    index_unique,
    index_unique_keys,
    longest_ascending,
    pair_in_order,
    score,
    shortest_script,
)
from costcalc.studies.diff.snapshot import Snapshot

MAX_NEIGHBOURS = 16
"""Neighbours of one layer that are compared with each other; a value that hundreds read tells little of them."""


def pair_by_neighbours(a: LayerKeys, b: LayerKeys, pairs: Mapping[int, int]) -> dict[int, int]:
    """Further pairs: layers of one definition that read, or are read by, layers that are paired."""
    new_pairs: dict[int, int] = {}
    paired_ys = set(pairs.values())
    if len(pairs) == len(a.layers) or len(paired_ys) == len(b.layers):
        return new_pairs
    queue = deque(pairs.items())
    while queue:
        i, j = queue.popleft()
        for a_neighbours, b_neighbours in ((a.graph.down[i], b.graph.down[j]), (a.graph.up[i], b.graph.up[j])):
            xs = [x for x in a_neighbours if x not in pairs and x not in new_pairs][:MAX_NEIGHBOURS]
            ys = [y for y in b_neighbours if y not in paired_ys][:MAX_NEIGHBOURS] if xs else []
            ranked = sorted(
                (
                    (score(a, x, b, y), -abs(x - i - y + j), x, y)
                    for x in xs
                    for y in ys
                    if a.shape_free[x] == b.shape_free[y]
                ),
                reverse=True,
            )
            for _, _, x, y in ranked:
                if x not in new_pairs and y not in paired_ys:
                    new_pairs[x] = y
                    paired_ys.add(y)
                    queue.append((x, y))
    return new_pairs


def pair_by_name(a: LayerKeys, b: LayerKeys, pairs: Mapping[int, int]) -> dict[int, int]:
    """Further pairs: one name and one operator (and one definition where the name may shift); and layers with MACs that
    are alike in all their shapes, if there is one such on either side, or in a container of either side (a quantiser
    makes `query/MatMul` into `query/MatMul_quant`)."""
    paired_ys = set(pairs.values())
    xs = [i for i in range(len(a.layers)) if i not in pairs]
    ys = [j for j in range(len(b.layers)) if j not in paired_ys]
    new_pairs: dict[int, int] = {}
    x_of, y_of = index_unique_keys(xs, a.name), index_unique_keys(ys, b.name)
    for name, x in x_of.items():
        y = y_of.get(name)
        if y is not None and a.kind[x] == b.kind[y] and (a.stable_name[x] or a.shape_free[x] == b.shape_free[y]):
            new_pairs[x] = y
    for key in (_operator_key, _container_shape_key, _shape_key):
        new_ys = set(new_pairs.values())
        x_at = index_unique((x, key(a, x)) for x in xs if x not in new_pairs and a.has_macs[x])
        y_at = index_unique((y, key(b, y)) for y in ys if y not in new_ys and b.has_macs[y])
        new_pairs |= {x: y_at[key_value] for key_value, x in x_at.items() if key_value in y_at}
    return new_pairs


def _operator_key(keys: LayerKeys, i: int) -> Hashable:
    return keys.with_operator[i]


def _container_shape_key(keys: LayerKeys, i: int) -> Hashable:
    return keys.layers[i].name.rpartition("/")[0] or (id(keys), i), keys.with_shapes[i]


def _shape_key(keys: LayerKeys, i: int) -> Hashable:
    return keys.with_shapes[i]


def unsupported_pairs(a: LayerKeys, b: LayerKeys, pairs: Mapping[int, int]) -> Sequence[int]:
    """Pairs (by their first layer) that nothing speaks for: layers that differ in definition and in name, without
    neighbours that are a pair or alike. An operator that is swapped for a kindred one needs such on both sides, or
    equal MACs."""

    def are_connected(a_neighbours: Sequence[int], b_neighbours: Sequence[int]) -> bool:
        neighbour_keys = {b.with_operator[y] for y in b_neighbours}
        return (not a_neighbours and not b_neighbours) or any(
            pairs.get(x) in b_neighbours or a.with_operator[x] in neighbour_keys for x in a_neighbours
        )

    unsupported = []
    for i, j in pairs.items():
        if a.shape_free[i] == b.shape_free[j] or (a.name[i] == b.name[j] and a.stable_name[i]):
            continue
        above = are_connected(a.graph.up[i], b.graph.up[j])
        below = are_connected(a.graph.down[i], b.graph.down[j])
        equal_macs = a.has_macs[i] and a.macs[i] == b.macs[j]
        if a.kind[i] == b.kind[j]:
            supported = above or below or equal_macs or a.stem[i] == b.stem[j]
        else:
            supported = have_same_family(a, i, b, j) and (equal_macs or (above and below))
        if not supported:
            unsupported.append(i)
    return unsupported


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
    flat_pairs = align(xs, ys)
    flat_cost = _edit_cost(a, b, xs, ys, flat_pairs)
    if flat_cost == (abs(len(xs) - len(ys)), 0, 0):
        return flat_pairs
    containers = _pair_containers(a, b, xs, ys, depth)
    while containers == [(LayerRun(0, len(xs)), LayerRun(0, len(ys)))]:
        depth += 1
        containers = _pair_containers(a, b, xs, ys, depth)
    container_pairs: Pairs = []
    x = y = 0
    for a_run, b_run in containers:
        container_pairs += align(xs[x : a_run.start], ys[y : b_run.start])
        container_pairs += align_containers(
            a, b, xs[a_run.start : a_run.end], ys[b_run.start : b_run.end], align, depth + 1
        )
        x, y = a_run.end, b_run.end
    if containers:
        container_pairs += align(xs[x:], ys[y:])
    return container_pairs if containers and _edit_cost(a, b, xs, ys, container_pairs) < flat_cost else flat_pairs


def _edit_cost(a: LayerKeys, b: LayerKeys, xs: Sequence[int], ys: Sequence[int], pairs: Pairs) -> tuple[int, int, int]:
    """How many layers come, go and change; how many have another name, numbers aside; and how many with them."""
    changed = sum(a.definition[i] != b.definition[j] for i, j in pairs)
    renamed = sum(a.stem[i] != b.stem[j] for i, j in pairs)
    return len(xs) + len(ys) - 2 * len(pairs) + changed, renamed, sum(a.name[i] != b.name[j] for i, j in pairs)


def _pair_containers(
    a: LayerKeys, b: LayerKeys, xs: Sequence[int], ys: Sequence[int], depth: int
) -> list[tuple[LayerRun, LayerRun]]:
    """Containers of one name at a depth of the path, in order; the only one of its like may have a number or none."""
    a_runs, b_runs = dict(_container_runs(a, xs, depth)), dict(_container_runs(b, ys, depth))
    shared_names = sorted((a_runs[name].start, b_runs[name].start, name) for name in a_runs.keys() & b_runs.keys())
    ascending = longest_ascending([(x, y) for x, y, _ in shared_names])
    name_at = {x: name for x, _, name in shared_names}
    return [(a_runs[name_at[x]], b_runs[name_at[x]]) for x, _ in ascending]


def _container_runs(keys: LayerKeys, indexes: Sequence[int], depth: int) -> Iterator[tuple[tuple[str, int], LayerRun]]:
    """Each container whose layers stand together."""
    names = [_container_at(keys.layers[index].name, depth) for index in indexes]
    starts = [at for at, name in enumerate(names) if at == 0 or names[at - 1] != name]
    run_counts = Counter(names[at] for at in starts)
    for start, end in zip(starts, [*starts[1:], len(names)], strict=True):
        name = names[start]
        if name is not None and run_counts[name] == 1:
            yield name, LayerRun(start, end)


def _container_at(name: str, depth: int) -> tuple[str, int] | None:
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
    interner = Interner()
    a, b = make_layer_keys(before, interner), make_layer_keys(after, interner)
    pairs = dict(_pair_layers_in_order(a, b, interner))
    for find in (pair_by_neighbours, pair_by_name, pair_by_neighbours):
        pairs |= find(a, b, pairs)
    unsupported = unsupported_pairs(a, b, pairs)
    for i in unsupported:
        del pairs[i]
    for find in (pair_by_name, pair_by_neighbours) if unsupported else ():
        pairs |= find(a, b, pairs)
    pairs = align_runs(a, b, pairs)
    return tuple(_merge_order(pairs, len(a.layers), len(b.layers)))


def _pair_layers_in_order(a: LayerKeys, b: LayerKeys, interner: Interner) -> Pairs:
    """The pairs that keep the order: by whole lineages first, then, in what these leave, by the shortest edit script
    if that is short, and by the layers with MACs."""
    all_keys, macs_keys = make_anchor_keys(a, b, False, interner), make_anchor_keys(a, b, True, interner)

    def pair_macs_first(xs: Sequence[int], ys: Sequence[int]) -> Pairs:
        pairs = pair_in_order(a, [x for x in xs if a.has_macs[x]], b, [y for y in ys if b.has_macs[y]], macs_keys)
        for gap_xs, gap_ys, _ in anchor_gaps(xs, ys, pairs, 0):
            light_gap = [x for x in gap_xs if not a.has_macs[x]], [y for y in gap_ys if not b.has_macs[y]]
            pairs = pairs + pair_in_order(a, light_gap[0], b, light_gap[1], all_keys)
        return pairs

    def pair_by_script(xs: Sequence[int], ys: Sequence[int]) -> Pairs:
        keys = [a.definition[x] for x in xs], [b.definition[y] for y in ys]
        script = shortest_script(*keys, min(MAX_EDITS, (len(xs) + len(ys)) // 10))
        if script is None:
            return pair_macs_first(xs, ys)
        pairs = [(xs[i], ys[j]) for i, j in script]
        for gap_xs, gap_ys, _ in anchor_gaps(xs, ys, pairs, 0):
            pairs = pairs + pair_in_order(a, gap_xs, b, gap_ys, all_keys, pair_macs_first)
        return pairs

    def pair_by_lineages(xs: Sequence[int], ys: Sequence[int]) -> Pairs:
        return pair_in_order(a, xs, b, ys, AnchorKeys(all_keys.lineages, all_keys.lineages), pair_by_script)

    return align_containers(a, b, range(len(a.layers)), range(len(b.layers)), pair_by_lineages)


def _merge_order(pairs: dict[int, int], n: int, m: int) -> Iterator[tuple[int | None, int | None]]:
    removed_after: dict[int, list[int]] = {}
    last_paired = -1
    for i in range(n):
        if i in pairs:
            last_paired = i
        else:
            removed_after.setdefault(last_paired, []).append(i)
    before_of = {j: i for i, j in pairs.items()}
    yield from ((i, None) for i in removed_after.get(-1, ()))
    for j in range(m):
        match = before_of.get(j)
        yield match, j
        if match is not None:
            yield from ((i, None) for i in removed_after.get(match, ()))
