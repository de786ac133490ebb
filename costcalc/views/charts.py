"""Reports -> the chart of each kind, as plain data that a renderer draws. UsageError where a figure is open or unknown,
with what would decide it.

Counts are exact integers, places on axes are floats. A layer's name in a legend is its operator, a convolution's its
shape (1×1, depthwise).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from costcalc.analysis import grouping
from costcalc.analysis.grouping import LayerGroup
from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.analysis.layers import LayerCost
from costcalc.analysis.memory.footprint import measure_footprint
from costcalc.analysis.report import Report
from costcalc.analysis.roofline.bounds import compute_roofline
from costcalc.analysis.roofline.roofline import Roofline
from costcalc.analysis.smallest_sizes import smallest_sizes
from costcalc.core.amount import LowerBound, sum_amounts
from costcalc.core.dim import Dim, Poly, bind_remedy
from costcalc.core.errors import UsageError
from costcalc.core.ir import Graph, Node
from costcalc.core.quantities import CATALOGUE
from costcalc.core.quantity import QuantityRef
from costcalc.core.settings import option_words
from costcalc.core.units import format_count
from costcalc.graph.patterns.convolution import filter_shape, has_kernel_of_one, is_depthwise
from costcalc.studies.compare import compare_reports
from costcalc.views import columns
from costcalc.views.roofline import rate_text


class Bar(NamedTuple):
    """A layer, a block or an operator with what it costs, and what kind of operator it is ("" of a block)."""

    label: str
    value: int
    kind: str = ""


class BarChart(NamedTuple):
    """The dearest parts of a model, the largest first. rest is how many are left out and what they cost together,
    whole the model's total; unit is "bytes" or "number"; names are those of all parts, drawn or not, among which a
    shortened label stands for one alone."""

    title: str
    quantity: str
    unit: str
    bars: tuple[Bar, ...]
    rest: tuple[int, int]
    whole: int
    least: bool = False
    names: tuple[str, ...] = ()


class MemoryChart(NamedTuple):
    """Live activation bytes at each step; peak is the first step with the most; names are the steps'."""

    title: str
    values: tuple[int, ...]
    names: tuple[str, ...]
    peak: int


class DeviceRoof(NamedTuple):
    """A roof: operations a second at most, bytes a second at most."""

    name: str
    precision: str
    peak: float
    bandwidth: float
    text: str


class RooflinePoint(NamedTuple):
    """A layer, or a model as a whole: FLOPs for each byte of traffic, and its share of the time on the first device."""

    label: str
    kind: str
    intensity: float
    share: float


class RooflineChart(NamedTuple):
    """Devices, and what stands under the first one's roof. whole says that the spots are models, not layers."""

    title: str
    devices: tuple[DeviceRoof, ...]
    spots: tuple[RooflinePoint, ...]
    whole: bool


class ChartAxis(NamedTuple):
    """A quantity and its unit, as in the catalogue of quantities. greatest says that more is better."""

    key: str
    title: str
    unit: str
    greatest: bool = False


CERTAINTY_SUFFIXES = {"exact": "", "lower": " (lower bound)", "upper": " (upper bound)", "estimate": " (estimate)"}
"""What a title adds for a quantity that is not exact."""


def quantity_axis(key: str, greatest: bool) -> ChartAxis:
    """A quantity of the catalogue, of a device too (`time.t4`), or a column of a table -> its axis. greatest, or the
    quantity itself, says that more is better."""
    name, dot, device = key.partition(".")
    quantity = CATALOGUE.get(name)
    if quantity is None or quantity.per_device != bool(dot):
        return ChartAxis(key, key, "bytes" if key.endswith("bytes") else "number", greatest)
    title = QuantityRef(quantity, device).label + CERTAINTY_SUFFIXES[quantity.certainty]
    return ChartAxis(key, title, quantity.unit, greatest or not quantity.less_is_better)


class Point(NamedTuple):
    """A model, or a row of a sweep; best says that no other is as good in both quantities and better in one."""

    label: str
    x: int | float
    y: int | float
    best: bool = False


class ParetoChart(NamedTuple):
    """Points by two quantities."""

    title: str
    x: ChartAxis
    y: ChartAxis
    points: tuple[Point, ...]


Chart = BarChart | MemoryChart | RooflineChart | ParetoChart


def layer_kinds(report: Report) -> list[str]:
    """A report → one kind for each of its rows: operator, with the shape of a convolution."""
    return [
        f"{row.operator}{_convolution_suffix(report.graph, node)}"
        for row, node in zip(report.rows, report.graph.nodes, strict=True)
    ]


def _convolution_suffix(graph: Graph, node: Node) -> str:
    """` depthwise` where every filter reads one channel, ` 1×1` of a pointwise convolution, "" else."""
    if is_depthwise(graph, node):
        return " depthwise"
    return f" {'×'.join('1' for _ in filter_shape(graph, node)[2:])}" if has_kernel_of_one(graph, node) else ""


