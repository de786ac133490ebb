"""Charts to lines for a terminal, in its width and colours: marks and words on a field of characters, with a scale
on the left and below.

Two columns of a sweep are drawn the same way: a point a row, how many fall together by their mark.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from costcalc.core.errors import UsageError
from costcalc.core.sanitize import printable
from costcalc.core.units import format_axis, format_bytes, format_percent, format_short, format_si
from costcalc.render import area as plot
from costcalc.render import cells
from costcalc.render.layout import pad, shorten_middle, text_width
from costcalc.render.names import shorten_names
from costcalc.render.terminal import Screen
from costcalc.studies.sweep.axes import decimal_text
from costcalc.studies.sweep.columns import Row, is_number
from costcalc.studies.sweep.select import Goal
from costcalc.views.charts import BarChart, Chart, ChartAxis, MemoryChart, ParetoChart, RooflineChart
from costcalc.views.table import StepPlot

HEIGHT = 16

WIDEST = 100


class Scale(NamedTuple):
    """An axis from low to high, by decades where it is logarithmic; text says a value."""

    low: float
    high: float
    log: bool
    text: Callable[[float], str]

    def locate(self, value: float) -> float:
        """Value -> its position on the axis: 0 at the low end, 1 at the high one."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def value_at(self, place: float) -> float:
        """Position from 0 to 1 -> the value that stands there."""
        return self.low * (self.high / self.low) ** place if self.log else self.low + place * (self.high - self.low)


class ChartMark(NamedTuple):
    """A sign at a value, and a label beside it where there is room; style is a field of the palette."""

    x: float
    y: float
    sign: str
    label: str = ""
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


