"""Sheets as a picture: the table of a terminal drawn in SVG, with bars as areas, light and dark, fetching nothing.

An SVG as a PNG: resvg draws it with the fonts of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from costcalc.core.errors import UsageError
from costcalc.core.sanitize import escape_html as escape
from costcalc.render import table
from costcalc.render.layout import text_width
from costcalc.render.terminal import Palette, Screen
from costcalc.views.table import Table

SIZE = 14

CELL, LINE = 8.43, 19
"""Of a character: DejaVu Sans Mono's advance at this size, and the distance of lines."""

MARGIN = 20

TEXT_BASELINE = 14
"""Where letters stand in a line, from its top."""

PALETTE = Palette(*(chr(0xE000 + i) for i in range(len(Palette._fields))))
"""Instead of a terminal's escapes: private characters, which no text can hold, for it is made printable."""

CLASSES = {mark: "" if name == "off" else name for mark, name in zip(PALETTE, Palette._fields, strict=True)}

BLOCK_SHAPES = {c: (0.0, 0.0, i / 8, 1.0) for i, c in enumerate("▏▎▍▌▋▊▉█", 1)} | {
    c: (0.0, 1 - i / 8, 1.0, i / 8) for i, c in enumerate("▁▂▃▄▅▆▇", 1)
}
"""Blocks as (left, top, width, height) of a cell."""

RULES = {
    "─": ((0, 0.5, 1, 0.5),),
    "│": ((0.5, 0, 0.5, 1),),
    "┤": ((0, 0.5, 0.5, 0.5), (0.5, 0, 0.5, 1)),
    "└": ((0.5, 0, 0.5, 0.5), (0.5, 0.5, 1, 0.5)),
}
"""Lines as (from x, from y, to x, to y) in a cell; a run of the first is as wide as all of it."""

FONTS = '"DejaVu Sans Mono",ui-monospace,Menlo,Consolas,"Liberation Mono",monospace'

AXES = "│┤└"

AIR = 4

RUN_PATTERN = re.compile("[▏▎▍▌▋▊▉█]+|[▁▂▃▄▅▆▇]|─+|[│┤└]|{0}(?: ?{0})*".format("[^▏▎▍▌▋▊▉█▁▂▃▄▅▆▇─│┤└ ]"))
"""Bars, blocks, lines, and words up to a gap of two spaces."""

LIGHT = {
    "ink": "#1c2127",
    "faint": "#66707c",
    "paper": "#ffffff",
    "line": "#d9dde2",
    "bar": "#2667a8",
    "warning": "#8a5a00",
    "good": "#0c7a68",
    "bad": "#b0453a",
}

DARK = {
    "ink": "#e7eaee",
    "faint": "#9aa4b0",
    "paper": "#14171b",
    "line": "#343b44",
    "bar": "#74aee2",
    "warning": "#e0b050",
    "good": "#56c4ae",
    "bad": "#e78f85",
}


class TextRun(NamedTuple):
    """Characters of one style at a place: a line from 0 on, a column of cells; area in a plot over an axis."""

    text: str
    line: int
    column: int
    style: str
    area: bool = False


def render(sheets: Sequence[Table], width: int, keep_all: bool = False) -> str:
    """Sheets and a width in characters -> SVG, the sheets below each other."""
    screen = Screen(width, True, PALETTE)
    return draw_text(
        "\n\n".join(table.table_text(sheet, screen, keep_all) for sheet in sheets), ", ".join(s.title for s in sheets)
    )


def draw_text(text: str, title: str) -> str:
    """Text with the marks of PALETTE -> SVG."""
    lines = text.split("\n")
    runs = [run for i, line in enumerate(lines) for run in split_runs(line, i)]
    columns = max((run.column + text_width(run.text) for run in runs), default=1)
    width, height = round(columns * CELL) + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">\n<style>{_style_rules()}</style>\n'
        f'<rect class="paper" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>\n'
        + "\n".join(map(_run_element, runs))
        + "\n</svg>"
    )


def _style_rules() -> str:
    """CSS of the picture: plain colours, and those of dark surroundings; no variables, which some readers of SVG do not
    know."""
    return (
        f"text{{font:{SIZE}px {FONTS};white-space:pre}}.title,.header,.total,.bad{{font-weight:700}}"
        f"{_colour_rules(LIGHT)}@media (prefers-color-scheme:dark){{{_colour_rules(DARK)}}}"
    )


