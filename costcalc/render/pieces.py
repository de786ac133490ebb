"""Which columns of a Sheet stand in a table, or in one of several below each other, where none may be lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from costcalc.columns import Column
from costcalc.core.amount import is_formula
from costcalc.render import cells
from costcalc.render.layout import GAP, column_width, text_width
from costcalc.sheet import Sheet, only

NAME, TITLE, FORMULA = 22, 16, 48
"""A name, a title and a formula may be shortened down to this; a figure is never cut."""


def pieces(given: Sheet, width: int) -> list[Sheet]:
    """The sheet itself where it has no groups of columns. Otherwise as few sheets as hold all of them, each with the
    first column; figures are exact unless rounded ones need fewer sheets."""
    if not given.groups:
        return [given]
    rounded = replace(given, columns=tuple([c._replace(kind=_rounded(c.kind)) for c in given.columns]))
    return min((_pieces(given, width), _pieces(rounded, width)), key=len)


def _rounded(kind: str) -> str:
    return "short" if kind == "number" else kind


def _pieces(given: Sheet, width: int) -> list[Sheet]:
    raw = list(zip(*given.rows, strict=True)) or [()] * len(given.columns)
    needs = [_needs(column, values) for column, values in zip(given.columns, raw, strict=True)]
    found: list[list[int]] = []
    for group in given.groups:
        if found and sum(needs[i] + len(GAP) for i in (*found[-1], *group)) - len(GAP) <= width:
            found[-1] += group
        else:
            found.append([0, *group])
    return [only(given, chosen) for chosen in found]


def _needs(column: Column, values: Sequence[Any]) -> int:
    """The least width of a column."""
    texts = cells.column(column, values)
    if column.kind == "name":
        return min(column_width(texts), NAME)
    widths = [min(len(t), FORMULA) if is_formula(v) else len(t) for v, t in zip(values, texts, strict=True)]
    return max(min(text_width(column.title), TITLE), *widths, 0)


def telling(given: Sheet) -> Sheet:
    """The sheet without columns of shares that no row has: of formulas there are none."""
    empty = {
        i
        for i, column in enumerate(given.columns)
        if column.kind in ("share", "bar") and not any(row[i] for row in given.rows)
    }
    return only(given, [i for i in range(len(given.columns)) if i not in empty]) if empty else given
