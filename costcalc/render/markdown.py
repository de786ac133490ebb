"""Markdown: GitHub's tables, for pull requests and READMEs."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.sanitize import escape_markdown as escape
from costcalc.core.sanitize import escape_markdown_line
from costcalc.render import area as plot
from costcalc.render import cells
from costcalc.render.terminal import Screen
from costcalc.views.table import Table


def render(sheets: Sequence[Table]) -> str:
    """Sheets -> Markdown: each as a heading, a table and a list of what stands under it."""
    return "\n\n".join(_sheet_text(sheet) for sheet in sheets)


def table(sheet: Table) -> list[str]:
    """Sheet -> the lines of its table alone, one for each row."""
    columns = [(i, column) for i, column in enumerate(sheet.columns) if column.kind != "bar"]
    footer_rows = [row for row in (sheet.remainder_row, sheet.total_row) if row is not None]
    raw = list(zip(*sheet.rows, *footer_rows, strict=True)) or [()] * len(sheet.columns)
    texts = [[escape(text) for text in cells.row_texts(sheet, i, raw[i])] for i, _ in columns]
    for (_, column), column_texts in zip(columns, texts, strict=True):
        if column.kind == "name" and sheet.tree:
            labels = [f"{'&emsp;' * depth}{escape(label)}" for depth, label in sheet.tree]
            column_texts[: len(labels)] = labels
    rows = [list(row) for row in zip(*texts, strict=True)]
    if sheet.total_row is not None:
        rows[-1] = [f"**{text}**" if text else "" for text in rows[-1]]
    header = [escape(column.title) or " " for _, column in columns]
    rule = [":--" if column.kind in ("name", "text", "prose") else "--:" for _, column in columns]
    return [f"| {' | '.join(row)} |" for row in (header, rule, *rows)]


def _sheet_text(sheet: Table) -> str:
    lines = [f"### {escape_markdown_line(sheet.title)}", ""]
    if sheet.subtitle:
        lines += [escape_markdown_line(sheet.subtitle), ""]
    if sheet.plot is not None:
        lines += ["```text", *plot.area_lines(sheet.plot, Screen(80)), "```", ""]
    lines += table(sheet)
    if sheet.totals or sheet.notes:
        lines.append("")
    for fact in sheet.totals:
        human = cells.limit_text(fact) or cells.short_form(fact.value, fact.kind)
        lines.append(
            f"- **{escape(fact.label)}**: {escape(cells.amount(fact.value))}{f' ({escape(human)})' if human else ''}"
        )
    for remark in sheet.notes:
        label = f"{escape_markdown_line(remark.label)}: " if remark.label else ""
        lines.append(f"- {label}{(escape if label else escape_markdown_line)(remark.text)}")
    return "\n".join(lines)
