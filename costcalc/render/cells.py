"""Raw values → texts, a column at a time; what every renderer for people shares."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from costcalc.core.amount import LowerBound, is_formula
from costcalc.core.sanitize import escape_html, printable
from costcalc.core.units import (
    format_bytes,
    format_count,
    format_digits,
    format_exact_share,
    format_percent,
    format_ratio,
    format_shapes,
    format_short,
    format_si,
    format_signed,
)
from costcalc.render.layout import shorten_formula
from costcalc.views.table import FigureCell

if TYPE_CHECKING:
    from costcalc.core.amount import Amount
    from costcalc.views.table import Column, Table, Total

EIGHTHS = " ▏▎▍▌▋▊▉█"

FORMULA, FORMULA_KINDS = 48, ("number", "short", "bytes", "change")
"""A formula may be shortened down to this; columns of these kinds have such."""

LEVELS = " ▁▂▃▄▅▆▇█"

SIGNS = {"added": "+", "removed": "-", "changed": "~", "follows": "→", "renamed": "="}
"""What became of a layer from one version of a model to another."""

__all__ = [
    "amount",
    "amount_of_bytes",
    "amount_short",
    "bars",
    "column_texts",
    "format_shapes",
    "limit_text",
    "printable",
    "prose_markup",
    "round_wide_figures",
    "row_texts",
    "short_form",
]


FIGURE = re.compile(r"\d[\d.,]* (?:[yzafpnµmkKMGTPE]?i?(?:B|s|J|W|FLOPs?|MACs?)(?:/s)?|bytes|[kMGTPE])(?!\w)")
"""A number with its unit."""


def prose_markup(text: str) -> str:
    """Text -> HTML in which no line ends between a number and its unit."""
    return FIGURE.sub(lambda figure: f'<span class="whole">{figure[0]}</span>', escape_html(text))


def column_texts(column: Column, values: Sequence[Any]) -> list[str]:
    """Column and its raw values -> their texts, printable, for names and symbols come from files that others wrote;
    none of bars, which the renderer draws."""
    if column.kind in ("name", "prose"):
        return list(map(printable, values))
    if column.kind == "bar":
        return [""] * len(values)
    distinct = list(dict.fromkeys(values))  # networks repeat layers: most figures stand in a column several times
    texts = dict(zip(distinct, map(printable, _format_values(column, distinct)), strict=True))
    return [texts[v] for v in values]


def row_texts(sheet: Table, index: int, values: Sequence[Any]) -> list[str]:
    """Table, a column's index and its raw values -> their texts, as column_texts; above totals, which stand whole, a
    formula of more than FORMULA signs without its end, for it would pull all rows apart."""
    column = sheet.columns[index]
    texts = column_texts(column, values)
    if column.kind not in FORMULA_KINDS or not sheet.totals:
        return texts
    return [shorten_formula(t, FORMULA) if is_formula(v) else t for t, v in zip(texts, values, strict=True)]


def _format_values(column: Column, values: Sequence[Any]) -> list[str]:
    if column.kind == "number":
        return [f"{v:,}" if v.__class__ is int else amount(v) for v in values]
    if column.kind == "short":
        return [amount_short(v) for v in values]
    if column.kind == "bytes":
        return [amount_of_bytes(v) for v in values]
    if column.kind == "rate":
        return ["" if v is None else amount_short(v) for v in values]
    if column.kind == "size":
        return ["" if v is None else amount_of_bytes(v) for v in values]
    if column.kind == "shape":
        return [format_shapes(v) for v in values]
    if column.kind == "share":
        return [format_percent(v) if v else "" for v in values]
    if column.kind == "seconds":
        return ["" if v == 0 else _seconds(v) for v in values]
    if column.kind == "decimal":
        return ["" if not v else format_digits(Fraction(v)) for v in values]
    if column.kind == "ratio":
        return [format_ratio(v) for v in values]
    if column.kind == "change":
        return [v if isinstance(v, str) else format_signed(v) for v in values]
    if column.kind == "percent":
        return ["" if v is None else format_exact_share(v, sign=True) for v in values]
    if column.kind == "figure":
        return list(map(str, values))
    if column.kind == "sign":
        return [SIGNS.get(v, v) for v in values]
    return list(values)


def _seconds(value: Any) -> str:
    if isinstance(value, LowerBound):
        return f"≥ {_seconds(value.value)}"
    return format_si(None if value is None else Fraction(value), "s")


EXACT_NUMBER = re.compile(r"([^\d]*)(\d{1,3}(?:,\d{3})+)")
"""A text that is an exact number behind a sign."""


def round_wide_figures(texts: list[str], widest: int) -> list[str]:
    """Texts of figures → the same, exact numbers that are wider than so many cells in three digits with a prefix
    (9.00e18 E): no number is cut."""
    if max(map(len, texts), default=0) <= widest:
        return texts
    return [_round_figure(text) if len(text) > widest else text for text in texts]


def _round_figure(text: str) -> str:
    number = EXACT_NUMBER.fullmatch(text)
    return f"{number[1]}{format_short(int(number[2].replace(',', '')))}" if number else text


def amount(value: Amount | FigureCell | str) -> str:
    """Amount -> `1,234`; `≥ 1,234`; a formula; `?`; a text as it is."""
    if isinstance(value, (str, FigureCell)):
        return str(value)
    return f"≥ {format_count(value.value)}" if isinstance(value, LowerBound) else format_count(value)


def amount_short(value: Amount | FigureCell | str) -> str:
    """Amount -> `15.5 G`; `≥ 15.5 G`; a text as it is."""
    if isinstance(value, (str, FigureCell)):
        return str(value)
    return f"≥ {format_short(value.value)}" if isinstance(value, LowerBound) else format_short(value)


def amount_of_bytes(value: Amount | FigureCell | str) -> str:
    """Bytes -> `44.6 MiB`; `≥ 44.6 MiB`; a text as it is."""
    if isinstance(value, (str, FigureCell)):
        return str(value)
    return f"≥ {format_bytes(value.value)}" if isinstance(value, LowerBound) else format_bytes(value)


def short_form(value: Amount, kind: str) -> str:
    """Exact amount -> its short form (15.5 G, 44.6 MiB); "" where it would say nothing new."""
    number = value.value if isinstance(value, LowerBound) else value
    if not isinstance(number, int) or abs(number) < 1000:
        return ""
    return format_bytes(number) if kind == "bytes" else format_short(number)


def limit_text(total: Total, width: int = sys.maxsize) -> str:
    """A total and a width -> the number that its formula does not exceed, and for what values, as far as they fit:
    `≤ 38.5 k, at most 100 y.trips`; "" where there is none."""
    if total.limit is None:
        return ""
    number = f"≤ {short_form(total.limit, total.kind) or f'{total.limit:,}'}"
    text = f"{number}, {printable(total.limits)}"
    return text if len(text) <= width else number


def bars(values: Sequence[float | None], width: int, unicode: bool) -> list[str]:
    """Shares and a width in cells -> a bar for each: the largest fills the width, a share above 0 takes at least an
    eighth of a cell."""
    top = max((v for v in values if v), default=1.0)
    if not unicode:
        return ["#" * max(1, round(v / top * width)) if v else "" for v in values]
    full, scale = EIGHTHS[-1] * width, 8 * width / top
    texts = []
    for v in values:
        if not v:
            texts.append("")
            continue
        eighths = int(v * scale + 0.5) or 1
        texts.append(full[: eighths >> 3] + (EIGHTHS[eighths & 7] if eighths & 7 else ""))
    return texts
