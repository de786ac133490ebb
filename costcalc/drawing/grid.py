"""Marks and words on a field of characters, with a scale on the left and below: what charts of points are in text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from costcalc.render.layout import text_width
from costcalc.render.palette import Screen

HEIGHT = 16
WIDEST = 100


class Scale(NamedTuple):
    """An axis from low to high, by decades where it is logarithmic; text says a value."""

    low: float
    high: float
    log: bool
    text: Callable[[float], str]

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def value(self, place: float) -> float:
        """The value that stands there."""
        return self.low * (self.high / self.low) ** place if self.log else self.low + place * (self.high - self.low)


class Mark(NamedTuple):
    """A sign at a value, and a word beside it where there is room; style is a field of the palette."""

    x: float
    y: float
    sign: str
    word: str = ""
    style: str = "bar"


def scale(values: Iterable[float], text: Callable[[float], str], log: bool | None = None) -> Scale:
    """Around all values with some air; logarithmic where they span more than a factor of 20."""
    found = list(values)
    low, high = min(found), max(found)
    by_decades = (low > 0 and high / low > 20) if log is None else log
    if by_decades:
        return Scale(low / 1.6, high * 1.6, True, text)
    air = (high - low) * 0.1 or abs(high) * 0.2 or 1
    return Scale(max(0.0, low - air) if low >= 0 else low - air, high + air, False, text)


def lines(marks: Sequence[Mark], x: Scale, y: Scale, screen: Screen, names: tuple[str, str]) -> list[str]:
    """The field: later marks cover earlier ones, no word covers anything."""
    palette = screen.palette
    labels = {row: y.text(y.value(1 - row / (HEIGHT - 1))).strip() for row in (0, HEIGHT // 2, HEIGHT - 1)}
    margin = max(map(len, labels.values()))
    width = max(20, min(screen.width, WIDEST) - margin - 2)
    cells: dict[tuple[int, int], tuple[str, str]] = {}
    at = [(round(x.place(m.x) * (width - 1)), round((1 - y.place(m.y)) * (HEIGHT - 1))) for m in marks]
    for mark, (column, row) in zip(marks, at, strict=True):
        if 0 <= column < width and 0 <= row < HEIGHT:
            cells[column, row] = (mark.sign, mark.style)
    for mark, (column, row) in zip(marks, at, strict=True):
        _write(mark, column, row, width, cells)
    vertical, tick, corner, horizontal = "│┤└─" if screen.unicode else "|++-"
    shown = [f"{palette.faint}{names[1]}{palette.off}"]
    for row in range(HEIGHT):
        axis = f"{labels.get(row, '').rjust(margin)} {tick if row in labels else vertical}"
        shown.append(f"{palette.faint}{axis}{palette.off}{_painted(row, width, cells, screen)}".rstrip())
    shown.append(f"{palette.faint}{' ' * margin} {corner}{horizontal * width}{palette.off}")
    first, middle, last = (x.text(x.value(place)).strip() for place in (0, 0.5, 1))
    half = width // 2 - len(first) - len(middle) // 2
    below = f"{first}{' ' * max(1, half)}{middle}"
    below += last.rjust(max(len(last) + 1, width - len(below)))
    shown.append(f"{palette.faint}{' ' * (margin + 2)}{below}{palette.off}")
    shown.append(f"{palette.faint}{names[0].rjust(margin + 2 + width)}{palette.off}")
    return shown


def _write(mark: Mark, column: int, row: int, width: int, cells: dict[tuple[int, int], tuple[str, str]]) -> None:
    """Puts a mark's word right of it, or left, where nothing stands yet."""
    size = text_width(mark.word)
    if not mark.word or size != len(mark.word):
        return
    for start in (column + 2, column - 1 - size):
        free = all((c, row) not in cells for c in range(start - 1, start + size + 1) if c != column)
        if start >= 0 and start + size <= width and free:
            for i, sign in enumerate(mark.word):
                cells[start + i, row] = (sign, "")
            return


def _painted(row: int, width: int, cells: dict[tuple[int, int], tuple[str, str]], screen: Screen) -> str:
    palette, text, now = screen.palette, "", ""
    for column in range(width):
        sign, style = cells.get((column, row), (" ", now if (column, row) not in cells else ""))
        if style != now:
            text += (palette.off if now else "") + (getattr(palette, style) if style else "")
            now = style
        text += sign
    return text.rstrip() + (palette.off if now else "")
