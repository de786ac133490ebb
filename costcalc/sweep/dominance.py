"""Points in lexicographic order, each once -> which of them no other beats (less is better).

Only an earlier point can beat a later one, and in two goals the latest that is kept does if any does. For more goals
numpy compares ranks, which are as exact as the values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Values = tuple[Any, ...]


def unbeaten(points: Sequence[Values]) -> list[Values]:
    """The points that are nowhere worse than another and better somewhere, for every other."""
    if points and len(points[0]) > 2:
        return _by_rank(points)
    kept: list[Values] = []
    for values in points:
        if not kept or any(x > y for x, y in zip(kept[-1], values, strict=True)):
            kept.append(values)
    return kept


def _by_rank(points: Sequence[Values]) -> list[Values]:
    import numpy as np

    ranks = np.empty((len(points[0]) - 1, len(points)), dtype=np.int32)  # the first goal's are ascending
    for row, column in zip(ranks, list(zip(*points, strict=True))[1:], strict=True):
        rank = {value: place for place, value in enumerate(sorted(set(column)))}
        row[:] = [rank[value] for value in column]
    kept = np.ones(len(points), dtype=bool)
    for place in range(len(points)):
        if kept[place]:
            kept[place + 1 :] &= (ranks[:, place + 1 :] < ranks[:, place : place + 1]).any(axis=0)
    return [points[place] for place in np.flatnonzero(kept).tolist()]
