"""Reports -> the chart of each kind. UsageError where a figure is open or unknown, with what would decide it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from costcalc import columns, grouping
from costcalc.columns import Group
from costcalc.comparison import compare_reports
from costcalc.core.amount import AtLeast, add
from costcalc.core.quantities import CATALOGUE
from costcalc.dim import Dim, remedy
from costcalc.errors import UsageError
from costcalc.hardware.profile import HardwareProfile
from costcalc.memory.footprint import footprint
from costcalc.plotting.charts import Bar, Bars, Device, Live, Roofs, Spot
from costcalc.plotting.kinds import kinds
from costcalc.report import Report
from costcalc.roofline import Roofline, roofline
from costcalc.rows import Row
from costcalc.timing import rate
from costcalc.units import exact


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
