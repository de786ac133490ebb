"""Charts -> matplotlib: bars of parts with cost and share; live bytes as an area over the steps; rooflines of devices
with layers as circles by their share of the time; points by two quantities with their Pareto front as a stair.

Colours go with signs, so that kinds differ without colour, and labels do not meet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from costcalc.core.sanitize import printable
from costcalc.core.units import format_axis, format_bytes, format_percent, format_short
from costcalc.render.charts.text import front_text, value_text
from costcalc.render.layout import shorten_middle
from costcalc.render.names import shorten_names
from costcalc.views.charts import BarChart, ChartAxis, MemoryChart, ParetoChart, RooflineChart

MARKS = ("#2667a8", "#d17a1f", "#0c7a68", "#8f78cf", "#b0453a", "#7aa636", "#c9a000", "#8a939e")

SHAPES = "osD^vPX."
"""A sign for each colour, so that a picture without colours says the same."""

INK, FAINT = "#1c2127", "#66707c"


def draw_title(axes: Any, name: str, subtitle: str) -> None:
    """Axes, name and subtitle -> the title is drawn, the subtitle below it in a lighter weight."""
    axes.set_title(label(name, 60), loc="left", fontweight="bold", fontsize=11, pad=18)
    axes.text(0, 1, label(subtitle, 110), transform=axes.transAxes, fontsize=9, color=FAINT, va="bottom")


def label(text: str, most: int = 40) -> str:
    """Name -> printable text, with its middle left out where it is longer than `most` characters."""
    return shorten_middle(printable(text), most)


def number_kinds(kinds: Iterable[str]) -> dict[str, int]:
    """Kinds -> a number for each in order of first use; all from the eighth on share the last."""
    return {kind: min(i, len(MARKS) - 1) for i, kind in enumerate(dict.fromkeys(kinds))}


def draw_legend(axes: Any, numbers: dict[str, int], **position: Any) -> None:
    """Axes and numbers of kinds -> a legend of their signs is drawn; kinds that share the last number are others."""
    from matplotlib.lines import Line2D

    shared = [kind for kind, i in numbers.items() if i == len(MARKS) - 1]
    labels = {kind: i for kind, i in numbers.items() if i < len(MARKS) - 1}
    if shared:
        labels[shared[0] if len(shared) == 1 else f"{len(shared)} others"] = len(MARKS) - 1
    signs = [
        Line2D([], [], linestyle="", marker=SHAPES[i], color=MARKS[i], markersize=6, label=label(kind, 30))
        for kind, i in labels.items()
    ]
    axes.legend(
        handles=signs, frameon=False, fontsize=8.5, handletextpad=0.2, columnspacing=1.2, labelcolor=FAINT, **position
    )


def place_labels(
    axes: Any,
    positions: Sequence[tuple[float, float]],
    labels: Sequence[str],
    sides: Sequence[str],
    lines: Sequence[Any] = (),
    **style: Any,
) -> None:
    """Axes, positions and labels -> each label is drawn on the first of its sides where it meets no other label, no
    position and none of the lines; it is left out where there is no such side."""
    figure = axes.figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    points = axes.transData.transform([tuple(map(float, position)) for position in positions])
    inside = axes.get_window_extent(renderer)
    boxes: list[Any] = []
    obstacles = [spot for line in lines for spot in _line_spots(line.get_transform().transform(line.get_xydata()))]
    for position, (px, py), text, side_keys in zip(positions, points, labels, sides, strict=True):
        if not text:
            continue
        for dx, dy, across, up in map(SIDES.__getitem__, side_keys):
            annotation = axes.annotate(
                text, position, xytext=(dx, dy), textcoords="offset points", ha=across, va=up, **style
            )
            annotation.set_in_layout(False)
            box = annotation.get_window_extent(renderer)
            others = (*((x, y) for x, y in points if (x, y) != (px, py)), *obstacles)
            overlaps = any(box.overlaps(other) for other in boxes) or any(
                box.x0 < x < box.x1 and box.y0 < y < box.y1 for x, y in others
            )
            if not overlaps and box.x0 >= inside.x0 and box.x1 <= inside.x1 + 4 and box.y1 <= inside.y1 + 12:
                boxes.append(box)
                break
            annotation.remove()


def _line_spots(corners: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The corners of a line, in pixels -> spots of it that are 2 pixels from each other."""
    for (x0, y0), (x1, y1) in pairwise(corners):
        count = max(1, round(math.hypot(x1 - x0, y1 - y0) / 2))
        yield from ((x0 + (x1 - x0) * i / count, y0 + (y1 - y0) * i / count) for i in range(count + 1))