def report_names(reports: Sequence[Report]) -> tuple[str, ...]:
    """Reports → their names, or their sources where names are equal."""
    return compare_reports(reports).names if len(reports) > 1 else tuple(r.name for r in reports)


def _bars(report: Report, quantity: str, by: str, depth: int | None) -> tuple[list[Bar], list[Poly]]:
    """The layers, blocks or operators of a report as bars, those that cost nothing too; and the formulas of those that
    have no number."""
    kind_of_row = {id(row): name for row, name in zip(report.rows, layer_kinds(report), strict=True)}
    items: Sequence[LayerCost | LayerGroup]
    if by == "layer":
        items = report.layers
    elif by == "op":
        items = grouping.group_by_operator(report.layers)
    else:
        tree = grouping.module_tree if by == "module" else grouping.block_tree
        items = grouping.innermost_groups(tree(report.layers), depth)
    read_amount = columns.amount_reader(quantity)
    bars, open_amounts = [], list[Poly]()
    for item in items:
        rows = item.rows if isinstance(item, LayerGroup) else (item,)
        amount = sum_amounts(map(read_amount, rows))
        value = amount.value if isinstance(amount, LowerBound) else amount
        if isinstance(value, Poly):
            open_amounts.append(value)
        kinds = {kind_of_row[id(row)] for row in rows}
        name = grouping.join_path(item.name.split("/")) if by == "block" else item.name
        bars.append(Bar(name, value if isinstance(value, int) else 0, kinds.pop() if len(kinds) == 1 else ""))
    return bars, open_amounts


FEW_BLOCKS = 3
"""Bars of blocks that say where the cost is: a model with fewer at every depth is drawn by layer."""

DEEPEST = 6
"""The depth of the tree down to which blocks are looked for."""


def usual_bars(report: Report, quantity: str) -> tuple[str, int | None]:
    """A report and a quantity of layers -> what its bars are of where nothing is asked for, and the depth of the tree:
    blocks at the usual depth (None), else at the first one at which several have some of it; else layers."""
    tree = grouping.block_tree(report.layers)
    read_amount = columns.amount_reader(quantity)
    for depth in (None, *range(1, DEEPEST + 1)):
        groups = grouping.innermost_groups(tree, depth)
        costly = [group for group in groups if any(read_amount(row) not in (0, None) for row in group.rows)]
        is_blocks = sum(len(group.rows) > 1 for group in costly) > 1
        if is_blocks and FEW_BLOCKS <= len(costly) <= grouping.MAX_BLOCKS:
            return "block", depth
    return "layer", None


def bar_chart(report: Report, quantity: str, by: str, depth: int | None, top: int) -> BarChart:
    """The dearest layers, blocks or operators of a report by one of its totals; where some are open, at the smallest
    sizes, what depends on data at its upper bound, and without those that stay open. by "" takes usual_bars."""
    if not by:
        by, depth = usual_bars(report, quantity)
    if quantity not in report.totals:
        raise UsageError(f"there are no {CATALOGUE[quantity].name} without training", "add --training")
    parts, open_amounts = _bars(report, quantity, by, depth)
    drawn_at = ""
    if open_amounts:
        report, drawn_at = _at_smallest_sizes(report)
        parts, open_amounts = _bars(report, quantity, by, depth)
    if open_amounts and report.symbol_limits:
        report, drawn_at = report.bind(report.symbol_limits), f"{drawn_at}, what depends on data at its upper bound"
        parts, open_amounts = _bars(report, quantity, by, depth)
    bars = sorted((bar for bar in parts if bar.value), key=lambda bar: -bar.value)
    if open_amounts and not bars:
        _known_integer(sum(open_amounts, 0), f"the {CATALOGUE[quantity].label} of {report.name}")
    remainder = bars[top:]
    left_out = f", without {len(open_amounts)} with open symbols" if open_amounts else ""
    return BarChart(
        report.name,
        f"{CATALOGUE[quantity].label} by {by if by != 'op' else 'operator'}{drawn_at}{left_out}",
        CATALOGUE[quantity].unit,
        tuple(bars[:top]),
        (len(remainder), sum(bar.value for bar in remainder)),
        sum(bar.value for bar in bars),
        bool(open_amounts) or any(row.figures.get(quantity) is None for row in report.rows),
        tuple(bar.label for bar in parts),
    )


def _at_smallest_sizes(report: Report) -> tuple[Report, str]:
    """A report with open symbols -> the report at the smallest sizes, and words that say so; as it is, and "", where
    there are none."""
    sizes = smallest_sizes(report)
    if not sizes:
        return report, ""
    names: dict[int, list[str]] = {}
    for name, size in sizes.items():
        names.setdefault(size, []).append(name)
    equations = ", ".join(" = ".join([*group, str(size)]) for size, group in names.items())
    return report.bind(sizes), f", drawn at {equations} (open: bind with --dim)"


