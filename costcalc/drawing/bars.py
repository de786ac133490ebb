"""Bars -> matplotlib: one bar a part, its name on the left, its cost and share behind it."""

from __future__ import annotations

from typing import Any

from costcalc.drawing.look import FAINT, MARKS, colours, legend, title
from costcalc.drawing.text import value_text
from costcalc.plotting.charts import Bars
from costcalc.render.names import shortened
from costcalc.render.untrusted import printable
from costcalc.units import percent_of

LABEL = 40
"""Letters of a name at most."""


def draw(chart: Bars, axes: Any) -> None:
    """The dearest on top; what is left out as one faint bar below, cut where it would be the longest by far."""
    least = "≥ " if chart.least else ""
    title(axes, chart.title, f"{chart.quantity}, {least}{value_text(chart.whole, chart.unit)}")
    if not chart.bars:
        axes.set_axis_off()
        axes.text(0, 0.4, "nothing", transform=axes.transAxes, color=FAINT)
        return
    numbers = colours(bar.kind for bar in chart.bars if bar.kind)
    paint = [MARKS[numbers[bar.kind]] if bar.kind else MARKS[0] for bar in chart.bars]
    values: list[float] = [bar.value for bar in chart.bars]
    names = shortened([printable(bar.label) for bar in chart.bars], [""] * len(chart.bars), LABEL)
    texts = [(bar.value, values[i]) for i, bar in enumerate(chart.bars)]
    if chart.rest[0]:
        names.append(f"{chart.rest[0]:,} more")
        shown = min(float(chart.rest[1]), 1.15 * max(values))
        values.append(shown)
        texts.append((chart.rest[1], shown))
        paint.append("#dfe3e8")
    places = list(range(len(values)))
    drawn = axes.barh(places, values, height=0.66, color=paint)
    if chart.rest[0] and chart.rest[1] > values[-1]:
        drawn[-1].set_hatch("//")
        drawn[-1].set_edgecolor("#c5cad1")
    for place, (value, end) in zip(places, texts, strict=True):
        share = percent_of(value / chart.whole)
        axes.annotate(f"{value_text(value, chart.unit)}  {share}", (end, place), xytext=(4, 0),
                      textcoords="offset points", va="center_baseline", fontsize=8.5, color=FAINT)  # fmt: skip
    axes.set_yticks(places, names)
    axes.tick_params(axis="y", length=0, labelcolor="#1c2127")
    axes.set_xticks([])
    axes.spines[["bottom", "left"]].set_visible(False)
    axes.invert_yaxis()
    axes.set_xlim(0, max(values, default=1) * 1.22)
    axes.set_ylim(len(values) - 0.4, -0.6)
    if len(numbers) > 1 and any(bar.label != bar.kind for bar in chart.bars):
        legend(axes, numbers, loc="lower right")