SIDES = {
    "r": (7, 0, "left", "center"),
    "l": (-7, 0, "right", "center"),
    "a": (0, 6, "center", "bottom"),
    "b": (0, -7, "center", "top"),
    "c": (6, 7, "left", "bottom"),
    "d": (-6, 7, "right", "bottom"),
    "e": (6, -8, "left", "top"),
    "f": (-6, -8, "right", "top"),
    "A": (0, 20, "center", "bottom"),
}
"""Offsets of a label in points, and how it is aligned there: right, left, above, below, the corners, further off."""

LABEL = 40
"""Letters of a name at most."""


def draw_bars(chart: BarChart, axes: Any) -> None:
    """Bar chart -> bars, the most expensive on top; what is left out is one faint bar below, cut where it would be the
    longest by far."""
    bound_sign = "≥ " if chart.least else ""
    draw_title(axes, chart.title, f"{chart.quantity}, {bound_sign}{value_text(chart.whole, chart.unit)}")
    if not chart.bars:
        axes.set_axis_off()
        axes.text(0, 0.4, "nothing", transform=axes.transAxes, color=FAINT)
        return
    numbers = number_kinds(bar.kind for bar in chart.bars if bar.kind)
    colours = [MARKS[numbers[bar.kind]] if bar.kind else MARKS[0] for bar in chart.bars]
    values = [float(bar.value) for bar in chart.bars]  # matplotlib takes no integer of more than 64 bits
    names = shorten_names([printable(bar.label) for bar in chart.bars], list(map(printable, chart.names)), LABEL)
    texts = [(bar.value, values[i]) for i, bar in enumerate(chart.bars)]
    if chart.rest[0]:
        names.append(f"{chart.rest[0]:,} more")
        length = min(float(chart.rest[1]), 1.15 * max(values))
        values.append(length)
        texts.append((chart.rest[1], length))
        colours.append("#dfe3e8")
    rows = list(range(len(values)))
    patches = axes.barh(rows, values, height=0.66, color=colours)
    if chart.rest[0] and chart.rest[1] > values[-1]:
        patches[-1].set_hatch("//")
        patches[-1].set_edgecolor("#c5cad1")
    for row, (value, end) in zip(rows, texts, strict=True):
        share = format_percent(value / chart.whole)
        axes.annotate(
            f"{value_text(value, chart.unit)}  {share}",
            (end, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center_baseline",
            fontsize=8.5,
            color=FAINT,
        )
    axes.set_yticks(rows, names)
    axes.tick_params(axis="y", length=0, labelcolor="#1c2127")
    axes.set_xticks([])
    axes.spines[["bottom", "left"]].set_visible(False)
    axes.invert_yaxis()
    axes.set_xlim(0, max(values, default=1) * 1.22)
    axes.set_ylim(len(values) - 0.4, -0.6)
    if len(numbers) > 1 and any(bar.label != bar.kind for bar in chart.bars):
        draw_legend(axes, numbers, loc="lower right")


def draw_memory(chart: MemoryChart, axes: Any) -> None:
    """Memory chart -> live bytes as an area with a stair for each step; the axis is marked in binary units."""
    from matplotlib.ticker import MaxNLocator

    count, most = len(chart.values), float(chart.values[chart.peak])
    peak = format_bytes(chart.values[chart.peak])
    draw_title(
        axes, chart.title, f"live activation bytes by step, at most {peak} at step {chart.peak + 1:,} of {count:,}"
    )
    values = [float(v) for v in chart.values]
    axes.stairs(values, [i + 0.5 for i in range(count + 1)], fill=True, color=MARKS[0], alpha=0.25, linewidth=0)
    axes.stairs(values, [i + 0.5 for i in range(count + 1)], color=MARKS[0], linewidth=1.2)
    unit = 2.0 ** math.ceil(math.log2(max(most, 4) / 4))
    ticks = [unit * i for i in range(int(most / unit) + 2)]
    axes.set_yticks(ticks, [format_bytes(int(tick)) for tick in ticks])
    axes.set_xlim(0.5, count + 0.5)
    axes.set_ylim(0, max(1.0, most * 1.14))
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y")
    right = chart.peak > count / 2
    axes.annotate(
        f"{peak}  {label(chart.names[chart.peak], 48)}",
        (chart.peak + 1, most),
        xytext=(-3 if right else 3, 4),
        textcoords="offset points",
        ha="right" if right else "left",
        va="bottom",
        fontsize=8.5,
        color=INK,
    )
    axes.plot([chart.peak + 1], [most], marker="o", markersize=4, color=MARKS[1], zorder=5)


MAX_NAMED_LAYERS = 3
"""Layers that are named: those that take the most time."""


def draw_roofline(chart: RooflineChart, axes: Any) -> None:
    """Roofline chart -> roofs of the devices and spots of layers or models, both axes logarithmic."""
    first = chart.devices[0]
    subject = "models" if chart.whole else "layers, as large as their share of the time,"
    draw_title(axes, chart.title, f"{subject} under the roof of {first.name}")
    ridges = [d.peak / d.bandwidth for d in chart.devices]
    intensities = [spot.intensity for spot in chart.spots]
    left, right = min(*intensities, *ridges) / 2, max(*intensities, *ridges) * 3
    axes.set_xscale("log")
    axes.set_yscale("log")
    _draw_devices(chart, axes, left, right)
    bottom, top = min(d.bandwidth for d in chart.devices) * left / 1.5, max(d.peak for d in chart.devices) * 2.5
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    _name_devices(chart, axes, math.log10(top / bottom))
    numbers = number_kinds(spot.kind for spot in sorted(chart.spots, key=lambda spot: -spot.share))
    order = sorted(chart.spots, key=lambda spot: -spot.share)
    heights = {id(s): min(first.peak, s.intensity * first.bandwidth) for s in order}
    for spot in order:
        i = numbers[spot.kind]
        size = 55.0 if chart.whole else max(16.0, 1400 * spot.share)
        axes.scatter(
            [spot.intensity],
            [heights[id(spot)]],
            s=size,
            color=MARKS[i],
            marker=SHAPES[i],
            alpha=0.85,
            edgecolor="white",
            linewidth=0.7,
            zorder=4,
        )
    distinct = {(spot.kind, round(math.log10(spot.intensity), 1)): spot for spot in reversed(order)}
    labelled_spots = (
        order if chart.whole else sorted(distinct.values(), key=lambda spot: -spot.share)[:MAX_NAMED_LAYERS]
    )
    axes.set_xlabel("FLOP per byte of traffic")
    axes.set_ylabel("FLOP/s")
    axes.xaxis.set_major_formatter(lambda value, _: format_axis(value))
    axes.yaxis.set_major_formatter(lambda value, _: format_short(round(value)).strip())
    axes.minorticks_off()
    axes.grid(True)
    if not chart.whole:
        draw_legend(axes, numbers, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=4)
    points, labels = (
        [(s.intensity, heights[id(s)]) for s in labelled_spots],
        [label(s.label, 34) for s in labelled_spots],
    )
    place_labels(axes, points, labels, ["adebA"] * len(labelled_spots), axes.lines, fontsize=8.5, color=INK, zorder=6)


def _draw_devices(chart: RooflineChart, axes: Any, left: float, right: float) -> None:
    """Devices -> the roof of each, from the left to the right end of the axis."""
    first = chart.devices[0]
    for device in reversed(chart.devices):
        is_first = device is first
        xs = [left, device.peak / device.bandwidth, right]
        axes.plot(
            xs,
            [device.bandwidth * left, device.peak, device.peak],
            color=INK if is_first else FAINT,
            linewidth=1.8 if is_first else 1.0,
            linestyle="-" if is_first else (0, (4, 3)),
            zorder=2,
        )


def _name_devices(chart: RooflineChart, axes: Any, decades: float) -> None:
    """Devices -> their names right of the roofs, far enough from each other to be read."""
    spacing, previous = decades * 0.125, -math.inf
    for device in sorted(chart.devices, key=lambda d: d.peak):
        height = max(math.log10(device.peak), previous + spacing)
        previous = height
        axes.annotate(
            f"{device.name}\n{device.precision} {device.text}",
            (1, 10**height),
            xytext=(6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=INK if device is chart.devices[0] else FAINT,
            annotation_clip=False,
        )


DECADES = 20
"""An axis whose values span more than this factor is logarithmic."""


def draw_pareto(chart: ParetoChart, axes: Any) -> None:
    """Pareto chart -> points and their front as a stair; points of the front are labelled where there is room, the
    others where they are few."""
    front = sorted((p for p in chart.points if p.best), key=lambda p: p.x)
    dominated = [p for p in chart.points if not p.best]
    draw_title(axes, chart.title, front_text(chart))
    _scale_axis(axes.set_xscale, axes.xaxis, chart.x, [p.x for p in chart.points])
    _scale_axis(axes.set_yscale, axes.yaxis, chart.y, [p.y for p in chart.points])
    axes.scatter(
        [float(p.x) for p in dominated],
        [float(p.y) for p in dominated],
        s=26,
        facecolor="white",
        edgecolor=FAINT,
        zorder=3,
    )
    if len(front) > 1 and len(chart.points) > 2:
        stair = "steps-pre" if chart.x.greatest else "steps-post"
        axes.plot(
            [float(p.x) for p in front],
            [float(p.y) for p in front],
            drawstyle=stair,
            color=MARKS[0],
            linewidth=1.2,
            alpha=0.6,
            zorder=2,
        )
    axes.scatter(
        [float(p.x) for p in front], [float(p.y) for p in front], s=40, color=MARKS[0], edgecolor="white", zorder=4
    )
    axes.minorticks_off()
    axes.margins(0.12)
    axes.grid(True)
    axes.set_xlabel(_axis_title(chart.x))
    axes.set_ylabel(_axis_title(chart.y))
    labelled = [*front, *(dominated if len(dominated) <= 30 else [])]
    points = [*front, *dominated]
    labels = [label(p.label, 30) if p in labelled else "" for p in points]
    sides_by_goal = {(False, False): "bfdeal", (True, False): "bedafr", (False, True): "acdrlb", (True, True): "acdlrb"}
    sides = [sides_by_goal[chart.x.greatest, chart.y.greatest] if p.best else "rlabcdef" for p in points]
    place_labels(axes, [(float(p.x), float(p.y)) for p in points], labels, sides, fontsize=8.5, color=INK, zorder=6)


def _scale_axis(set_scale: Callable[[str], None], ticks: Any, axis: ChartAxis, values: Sequence[float]) -> None:
    """Axis and its values -> a logarithmic scale where they span more than DECADES; bytes are marked at powers of
    two."""
    from matplotlib.ticker import LogLocator, MultipleLocator

    low, high = min(values), max(values)
    by_decades = low > 0 and high / low > DECADES
    if by_decades:
        set_scale("log")
    if axis.unit == "bytes" and high > low:
        step = 2.0 ** math.ceil(math.log2((high - low) / 6))
        ticks.set_major_locator(LogLocator(base=2, numticks=8) if by_decades else MultipleLocator(step))
    ticks.set_major_formatter(lambda value, _: value_text(value, axis.unit).strip())


def _axis_title(axis: ChartAxis) -> str:
    return f"{axis.title}{' (more is better)' if axis.greatest else ''}"
