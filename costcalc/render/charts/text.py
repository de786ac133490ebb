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
from costcalc.render.layout import pad, shorten_middle, text_width, wrap
from costcalc.render.names import distinct_width, shorten_names
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

    def value_at(self, position: float) -> float:
        """Position from 0 to 1 -> the value that stands there."""
        return (
            self.low * (self.high / self.low) ** position if self.log else self.low + position * (self.high - self.low)
        )


class ChartMark(NamedTuple):
    """A sign at a value, and a label beside it where there is room; style is a field of the palette."""

    x: float
    y: float
    sign: str
    label: str = ""
    style: str = "bar"


def make_scale(values: Iterable[float], text: Callable[[float], str], log: bool | None = None) -> Scale:
    """Values -> a scale around all of them with a margin; logarithmic where they span more than a factor of 20."""
    numbers = list(values)
    low, high = min(numbers), max(numbers)
    by_decades = (low > 0 and high / low > 20) if log is None else log
    if by_decades:
        return Scale(low / 1.6, high * 1.6, True, text)
    margin = (high - low) * 0.1 or abs(high) * 0.2 or 1
    return Scale(max(0.0, low - margin) if low >= 0 else low - margin, high + margin, False, text)


def plot_lines(marks: Sequence[ChartMark], x: Scale, y: Scale, screen: Screen, names: tuple[str, str]) -> list[str]:
    """Marks and the scales of both axes -> lines of characters: later marks cover earlier ones, no label covers
    anything."""
    palette = screen.palette
    labels = {row: y.text(y.value_at(1 - row / (HEIGHT - 1))).strip() for row in (0, HEIGHT // 2, HEIGHT - 1)}
    margin = max(map(len, labels.values()))
    width = max(20, min(screen.text_width, WIDEST) - margin - 2)
    cells: dict[tuple[int, int], tuple[str, str]] = {}
    positions = [(round(x.locate(m.x) * (width - 1)), round((1 - y.locate(m.y)) * (HEIGHT - 1))) for m in marks]
    for mark, (column, row) in zip(marks, positions, strict=True):
        if 0 <= column < width and 0 <= row < HEIGHT:
            cells[column, row] = (mark.sign, mark.style)
    for mark, (column, row) in zip(marks, positions, strict=True):
        _write_label(mark, column, row, width, cells)
    vertical, tick, corner, horizontal = "│┤└─" if screen.unicode else "|++-"
    texts = [f"{palette.faint}{names[1]}{palette.off}"]
    for row in range(HEIGHT):
        axis = f"{labels.get(row, '').rjust(margin)} {tick if row in labels else vertical}"
        texts.append(f"{palette.faint}{axis}{palette.off}{_row_text(row, width, cells, screen)}".rstrip())
    texts.append(f"{palette.faint}{' ' * margin} {corner}{horizontal * width}{palette.off}")
    first, middle, last = (x.text(x.value_at(position)).strip() for position in (0, 0.5, 1))
    half = width // 2 - len(first) - len(middle) // 2
    scale_line = f"{first}{' ' * max(1, half)}{middle}"
    scale_line += last.rjust(max(len(last) + 1, width - len(scale_line)))
    texts.append(f"{palette.faint}{' ' * (margin + 2)}{scale_line}{palette.off}")
    texts.append(f"{palette.faint}{names[0].rjust(margin + 2 + width)}{palette.off}")
    return texts


def _write_label(
    mark: ChartMark, column: int, row: int, width: int, cells: dict[tuple[int, int], tuple[str, str]]
) -> None:
    """Mark and its cell -> its label is written into the cells right of it, or left, where nothing stands yet."""
    size = text_width(mark.label)
    if not mark.label or size != len(mark.label):
        return
    for start in (column + 2, column - 1 - size):
        free = all((c, row) not in cells for c in range(start - 1, start + size + 1) if c != column)
        if start >= 0 and start + size <= width and free:
            for i, sign in enumerate(mark.label):
                cells[start + i, row] = (sign, "")
            return


def _row_text(row: int, width: int, cells: dict[tuple[int, int], tuple[str, str]], screen: Screen) -> str:
    palette, text, current = screen.palette, "", ""
    for column in range(width):
        sign, style = cells.get((column, row), (" ", current if (column, row) not in cells else ""))
        if style != current:
            text += (palette.off if current else "") + (getattr(palette, style) if style else "")
            current = style
        text += sign
    return text.rstrip() + (palette.off if current else "")


LABEL = 44
"""No label of a bar is longer."""

SHORTEST = 8
"""Cells of the longest bar, at the least, where names need the room."""

MAX_LISTED = 12


def render(charts: Sequence[Chart], screen: Screen) -> str:
    """Charts -> text, the charts below each other."""
    return screen.text("\n\n".join("\n".join(_chart_lines(chart, screen)) for chart in charts))


def _chart_lines(chart: Chart, screen: Screen) -> Iterator[str]:
    if isinstance(chart, BarChart):
        return _bar_lines(chart, screen)
    if isinstance(chart, MemoryChart):
        return _memory_lines(chart, screen)
    return _roofline_lines(chart, screen) if isinstance(chart, RooflineChart) else _pareto_lines(chart, screen)


def _title_line(name: str, subtitle: str, screen: Screen) -> str:
    title = printable(name)
    first, *more = wrap(f"{title}  {subtitle}", screen.text_width, 2)
    head = (
        f"{screen.palette.title}{title}{screen.palette.off}{first[len(title) :]}" if first.startswith(title) else first
    )
    return "\n".join((head, *more))


def value_text(value: float, unit: str) -> str:
    """Value and unit -> `51.4 M`, `1.44 MiB`, `26.2 µs`; a fraction keeps three digits."""
    if unit in ("seconds", "joules"):
        return format_si(Fraction(value), "s" if unit == "seconds" else "J")
    rounded = round(value)
    if unit != "bytes" and rounded != value and abs(value) < 1000:
        return format_axis(value)
    return format_bytes(rounded) if unit == "bytes" else format_short(rounded)


def _bar_lines(chart: BarChart, screen: Screen) -> Iterator[str]:
    palette = screen.palette
    bound_sign = "≥ " if chart.least else ""
    yield _title_line(chart.title, f"{chart.quantity}, {bound_sign}{value_text(chart.whole, chart.unit)}", screen)
    yield ""
    rest = [(f"({chart.rest[0]:,} more)", chart.rest[1])] if chart.rest[0] else []
    rows = [*((printable(bar.label), bar.value) for bar in chart.bars), *rest]
    if not rows:
        yield f"{palette.faint}nothing{palette.off}"
        return
    values = [value_text(value, chart.unit) for _, value in rows]
    numbers = max(map(len, values))
    labels, names = [label for label, _ in rows], list(map(printable, chart.names))
    longest = min(LABEL, max(map(text_width, labels)))
    width = min(longest, max(12, screen.text_width // 2 - 10))
    width = distinct_width(labels, names, width, max(width, min(longest, screen.text_width - numbers - 13 - SHORTEST)))
    room = max(4, min(60, screen.text_width - width - numbers - 7 - 6))
    bars = [*cells.bars([value / chart.whole for _, value in rows[: len(chart.bars)]], room, screen.unicode), ""]
    short_names = pad(shorten_names(labels, names, width), width, False, shorten_middle)
    for name, (_, value), text, bar in zip(short_names, rows, values, bars, strict=False):
        line = f"{name}  {text.rjust(numbers)}  {format_percent(value / chart.whole).rjust(6)}"
        yield f"{line}  {palette.bar}{bar}{palette.off}" if bar else f"{palette.faint}{line}{palette.off}"


def _memory_lines(chart: MemoryChart, screen: Screen) -> Iterator[str]:
    most = chart.values[chart.peak]
    yield _title_line(
        chart.title,
        f"peak {format_bytes(most)} at step {chart.peak + 1:,} of {len(chart.values):,}, "
        f"{printable(chart.names[chart.peak])}",
        screen,
    )
    yield ""
    yield from plot.area_lines(StepPlot("Live activation bytes by step", chart.values), screen)


def _roofline_lines(chart: RooflineChart, screen: Screen) -> Iterator[str]:
    first = chart.devices[0]
    yield _title_line(chart.title, f"roofline of {first.name}, {first.precision} {first.text}", screen)
    yield ""
    ridges = [device.peak / device.bandwidth for device in chart.devices]
    x = make_scale(
        [*(spot.intensity for spot in chart.spots), *(ridge * f for ridge in ridges for f in (0.5, 4))],
        format_axis,
        True,
    )
    heights = [min(d.peak, d.bandwidth * intensity) for d in chart.devices for intensity in (x.low, x.high)]
    y = make_scale(heights, lambda value: format_short(round(value)), True)
    marks = []
    for device in chart.devices[::-1]:
        for i in range(200):
            intensity = x.value_at(i / 199)
            sloping = intensity < device.peak / device.bandwidth
            sign = "·" if device is not first else "/" if sloping else "─" if screen.unicode else "-"
            marks.append(ChartMark(intensity, min(device.peak, device.bandwidth * intensity), sign, style="faint"))
    dot = "●" if screen.unicode else "o"
    for spot in sorted(chart.spots, key=lambda spot: spot.share):
        label = shorten_middle(printable(spot.label), 24) if chart.whole else ""
        marks.append(ChartMark(spot.intensity, min(first.peak, first.bandwidth * spot.intensity), dot, label))
    yield from plot_lines(marks, x, y, screen, ("FLOP per byte", "FLOP/s"))
    yield ""
    count = sum(spot.intensity < ridges[0] for spot in chart.spots)
    noun = f"{'model' if chart.whole else 'layer'}{'s' * (count != 1)}"
    yield f"{count:,} {noun} left of the bend at {format_axis(ridges[0])} FLOP/byte, bound by memory"
    yield f"{len(chart.spots) - count:,} right of it, bound by compute"
    for device in chart.devices[1:]:
        yield f"{screen.palette.faint}·  {device.name}, {device.precision} {device.text}{screen.palette.off}"


def _pareto_lines(chart: ParetoChart, screen: Screen) -> Iterator[str]:
    front = [point for point in chart.points if point.best]
    yield _title_line(chart.title, front_text(chart), screen)
    yield ""
    x = make_scale([p.x for p in chart.points], lambda v: value_text(v, chart.x.unit))
    y = make_scale([p.y for p in chart.points], lambda v: value_text(v, chart.y.unit))
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
    yield from plot_lines(marks, x, y, screen, (_axis_title(chart.x), _axis_title(chart.y)))
    yield ""
    yield f"{signs[0]} none is as good in both and better in one:"
    for point in sorted(front, key=lambda p: p.x)[:MAX_LISTED]:
        yield f"  {printable(point.label)}  {value_text(point.x, chart.x.unit)}, {value_text(point.y, chart.y.unit)}"
    if len(front) > MAX_LISTED:
        yield f"{screen.palette.faint}  and {len(front) - MAX_LISTED:,} more{screen.palette.off}"


def front_text(chart: ParetoChart) -> str:
    """Pareto chart -> how many of its points the front has, as text."""
    count = sum(point.best for point in chart.points)
    return f"{count:,} of {len(chart.points):,} {'is' if count == 1 else 'are'} beaten by no other"


def _axis_title(axis: ChartAxis) -> str:
    return f"{axis.title}{' (more is better)' if axis.greatest else ''}"


SCATTER_HEIGHT, SCATTER_WIDTH, WIDEST_LABEL = 16, 72, 12

MARKS = ("·", "●", "█"), (".", "o", "#")
"""One row, several, more than ten."""


def draw_scatter(rows: Sequence[Row], x: Goal, y: Goal, screen: Screen) -> str:
    """Rows and two columns -> the scatter plot as text, with the extremes beside the axes. UsageError where a column
    holds no numbers."""
    pairs = [(x.evaluate(row), y.evaluate(row)) for row in rows]
    points = [(a, b) for a, b in pairs if a is not None and b is not None]
    for a, b in points:
        for value, goal in ((a, x), (b, y)):
            if not is_number(value):
                raise UsageError(
                    f"{goal.text} is {value!r}, no number", "plot two columns of numbers: --plot macs,params"
                )
    if not points:
        return "Nothing to plot: no row has figures."
    labels = [_number_label(end(b for _, b in points)) for end in (max, min)]
    margin = max(map(len, labels))
    width = max(10, min(SCATTER_WIDTH, screen.text_width - margin - 3))
    columns, plot_lines = (
        _cell_indexes([a for a, _ in points], width),
        _cell_indexes([b for _, b in points], SCATTER_HEIGHT),
    )
    counts = Counter(zip(columns, plot_lines, strict=True))
    marks = MARKS[0] if screen.unicode else MARKS[1]
    text = [f"{printable(y.text)} over {printable(x.text)}"]
    for line in reversed(range(SCATTER_HEIGHT)):
        label = labels[0] if line == SCATTER_HEIGHT - 1 else labels[1] if line == 0 else ""
        cells = "".join(_count_mark(counts[column, line], marks) for column in range(width)).rstrip()
        text.append(f"{label:>{margin}} {'┤' if label else '│'}{cells}".rstrip())
    low, high = _number_label(min(a for a, _ in points)), _number_label(max(a for a, _ in points))
    text.append(f"{'':{margin}} └{'─' * width}")
    text.append(f"{'':{margin}}  {low}{high:>{max(1, width - len(low))}}")
    return screen.text("\n".join(text))


def _cell_indexes(values: Sequence[Any], cells: int) -> list[int]:
    """Values -> the index of the cell of a line that each falls into, exact."""
    low, span = min(values), max(values) - min(values)
    return [int((value - low) * (cells - 1) / Fraction(span) + Fraction(1, 2)) if span else 0 for value in values]


def _count_mark(count: int, marks: Sequence[str]) -> str:
    return " " if not count else marks[0] if count == 1 else marks[1] if count <= 10 else marks[2]


def _number_label(value: Any) -> str:
    """Number -> text: an integer short, a fraction by its decimals where those are few, else by three digits."""
    if isinstance(value, int):
        return format_short(value)
    text = decimal_text(value)
    return text if len(text) <= WIDEST_LABEL else format_axis(float(value))
