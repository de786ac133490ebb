"""Names of layers made short, all names of a table in one way: so many signs of the beginning, `…`, and the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from costcalc.core.elision import ELISION, LEAST_ELIDED
from costcalc.render.layout import text_width

MAX_COMPARED = 20_000
"""Of more names than this only the first two shares are tried."""

HEADS = (0, 20, 40, 60, 80)
"""Percent of a shortened name that its beginning takes, in the order they are tried."""


def shorten_names(shown: Sequence[str], names: Sequence[str], width: int) -> list[str]:
    """Names of a table, all names of the model and a width in cells → the table's names, each within the width. Those
    that are too long keep the same share of their beginning and of their end: the first share with which each stands
    for one name of the model alone, or that with which the most do."""
    if all(text_width(name) <= width for name in shown):
        return list(shown)
    shares, others = _shares(names), frozenset(names).union(shown)
    percent = next((p for p in shares if not _count_shared(shown, others, width, p)), None)
    if percent is None:
        percent = min(shares, key=lambda p: _count_shared(shown, others, width, p))
    return [shorten_name(name, width, percent) for name in shown]


def distinct_width(shown: Sequence[str], names: Sequence[str], least: int, most: int) -> int:
    """Names of a table, all names of the model and two widths → the least width between them in which each name of the
    table, shortened, stands for one name of the model alone; most, where there is none."""
    best, others = most, frozenset(names).union(shown)
    for percent in _shares(names):
        low, high = least, best
        while low < high:  # with more signs of both ends, names that differ stay different
            middle = (low + high) // 2 if high < best else high - 1
            if _count_shared(shown, others, middle, percent):
                low = middle + 1
            else:
                high = middle
        best = min(best, high)
    return best


def _shares(names: Sequence[str]) -> Sequence[int]:
    return HEADS if len(names) <= MAX_COMPARED else HEADS[:2]


def _count_shared(shown: Sequence[str], names: frozenset[str], width: int, percent: int) -> int:
    """How many names of a table, shortened, stand for other names of the model, too."""
    counts = Counter(_shorten_all(names, width, percent))
    return sum(counts[text] > 1 for text in _shorten_all(shown, width, percent))


def _shorten_all(names: Sequence[str] | frozenset[str], width: int, percent: int) -> Iterator[str]:
    """Names → those that are too long, shortened."""
    head = max(width - 1, 0) * percent // 100
    tail = max(width - 1, 0) - head
    for name in names:
        if name.isascii() and tail:
            if len(name) > width:
                yield f"{name[:head]}{ELISION}{name[-tail:]}"
        elif text_width(name) > width:
            yield shorten_name(name, width, percent)


def shorten_name(name: str, width: int, percent: int = HEADS[0]) -> str:
    """Name, width in cells and the percent of it that the beginning takes → the name within the width."""
    if text_width(name) <= width:
        return name
    room = width - 1
    if room < 1:
        return ELISION[:width]
    head = room * percent // 100
    left, right = name[:head], name[len(name) - (room - head) :]
    while (text_width(left) + text_width(right) > room or len(name) - len(left) - len(right) < LEAST_ELIDED) and (
        left or right
    ):
        left, right = (left[:-1], right) if len(left) > len(right) else (left, right[1:])
    return f"{left}{ELISION}{right}"