def _known_integer(value: Dim | None, description: str) -> int:
    """An amount → its integer; 0 where it is not known, for the chart says that its sum is a lower bound. UsageError
    for a formula."""
    if value is None or isinstance(value, int):
        return value or 0
    raise UsageError(f"there is no number for {description}: it is {format_count(value)}", bind_remedy(value))


def memory_chart(report: Report) -> MemoryChart:
    """A report → live bytes at each step of the report's execution: a step a layer in the given order, nothing in
    place, unless it says otherwise."""
    execution, drawn_at = report.execution._replace(align=None), ""
    footprint = measure_footprint(report.graph, execution)
    if any(isinstance(n, Poly) for n in footprint.liveness.live_bytes):
        report, drawn_at = _at_smallest_sizes(report)
        footprint = measure_footprint(report.graph, execution)
    values = tuple(_known_integer(n, "the live bytes of a step") for n in footprint.liveness.live_bytes)
    if not footprint.schedule.steps:
        raise UsageError(f"{report.name} has no steps", "it computes nothing")
    options = ", ".join(option_words(footprint.execution))
    title = (f"{report.name} ({options})" if options else report.name) + drawn_at
    return MemoryChart(
        title, values, tuple(step.name for step in footprint.schedule.steps), footprint.liveness.peak_step
    )


def roofline_chart(reports: Sequence[Report], profiles: Sequence[HardwareProfile]) -> RooflineChart:
    """Reports and profiles → the devices' roofs; under the first one a point for each layer, or for each of several
    models."""
    drawn_at = ""
    if len(reports) == 1 and _has_open_layers(reports[0]):
        report, drawn_at = _at_smallest_sizes(reports[0])
        reports = [report]
    rooflines = [compute_roofline(report, profiles[0]) for report in reports]
    devices = [device for p in profiles if (device := _device_roof(rooflines[0], p)) is not None]
    if not devices or devices[0].name != profiles[0].name:
        element, precisions = _main_element_type(rooflines[0]), ", ".join(profiles[0].peak)
        raise UsageError(
            f"{profiles[0].name} has no peak with a bandwidth for {element}, which {reports[0].name} is in",
            f"it has {precisions}; name another device first, or take --act-dtype",
        )
    if len(reports) == 1:
        return RooflineChart(reports[0].name + drawn_at, tuple(devices), _layer_points(rooflines[0]), False)
    points = tuple(map(_model_point, report_names(reports), rooflines))
    return RooflineChart("Models", tuple(devices), points, len(reports) > 1)


def _has_open_layers(report: Report) -> bool:
    return any(isinstance(row.figures[key], Poly) for row in report.rows for key in ("flops", "traffic_bytes"))


def _main_element_type(roofline: Roofline) -> str:
    """A roofline → the element type of most of its multiplications; float32 where it has none."""
    return max(roofline.macs_by_type, key=lambda pair: pair[1])[0] if roofline.macs_by_type else "float32"


def _device_roof(roofline: Roofline, profile: HardwareProfile) -> DeviceRoof | None:
    peak = profile.find_peak(_main_element_type(roofline))
    if peak is None or profile.bandwidth is None:
        return None
    return DeviceRoof(
        profile.name,
        peak[0],
        float(peak[1].value),
        float(profile.bandwidth.value),
        rate_text(peak[1].value, peak[0]),
    )


def _layer_points(roofline: Roofline) -> tuple[RooflinePoint, ...]:
    report, points, open_amounts = roofline.report, [], list[Dim]()
    seconds = [bound.seconds or 0 for bound in roofline.layers]
    total_seconds = sum(seconds) or 1
    for row, kind, time in zip(report.rows, layer_kinds(report), seconds, strict=True):
        flops, traffic_bytes = row.figures["flops"], row.figures["traffic_bytes"]
        if row.state == "constant" or flops is None or traffic_bytes is None:
            continue
        if isinstance(flops, Poly) or isinstance(traffic_bytes, Poly):
            open_amounts += [flops, traffic_bytes]
        elif flops and traffic_bytes:
            points.append(RooflinePoint(row.name, kind, flops / traffic_bytes, float(time / total_seconds)))
    if not points and open_amounts:
        raise UsageError(f"no layer of {report.name} has a number to draw", bind_remedy(sum(open_amounts, 0)))
    if not points:
        raise UsageError(f"{report.name} has no layer that computes", "there is nothing to draw")
    return tuple(points)


def _model_point(name: str, roofline: Roofline) -> RooflinePoint:
    totals = roofline.report.totals
    flops, traffic = (
        _known_integer(totals["flops"], f"the FLOPs of {name}"),
        _known_integer(totals["traffic_bytes"], f"the traffic of {name}"),
    )
    if not flops or not traffic:
        raise UsageError(f"{name} computes nothing", "leave it out")
    return RooflinePoint(name, name, flops / traffic, 0.0)
