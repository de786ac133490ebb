"""Two runs of layers to pairs in order: equal ends first, then anchors whose key is unique on both sides, and the
best pairs within the small gaps that are left.

Keys are paired by their shortest edit script, if it is short (Myers 1986, An O(ND) Difference Algorithm); runs
among layers that are all alike move to where the names say; short runs are paired by what their layers have in
common (dynamic programming).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from costcalc.studies.diff.keys import AnchorKey, AnchorKeys, LayerKeys

UNIT = 1024
"""More than the sum of all shifting names of a run: where structure tells, they do not."""

KIND, LOOSE, STRICT, WIDTH, FIXED_NAME, MACS, SWAPPED = 100, 60, 60, 5, 40, 30, 30
"""What the same operator, the same kernel and stride, the same shapes, the same filters, the same name without a
number, the same MACs and a kindred operator are worth. Three changed layers are likelier than one that went, two that
stayed and one that came."""

Pairs = list[tuple[int, int]]

UP, LEFT, PAIR = 1, 2, 3
"""Where the best sum of a cell comes from: without the old layer, without the new one, or with both as a pair."""


def are_kindred(a: LayerKeys, i: int, b: LayerKeys, j: int) -> bool:
    """Whether two operators may take each other's place."""
    return a.family[i] != "" and a.family[i] == b.family[j]


def score(a: LayerKeys, i: int, b: LayerKeys, j: int) -> int:
    """How much two layers have in common; 0 where they cannot be the same."""
    named = a.name[i] == b.name[j]
    if a.kind[i] != b.kind[j]:
        fixed = named and a.fixed[i]
        return UNIT * (SWAPPED + FIXED_NAME * fixed) + named if fixed or are_kindred(a, i, b, j) else 0
    found = KIND
    if a.loose[i] == b.loose[j]:
        found += LOOSE
    if a.strict[i] == b.strict[j]:
        found += STRICT
    if a.full[i] == b.full[j]:
        found += WIDTH
    if a.heavy[i] and a.macs[i] == b.macs[j]:
        found += MACS
    if named and a.fixed[i]:
        found += FIXED_NAME
    return UNIT * found + named


