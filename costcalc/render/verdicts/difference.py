"""Sheets of a diff → a pull request's comment: a hidden marker, the totals, and the layers in a table that opens."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.render import markdown
from costcalc.render.untrusted import html
from costcalc.render.verdicts.comment import MOST, marker
from costcalc.render.verdicts.fitted import Block, fitted
from costcalc.sheet import Sheet

IDENT = "diff"


def render(sheets: Sequence[Sheet], most: int = MOST) -> str:
    """The comment, below `most` characters; where layers find no room, their number is told."""
    return fitted([Block((marker(IDENT),)), *map(_block, sheets)], most)


def _block(sheet: Sheet) -> Block:
    if sheet.kind != "layers":
        return Block(tuple(markdown.render([sheet]).split("\n")))
    header, rule, *rows = markdown.table(sheet)
    head = f"<details><summary>{html(f'{sheet.title}: {sheet.subtitle}')}</summary>"
    return Block((head, "", header, rule), tuple(rows), ("", "</details>"), "layers", len(sheet.columns))
