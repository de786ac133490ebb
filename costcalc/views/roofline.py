"""Rooflines -> the lines of the footer, and the entry of the JSON report.

Rooflines -> the columns that a table has with devices: time, what bounds it, how much of the peak is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from costcalc.analysis.grouping import Group
from costcalc.analysis.roofline.energy import energy, fits
from costcalc.core.units import percent_of, scaled, short, short_bytes
from costcalc.views.columns import COLUMNS, TIMED
from costcalc.views.report import View
from costcalc.views.table import Column, Remark

if TYPE_CHECKING:
    from costcalc.analysis.hardware.profile import Figure
    from costcalc.analysis.roofline.energy import Fit, Joules
    from costcalc.analysis.roofline.roofline import Bound, Roofline
    from costcalc.views.columns import Item


def rate(value: Fraction, precision: str) -> str:
    """312 TFLOP/s, 1.92 GOP/s."""
    return f"{short(int(value))}{'OP' if precision.startswith('int') else 'FLOP'}/s"


def speed(value: Fraction) -> str:
    """2.04 TB/s."""
    return f"{short(int(value))}B/s"


def remarks(given: Sequence[Roofline]) -> tuple[Remark, ...]:
    """The footer's lines of each device."""
    return tuple(remark for one in given for remark in _remarks(one))


def _remarks(one: Roofline) -> Iterator[Remark]:
    profile = one.profile
    yield Remark("Device", f"{profile.name} ({profile.id}): {profile.variant}")
    if one.open:
        yield Remark("  Lower bound", f"depends on {', '.join(one.open)} (bind with --dim {one.open[0]}=…)", True)
    elif one.report.upper_bound:
        yield Remark("  Lower bound", "none: a branch is open (give its condition with --value)", True)
    elif one.model.seconds is None or (one.without_peak and not one.model.seconds):
        yield Remark("  Lower bound", "?: the profile has no figure for it", True)
    else:
        yield Remark("  Lower bound", bound_text(one))
    for precision in one.without_peak:
        has = ", ".join(profile.peak)
        yield Remark("", f"no peak for {precision}, its MACs take no time here; there are {has} (--act-dtype)", True)
    if one.unfused is not None:
        yield Remark("  Layer by layer", layers_text(one))
    for fit in fits(one.report, profile):
        yield Remark("  Fits" if fit.fits else "  Does not fit", fit_text(fit), not fit.fits)
    joules = energy(one)
    if joules is not None:
        yield Remark("  Energy", energy_text(joules))


def rates(one: Roofline) -> list[tuple[str, Figure]]:
    """The peaks that the bound rests on."""
    return [rate for rate in (one.profile.rate(element) for element, _ in one.elements) if rate]


def bound_text(one: Roofline) -> str:
    """`≥ 26.2 µs, bound by compute: compute 26.2 µs (float16 at 312 TFLOP/s), memory 4.59 µs (…)`."""
    parts = []
    if one.model.compute is not None:
        peaks = ", ".join(f"{name} at {rate(figure.value, name)}" for name, figure in rates(one))
        parts.append(f"compute {scaled(one.model.compute, 's')}{f' ({peaks})' if peaks else ''}")
    if one.model.memory is not None:
        assert one.profile.bandwidth is not None
        kept = f", {short(one.kept)}B may stay in cache" if one.kept else ""
        moved = f"{short(one.compulsory)}B once{kept}, at {speed(one.profile.bandwidth.value)}"
        parts.append(f"memory {scaled(one.model.memory, 's')} ({moved})")
    return f"≥ {scaled(one.model.seconds, 's')}{by_text(one.model)}: {', '.join(parts)}"


def by_text(bound: Bound) -> str:
    """`, bound by memory at 85.2% of the peak`: what bounds, and how much of the peak is used then."""
    if not bound.by:
        return ""
    used = bound.utilisation
    at = f" at {percent_of(float(used))} of the peak" if bound.by == "memory" and used is not None else ""
    return f", bound by {bound.by}{at}"


def layers_text(one: Roofline) -> str:
    """The estimates of execution layer by layer, and how many layers each side bounds."""
    if not one.unfused:
        return "≈ 0 s"
    by = [bound.by for bound in one.layers]
    text = f"{scaled(one.unfused, 's')} unfused"
    if one.fused is not None:
        text += f", {scaled(one.fused, 's')} with fused steps"
    counts = f"{by.count('compute'):,} layers bound by compute, {by.count('memory'):,} by memory"
    busy = sum(
        (2 * macs / found[1].value for element, macs in one.elements if (found := one.profile.rate(element))),
        Fraction(0),
    )
    used = f"; {percent_of(float(busy / one.unfused))} of the peak" if busy else ""
    return f"≈ {text} (every operand through memory; {counts}{used})"


