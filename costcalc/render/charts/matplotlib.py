"""Charts as text for a terminal, as SVG and PNG by matplotlib, as a page; one file for each.

Charts -> SVG or PNG by matplotlib, the same bytes each time; text of models is words, never mathematics.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from costcalc.core.errors import UsageError
from costcalc.render.charts.figures import draw_bars, draw_memory, draw_pareto, draw_roofline
from costcalc.views.charts import BarChart, Chart, MemoryChart, ParetoChart, RooflineChart

WIDTH = 8.6
"""Inches; a point of the font is the same everywhere."""

STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.parse_math": False,
    "text.color": "#1c2127",
    "axes.labelcolor": "#5c6570",
    "axes.edgecolor": "#c5cad1",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "xtick.color": "#5c6570",
    "ytick.color": "#5c6570",
    "grid.color": "#e3e6ea",
    "grid.linewidth": 0.8,
    "svg.hashsalt": "costcalc",
    "svg.fonttype": "path",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}

DRAW: dict[type, Callable[[Any, Any], None]] = {
    BarChart: draw_bars,
    MemoryChart: draw_memory,
    RooflineChart: draw_roofline,
    ParetoChart: draw_pareto,
}


def render(charts: Sequence[Chart], form: str) -> bytes:
    """Charts and form (svg or png) -> the bytes of one picture, charts below each other. UsageError without
    matplotlib."""
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise UsageError(
            "pictures of charts need matplotlib", "pip install 'costcalc[pictures]', or take --format text or html"
        ) from error
    heights = [_chart_height(chart) for chart in charts]
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure = Figure(figsize=(WIDTH, sum(heights)), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1))
        FigureCanvasAgg(figure)  # it measures words, whatever is written
        axes = figure.subplots(len(charts), 1, squeeze=False, height_ratios=heights)
        for chart, (axis,) in zip(charts, axes, strict=True):
            DRAW[type(chart)](chart, axis)
        buffer = io.BytesIO()
        metadata = {"Date": None, "Creator": "costcalc"} if form == "svg" else {"Software": "costcalc"}
        figure.savefig(buffer, format=form, dpi=192, metadata=metadata)
    return buffer.getvalue()


def _chart_height(chart: Chart) -> float:
    """Chart -> its height in inches: bars need a line each."""
    if isinstance(chart, BarChart):
        return 0.75 + 0.24 * max(1, len(chart.bars) + bool(chart.rest[0]))
    return 3.0 if isinstance(chart, MemoryChart) else 4.2
