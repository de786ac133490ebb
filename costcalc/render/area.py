"""Bytes over steps as an area: of blocks for a terminal, of one SVG path for a page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from costcalc.core.sanitize import escape_html as escape
from costcalc.core.sanitize import printable
from costcalc.core.units import format_bytes
from costcalc.render.cells import LEVELS
from costcalc.render.terminal import Screen
from costcalc.views.table import StepPlot

HEIGHT = 8

WIDEST = 4
"""Cells of one step at most."""

SIZE = (640, 160)
"""Width and height of the SVG in pixels."""


def area_lines(plot: StepPlot, screen: Screen) -> list[str]:
    """Plot -> a line for the title, HEIGHT lines of blocks with the scale on their left, one of step numbers. Where
    there are more steps than cells, a cell shows the most of its steps, so that no peak is lost."""
    palette = screen.palette
    top = max(plot.values, default=0)
    labels = {0: format_bytes(top), HEIGHT // 2: format_bytes(top // 2)} if top else {}
    margin = max(map(len, labels.values()), default=1)
    values = fit_values(plot.values, max(8, screen.text_width - margin - 2))
    vertical, tick, corner, horizontal = tuple("│┤└─" if screen.unicode else "|++-")
    lines = [f"{palette.faint}{printable(plot.title)}{palette.off}"]
    for row in range(HEIGHT):
        bars = "".join(_area_cell(value, top, HEIGHT - 1 - row, screen.unicode) for value in values).rstrip()
        axis = f"{labels.get(row, '').rjust(margin)} {tick if row in labels else vertical}"
        lines.append(f"{palette.faint}{axis}{palette.off}{palette.bar}{bars}{palette.off}".rstrip())
    lines.append(f"{palette.faint}{'0'.rjust(margin)} {corner}{horizontal * len(values)}{palette.off}")
    last = f"{len(plot.values):,}"
    steps = f"1{last.rjust(len(values) - 1)}" if len(values) > len(last) + 1 else last
    lines.append(f"{palette.faint}{' ' * (margin + 2)}{steps}{palette.off}")
    return lines


def fit_values(values: Sequence[int], width: int) -> list[int]:
    """Values of steps and a width in cells -> a value for each cell: the most of its steps; few steps take several
    cells each."""
    count = len(values)
    if count <= width:
        cells_per_step = max(1, min(WIDEST, width // max(count, 1)))
        return [v for v in values for _ in range(cells_per_step)]
    edges = [i * count // width for i in range(width + 1)]
    return [max(values[a:b]) for a, b in pairwise(edges)]


def _area_cell(value: int, top: int, row: int, unicode: bool) -> str:
    """Value and row from below -> the block of its cell, filled in eighths."""
    eighths = -(-value * HEIGHT * 8 // top) - row * 8 if top else 0
    level = min(8, max(0, eighths))
    return LEVELS[level] if unicode else "#" if level >= 4 else " "


def area_svg(plot: StepPlot | None) -> str:
    """Plot -> an SVG figure whose area has a stair for each step; "" without a plot."""
    if plot is None or not plot.values or not max(plot.values):
        return ""
    width, height = SIZE
    values = fit_values(plot.values, width)
    top, across = max(values), width / len(values)
    points = [f"M0 {height}"]
    for i, value in enumerate(values):
        y = height - value * height / top
        points.append(f"L{i * across:.1f} {y:.1f}L{(i + 1) * across:.1f} {y:.1f}")
    return (
        f"<figure><figcaption>{escape(plot.title)}, at most {format_bytes(top)}</figcaption>"
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(plot.title)}"><path fill="#3b8ea5" d="{"".join(points)}L{width} {height}Z"/></svg>'
        "</figure>\n"
    )
