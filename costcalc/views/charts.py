"""What a chart shows, as plain data; a renderer only draws it. Counts are exact integers, places on axes are floats.

Reports -> the chart of each kind. UsageError where a figure is open or unknown, with what would decide it.

A row -> what it is called in a legend: its operator, a convolution by its shape (1×1, depthwise).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from costcalc.analysis import grouping
from costcalc.analysis.grouping import Group
from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.analysis.layers import Row
from costcalc.analysis.memory.footprint import footprint
from costcalc.analysis.report import Report
from costcalc.analysis.roofline.bounds import roofline
from costcalc.analysis.roofline.roofline import Roofline
from costcalc.core.amount import AtLeast, add
from costcalc.core.dim import Dim, remedy
from costcalc.core.errors import UsageError
from costcalc.core.ir import Graph, Node
from costcalc.core.quantities import CATALOGUE
from costcalc.core.traits import traits_of
from costcalc.core.units import exact
from costcalc.studies.compare import compare_reports
from costcalc.views import columns
from costcalc.views.roofline import rate


class Bar(NamedTuple):
    """A layer, a block or an operator with what it costs, and what kind of operator it is ("" of a block)."""

    label: str
    value: int
    kind: str = ""


class Bars(NamedTuple):
    """The dearest parts of a model, the largest first. rest is how many are left out and what they cost together,
    whole the model's total; unit is "bytes" or "number"."""

    title: str
    quantity: str
    unit: str
    bars: tuple[Bar, ...]
    rest: tuple[int, int]
    whole: int
    least: bool = False


class Live(NamedTuple):
    """Live activation bytes at each step; peak is the first step with the most; names are the steps'."""

    title: str
    values: tuple[int, ...]
    names: tuple[str, ...]
    peak: int


class Device(NamedTuple):
    """A roof: operations a second at most, bytes a second at most."""

    name: str
    precision: str
    peak: float
    bandwidth: float
    text: str


class Spot(NamedTuple):
    """A layer, or a model as a whole: FLOPs for each byte of traffic, and its share of the time on the first device."""

    label: str
    kind: str
    intensity: float
    share: float


class Roofs(NamedTuple):
    """Devices, and what stands under the first one's roof. whole says that the spots are models, not layers."""

    title: str
    devices: tuple[Device, ...]
    spots: tuple[Spot, ...]
    whole: bool


class Axis(NamedTuple):
    """A quantity; unit is "bytes" or "number". greatest says that more is better."""

    key: str
    title: str
    unit: str
    greatest: bool = False


class Point(NamedTuple):
    """A model, or a row of a sweep; best says that no other is as good in both quantities and better in one."""

    label: str
    x: int | float
    y: int | float
    best: bool = False


class Front(NamedTuple):
    """Points by two quantities."""

    title: str
    x: Axis
    y: Axis
    points: tuple[Point, ...]


Chart = Bars | Live | Roofs | Front


def kinds(report: Report) -> list[str]:
    """One name for each row of the report."""
    return [
        f"{row.operator}{_shape(report.graph, node)}" for row, node in zip(report.rows, report.graph.nodes, strict=True)
    ]


def _shape(graph: Graph, node: Node) -> str:
    """` depthwise` where every filter reads one channel, ` 1×1` of a pointwise convolution, "" else."""
    operator = traits_of(node)
    if operator.kind != "convolution" or len(node.inputs) <= operator.factors[1]:
        return ""
    weight = graph.types[node.inputs[operator.factors[1]]].shape
    if not weight or len(weight) < 3:
        return ""
    if weight[1] == 1 and node.attributes.get("group", 1) != 1:
        return " depthwise"
    return f" {'×'.join('1' for _ in weight[2:])}" if all(k == 1 for k in weight[2:]) else ""


def names(reports: Sequence[Report]) -> tuple[str, ...]:
    """The reports' names, told apart where they are equal."""
    return compare_reports(reports).names if len(reports) > 1 else tuple(r.name for r in reports)


