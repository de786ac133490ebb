"""The best pairs in order, against all pairings of small runs; the shortest script, against the longest common part."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.versions import net

import costcalc
from costcalc.studies.diff import sequence as pairing
from costcalc.studies.diff.keys import Interner, LayerKeys, make_layer_keys

RELU = net("relu")
ANY = make_layer_keys(costcalc.diff(RELU, RELU).before, Interner())

Scores = list[list[int]]
rows = st.integers(1, 5).flatmap(
    lambda m: st.lists(st.lists(st.sampled_from((0, 0, 3, 5, 50)), min_size=m, max_size=m), min_size=1, max_size=5)
)


def scored(scores: Scores) -> Callable[[LayerKeys, int, LayerKeys, int], int]:
    return lambda a, i, b, j: scores[i][j]


def highest(scores: Scores, allowed: Callable[[int, int], bool]) -> int:
    """The largest sum of any pairs that ascend on both sides."""
    n, m = len(scores), len(scores[0])
    return max(
        sum(scores[i][j] for i, j in zip(xs, ys, strict=True))
        for k in range(min(n, m) + 1)
        for xs in combinations(range(n), k)
        for ys in combinations(range(m), k)
        if all(scores[i][j] and allowed(i, j) for i, j in zip(xs, ys, strict=True))
    )


@given(rows, st.sampled_from((None, 0, 1, 9)))
def test_no_pairs_have_more_in_common(scores: Scores, band: int | None) -> None:
    n, m = len(scores), len(scores[0])
    wide = m if band is None else band + abs(n - m)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "score", scored(scores))
        found = pairing.best_pairs(ANY, range(n), ANY, range(m), band)
    assert all(x[0] < y[0] and x[1] < y[1] for x, y in pairwise(found))
    within = [abs(i * m // n - j) <= wide for i, j in found]
    assert all(within) and all(scores[i][j] for i, j in found)
    assert sum(scores[i][j] for i, j in found) == highest(scores, lambda i, j: abs(i * m // n - j) <= wide)


def test_a_band_is_walked_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def score(a: LayerKeys, i: int, b: LayerKeys, j: int) -> int:
        asked.append((i, j))
        return i == j

    monkeypatch.setattr(pairing, "score", score)
    assert len(pairing.best_pairs(ANY, range(300), ANY, range(300), 4)) == 300
    assert len(asked) <= 300 * 9 and all(abs(i - j) <= 4 for i, j in asked)


@given(st.lists(st.integers(0, 2), max_size=9), st.lists(st.integers(0, 2), max_size=9))
def test_the_shortest_script_keeps_the_most(a: list[int], b: list[int]) -> None:
    pairs = pairing.shortest_script(a, b, 18)
    assert pairs is not None and all(a[i] == b[j] for i, j in pairs)
    assert all(x[0] < y[0] and x[1] < y[1] for x, y in pairwise(pairs))
    longest = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            longest[i + 1][j + 1] = longest[i][j] + 1 if x == y else max(longest[i][j + 1], longest[i + 1][j])
    assert len(pairs) == longest[-1][-1]
    lost = len(a) + len(b) - 2 * len(pairs)
    assert lost == 0 or pairing.shortest_script(a, b, lost - 1) is None
