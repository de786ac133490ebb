"""A front -> matplotlib: points by two quantities, those that nothing beats joined by a stair."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from costcalc.drawing.look import FAINT, INK, MARKS, label, spread, title
from costcalc.drawing.text import beaten, value_text
from costcalc.plotting.charts import Axis, Front

DECADES = 20
"""An axis whose values span more than this factor is logarithmic."""


def draw(chart: Front, axes: Any) -> None:
    """Every point of the front is named where there is room, the others where they are few."""
    best = sorted((p for p in chart.points if p.best), key=lambda p: p.x)
    others = [p for p in chart.points if not p.best]
    title(axes, chart.title, beaten(chart))
    _scale(axes.set_xscale, axes.xaxis, chart.x, [p.x for p in chart.points])
    _scale(axes.set_yscale, axes.yaxis, chart.y, [p.y for p in chart.points])
    axes.scatter(
        [float(p.x) for p in others], [float(p.y) for p in others], s=26, facecolor="white", edgecolor=FAINT, zorder=3
    )
    if len(best) > 1 and len(chart.points) > 2:
        stair = "steps-pre" if chart.x.greatest else "steps-post"
        axes.plot([float(p.x) for p in best], [float(p.y) for p in best], drawstyle=stair, color=MARKS[0],
                  linewidth=1.2, alpha=0.6, zorder=2)  # fmt: skip
    axes.scatter(
        [float(p.x) for p in best], [float(p.y) for p in best], s=40, color=MARKS[0], edgecolor="white", zorder=4
    )
    axes.minorticks_off()
    axes.margins(0.12)
    axes.grid(True)
    axes.set_xlabel(_named(chart.x))
    axes.set_ylabel(_named(chart.y))
    named = [*best, *(others if len(others) <= 30 else [])]
    shown_at = [*best, *others]
    words = [label(p.label, 30) if p in named else "" for p in shown_at]
    free = {(False, False): "bfdeal", (True, False): "bedafr", (False, True): "acdrlb", (True, True): "acdlrb"}
    sides = [free[chart.x.greatest, chart.y.greatest] if p.best else "rlabcdef" for p in shown_at]
    spread(axes, [(p.x, p.y) for p in shown_at], words, sides, fontsize=8.5, color=INK, zorder=6)


def _scale(scaled: Callable[[str], None], shown: Any, axis: Axis, values: Sequence[float]) -> None:
    """By decades where values span a lot; bytes are marked at powers of two."""
    from matplotlib.ticker import LogLocator, MultipleLocator

    low, high = min(values), max(values)
    by_decades = low > 0 and high / low > DECADES
    if by_decades:
        scaled("log")
    if axis.unit == "bytes" and high > low:
        step = 2.0 ** math.ceil(math.log2((high - low) / 6))
        shown.set_major_locator(LogLocator(base=2, numticks=8) if by_decades else MultipleLocator(step))
    shown.set_major_formatter(lambda value, _: value_text(value, axis.unit).strip())


def _named(axis: Axis) -> str:
    return f"{axis.title}{' (more is better)' if axis.greatest else ''}"
