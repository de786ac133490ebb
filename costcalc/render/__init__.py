"""Tables, charts and verdicts to text, files, pages. Formats only."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.render.terminal import Screen
from costcalc.views.table import Table, fold_repeats


def render_tables(form: str, tables: Sequence[Table], screen: Screen, keep_all: bool = False) -> str:
    """Tables -> text in a format for people, where repeats of rows are one row (markdown, html, svg, table), or for
    spreadsheets (csv); for a PNG, which is bytes, see render_png. keep_all leaves no column out where a line is
    narrow."""
    if form == "csv":
        from costcalc.render import csv

        return screen.text(csv.render(tables))
    tables = list(map(fold_repeats, tables))
    if form == "markdown":
        from costcalc.render import markdown

        return screen.text(markdown.render(tables))
    if form == "html":
        from costcalc.render import html

        return _encode_markup(html.render(tables), screen)
    if form == "svg":
        from costcalc.render import svg

        return _encode_markup(svg.render(tables, screen.text_width, keep_all), screen)
    if form != "table":
        raise ValueError(f"{form} is no format of text")
    from costcalc.render import table

    return "\n\n".join(table.table_text(sheet, screen, keep_all) for sheet in tables)


def render_png(tables: Sequence[Table], screen: Screen, keep_all: bool = False) -> bytes:
    """Tables -> the bytes of a PNG. UsageError where the extra package or a font is missing, or the table is too long
    for it."""
    from costcalc.render import svg

    return svg.rasterize(svg.render(list(map(fold_repeats, tables)), screen.text_width, keep_all))


def _encode_markup(page: str, screen: Screen) -> str:
    """HTML or XML and a screen -> the same with character references for what the screen cannot show."""
    return page if screen.unicode else page.encode("ascii", "xmlcharrefreplace").decode()
