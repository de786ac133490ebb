"""Markdown: GitHub's tables, for pull requests and READMEs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from costcalc.render import cells, plot
from costcalc.render.palette import Screen
from costcalc.sheet import Sheet


def render(sheets: Sequence[Sheet]) -> str:
    """Each sheet as a heading, a table and a list of what stands under it."""
    return "\n\n".join(_sheet(sheet) for sheet in sheets)


def _sheet(sheet: Sheet) -> str:
    shown = [(i, column) for i, column in enumerate(sheet.columns) if column.kind != "bar"]
    last = [row for row in (sheet.rest, sheet.total) if row is not None]
    raw = list(zip(*sheet.rows, *last, strict=True))
    texts = [[escape(text) for text in cells.column(column, raw[i])] for i, column in shown]
    for (_, column), column_texts in zip(shown, texts, strict=True):
        if column.kind == "name" and sheet.tree:
            labels = [f"{'&emsp;' * depth}{escape(label)}" for depth, label in sheet.tree]
            column_texts[: len(labels)] = labels
    rows = [list(row) for row in zip(*texts, strict=True)]
    if sheet.total is not None:
        rows[-1] = [f"**{text}**" if text else "" for text in rows[-1]]
    header = [escape(column.title) or " " for _, column in shown]
    rule = [":--" if column.kind in ("name", "text", "prose") else "--:" for _, column in shown]
    lines = [f"### {escape(sheet.title)}", ""]
    if sheet.subtitle:
        lines += [escape(sheet.subtitle), ""]
    if sheet.plot is not None:
        lines += ["```text", *plot.area(sheet.plot, Screen(80)), "```", ""]
    lines += [f"| {' | '.join(row)} |" for row in (header, rule, *rows)]
    if sheet.facts or sheet.remarks:
        lines.append("")
    for fact in sheet.facts:
        human = cells.human(fact.value, fact.kind)
        lines.append(f"- **{fact.label}**: {escape(cells.amount(fact.value))}{f' ({human})' if human else ''}")
    for remark in sheet.remarks:
        text = escape(cells.printable(remark.text))
        lines.append(f"- {escape(remark.label)}: {text}" if remark.label else f"- {text}")
    return "\n".join(lines)


def escape(text: str) -> str:
    """The text with Markdown's own signs escaped."""
    return re.sub(r"([\\`*_|<>\[\]#])", r"\\\1", text)
