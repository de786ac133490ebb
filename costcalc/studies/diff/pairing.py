"""Two short runs of layers → the best pairs in order, by what the layers have in common (dynamic programming)."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.studies.diff.keys import LayerKeys

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
    return _back(xs, ys, choices)


def _back(xs: Sequence[int], ys: Sequence[int], choices: Sequence[tuple[int, bytearray]]) -> Pairs:
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
