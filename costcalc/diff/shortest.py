"""Two runs of keys → the pairs of their shortest edit script, if it is short (Myers 1986, An O(ND) Difference
Algorithm)."""

from __future__ import annotations

from collections.abc import Sequence


def shortest(a: Sequence[int], b: Sequence[int], most: int) -> list[tuple[int, int]] | None:
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
