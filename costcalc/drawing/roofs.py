"""Roofs -> matplotlib: a line a device, the first one's strong; circles are layers by their share of the time."""

from __future__ import annotations

import math
from typing import Any

from costcalc.drawing.look import FAINT, INK, MARKS, SHAPES, colours, label, legend, spread, title
from costcalc.plotting.charts import Roofs
from costcalc.units import measured, short

FEW = 3
"""Layers that are named: those that take the most time."""


def draw(chart: Roofs, axes: Any) -> None:
    """Both axes by decades."""
    first = chart.devices[0]
    what = "models" if chart.whole else "layers, as large as their share of the time,"
    title(axes, chart.title, f"{what} under the roof of {first.name}")
    bends = [d.peak / d.bandwidth for d in chart.devices]
    places = [spot.intensity for spot in chart.spots]
    left, right = min(*places, *bends) / 2, max(*places, *bends) * 3
    axes.set_xscale("log")
    axes.set_yscale("log")
    for device in reversed(chart.devices):
        strong = device is first
        xs = [left, device.peak / device.bandwidth, right]
        axes.plot(xs, [device.bandwidth * left, device.peak, device.peak], color=INK if strong else FAINT,
                  linewidth=1.8 if strong else 1.0, linestyle="-" if strong else (0, (4, 3)), zorder=2)  # fmt: skip
    bottom, top = min(d.bandwidth for d in chart.devices) * left / 1.5, max(d.peak for d in chart.devices) * 2.5
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    _name_devices(chart, axes, math.log10(top / bottom))
    numbers = colours(spot.kind for spot in sorted(chart.spots, key=lambda spot: -spot.share))
    order = sorted(chart.spots, key=lambda spot: -spot.share)
    heights = {id(s): min(first.peak, s.intensity * first.bandwidth) for s in order}
    for spot in order:
        i = numbers[spot.kind]
        size = 55.0 if chart.whole else max(16.0, 1400 * spot.share)
        axes.scatter([spot.intensity], [heights[id(spot)]], s=size, color=MARKS[i], marker=SHAPES[i], alpha=0.85,
                     edgecolor="white", linewidth=0.7, zorder=4)  # fmt: skip
    apart = {(spot.kind, round(math.log10(spot.intensity), 1)): spot for spot in reversed(order)}
    named = order if chart.whole else sorted(apart.values(), key=lambda spot: -spot.share)[:FEW]
    axes.set_xlabel("FLOP per byte of traffic")
    axes.set_ylabel("FLOP/s")
    axes.xaxis.set_major_formatter(lambda value, _: measured(value))
    axes.yaxis.set_major_formatter(lambda value, _: short(round(value)).strip())
    axes.minorticks_off()
    axes.grid(True)
    if not chart.whole:
        legend(axes, numbers, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=4)
    ends, words = [(s.intensity, heights[id(s)]) for s in named], [label(s.label, 34) for s in named]
    spread(axes, ends, words, ["acdA"] * len(named), fontsize=8.5, color=INK, zorder=6)


def _name_devices(chart: Roofs, axes: Any, decades: float) -> None:
    """Right of the roofs, far enough from each other to be read."""
    room, before = decades * 0.125, -math.inf
    for device in sorted(chart.devices, key=lambda d: d.peak):
        place = max(math.log10(device.peak), before + room)
        before = place
        axes.annotate(f"{device.name}\n{device.precision} {device.text}", (1, 10**place), xytext=(6, 0),
                      xycoords=("axes fraction", "data"), textcoords="offset points", va="center", fontsize=8,
                      color=INK if device is chart.devices[0] else FAINT, annotation_clip=False)  # fmt: skip
