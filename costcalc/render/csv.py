"""CSV: raw figures, one line per row, no totals; formulas in `+ - * // **`
(a symbol that is no word between backquotes), an unknown figure is empty.

Names are made printable, and one that a spreadsheet would take for a formula (it begins with = + - @) gets an
apostrophe before it; a figure never does. JSON holds names as they are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from costcalc.core.amount import LowerBound, json_amount
from costcalc.core.dim import Dim, Poly, format_formula
from costcalc.core.sanitize import escape_spreadsheet, printable
from costcalc.views.table import FigureCell, Table


def render(sheets: Sequence[Table]) -> str:
    """Sheets -> CSV, all under one header; where there are several, the first column says which."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = [(i, c) for i, c in enumerate(sheets[0].columns) if c.kind != "bar"]
    several = len(sheets) > 1
    writer.writerow(
        [*([sheets[0].kind] if several else []), *(escape_spreadsheet(column.key) for _, column in columns)]
    )
    for sheet in sheets:
        first = [escape_spreadsheet(sheet.title)] if several else []
        for row in sheet.rows:
            writer.writerow([*first, *(_cell_value(row[i]) for i, _ in columns)])
    return out.getvalue().rstrip("\n")


def _cell_value(value: Any) -> Any:
    if isinstance(value, FigureCell):
        value = value.value
    if isinstance(value, LowerBound):
        return f">={printable(str(json_amount(value.value)))}"
    if isinstance(value, Poly):
        return _formula_text(value)
    if isinstance(value, str):
        return escape_spreadsheet(value)
    if isinstance(value, tuple):
        return escape_spreadsheet(shapes_text(value))
    return "" if value is None else value


def shapes_text(shapes: Sequence[tuple[Dim, ...] | None]) -> str:
    """Shapes -> `1x64x112x112 1x64`; ? for one that is not known, () for a scalar's."""
    return " ".join(map(_shape_text, shapes))


def _shape_text(shape: tuple[Dim, ...] | None) -> str:
    return "?" if shape is None else "x".join(_strip_spaces(format_formula(d)) for d in shape) or "()"


def _strip_spaces(formula: str) -> str:
    """Formula -> the same without spaces, but for those in names between backquotes."""
    return "`".join([piece if i % 2 else piece.replace(" ", "") for i, piece in enumerate(formula.split("`"))])


def _formula_text(value: Poly) -> str:
    """Formula -> a cell. A minus before its first factor is a sign; other signs begin a symbol's name."""
    text = printable(format_formula(value))
    return escape_spreadsheet(text) if not text.removeprefix("-")[:1].isalnum() else text
