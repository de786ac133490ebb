"""Diffs -> one HTML page: a sentence and the tables of each stand without scripts; a table of all layers of both
versions is searched and sorted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.core.sanitize import escape_html as escape
from costcalc.render import page as html
from costcalc.render.cells import prose_markup
from costcalc.render.page.tables import WARNING, sheet_markup
from costcalc.studies.diff.diff import Diff
from costcalc.studies.diff.threshold import ThresholdResult
from costcalc.views.diff_page import diff_page_content, static_tables
from costcalc.views.table import Table

SCRIPTS = ("figures", "elements", "theme", "model", "text", "diff")
"""What the page runs of a report's scripts, and its own."""

OUTCOMES = {"kept": "kept", "exceeded": "exceeded", "unknown": "not known"}
"""Outcome of a condition -> as text."""


def render(diffs: Sequence[Diff], findings: Sequence[tuple[Diff, ThresholdResult]] = (), empty: str = "") -> str:
    """Diffs, the findings of conditions, and what to say where there is no diff -> the HTML page."""
    content = diff_page_content(diffs, findings, empty)
    overview, tables = static_tables(diffs)
    main = _main_markup(content, overview, tables)
    return html.render(content, SCRIPTS, content["title"], "main", main)


def _main_markup(content: dict[str, Any], overview: Table | None, tables: Sequence[Sequence[Table]]) -> str:
    """The page's data and its tables -> the HTML that stands without scripts."""
    parts = []
    if not content["diffs"]:
        parts.append(f'<div class="title"><h1>{escape(content["empty"])}</h1></div>')
    if overview is not None:
        parts.append(
            f'<div class="title"><h1>{escape(overview.title)}</h1>'
            f'<p class="headline">{prose_markup(content["headline"])}</p></div><section id="overview" '
            f'aria-labelledby="overview-title"><h2 id="overview-title">Models</h2>{sheet_markup(overview)}</section>'
        )
    level = 1 if overview is None else 2
    parts += [
        _diff_markup(entry, sheets, i, level)
        for i, (entry, sheets) in enumerate(zip(content["diffs"], tables, strict=True))
    ]
    return "\n".join(parts)


def _diff_markup(entry: dict[str, Any], sheets: Sequence[Table], index: int, level: int) -> str:
    """A diff's entry and its tables -> its article; the table of layers is replaced by one that sorts."""
    totals, *others = sheets
    sections = [_section_markup(f"totals-{index}", "Totals", sheet_markup(totals))]
    for sheet in others:
        is_layers = sheet.kind == "layers"
        title = "Layers" if is_layers else "By cause"
        ident = f"{'layers' if is_layers else 'causes'}-{index}"
        lead = f'<p class="status">{escape(sheet.subtitle)}</p>' if sheet.subtitle else ""
        sections.append(_section_markup(ident, title, lead + sheet_markup(sheet)))
    return (
        f'<article data-diff="{index}" id="diff-{index}"><div class="title"><h{level} class="model">'
        f'{escape(entry["title"])}</h{level}><p class="headline">{prose_markup(entry["headline"])}</p>'
        f'<p class="lead">{escape(entry["versions"])}</p>{_conditions_markup(entry["conditions"])}</div>\n'
        + "\n".join(sections)
        + "</article>"
    )


def _section_markup(ident: str, title: str, body: str) -> str:
    return f'<section id="{ident}" aria-labelledby="{ident}-title"><h2 id="{ident}-title">{title}</h2>{body}</section>'


def _conditions_markup(conditions: Sequence[Sequence[str]]) -> str:
    """Conditions with their outcomes -> a list; "" where none was given."""
    if not conditions:
        return ""
    rows = "".join(
        f"<li{'' if outcome == 'kept' else WARNING}><b>{prose_markup(text)}</b> "
        f"{OUTCOMES[outcome]}: {prose_markup(fact)}</li>"
        for text, outcome, fact in conditions
    )
    return f'<ul class="conditions">{rows}</ul>'