def bars(report: Report, quantity: str, by: str, depth: int | None, top: int) -> Bars:
    """The dearest layers, blocks or operators of a report by one of its totals."""
    kind = {id(row): name for row, name in zip(report.rows, kinds(report), strict=True)}
    items: Iterable[Row | Group]
    if by == "layer":
        items = report.layers
    elif by == "op":
        items = grouping.by_operator(report.layers)
    else:
        items = grouping.frontier(grouping.tree(report.layers), depth)
    read = columns.quantity(quantity)
    found = []
    for item in items:
        rows = item.rows if isinstance(item, Group) else (item,)
        amount = add(map(read, rows))
        value = amount.value if isinstance(amount, AtLeast) else amount
        name = {kind[id(row)] for row in rows}
        found.append(
            Bar(
                item.name,
                _number(value, f"the {CATALOGUE[quantity].label} of {item.name}"),
                name.pop() if len(name) == 1 else "",
            )
        )
    found = sorted((bar for bar in found if bar.value), key=lambda bar: -bar.value)
    left = found[top:]
    return Bars(
        report.name,
        f"{CATALOGUE[quantity].label} by {by if by != 'op' else 'operator'}",
        "bytes" if quantity.endswith("bytes") else "number",
        tuple(found[:top]),
        (len(left), sum(bar.value for bar in left)),
        sum(bar.value for bar in found),
        any(row.amounts[quantity] is None for row in report.rows),
    )


def _number(value: Dim | None, what: str) -> int:
    """0 of what is not known, for the chart says that its sum is a lower bound."""
    if value is None or isinstance(value, int):
        return value or 0
    raise UsageError(f"there is no number for {what}: it is {exact(value)}", remedy(value))


def live(report: Report) -> Live:
    """When memory is needed: a step a layer, in the given order, nothing in place."""
    found = footprint(report.graph)
    values = tuple(_number(n, "the live bytes of a step") for n in found.line.live)
    if not found.plan.steps:
        raise UsageError(f"{report.name} has no steps", "it computes nothing")
    return Live(report.name, values, tuple(step.name for step in found.plan.steps), found.line.step)


def roofs(reports: Sequence[Report], profiles: Sequence[HardwareProfile]) -> Roofs:
    """The devices' roofs; under the first one the layers of a report, or of several each as a whole."""
    lines = [roofline(report, profiles[0]) for report in reports]
    devices = [device for p in profiles if (device := _device(lines[0], p)) is not None]
    if not devices or devices[0].name != profiles[0].name:
        has = ", ".join(profiles[0].peak)
        raise UsageError(
            f"{profiles[0].name} has no peak with a bandwidth for {_element(lines[0])}, which {reports[0].name} is in",
            f"it has {has}; name another device first, or take --act-dtype",
        )
    spots = _layers(lines[0]) if len(reports) == 1 else tuple(map(_whole, names(reports), lines))
    return Roofs(reports[0].name if len(reports) == 1 else "Models", tuple(devices), spots, len(reports) > 1)


def _element(line: Roofline) -> str:
    """What most multiplications are done in."""
    return max(line.elements, key=lambda pair: pair[1])[0] if line.elements else "float32"


def _device(line: Roofline, profile: HardwareProfile) -> Device | None:
    found = profile.rate(_element(line))
    if found is None or profile.bandwidth is None:
        return None
    return Device(
        profile.name, found[0], float(found[1].value), float(profile.bandwidth.value), rate(found[1].value, found[0])
    )


def _layers(line: Roofline) -> tuple[Spot, ...]:
    report, spots = line.report, []
    seconds = [bound.seconds or 0 for bound in line.layers]
    whole = sum(seconds) or 1
    for row, kind, time in zip(report.rows, kinds(report), seconds, strict=True):
        flops, moved = row.amounts["flops"], row.amounts["traffic_bytes"]
        if row.state == "constant" or flops is None or moved is None:
            continue
        work, traffic = _number(flops, f"the FLOPs of {row.name}"), _number(moved, f"the traffic of {row.name}")
        if work and traffic:
            spots.append(Spot(row.name, kind, work / traffic, float(time / whole)))
    if not spots:
        raise UsageError(f"{report.name} has no layer that computes", "there is nothing to draw")
    return tuple(spots)


def _whole(name: str, line: Roofline) -> Spot:
    totals = line.report.totals
    flops, moved = (
        _number(totals["flops"], f"the FLOPs of {name}"),
        _number(totals["traffic_bytes"], f"the traffic of {name}"),
    )
    if not flops or not moved:
        raise UsageError(f"{name} computes nothing", "leave it out")
    return Spot(name, name, flops / moved, 0.0)
