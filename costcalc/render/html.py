"""HTML: one self-contained page, and the fragment that a notebook shows."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from costcalc.core.sanitize import escape_html as escape
from costcalc.render import area as plot
from costcalc.render import cells
from costcalc.views.table import Column, Table

MINOR = 75
"""A column of at most this importance is left out on a narrow page."""

MOST_COLUMNS = 12
"""Columns that a narrow page can leave out: those behind always stand."""

NARROW = (
    "@media(max-width:560px){.costcalc th:first-child,.costcalc td:first-child{white-space:normal!important;"
    "overflow-wrap:anywhere;min-width:8em}.costcalc wbr{display:inline}"
    ".costcalc th,.costcalc td{padding:.15em .4em!important}"
    + ",".join(f".costcalc .no{i} :is(th,td):nth-child({i})" for i in range(2, MOST_COLUMNS + 1))
    + "{display:none}}"
)
"""On a phone names go on in the next line, and columns of little importance are left out."""

STYLE = (
    """
.costcalc{font:14px/1.45 system-ui,sans-serif!important;font-variant-numeric:tabular-nums!important}
.costcalc{color:inherit;max-width:100%}
.costcalc h2{font:600 15px/1.3 system-ui,sans-serif!important;margin:1.2em 0 .4em!important}
.costcalc h2 span{font-weight:400;opacity:.7;margin-left:.6em}
.costcalc .wide{overflow-x:auto;max-width:100%}
.costcalc table{border-collapse:collapse!important;table-layout:auto!important;width:auto!important}
.costcalc table{margin:0!important;border:0!important;font-size:inherit!important;color:inherit!important}
.costcalc thead{border:0!important}
.costcalc tr{background:none!important;border:0!important}
.costcalc th,.costcalc td{padding:.15em .7em!important;text-align:right!important;white-space:nowrap!important}
.costcalc th,.costcalc td{border:0!important;background:none!important;color:inherit!important}
.costcalc th,.costcalc td{line-height:1.45!important;max-width:none!important;vertical-align:baseline!important}
.costcalc th{font-weight:600!important;opacity:.7}
.costcalc th.l,.costcalc td.l{text-align:left!important}.costcalc wbr{display:none}
.costcalc tbody tr:hover{background:rgba(128,128,128,.15)!important}
.costcalc tr.total td{border-top:1px solid rgba(128,128,128,.5)!important;font-weight:600!important}
.costcalc i{display:inline-block!important;height:.7em;background:#3b8ea5!important;border-radius:1px}
.costcalc i{vertical-align:baseline;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.costcalc figure{margin:1em 0!important}.costcalc svg{max-width:100%;height:auto}
.costcalc dl{display:grid!important;grid-template-columns:fit-content(40%) minmax(0,1fr);gap:.1em 1.2em}
.costcalc dl{margin:.8em 0!important;padding:0!important;width:auto!important}
.costcalc dt,.costcalc dd{display:block!important;float:none!important;width:auto!important}
.costcalc dt,.costcalc dd{margin:0!important;padding:0!important;font-weight:400!important;line-height:1.45!important}
.costcalc dt,.costcalc dd{text-align:left!important;overflow-wrap:anywhere;color:inherit}
.costcalc dt{opacity:.7}.costcalc dd.warning{color:#a56900;font-weight:600!important}
.costcalc pre{overflow-x:auto!important;white-space:pre!important;color:inherit!important;background:none!important}
.costcalc pre{margin:0!important;padding:0!important;border:0!important;font:13px/1.35 ui-monospace,monospace!important}
""".strip()
    + "\n"
    + NARROW
)
"""Scoped to its own element. `!important` holds it against what notebooks do to tables in outputs: Jupyter, its classic
form and VS Code align all cells to one side, colour rows, fix the layout, and float the terms of lists."""


def render(sheets: Sequence[Table]) -> str:
    """Sheets -> a self-contained HTML page."""
    name = ", ".join(escape(sheet.title) for sheet in sheets)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>{name}</title></head>\n<body>\n{fragment(sheets)}\n</body></html>"
    )


def fragment(sheets: Sequence[Table]) -> str:
    """Sheets -> the tables with their style as HTML that stands in another page."""
    return f'<div class="costcalc"><style>{STYLE}</style>\n' + "\n".join(map(_sheet_markup, sheets)) + "\n</div>"


def text_fragment(text: str) -> str:
    """Text -> HTML that stands in another page, with its lines as they are."""
    lines = "\n".join(map(escape, text.split("\n")))
    return f'<div class="costcalc"><style>{STYLE}</style><pre>{lines}</pre></div>'


def frame_fragment(page: str) -> str:
    """HTML page -> HTML that shows it in a frame of its own within another page."""
    attributes = 'sandbox="allow-scripts" style="width:100%;height:720px;border:0"'
    return f'<iframe {attributes} srcdoc="{page_source(page)}"></iframe>'


def picture_fragment(svg: bytes) -> str:
    """Bytes of an SVG -> HTML that shows it; as an image, so that its ids and styles are its own."""
    source = base64.b64encode(svg).decode()
    return f'<img alt="chart" style="max-width:100%" src="data:image/svg+xml;base64,{source}">'


def page_source(page: str) -> str:
    """HTML page -> the value of an attribute that holds it."""
    return page.replace("&", "&amp;").replace('"', "&quot;")


def _sheet_markup(sheet: Table) -> str:
    footer_rows = [row for row in (sheet.remainder_row, sheet.total_row) if row is not None]
    raw = list(zip(*sheet.rows, *footer_rows, strict=True)) or [()] * len(sheet.columns)
    columns = []
    for i, column in enumerate(sheet.columns):
        if column.kind == "bar":
            columns.append(_bar_cells(raw[i][: len(sheet.rows)]) + [""] * len(footer_rows))
            continue
        texts = list(map(escape, cells.row_texts(sheet, i, raw[i])))
        if column.kind == "name":
            if sheet.tree:
                texts[: len(sheet.tree)] = [f"{'&emsp;' * depth}{escape(label)}" for depth, label in sheet.tree]
            texts = [text.replace("/", "/<wbr>") for text in texts]
        columns.append(texts)
    alignments = [' class="l"' if column.kind in ("name", "text", "prose", "bar") else "" for column in sheet.columns]
    rows = [
        f"<tr>{''.join(f'<td{c}>{t}</td>' for c, t in zip(alignments, row, strict=True))}</tr>"
        for row in zip(*columns, strict=True)
    ]
    if sheet.total_row is not None:
        rows[-1] = rows[-1].replace("<tr>", '<tr class="total">', 1)
    header = "".join(f"<th{c}>{escape(column.title)}</th>" for c, column in zip(alignments, sheet.columns, strict=True))
    minor = " ".join(f"no{i}" for i in _minor_columns(sheet.columns))
    table = f'<table class="{minor}">' if minor else "<table>"
    return (
        f"<h2>{escape(sheet.title)}<span>{escape(sheet.subtitle)}</span></h2>\n{plot.area_svg(sheet.plot)}"
        f'<div class="wide" tabindex="0">{table}<thead><tr>{header}</tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + f"\n</tbody></table></div>\n{_fact_list(sheet)}"
    )


def _minor_columns(columns: Sequence[Column]) -> list[int]:
    """Columns -> the places, from 1, of those that a narrow page leaves out: none unless two more important ones stay
    beside the first."""
    minor = [i for i, column in enumerate(columns, 1) if 1 < i <= MOST_COLUMNS and column.importance <= MINOR]
    return minor if len(columns) - len(minor) > 2 else []


def _bar_cells(shares: Sequence[float | None]) -> list[str]:
    top = max((s for s in shares if s), default=1.0)
    return [f'<i style="width:{max(1, round(s / top * 120))}px"></i>' if s else "" for s in shares]


def _fact_list(sheet: Table) -> str:
    items = []
    for fact in sheet.totals:
        human = cells.limit_text(fact) or cells.short_form(fact.value, fact.kind)
        value = escape(f"{cells.amount(fact.value)} ({human})" if human else cells.amount(fact.value))
        items.append(f"<dt>{escape(fact.label)}</dt><dd>{value}</dd>")
    for remark in sheet.notes:
        mark = ' class="warning"' if remark.warning else ""
        items.append(f"<dt>{escape(remark.label)}</dt><dd{mark}>{escape(remark.text)}</dd>")
    return f"<dl>{''.join(items)}</dl>" if items else ""