def best_pairs(a: LayerKeys, xs: Sequence[int], b: LayerKeys, ys: Sequence[int], band: int | None = None) -> Pairs:
    """The pairs (x, y), both ascending, whose scores add up to the most: len(xs) · len(ys) steps, or with a band only
    those pairs that lie within it beside the diagonal."""
    n, m = len(xs), len(ys)
    wide = m if band is None else band + abs(n - m)
    choices: list[tuple[int, bytearray]] = []
    above, start = [0], 0
    for r, x in enumerate(xs):
        low, high = max(0, r * m // n - wide), min(m, r * m // n + wide + 1)
        # right of its band the row above stays at its last sum
        above = above[low - start :] + [above[-1]] * (high + 1 - start - len(above))
        last = above[0]
        row, choice = [last], bytearray()
        for c in range(low, high):
            up, diagonal = above[c + 1 - low], above[c - low]
            pick, most = (UP, up) if up >= last else (LEFT, last)
            worth = score(a, x, b, ys[c])
            if worth and diagonal + worth >= most:
                pick, most = PAIR, diagonal + worth
            choice.append(pick)
            row.append(most)
            last = most
        choices.append((low, choice))
        above, start = row, low
    return _trace_pairs(xs, ys, choices)


def _trace_pairs(xs: Sequence[int], ys: Sequence[int], choices: Sequence[tuple[int, bytearray]]) -> Pairs:
    """The pairs on the way of the choices, from their end; each row's begin at a column."""
    pairs: Pairs = []
    r, c = len(xs) - 1, len(ys) - 1
    while r >= 0 and c >= 0:
        low, choice = choices[r]
        pick = UP if c < low else LEFT if c >= low + len(choice) else choice[c - low]
        if pick == PAIR:
            pairs.append((xs[r], ys[c]))
        r -= pick != LEFT
        c -= pick != UP
    return pairs[::-1]


SMALL, LARGE, HUGE = 400, 20_000, 2_000_000
"""Cells (layers × layers) up to which a gap is paired at once, after anchors are looked for, and within a band."""

BAND = 16

Key = TypeVar("Key", bound=Hashable)

Rest = Callable[[Sequence[int], Sequence[int]], Pairs]
"""What pairs a gap without anchors that is too large to be paired at once."""


def pair_in_order(
    a: LayerKeys, xs: Sequence[int], b: LayerKeys, ys: Sequence[int], keys: AnchorKeys, rest: Rest | None = None
) -> Pairs:
    """Pairs of indexes that ascend on both sides; a layer without a counterpart is in none."""
    pairs: Pairs = []
    gaps = [(xs, ys, 0)]
    while gaps:
        xs, ys, level = gaps.pop()
        xs, ys = _trimmed(a, xs, b, ys, pairs)
        cells = len(xs) * len(ys)
        anchors: Pairs = []
        # the keys of whole lineages are tried in small gaps too: what they say holds against any likeness
        while cells and level < (len(keys.levels) if cells > SMALL else len(keys.lineages)) and not anchors:
            anchors = _anchors(xs, ys, keys.levels[level]())
            level += not anchors
        if anchors:
            gaps += anchor_gaps(xs, ys, anchors, level)
            pairs += anchors
        elif rest is not None and cells > SMALL:
            pairs += rest(xs, ys)
        elif 0 < cells <= LARGE:
            pairs += best_pairs(a, xs, b, ys)
        elif cells and len(xs) * (abs(len(xs) - len(ys)) + 2 * BAND) <= HUGE:
            pairs += best_pairs(a, xs, b, ys, BAND)
    return sorted(pairs)


def _trimmed(
    a: LayerKeys, xs: Sequence[int], b: LayerKeys, ys: Sequence[int], pairs: Pairs
) -> tuple[Sequence[int], Sequence[int]]:
    """The runs without their common beginning and end: layers of one name that are alike in all."""
    start, end = 0, min(len(xs), len(ys))
    while start < end and _same(a, xs[start], b, ys[start]):
        pairs.append((xs[start], ys[start]))
        start += 1
    last = 0
    while last < end - start and _same(a, xs[-1 - last], b, ys[-1 - last]):
        last += 1
        pairs.append((xs[-last], ys[-last]))
    return xs[start : len(xs) - last], ys[start : len(ys) - last]


def _same(a: LayerKeys, i: int, b: LayerKeys, j: int) -> bool:
    return a.strict[i] == b.strict[j] and a.name[i] == b.name[j]


def _anchors(xs: Sequence[int], ys: Sequence[int], level: AnchorKey) -> Pairs:
    """Layers whose key occurs once on either side, without those that cross."""
    x_of, y_of = unique_keys(xs, level.before), unique_keys(ys, level.after)
    return longest_ascending([(x, y_of[key]) for key, x in x_of.items() if key in y_of])


def unique_keys(indexes: Sequence[int], keys: Sequence[int]) -> dict[int, int]:
    """The index of each key that occurs once."""
    return unique_by([(index, keys[index]) for index in indexes])


def unique_by(keyed: Iterable[tuple[int, Key]]) -> dict[Key, int]:
    """The index of each key that occurs once, of (index, key)."""
    once: dict[Key, int] = {}
    more: set[Key] = set()
    for index, key in keyed:
        if key in once:
            more.add(key)
        once[key] = index
    return {key: index for key, index in once.items() if key not in more}


def longest_ascending(pairs: Pairs) -> Pairs:
    """The longest run of pairs, given with ascending first numbers, whose second numbers ascend too."""
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for at, (_, y) in enumerate(pairs):
        pile = bisect_left(tops, y)
        if pile == len(tops):
            tops.append(y)
            ends.append(at)
        else:
            tops[pile] = y
            ends[pile] = at
        before.append(ends[pile - 1] if pile else -1)
    found: Pairs = []
    at = ends[-1] if ends else -1
    while at >= 0:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]


