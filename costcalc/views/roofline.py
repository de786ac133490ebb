"""Rooflines -> the columns of a table with devices (time, what bounds it, how much of the peak is used), the notes
below it, and the entry of the JSON report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from costcalc.analysis.grouping import LayerGroup
from costcalc.analysis.roofline.energy import estimate_energy, memory_fits
from costcalc.core.units import format_bytes, format_percent, format_short, format_si
from costcalc.views.columns import COLUMNS, TIMED
from costcalc.views.report import TableOptions
from costcalc.views.table import Column, Note

if TYPE_CHECKING:
    from costcalc.analysis.hardware.profile import SourcedFigure
    from costcalc.analysis.roofline.energy import InferenceEnergy, MemoryFit
    from costcalc.analysis.roofline.roofline import Roofline, TimeBound
    from costcalc.views.columns import Item


def rate_text(value: Fraction, precision: str) -> str:
    """312 TFLOP/s, 1.92 GOP/s."""
    return f"{format_short(int(value))}{'OP' if precision.startswith('int') else 'FLOP'}/s"


def bandwidth_text(value: Fraction) -> str:
    """2.04 TB/s."""
    return f"{format_short(int(value))}B/s"


def device_notes(given: Sequence[Roofline]) -> tuple[Note, ...]:
    """The footer's lines of each device."""
    return tuple(remark for one in given for remark in _remarks(one))


def _remarks(one: Roofline) -> Iterator[Note]:
    profile = one.profile
    yield Note("Device", f"{profile.name} ({profile.id}): {profile.variant}")
    if one.open_symbols:
        yield Note(
            "  Lower bound", f"depends on {', '.join(one.open_symbols)} (bind with --dim {one.open_symbols[0]}=…)", True
        )
    elif one.report.upper_bound:
        yield Note("  Lower bound", "none: a branch is open (give its condition with --value)", True)
    elif one.model.seconds is None or (one.without_peak and not one.model.seconds):
        yield Note("  Lower bound", "?: the profile has no figure for it", True)
    else:
        yield Note("  Lower bound", bound_text(one))
    for precision in one.without_peak:
        has = ", ".join(profile.peak)
        yield Note("", f"no peak for {precision}, its MACs take no time here; there are {has} (--act-dtype)", True)
    if one.unfused is not None:
        yield Note("  Layer by layer", layers_text(one))
    for fit in memory_fits(one.report, profile):
        yield Note("  Fits" if fit.fits else "  Does not fit", fit_text(fit), not fit.fits)
    joules = estimate_energy(one)
    if joules is not None:
        yield Note("  Energy", energy_text(joules))


def used_peaks(one: Roofline) -> list[tuple[str, SourcedFigure]]:
    """The peaks that the bound rests on."""
    return [rate for rate in (one.profile.find_peak(element) for element, _ in one.macs_by_type) if rate]


def bound_text(one: Roofline) -> str:
    """`≥ 26.2 µs, bound by compute: compute 26.2 µs (float16 at 312 TFLOP/s), memory 4.59 µs (…)`."""
    parts = []
    if one.model.compute is not None:
        peaks = ", ".join(f"{name} at {rate_text(figure.value, name)}" for name, figure in used_peaks(one))
        parts.append(f"compute {format_si(one.model.compute, 's')}{f' ({peaks})' if peaks else ''}")
    if one.model.memory is not None:
        assert one.profile.bandwidth is not None
        kept = f", {format_short(one.cached_bytes)}B may stay in cache" if one.cached_bytes else ""
        moved = f"{format_short(one.compulsory_bytes)}B once{kept}, at {bandwidth_text(one.profile.bandwidth.value)}"
        parts.append(f"memory {format_si(one.model.memory, 's')} ({moved})")
    return f"≥ {format_si(one.model.seconds, 's')}{by_text(one.model)}: {', '.join(parts)}"


def by_text(bound: TimeBound) -> str:
    """`, bound by memory at 85.2% of the peak`: what bounds, and how much of the peak is used then."""
    if not bound.bound_by:
        return ""
    used = bound.utilisation
    at = f" at {format_percent(float(used))} of the peak" if bound.bound_by == "memory" and used is not None else ""
    return f", bound by {bound.bound_by}{at}"


def layers_text(one: Roofline) -> str:
    """The estimates of execution layer by layer, and how many layers each side bounds."""
    if not one.unfused:
        return "≈ 0 s"
    by = [bound.bound_by for bound in one.layers]
    text = f"{format_si(one.unfused, 's')} unfused"
    if one.fused is not None:
        text += f", {format_si(one.fused, 's')} with fused steps"
    counts = f"{by.count('compute'):,} layers bound by compute, {by.count('memory'):,} by memory"
    busy = sum(
        (2 * macs / found[1].value for element, macs in one.macs_by_type if (found := one.profile.find_peak(element))),
        Fraction(0),
    )
    used = f"; {format_percent(float(busy / one.unfused))} of the peak" if busy else ""
    return f"≈ {text} (every operand through memory; {counts}{used})"


