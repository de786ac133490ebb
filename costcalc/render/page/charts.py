"""Charts -> one HTML page that fetches nothing, drawn by the library that reports use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.core.sanitize import printable
from costcalc.core.version import __version__
from costcalc.render import page as html
from costcalc.views.charts import Chart
from costcalc.views.page.amounts import amount_data
from costcalc.views.results import CHART_KINDS

SCRIPTS = ("figures", "elements", "theme", "model", "memory", "roofline", "text", "plot")
"""What the page runs of a report's scripts, and its own."""


def render(charts: Sequence[Chart]) -> str:
    """Charts -> the HTML page; its heading names each chart."""
    content = {
        "version": __version__,
        "quantities": [],
        "models": [],
        "charts": list(map(chart_data, charts)),
    }
    return html.render(content, SCRIPTS, ", ".join(chart.title for chart in charts), "main", "")


def chart_data(chart: Chart) -> dict[str, Any]:
    """A chart -> its entry in a page's data."""
    return {"kind": CHART_KINDS[type(chart)], **{k: _json_value(v) for k, v in chart._asdict().items()}}


def _json_value(value: Any) -> Any:
    """Value of a chart -> JSON value: tuples as lists, counts that JavaScript would round as digits, words made
    printable."""
    if isinstance(value, tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, str):
        return printable(value)
    return amount_data(value) if type(value) is int else value