def _colour_rules(colours: dict[str, str]) -> str:
    style_rules = "".join(f".{name}{{fill:{colours[name]}}}" for name in ("bar", "warning", "good", "bad"))
    return (
        f"text,.ink{{fill:{colours['ink']}}}.header,.faint{{fill:{colours['faint']}}}{style_rules}"
        f".rule{{fill:none;stroke:{colours['faint']}}}.paper{{fill:{colours['paper']};stroke:{colours['line']}}}"
    )


def split_runs(line: str, number: int) -> Iterator[TextRun]:
    """Line and its number -> its runs, each at its column."""
    style, column, area = "", 0, any(c in line for c in AXES)
    for segment in re.split(f"([{''.join(PALETTE)}])", line):
        if segment in CLASSES:
            style = CLASSES[segment]
            continue
        for match in RUN_PATTERN.finditer(segment):
            yield TextRun(match[0], number, column + text_width(segment[: match.start()]), style, area)
        column += text_width(segment)


def _run_element(run: TextRun) -> str:
    if run.text[0] in BLOCK_SHAPES:
        return _block_element(run)
    x, y, width = MARGIN + run.column * CELL, MARGIN + run.line * LINE, text_width(run.text) * CELL
    if run.text[0] in RULES:
        lines = [(x + a * width, y + b * LINE, x + c * width, y + d * LINE) for a, b, c, d in RULES[run.text[0]]]
        return f'<path class="rule" d="{"".join(f"M{a:.2f} {b}L{c:.2f} {d}" for a, b, c, d in lines)}"/>'
    style = f' class="{run.style}"' if run.style else ""
    attributes = f'x="{x:.2f}" y="{y + TEXT_BASELINE}" textLength="{width:.2f}" lengthAdjust="spacingAndGlyphs"'
    return f"<text{style} {attributes}>{escape(run.text)}</text>"


def _block_element(run: TextRun) -> str:
    """Run of blocks -> a rectangle: a bar of a table, with air above and below it; the blocks of an area touch."""
    _, top, last, height = BLOCK_SHAPES[run.text[-1]]
    air = 0 if run.area else AIR
    x, y = MARGIN + run.column * CELL, MARGIN + run.line * LINE + top * LINE + air
    width = (len(run.text) - 1 + last) * CELL
    size = f'width="{width:.2f}" height="{height * LINE - 2 * air:.2f}"'
    return f'<rect class="{run.style or "ink"}" x="{x:.2f}" y="{y:.2f}" {size} shape-rendering="crispEdges"/>'


ZOOM = 2
"""Pixels for each unit of the SVG: sharp on screens of today."""

MAX_PIXELS = 20_000
"""Pixels of a side; a longer table is no picture."""

MONOSPACE = "DejaVu Sans Mono"


def rasterize(svg: str) -> bytes:
    """SVG -> the bytes of a PNG. UsageError without the extra package, without a font, and of a table that is too
    long."""
    draw = _import_resvg()
    height = int(svg.split('height="', 1)[1].split('"', 1)[0])
    if height * ZOOM > MAX_PIXELS:
        raise UsageError(
            f"the picture would be {height * ZOOM:,} pixels high", "show fewer rows (--top 50), or take --format svg"
        )
    if not _has_font():
        raise UsageError("there is no font to draw letters with", "install one such as DejaVu Sans Mono")
    return bytes(draw(svg_string=svg, zoom=ZOOM, monospace_family=MONOSPACE))


def _import_resvg() -> Any:
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise UsageError(
            "PNG needs the package resvg-py", "pip install 'costcalc[pictures]', or take --format svg"
        ) from error
    return svg_to_bytes


@lru_cache(maxsize=1)
def _has_font() -> bool:
    """Whether a letter leaves a mark: without fonts, resvg draws none and says nothing."""
    text = '<text y="8" font-family="monospace">{}</text>'
    page = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{text}</svg>'
    letter, blank = (_import_resvg()(svg_string=page.format(text), monospace_family=MONOSPACE) for text in ("M", ""))
    return bytes(letter) != bytes(blank)