def fit_text(fit: MemoryFit) -> str:
    """`weights 549 KiB of 2.00 MiB flash (26.8%)`."""
    share = format_percent(fit.nbytes / fit.capacity)
    over = "" if fit.fits else f", {format_bytes(fit.nbytes - fit.capacity)} too many"
    memory = {"flash": "flash", "sram": "SRAM", "device": "device memory"}[fit.memory]
    return f"{fit.contents} {format_bytes(fit.nbytes)} of {format_bytes(fit.capacity)} {memory} ({share}{over})"


def energy_text(joules: InferenceEnergy) -> str:
    """`≈ 7.63 mJ (an order of magnitude): arithmetic 6.13 mJ, memory 1.50 mJ; …`"""
    moved = any(name.startswith("bytes") for name in joules.without)
    multiplied = len(joules.without) > moved
    parts = f"arithmetic {_part(joules.arithmetic, multiplied)}, memory {_part(joules.memory, moved)}"
    without = f"; no figure for {', '.join(joules.without)}" if joules.without else ""
    total = _part(joules.total, True) if joules.without else f"≈ {format_si(joules.total, 'J')}"
    return f"{total} (an order of magnitude): {parts}; {joules.table}{without}"


def _part(known: Fraction, more: bool) -> str:
    """5.84 µJ; where there is more without a figure, `≥ 5.84 µJ`, or `?` if nothing is known."""
    return "?" if more and not known else f"{'≥ ' if more else ''}{format_si(known, 'J')}"


def roofline_document(one: Roofline) -> dict[str, Any]:
    """The device's entry of the JSON report; seconds and joules are floats, null where they are not known."""
    joules = estimate_energy(one)
    peaks = [{"precision": name, "operations_per_s": int(figure.value)} for name, figure in used_peaks(one)]
    return {
        "name": one.profile.id,
        "device": one.profile.name,
        "time_bound_s": to_float(one.model.seconds),
        "bound_by": one.model.bound_by or None,
        "compute_s": to_float(one.model.compute),
        "memory_s": to_float(one.model.memory),
        "utilisation": to_float(one.model.utilisation),
        "compulsory_bytes": one.compulsory_bytes,
        "kept_on_chip_bytes": one.cached_bytes,
        "unfused_estimate_s": to_float(one.unfused),
        "fused_estimate_s": to_float(one.fused),
        "macs": dict(one.macs_by_type),
        "peaks": peaks,
        "without_peak": list(one.without_peak),
        "open": list(one.open_symbols),
        "fits": [
            {
                "memory": f.memory,
                "what": f.contents,
                "needed_bytes": f.nbytes,
                "capacity_bytes": f.capacity,
                "fits": f.fits,
            }
            for f in memory_fits(one.report, one.profile)
        ],
        "energy_j": None if joules is None else to_float(joules.total),
        "energy_source": None if joules is None else joules.table,
        "energy_without": [] if joules is None else list(joules.without),
        "layers": [
            {
                "name": row.name,
                "time_s": to_float(b.seconds),
                "bound_by": b.bound_by or None,
                "utilisation": to_float(b.utilisation),
            }
            for row, b in zip(one.report.rows, one.layers, strict=True)
        ],
    }


def to_float(value: Fraction | None) -> float | None:
    """Seconds, joules and shares are the only floats of a report."""
    return None if value is None else float(value)


def with_devices(view: TableOptions, rooflines: Sequence[Roofline]) -> TableOptions:
    """A view with the columns and the remarks of a report on devices."""
    if not rooflines:
        return view
    names = tuple([one.profile.id for one in rooflines])
    notes = (*device_notes(rooflines), *view.remarks)
    return view._replace(devices=names, timed=device_columns(rooflines), remarks=notes)


def device_columns(given: Sequence[Roofline]) -> dict[str, Column]:
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


def _cell(key: str, bounds: dict[int, TimeBound]) -> Callable[[Item], Any]:
    def cell(item: Item) -> Any:
        rows = item.rows if isinstance(item, LayerGroup) else (item,)
        mine = [bounds[id(row)] for row in rows]
        if key == "bound":
            found = {bound.bound_by for bound in mine} - {""}
            return found.pop() if len(found) == 1 else "both" if found else ""
        known = [(bound.seconds, bound.compute) for bound in mine if bound.seconds is not None]
        seconds = sum((s for s, _ in known), Fraction(0))
        if not known:
            return None
        if key == "time":
            return float(seconds)
        return float(sum((c or Fraction(0) for _, c in known), Fraction(0)) / seconds) if seconds else None

    return cell