def lines(marks: Sequence[ChartMark], x: Scale, y: Scale, screen: Screen, names: tuple[str, str]) -> list[str]:
    """The field: later marks cover earlier ones, no word covers anything."""
    palette = screen.palette
    labels = {row: y.text(y.value_at(1 - row / (HEIGHT - 1))).strip() for row in (0, HEIGHT // 2, HEIGHT - 1)}
    margin = max(map(len, labels.values()))
    width = max(20, min(screen.width, WIDEST) - margin - 2)
    cells: dict[tuple[int, int], tuple[str, str]] = {}
    at = [(round(x.locate(m.x) * (width - 1)), round((1 - y.locate(m.y)) * (HEIGHT - 1))) for m in marks]
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
    first, middle, last = (x.text(x.value_at(place)).strip() for place in (0, 0.5, 1))
    half = width // 2 - len(first) - len(middle) // 2
    below = f"{first}{' ' * max(1, half)}{middle}"
    below += last.rjust(max(len(last) + 1, width - len(below)))
    shown.append(f"{palette.faint}{' ' * (margin + 2)}{below}{palette.off}")
    shown.append(f"{palette.faint}{names[0].rjust(margin + 2 + width)}{palette.off}")
    return shown


def _write(mark: ChartMark, column: int, row: int, width: int, cells: dict[tuple[int, int], tuple[str, str]]) -> None:
    """Puts a mark's word right of it, or left, where nothing stands yet."""
    size = text_width(mark.label)
    if not mark.label or size != len(mark.label):
        return
    for start in (column + 2, column - 1 - size):
        free = all((c, row) not in cells for c in range(start - 1, start + size + 1) if c != column)
        if start >= 0 and start + size <= width and free:
            for i, sign in enumerate(mark.label):
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


LABEL = 44
"""No label of a bar is longer."""

MAX_LISTED = 12


def render(charts: Sequence[Chart], screen: Screen) -> str:
    """The charts below each other."""
    return screen.text("\n\n".join("\n".join(_drawn(chart, screen)) for chart in charts))


def _drawn(chart: Chart, screen: Screen) -> Iterator[str]:
    if isinstance(chart, BarChart):
        return _bars(chart, screen)
    if isinstance(chart, MemoryChart):
        return _live(chart, screen)
    return _roofs(chart, screen) if isinstance(chart, RooflineChart) else _front(chart, screen)


def _title(name: str, what: str, screen: Screen) -> str:
    return f"{screen.palette.title}{printable(name)}{screen.palette.off}  {what}"


def value_text(value: float, unit: str) -> str:
    """51.4 M, 1.44 MiB, 26.2 µs; a fraction keeps three digits."""
    if unit in ("seconds", "joules"):
        return format_si(Fraction(value), "s" if unit == "seconds" else "J")
    whole = round(value)
    if unit != "bytes" and whole != value and abs(value) < 1000:
        return format_axis(value)
    return format_bytes(whole) if unit == "bytes" else format_short(whole)


def _bars(chart: BarChart, screen: Screen) -> Iterator[str]:
    palette = screen.palette
    least = "≥ " if chart.least else ""
    yield _title(chart.title, f"{chart.quantity}, {least}{value_text(chart.whole, chart.unit)}", screen)
    yield ""
    more = [(f"({chart.rest[0]:,} more)", chart.rest[1])] if chart.rest[0] else []
    rows = [*((printable(bar.label), bar.value) for bar in chart.bars), *more]
    if not rows:
        yield f"{palette.faint}nothing{palette.off}"
        return
    values = [value_text(value, chart.unit) for _, value in rows]
    width = min(LABEL, max(text_width(label) for label, _ in rows), max(12, screen.width // 2 - 10))
    numbers = max(map(len, values))
    room = max(4, min(60, screen.width - width - numbers - 7 - 6))
    drawn = [*cells.bars([value / chart.whole for _, value in rows[: len(chart.bars)]], room, screen.unicode), ""]
    short_names = pad(
        shorten_names([label for label, _ in rows], [""] * len(rows), width), width, False, shorten_middle
    )
    for name, (_, value), text, bar in zip(short_names, rows, values, drawn, strict=False):
        line = f"{name}  {text.rjust(numbers)}  {format_percent(value / chart.whole).rjust(6)}"
        yield f"{line}  {palette.bar}{bar}{palette.off}" if bar else f"{palette.faint}{line}{palette.off}"


def _live(chart: MemoryChart, screen: Screen) -> Iterator[str]:
    most = chart.values[chart.peak]
    yield _title(
        chart.title,
        f"peak {format_bytes(most)} at step {chart.peak + 1:,} of {len(chart.values):,}, "
        f"{printable(chart.names[chart.peak])}",
        screen,
    )
    yield ""
    yield from plot.area_lines(StepPlot("Live activation bytes by step", chart.values), screen)


def _roofs(chart: RooflineChart, screen: Screen) -> Iterator[str]:
    first = chart.devices[0]
    yield _title(chart.title, f"roofline of {first.name}, {first.precision} {first.text}", screen)
    yield ""
    bends = [device.peak / device.bandwidth for device in chart.devices]
    x = scale(
        [*(spot.intensity for spot in chart.spots), *(bend * f for bend in bends for f in (0.5, 4))], format_axis, True
    )
    heights = [min(d.peak, d.bandwidth * place) for d in chart.devices for place in (x.low, x.high)]
    y = scale(heights, lambda value: format_short(round(value)), True)
    marks = []
    for device in chart.devices[::-1]:
        for i in range(200):
            place = x.value_at(i / 199)
            sloping = place < device.peak / device.bandwidth
            sign = "·" if device is not first else "/" if sloping else "─" if screen.unicode else "-"
            marks.append(ChartMark(place, min(device.peak, device.bandwidth * place), sign, style="faint"))
    dot = "●" if screen.unicode else "o"
    for spot in sorted(chart.spots, key=lambda spot: spot.share):
        word = shorten_middle(printable(spot.label), 24) if chart.whole else ""
        marks.append(ChartMark(spot.intensity, min(first.peak, first.bandwidth * spot.intensity), dot, word))
    yield from lines(marks, x, y, screen, ("FLOP per byte", "FLOP/s"))
    yield ""
    under = sum(spot.intensity < bends[0] for spot in chart.spots)
    what = "model" if chart.whole else "layer"
    yield f"{under:,} {what}{'s' * (under != 1)} left of the bend at {format_axis(bends[0])} FLOP/byte, bound by memory"
    yield f"{len(chart.spots) - under:,} right of it, bound by compute"
    for device in chart.devices[1:]:
        yield f"{screen.palette.faint}·  {device.name}, {device.precision} {device.text}{screen.palette.off}"


def _front(chart: ParetoChart, screen: Screen) -> Iterator[str]:
    best = [point for point in chart.points if point.best]
    yield _title(chart.title, front_text(chart), screen)
    yield ""
    x = scale([p.x for p in chart.points], lambda v: value_text(v, chart.x.unit))
    y = scale([p.y for p in chart.points], lambda v: value_text(v, chart.y.unit))
    signs = "●○" if screen.unicode else "*o"
    few = len(chart.points) <= 40
    marks = [
        ChartMark(
            p.x,
            p.y,
            signs[0] if p.best else signs[1],
            shorten_middle(printable(p.label), 24) if few or p.best else "",
            "bar" if p.best else "faint",
        )
        for p in sorted(chart.points, key=lambda p: p.best)
    ]
    yield from lines(marks, x, y, screen, (_named(chart.x), _named(chart.y)))
    yield ""
    yield f"{signs[0]} none is as good in both and better in one:"
    for point in sorted(best, key=lambda p: p.x)[:MAX_LISTED]:
        yield f"  {printable(point.label)}  {value_text(point.x, chart.x.unit)}, {value_text(point.y, chart.y.unit)}"
    if len(best) > MAX_LISTED:
        yield f"{screen.palette.faint}  and {len(best) - MAX_LISTED:,} more{screen.palette.off}"


def front_text(chart: ParetoChart) -> str:
    """How many points the front has."""
    best = sum(point.best for point in chart.points)
    return f"{best:,} of {len(chart.points):,} {'is' if best == 1 else 'are'} beaten by no other"


def _named(axis: ChartAxis) -> str:
    return f"{axis.title}{' (more is better)' if axis.greatest else ''}"


SCATTER_HEIGHT, SCATTER_WIDTH, WIDEST_LABEL = 16, 72, 12

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
    width = max(10, min(SCATTER_WIDTH, screen.width - margin - 3))
    columns, lines = _scaled([a for a, _ in points], width), _scaled([b for _, b in points], SCATTER_HEIGHT)
    counts = Counter(zip(columns, lines, strict=True))
    marks = MARKS[0] if screen.unicode else MARKS[1]
    text = [f"{printable(y.text)} over {printable(x.text)}"]
    for line in reversed(range(SCATTER_HEIGHT)):
        label = labels[0] if line == SCATTER_HEIGHT - 1 else labels[1] if line == 0 else ""
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
