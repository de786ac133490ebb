"""Live bytes -> matplotlib: an area over the steps, the peak named."""

from __future__ import annotations

import math
from typing import Any

from costcalc.drawing.look import INK, MARKS, label, title
from costcalc.plotting.charts import Live
from costcalc.units import short_bytes


def draw(chart: Live, axes: Any) -> None:
    """One stair a step; the axis is marked in binary units."""
    from matplotlib.ticker import MaxNLocator

    count, most = len(chart.values), chart.values[chart.peak]
    title(
        axes,
        chart.title,
        f"live activation bytes by step, at most {short_bytes(most)} at step {chart.peak + 1:,} of {count:,}",
    )
    values = [float(v) for v in chart.values]
    axes.stairs(values, [i + 0.5 for i in range(count + 1)], fill=True, color=MARKS[0], alpha=0.25, linewidth=0)
    axes.stairs(values, [i + 0.5 for i in range(count + 1)], color=MARKS[0], linewidth=1.2)
    unit = 2.0 ** math.ceil(math.log2(max(most, 4) / 4))
    ticks = [unit * i for i in range(int(most / unit) + 2)]
    axes.set_yticks(ticks, [short_bytes(int(tick)) for tick in ticks])
    axes.set_xlim(0.5, count + 0.5)
    axes.set_ylim(0, max(1.0, most * 1.14))
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y")
    right = chart.peak > count / 2
    axes.annotate(f"{short_bytes(most)}  {label(chart.names[chart.peak], 48)}", (chart.peak + 1, most),
                  xytext=(-3 if right else 3, 4), textcoords="offset points", ha="right" if right else "left",
                  va="bottom", fontsize=8.5, color=INK)  # fmt: skip
    axes.plot([chart.peak + 1], [most], marker="o", markersize=4, color=MARKS[1], zorder=5)
