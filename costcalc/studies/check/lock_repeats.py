"""Layers as a lock file writes them → runs of layers that repeat, written once with the numbers of their names left
open; and back.

A template is a text with `{3}` for 3, 4, 5 … in the first, second, third round, `{3+2}` for 3, 5, 7 …, `{3,8,9}` for
these numbers; a brace of the text itself is doubled.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import NamedTuple

_NUMBER = re.compile(r"(?<![0-9])(?:0|[1-9][0-9]{0,17})(?![0-9])")
"""A number that str(int(…)) gives back; one with leading zeros, or of more digits, is text."""

_PART = re.compile(r"\{\{|\}\}|\{([0-9]{1,19}(?:\+-?[0-9]{1,19}|(?:,[0-9]{1,19})+)?)\}|[{}]")

MAX_CANDIDATES = 16
"""Distances to the next equal layers that are tried as the length of a run."""

LEAST_SAVED = 4
"""Lines that a run must save to be written as one."""


class Repeat(NamedTuple):
    """Layers from start on that stand there `times` times, `period` layers each time."""

    start: int
    period: int
    times: int


def find_repeats(tokens: Sequence[Hashable]) -> list[Repeat]:
    """Tokens, equal where layers may be written as one → the runs, in order, none over another. Of those that begin at
    one layer the one that saves most lines."""
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
            repeat = Repeat(i, period, _equal_length(tokens, i, period, mismatch) // period + 1)
            if _saved_lines(repeat) > _saved_lines(best):
                best = repeat
            j = following[j]
        if _saved_lines(best) >= LEAST_SAVED:
            repeats.append(best)
            i += best.period * best.times
        else:
            i += 1
    return repeats


def _saved_lines(repeat: Repeat) -> int:
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


def skeleton(text: str) -> tuple[str, ...]:
    """A text → what stands between its numbers: texts of one skeleton have one template."""
    return tuple(_NUMBER.split(text))


def make_template(texts: Sequence[str]) -> str:
    """Texts of one skeleton, one for each of two rounds or more → their template."""
    numbers = zip(*([int(n) for n in _NUMBER.findall(text)] for text in texts), strict=True)
    literals = [part.replace("{", "{{").replace("}", "}}") for part in skeleton(texts[0])]
    return literals[0] + "".join(
        _format_numbers(column) + literal for column, literal in zip(numbers, literals[1:], strict=True)
    )


def _format_numbers(numbers: Sequence[int]) -> str:
    """Numbers of the rounds → one number where all are equal, else their part of a template."""
    steps = {following - number for number, following in pairwise(numbers)}
    if len(steps) > 1:
        return f"{{{','.join(map(str, numbers))}}}"
    (step,) = steps
    return str(numbers[0]) if step == 0 else f"{{{numbers[0]}}}" if step == 1 else f"{{{numbers[0]}+{step}}}"


def expand_template(template: str, times: int) -> list[str]:
    """A template → its text in each round. ValueError where it is none, or has another number of rounds."""
    if "{" not in template and "}" not in template:
        return [template] * times
    texts = [""] * times
    end = 0
    for part in _PART.finditer(template):
        literal, end = template[end : part.start()], part.end()
        if part[0] in ("{", "}"):
            raise ValueError(f"{template!r} has a single brace")
        columns = _expand_numbers(part[1], times) if part[1] else [part[0][0]] * times
        texts = [text + literal + column for text, column in zip(texts, columns, strict=True)]
    return [text + template[end:] for text in texts]


def _expand_numbers(text: str, times: int) -> list[str]:
    if "," in text:
        numbers = text.split(",")
        if len(numbers) != times:
            raise ValueError(f"{{{text}}} has {len(numbers)} numbers, for {times} rounds")
        return numbers
    start, _, step = text.partition("+")
    return [str(int(start) + i * int(step or 1)) for i in range(times)]