def anchor_gaps(
    xs: Sequence[int], ys: Sequence[int], anchors: Pairs, level: int
) -> list[tuple[Sequence[int], Sequence[int], int]]:
    """The gaps beside and between anchors."""
    gaps = []
    x_start = y_start = 0
    for x, y in anchors:
        x_at, y_at = bisect_left(xs, x, x_start), bisect_left(ys, y, y_start)
        gaps.append((xs[x_start:x_at], ys[y_start:y_at], level))
        x_start, y_start = x_at + 1, y_at + 1
    gaps.append((xs[x_start:], ys[y_start:], level))
    return [gap for gap in gaps if gap[0] and gap[1]]


def shortest_script(a: Sequence[int], b: Sequence[int], most: int) -> list[tuple[int, int]] | None:
    """Positions of equal keys in the longest common subsequence; None where more than `most` keys come or go. Steps:
    O((len(a) + len(b)) · most)."""
    n, m = len(a), len(b)
    reach = {1: 0}
    trail: list[dict[int, int]] = []
    for d in range(min(most, n + m) + 1):
        trail.append(dict(reach))
        for k in range(-d, d + 1, 2):
            down = k == -d or (k != d and reach.get(k - 1, -1) < reach.get(k + 1, -1))
            x = reach[k + 1] if down else reach[k - 1] + 1
            while x < n and x - k < m and a[x] == b[x - k]:
                x += 1
            reach[k] = x
            if x >= n and x - k >= m:
                return _back(trail, n, m)
    return None


def _back(trail: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    """The diagonal steps of the script that ends at (x, y)."""
    pairs: list[tuple[int, int]] = []
    for d in range(len(trail) - 1, 0, -1):
        reach, k = trail[d], x - y
        down = k == -d or (k != d and reach.get(k - 1, -1) < reach.get(k + 1, -1))
        from_x = reach[k + 1] if down else reach[k - 1]
        from_y = from_x - (k + 1 if down else k - 1)
        steps = x - from_x - (not down)
        pairs += [(x - 1 - i, y - 1 - i) for i in range(steps)]
        x, y = from_x, from_y
    pairs += [(x - 1 - i, y - 1 - i) for i in range(x)]
    return pairs[::-1]


MAX_MOVE = 1024
"""Layers by which a run is moved at the most."""


def align_runs(a: LayerKeys, b: LayerKeys, pairs: Mapping[int, int]) -> dict[int, int]:
    """The pairs with each run of added or removed layers moved up or down, past layers that are alike, to where most
    names agree. Of five equal blocks that were four, the fifth is the new one unless the names tell otherwise."""
    back = _moved(b, a, {j: i for i, j in pairs.items()})
    return _moved(a, b, {i: j for j, i in back.items()})


def _moved(new: LayerKeys, old: LayerKeys, match: dict[int, int]) -> dict[int, int]:
    """The layers of `new` with their partners in `old`; runs of those without one are moved."""
    n, end = len(new.layers), 0
    while end < n:
        start = end
        if start in match:
            end += 1
            continue
        while end < n and end not in match:
            end += 1
        down = _gain(new, old, match, ((end + t, start + t) for t in range(min(MAX_MOVE, n - end))))
        up = _gain(new, old, match, ((start - 1 - t, end - 1 - t) for t in range(min(MAX_MOVE, start))))
        steps = max(down, up, key=len)
        for source, target in steps:
            match[target] = match.pop(source)
        if steps is down:
            end += len(steps)
    return match


def _gain(
    new: LayerKeys, old: LayerKeys, match: Mapping[int, int], steps: Iterator[tuple[int, int]]
) -> list[tuple[int, int]]:
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
