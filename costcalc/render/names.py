"""Names of layers made short, all names of a table in one way: so many signs of the beginning, `…`, and the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from costcalc.core.elision import ELISION
from costcalc.render.layout import text_width

MAX_COMPARED = 2_000
"""Of more names than this it is not asked whether they stay different."""

HEADS = (0, 20, 40, 60, 80)
"""Percent of a shortened name that its beginning takes, in the order they are tried."""

WIDENING = 3
"""Cells by which a column of names grows until they stay different."""


def shorten_names(names: Sequence[str], width: int) -> list[str]:
    """Names and a width in cells → each within it. Those that are too long keep the same share of their beginning and
    of their end: the share that leaves the most names different."""
    return max(_shortenings(names, width), key=lambda texts: len(set(texts)))


def distinct_width(names: Sequence[str], least: int, most: int) -> int:
    """Names and two widths → about the least width between them in which names that differ look different; the least
    one where none does."""
    if len(names) > MAX_COMPARED:
        return least
    count = len(set(names))
    widths: list[int] = [*range(least, most, WIDENING), most]
    for width in widths:
        if any(len(set(texts)) == count for texts in _shortenings(names, width)):
            return width
    return least


def _shortenings(names: Sequence[str], width: int) -> Iterator[list[str]]:
    """Names and a width → the names shortened in each way; in the first way alone where they fit or are many."""
    fits = all(text_width(name) <= width for name in names)
    for percent in HEADS[:1] if fits or len(names) > MAX_COMPARED else HEADS:
        yield [shorten_name(name, width, percent) for name in names]


def shorten_name(name: str, width: int, percent: int = HEADS[0]) -> str:
    """Name, width in cells and the percent of it that the beginning takes → the name within the width."""
    if text_width(name) <= width:
        return name
    room = width - 1
    if room < 1:
        return ELISION[:width]
    head = room * percent // 100
    left, right = name[:head], name[len(name) - (room - head) :]
    while text_width(left) + text_width(right) > room and (left or right):
        left, right = (left[:-1], right) if len(left) > len(right) else (left, right[1:])
    return f"{left}{ELISION}{right}"
