"""Two columns of a sweep as a plot of characters: a point a row, how many fall together by their mark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from costcalc.core.errors import UsageError
from costcalc.core.sanitize import printable
from costcalc.core.units import format_axis, format_short
from costcalc.render.terminal import Screen
from costcalc.studies.sweep.axes import decimal_text
from costcalc.studies.sweep.columns import Row, is_number
from costcalc.studies.sweep.select import Goal

HEIGHT, WIDEST, WIDEST_LABEL = 16, 72, 12

MARKS = ("·", "●", "█"), (".", "o", "#")
"""One row, several, more than ten."""


def draw_scatter(rows: Sequence[Row], x: Goal, y: Goal, screen: Screen) -> str:
    """The plot, with the extremes beside the axes. UsageError where a column holds no numbers."""
    pairs = [(x.read(row), y.read(row)) for row in rows]
    points = [(a, b) for a, b in pairs if a is not None and b is not None]
    for a, b in points:
        for value, goal in ((a, x), (b, y)):
            if not is_number(value):
                raise UsageError(
                    f"{goal.text} is {value!r}, no number", "plot two columns of numbers: --plot macs,params"
                )
    if not points:
        return "Nothing to plot: no row has figures."
    labels = [_label(end(b for _, b in points)) for end in (max, min)]
    margin = max(map(len, labels))
    width = max(10, min(WIDEST, screen.width - margin - 3))
    columns, lines = _scaled([a for a, _ in points], width), _scaled([b for _, b in points], HEIGHT)
    counts = Counter(zip(columns, lines, strict=True))
    marks = MARKS[0] if screen.unicode else MARKS[1]
    text = [f"{printable(y.text)} over {printable(x.text)}"]
    for line in reversed(range(HEIGHT)):
        label = labels[0] if line == HEIGHT - 1 else labels[1] if line == 0 else ""
        cells = "".join(_mark(counts[column, line], marks) for column in range(width)).rstrip()
        text.append(f"{label:>{margin}} {'┤' if label else '│'}{cells}".rstrip())
    low, high = _label(min(a for a, _ in points)), _label(max(a for a, _ in points))
    text.append(f"{'':{margin}} └{'─' * width}")
    text.append(f"{'':{margin}}  {low}{high:>{max(1, width - len(low))}}")
    return screen.text("\n".join(text))


def _scaled(values: Sequence[Any], cells: int) -> list[int]:
    """Which cell of a line each value falls into, exactly."""
    low, span = min(values), max(values) - min(values)
    return [int((value - low) * (cells - 1) / Fraction(span) + Fraction(1, 2)) if span else 0 for value in values]


def _mark(count: int, marks: Sequence[str]) -> str:
    return " " if not count else marks[0] if count == 1 else marks[1] if count <= 10 else marks[2]


def _label(value: Any) -> str:
    """A whole number short, a fraction by its decimals where those are few, else by three digits."""
    if isinstance(value, int):
        return format_short(value)
    text = decimal_text(value)
    return text if len(text) <= WIDEST_LABEL else format_axis(float(value))
