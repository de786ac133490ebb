"""Layers as a lock file writes them → runs of layers that repeat, written once with the numbers of their names left
open; and back.

A template is a text with `{3}` for 3, 4, 5 … in the first, second, third round, `{3+2}` for 3, 5, 7 …, `{3,8,9}` for
these numbers; a brace of the text itself is doubled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_NUMBER = re.compile(r"(?<![0-9])(?:0|[1-9][0-9]{0,17})(?![0-9])")
"""A number that str(int(…)) gives back; one with leading zeros, or of more digits, is text."""

_PART = re.compile(r"\{\{|\}\}|\{([0-9]{1,19}(?:\+-?[0-9]{1,19}|(?:,[0-9]{1,19})+)?)\}|[{}]")

LEAST_SAVED = 4
"""Lines that a run must save to be written as one."""


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
