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


def have_same_family(a: LayerKeys, i: int, b: LayerKeys, j: int) -> bool:
    """Whether two operators may take each other's place."""
    return a.family[i] != "" and a.family[i] == b.family[j]


def score(a: LayerKeys, i: int, b: LayerKeys, j: int) -> int:
    """How much two layers have in common; 0 where they cannot be the same."""
    same_name = a.name[i] == b.name[j]
    if a.kind[i] != b.kind[j]:
        same_stable_name = same_name and a.stable_name[i]
        return (
            UNIT * (SWAPPED + FIXED_NAME * same_stable_name) + same_name
            if same_stable_name or have_same_family(a, i, b, j)
            else 0
        )
    points = KIND
    if a.shape_free[i] == b.shape_free[j]:
        points += LOOSE
    if a.with_operator[i] == b.with_operator[j]:
        points += STRICT
    if a.definition[i] == b.definition[j]:
        points += WIDTH
    if a.has_macs[i] and a.macs[i] == b.macs[j]:
        points += MACS
    if same_name and a.stable_name[i]:
        points += FIXED_NAME
    return UNIT * points + same_name


def best_pairs(a: LayerKeys, xs: Sequence[int], b: LayerKeys, ys: Sequence[int], band: int | None = None) -> Pairs:
    """The pairs (x, y), both ascending, whose scores add up to the most: len(xs) · len(ys) steps, or with a band only
    those pairs that lie within it beside the diagonal."""
    n, m = len(xs), len(ys)
    half_width = m if band is None else band + abs(n - m)
    choices: list[tuple[int, bytearray]] = []
    above, start = [0], 0
    for r, x in enumerate(xs):
        low, high = max(0, r * m // n - half_width), min(m, r * m // n + half_width + 1)
        # right of its band the row above stays at its last sum
        above = above[low - start :] + [above[-1]] * (high + 1 - start - len(above))
        last = above[0]
        row, choice = [last], bytearray()
        for c in range(low, high):
            up, diagonal = above[c + 1 - low], above[c - low]
            step, best_sum = (UP, up) if up >= last else (LEFT, last)
            pair_score = score(a, x, b, ys[c])
            if pair_score and diagonal + pair_score >= best_sum:
                step, best_sum = PAIR, diagonal + pair_score
            choice.append(step)
            row.append(best_sum)
            last = best_sum
        choices.append((low, choice))
        above, start = row, low
    return _trace_pairs(xs, ys, choices)


def _trace_pairs(xs: Sequence[int], ys: Sequence[int], choices: Sequence[tuple[int, bytearray]]) -> Pairs:
    """The pairs on the way of the choices, from their end; each row's begin at a column."""
    pairs: Pairs = []
    r, c = len(xs) - 1, len(ys) - 1
    while r >= 0 and c >= 0:
        low, choice = choices[r]
        step = UP if c < low else LEFT if c >= low + len(choice) else choice[c - low]
        if step == PAIR:
            pairs.append((xs[r], ys[c]))
        r -= step != LEFT
        c -= step != UP
    return pairs[::-1]


SMALL, LARGE, HUGE = 400, 20_000, 2_000_000
"""Cells (layers × layers) up to which a gap is paired at once, after anchors are looked for, and within a band."""

BAND = 16

Key = TypeVar("Key", bound=Hashable)

PairGap = Callable[[Sequence[int], Sequence[int]], Pairs]
"""What pairs a gap without anchors that is too large to be paired at once."""


def pair_in_order(
    a: LayerKeys, xs: Sequence[int], b: LayerKeys, ys: Sequence[int], keys: AnchorKeys, pair_gap: PairGap | None = None
) -> Pairs:
    """Pairs of indexes that ascend on both sides; a layer without a counterpart is in none."""
    pairs: Pairs = []
    gaps = [(xs, ys, 0)]
    while gaps:
        xs, ys, level = gaps.pop()
        xs, ys = _trim_ends(a, xs, b, ys, pairs)
        cells = len(xs) * len(ys)
        anchors: Pairs = []
        # the keys of whole lineages are tried in small gaps too: what they say holds against any likeness
        while cells and level < (len(keys.levels) if cells > SMALL else len(keys.lineages)) and not anchors:
            anchors = _find_anchors(xs, ys, keys.levels[level]())
            level += not anchors
        if anchors:
            gaps += anchor_gaps(xs, ys, anchors, level)
            pairs += anchors
        elif pair_gap is not None and cells > SMALL:
            pairs += pair_gap(xs, ys)
        elif 0 < cells <= LARGE:
            pairs += best_pairs(a, xs, b, ys)
        elif cells and len(xs) * (abs(len(xs) - len(ys)) + 2 * BAND) <= HUGE:
            pairs += best_pairs(a, xs, b, ys, BAND)
    return sorted(pairs)


def _trim_ends(
    a: LayerKeys, xs: Sequence[int], b: LayerKeys, ys: Sequence[int], pairs: Pairs
) -> tuple[Sequence[int], Sequence[int]]:
    """The runs without their common beginning and end: layers of one name with equal keys."""
    start, end = 0, min(len(xs), len(ys))
    while start < end and _are_equal(a, xs[start], b, ys[start]):
        pairs.append((xs[start], ys[start]))
        start += 1
    end_length = 0
    while end_length < end - start and _are_equal(a, xs[-1 - end_length], b, ys[-1 - end_length]):
        end_length += 1
        pairs.append((xs[-end_length], ys[-end_length]))
    return xs[start : len(xs) - end_length], ys[start : len(ys) - end_length]


def _are_equal(a: LayerKeys, i: int, b: LayerKeys, j: int) -> bool:
    return a.with_operator[i] == b.with_operator[j] and a.name[i] == b.name[j]


def _find_anchors(xs: Sequence[int], ys: Sequence[int], level: AnchorKey) -> Pairs:
    """Layers whose key occurs once on either side, without those that cross."""
    x_of, y_of = index_unique_keys(xs, level.before), index_unique_keys(ys, level.after)
    return longest_ascending([(x, y_of[key]) for key, x in x_of.items() if key in y_of])


def index_unique_keys(indexes: Sequence[int], keys: Sequence[int]) -> dict[int, int]:
    """The index of each key that occurs once."""
    return index_unique([(index, keys[index]) for index in indexes])


def index_unique(keyed: Iterable[tuple[int, Key]]) -> dict[Key, int]:
    """The index of each key that occurs once, of (index, key)."""
    index_of: dict[Key, int] = {}
    repeated: set[Key] = set()
    for index, key in keyed:
        if key in index_of:
            repeated.add(key)
        index_of[key] = index
    return {key: index for key, index in index_of.items() if key not in repeated}


def longest_ascending(pairs: Pairs) -> Pairs:
    """The longest run of pairs, given with ascending first numbers, whose second numbers ascend too."""
    tops: list[int] = []
    ends: list[int] = []
    predecessors: list[int] = []
    for position, (_, y) in enumerate(pairs):
        pile = bisect_left(tops, y)
        if pile == len(tops):
            tops.append(y)
            ends.append(position)
        else:
            tops[pile] = y
            ends[pile] = position
        predecessors.append(ends[pile - 1] if pile else -1)
    ascending: Pairs = []
    position = ends[-1] if ends else -1
    while position >= 0:
        ascending.append(pairs[position])
        position = predecessors[position]
    return ascending[::-1]


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


def shortest_script(a: Sequence[int], b: Sequence[int], max_edits: int) -> list[tuple[int, int]] | None:
    """Positions of equal keys in the longest common subsequence; None where more than max_edits keys come or go. Steps:
    O((len(a) + len(b)) · max_edits)."""
    n, m = len(a), len(b)
    reach = {1: 0}
    trail: list[dict[int, int]] = []
    for d in range(min(max_edits, n + m) + 1):
        trail.append(dict(reach))
        for k in range(-d, d + 1, 2):
            down = k == -d or (k != d and reach.get(k - 1, -1) < reach.get(k + 1, -1))
            x = reach[k + 1] if down else reach[k - 1] + 1
            while x < n and x - k < m and a[x] == b[x - k]:
                x += 1
            reach[k] = x
            if x >= n and x - k >= m:
                return _trace_diagonals(trail, n, m)
    return None


def _trace_diagonals(trail: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
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
    moved_back = _move_runs(b, a, {j: i for i, j in pairs.items()})
    return _move_runs(a, b, {i: j for j, i in moved_back.items()})


def _move_runs(new: LayerKeys, old: LayerKeys, partner_of: dict[int, int]) -> dict[int, int]:
    """The layers of `new` with their partners in `old`; runs of those without one are moved."""
    n, end = len(new.layers), 0
    while end < n:
        start = end
        if start in partner_of:
            end += 1
            continue
        while end < n and end not in partner_of:
            end += 1
        down = _find_moves(new, old, partner_of, ((end + t, start + t) for t in range(min(MAX_MOVE, n - end))))
        up = _find_moves(new, old, partner_of, ((start - 1 - t, end - 1 - t) for t in range(min(MAX_MOVE, start))))
        steps = max(down, up, key=len)
        for source, target in steps:
            partner_of[target] = partner_of.pop(source)
        if steps is down:
            end += len(steps)
    return partner_of


def _find_moves(
    new: LayerKeys, old: LayerKeys, partner_of: Mapping[int, int], steps: Iterator[tuple[int, int]]
) -> list[tuple[int, int]]:
    """The steps (from, to) that move partners on while these are alike, up to where most names agree; none where that
    is no more than agree now."""
    gain, best_gain, best_length = 0, 0, 0
    moves: list[tuple[int, int]] = []
    for source, target in steps:
        partner = partner_of.get(source)
        if partner is None or old.with_operator[partner] != new.with_operator[target]:
            break
        moves.append((source, target))
        name = old.name[partner]
        gain += (name == new.name[target]) - (name == new.name[source])
        if gain > best_gain:
            best_gain, best_length = gain, len(moves)
    return moves[:best_length]
