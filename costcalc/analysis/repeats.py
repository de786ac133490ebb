"""A sequence of tokens → its runs that repeat: of layers for a lock file, of blocks for a table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

MAX_CANDIDATES = 16
"""Distances to the next equal token that are tried as the length of a run."""


class Repeat(NamedTuple):
    """Tokens from start on that stand there `times` times, `period` tokens each time."""

    start: int
    period: int
    times: int


def find_repeats(tokens: Sequence[Hashable], least_saved: int) -> list[Repeat]:
    """Tokens, equal where layers or blocks may stand as one → the runs that save so many of them, in order, none over
    another. Of those that begin at one token the one that saves most."""
    numbers: dict[Hashable, int] = {}
    tokens = [numbers.setdefault(token, len(numbers)) for token in tokens]
    following = _next_positions(tokens)
    mismatch: dict[int, int] = {}
    repeats: list[Repeat] = []
    i = 0
    while i < len(tokens):
        best = Repeat(i, 1, 1)
        j = following[i]
        for _ in range(MAX_CANDIDATES):
            if j < 0:
                break
            period = j - i
            if len(tokens) - i - period <= _count_saved(best):
                break
            repeat = Repeat(i, period, _equal_length(tokens, i, period, mismatch) // period + 1)
            if _count_saved(repeat) > _count_saved(best):
                best = repeat
            j = following[j]
        if _count_saved(best) >= least_saved:
            repeats.append(best)
            i += best.period * best.times
        else:
            i += 1
    return repeats


def _count_saved(repeat: Repeat) -> int:
    return repeat.period * (repeat.times - 1)


def _next_positions(tokens: Sequence[Hashable]) -> list[int]:
    """For each token where it stands next; -1 where it does not."""
    following = [-1] * len(tokens)
    position: dict[Hashable, int] = {}
    for i in range(len(tokens) - 1, -1, -1):
        following[i] = position.get(tokens[i], -1)
        position[tokens[i]] = i
    return following


def _equal_length(tokens: Sequence[Hashable], start: int, period: int, mismatch: dict[int, int]) -> int:
    """How many tokens from start on equal those `period` behind them. mismatch keeps for each period where the last
    walk ended, so that no pair is compared twice."""
    end = max(start, mismatch.get(period, start))
    while end + period < len(tokens) and tokens[end] == tokens[end + period]:
        end += 1
    mismatch[period] = end
    return end - start
