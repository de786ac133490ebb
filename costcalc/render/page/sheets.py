"""A comparison or a sweep -> one HTML page in the style of reports: a sentence and tables that stand without scripts,
and the chart that a report or `costcalc plot` draws of the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.core.sanitize import escape_html as escape
from costcalc.core.sanitize import printable
from costcalc.core.version import __version__
from costcalc.render import page as html
from costcalc.render.cells import prose_markup
from costcalc.render.page import charts as plot
from costcalc.render.page.summary import BESIDE, comparison_markup
from costcalc.render.page.tables import notes_markup, sheet_markup
from costcalc.studies.compare import Comparison
from costcalc.studies.sweep.sweep import Sweep
from costcalc.views.charts import ParetoChart
from costcalc.views.compare import comparison_notes, comparison_tables
from costcalc.views.page.comparison import comparison_data
from costcalc.views.sweep import sweep_sentence, sweep_table

COMPARISON_SCRIPTS = ("figures", "elements", "theme", "model", "text", "comparison", "sheets")

TABLE_SCRIPTS = ("figures", "elements", "model", "sheets")


def render_comparison(comparison: Comparison) -> str:
    """A comparison -> its page: sentences, bars of ratios of up to four models, totals, FLOPs by operator, notes."""
    entry = comparison_data(comparison)
    main = comparison_markup(entry)
    if len(comparison.names) > BESIDE:
        main += _section("operators", "FLOPs by operator", sheet_markup(comparison_tables(comparison)[1]))
    else:
        main += notes_markup(comparison_notes(comparison))
    content = {**_content(), "comparison": entry}
    return html.render(content, COMPARISON_SCRIPTS, printable(", ".join(comparison.names)), "comparison", main)


def render_sweep(sweep: Sweep, columns: Sequence[str] = (), chart: ParetoChart | None = None) -> str:
    """A sweep -> its page: a sentence with the range of a figure, the chart where one is given, the table of rows."""
    table = sweep_table(sweep, columns)
    main = (
        f'<div class="title"><h1>{escape(sweep.name)}</h1>'
        f'<p class="headline">{prose_markup(sweep_sentence(sweep))}</p></div>\n'
        f"{_section('rows', 'Combinations', sheet_markup(table))}"
    )
    content = {**_content(), "charts": [plot.chart_data(chart)] if chart else []}
    return html.render(content, plot.SCRIPTS if chart else TABLE_SCRIPTS, printable(sweep.name), "rows", main)


def _content() -> dict[str, Any]:
    return {"version": __version__, "quantities": [], "models": []}


def _section(ident: str, title: str, body: str) -> str:
    return (
        f'<section id="{ident}" aria-labelledby="{ident}-title"><h2 id="{ident}-title">{escape(title)}</h2>'
        f"{body}</section>\n"
    )