def fit_text(fit: Fit) -> str:
    """`weights 549 KiB of 2.00 MiB flash (26.8%)`."""
    share = percent_of(fit.needed / fit.capacity)
    over = "" if fit.fits else f", {short_bytes(fit.needed - fit.capacity)} too many"
    memory = {"flash": "flash", "sram": "SRAM", "device": "device memory"}[fit.memory]
    return f"{fit.what} {short_bytes(fit.needed)} of {short_bytes(fit.capacity)} {memory} ({share}{over})"


def energy_text(joules: Joules) -> str:
    """`≈ 7.63 mJ (an order of magnitude): arithmetic 6.13 mJ, memory 1.50 mJ; …`"""
    moved = any(name.startswith("bytes") for name in joules.without)
    multiplied = len(joules.without) > moved
    parts = f"arithmetic {_part(joules.arithmetic, multiplied)}, memory {_part(joules.memory, moved)}"
    without = f"; no figure for {', '.join(joules.without)}" if joules.without else ""
    total = _part(joules.total, True) if joules.without else f"≈ {scaled(joules.total, 'J')}"
    return f"{total} (an order of magnitude): {parts}; {joules.table}{without}"


def _part(known: Fraction, more: bool) -> str:
    """5.84 µJ; where there is more without a figure, `≥ 5.84 µJ`, or `?` if nothing is known."""
    return "?" if more and not known else f"{'≥ ' if more else ''}{scaled(known, 'J')}"


def to_dict(one: Roofline) -> dict[str, Any]:
    """The device's entry of the JSON report; seconds and joules are floats, null where they are not known."""
    joules = energy(one)
    peaks = [{"precision": name, "operations_per_s": int(figure.value)} for name, figure in rates(one)]
    return {
        "name": one.profile.id,
        "device": one.profile.name,
        "time_bound_s": number(one.model.seconds),
        "bound_by": one.model.by or None,
        "compute_s": number(one.model.compute),
        "memory_s": number(one.model.memory),
        "utilisation": number(one.model.utilisation),
        "compulsory_bytes": one.compulsory,
        "kept_on_chip_bytes": one.kept,
        "unfused_estimate_s": number(one.unfused),
        "fused_estimate_s": number(one.fused),
        "macs": dict(one.elements),
        "peaks": peaks,
        "without_peak": list(one.without_peak),
        "open": list(one.open),
        "fits": [
            {"memory": f.memory, "what": f.what, "needed_bytes": f.needed, "capacity_bytes": f.capacity, "fits": f.fits}
            for f in fits(one.report, one.profile)
        ],
        "energy_j": None if joules is None else number(joules.total),
        "energy_source": None if joules is None else joules.table,
        "energy_without": [] if joules is None else list(joules.without),
        "layers": [
            {
                "name": row.name,
                "time_s": number(b.seconds),
                "bound_by": b.by or None,
                "utilisation": number(b.utilisation),
            }
            for row, b in zip(one.report.rows, one.layers, strict=True)
        ],
    }


def number(value: Fraction | None) -> float | None:
    """Seconds, joules and shares are the only floats of a report."""
    return None if value is None else float(value)


def with_devices(view: View, rooflines: Sequence[Roofline]) -> View:
    """A view with the columns and the remarks of a report on devices."""
    if not rooflines:
        return view
    names = tuple([one.profile.id for one in rooflines])
    notes = (*remarks(rooflines), *view.remarks)
    return view._replace(devices=names, timed=computed(rooflines), remarks=notes)


def computed(given: Sequence[Roofline]) -> dict[str, Column]:
    """The columns of the devices, by key."""
    found: dict[str, Column] = {}
    for one in given:
        bounds = {id(row): bound for row, bound in zip(one.report.rows, one.layers, strict=True)}
        for key in TIMED:
            column = COLUMNS[key]
            if len(given) > 1:
                column = column._replace(key=f"{key}:{one.profile.id}", title=f"{column.title} {one.profile.id}")
            found[column.key] = column._replace(value=_cell(key, bounds))
    return found


def _cell(key: str, bounds: dict[int, Bound]) -> Callable[[Item], Any]:
    def cell(item: Item) -> Any:
        rows = item.rows if isinstance(item, Group) else (item,)
        mine = [bounds[id(row)] for row in rows]
        if key == "bound":
            found = {bound.by for bound in mine} - {""}
            return found.pop() if len(found) == 1 else "both" if found else ""
        known = [(bound.seconds, bound.compute) for bound in mine if bound.seconds is not None]
        seconds = sum((s for s, _ in known), Fraction(0))
        if not known:
            return None
        if key == "time":
            return float(seconds)
        return float(sum((c or Fraction(0) for _, c in known), Fraction(0)) / seconds) if seconds else None

    return cell
