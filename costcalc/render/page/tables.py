"""Neutral tables -> HTML tables of a page: heads with scopes, figures in full and rounded for a narrow screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from costcalc.core.sanitize import escape_html as escape
from costcalc.render import cells
from costcalc.views.table import Note, Table

Cell = str | tuple[str, str]
"""A text, or two of them, of which a narrow screen shows the second."""

NARROW_FIGURE = 6
"""Signs of a figure that a narrow screen has room for."""

LEFT_KINDS = ("name", "text", "prose", "sign")

LONGEST_TEXT = 240

LONGEST_CELL = 24
"""Signs of a formula in a column of figures; of a longer one the rest opens."""

WARNING = ' class="warning"'


def sheet_markup(sheet: Table, kind: str = "figures prose") -> str:
    """A table -> its HTML with its notes; the region that holds it scrolls where it is wider than the page."""
    footer = [row for row in (sheet.remainder_row, sheet.total_row) if row is not None]
    values = list(zip(*sheet.rows, *footer, strict=True)) or [()] * len(sheet.columns)
    columns, rows = [], []
    for column, raw in zip(sheet.columns, values, strict=True):
        if column.kind != "bar":
            columns.append((column.title or "", column.kind in LEFT_KINDS))
            texts = cells.column_texts(column, raw)
            is_figure = column.kind in ("number", "change")
            narrow = cells.round_wide_figures(list(texts), NARROW_FIGURE) if is_figure else texts
            rows.append([(a, b) if is_figure else a for a, b in zip(texts, narrow, strict=True)])
    table = table_markup(sheet.title, columns, zip(*rows, strict=True), kind)
    return wide_markup(sheet.title, table) + notes_markup(sheet.notes)


def wide_markup(label: str, table: str) -> str:
    """A table that may be wider than the page -> the box that scrolls it and takes the keyboard."""
    return f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}">{table}</div>\n'


def notes_markup(notes: Iterable[Note]) -> str:
    """Notes -> a list of them; "" where there are none."""
    rows = [
        f"<dt>{escape(note.label)}</dt><dd{WARNING if note.warning else ''}>{opened_text(note.text)}</dd>"
        for note in notes
    ]
    return f'<dl class="remarks">{"".join(rows)}</dl>\n' if rows else ""


def table_markup(
    caption: str, columns: Sequence[tuple[str, bool]], rows: Iterable[Sequence[Cell]], kind: str = "figures"
) -> str:
    """(title, is left) of columns and rows of cells -> a table whose first column heads its rows."""
    sides = [' class="l"' if is_left else "" for _, is_left in columns]
    head = "".join(f'<th scope="col"{s}>{escape(title)}</th>' for (title, _), s in zip(columns, sides, strict=True))
    body = "".join(f"<tr>{''.join(_row_cells(row, sides))}</tr>" for row in rows)
    return (
        f'<table class="{kind}"><caption class="hidden">{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row_cells(row: Sequence[Cell], sides: Sequence[str]) -> Iterable[str]:
    for i, (cell, side) in enumerate(zip(row, sides, strict=True)):
        full, narrow = (cell, cell) if isinstance(cell, str) else cell
        is_formula = not isinstance(cell, str) and len(narrow) > LONGEST_CELL
        text = (
            opened_text(full, LONGEST_CELL)
            if is_formula
            else cells.prose_markup(full)
            if len(full) > LONGEST_CELL
            else escape(full)
        )
        short = f' data-short="{escape(narrow)}"' if narrow != full and not is_formula else ""
        yield f'<th scope="row"{side}>{text}</th>' if i == 0 else f"<td{side}{short}>{text}</td>"


def opened_text(text: str, most: int = LONGEST_TEXT) -> str:
    """A text -> HTML; of a long one the beginning, behind which all of it opens."""
    if len(text) <= most:
        return cells.prose_markup(text)
    cut = text[:most].rfind(" ")
    start = text[: cut if cut > most // 2 else most].rstrip()
    return f"<details><summary>{escape(start)} …</summary>{cells.prose_markup(text)}</details>"
