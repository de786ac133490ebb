"""HTML: one self-contained page, and the fragment that a notebook shows."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.sanitize import escape_html as escape
from costcalc.render import area as plot
from costcalc.render import cells
from costcalc.views.table import Table

STYLE = """
.costcalc{font:14px/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums}
.costcalc h2{font-size:1.1em;margin:1.2em 0 .4em}
.costcalc h2 span{font-weight:400;opacity:.6;margin-left:.6em}
.costcalc table{border-collapse:collapse}
.costcalc .wide{overflow-x:auto}.costcalc svg{max-width:100%;height:auto}.costcalc figure{margin:1em 0}
.costcalc th{font-weight:600;text-align:left;opacity:.6}
.costcalc th,.costcalc td{padding:.15em .7em;text-align:right;white-space:nowrap;border:0}
.costcalc .l{text-align:left}
.costcalc tbody tr:hover{background:rgba(128,128,128,.12)}
.costcalc tr.total td{border-top:1px solid rgba(128,128,128,.5);font-weight:600}
.costcalc i{display:inline-block;height:.7em;background:#3b8ea5;border-radius:1px;vertical-align:baseline}
.costcalc dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1em 1.2em;margin:.8em 0}
.costcalc dd{overflow-wrap:anywhere}
.costcalc dt{opacity:.6}.costcalc dd{margin:0}.costcalc .warning{color:#b8860b}
""".strip()


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
        texts = list(map(escape, cells.column_texts(column, raw[i])))
        if column.kind == "name" and sheet.tree:
            texts[: len(sheet.tree)] = [f"{'&emsp;' * depth}{escape(label)}" for depth, label in sheet.tree]
        columns.append(texts)
    alignments = [' class="l"' if column.kind in ("name", "text", "prose", "bar") else "" for column in sheet.columns]
    rows = [
        f"<tr>{''.join(f'<td{c}>{t}</td>' for c, t in zip(alignments, row, strict=True))}</tr>"
        for row in zip(*columns, strict=True)
    ]
    if sheet.total_row is not None:
        rows[-1] = rows[-1].replace("<tr>", '<tr class="total">', 1)
    header = "".join(f"<th{c}>{escape(column.title)}</th>" for c, column in zip(alignments, sheet.columns, strict=True))
    return (
        f"<h2>{escape(sheet.title)}<span>{escape(sheet.subtitle)}</span></h2>\n{plot.area_svg(sheet.plot)}"
        f'<div class="wide" tabindex="0"><table><thead><tr>{header}</tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + f"\n</tbody></table></div>\n{_fact_list(sheet)}"
    )


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
