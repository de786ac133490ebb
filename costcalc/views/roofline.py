"""Rooflines -> the columns of a table with devices (time, what bounds it, how much of the peak is used), the notes
below it, and the entry of the JSON report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any

from costcalc.analysis.grouping import LayerGroup
from costcalc.analysis.roofline.energy import estimate_energy, memory_fits
from costcalc.analysis.roofline.published_runs import find_energy_band, find_measured_energy_band, find_time_band
from costcalc.core.amount import LowerBound
from costcalc.core.units import format_bytes, format_percent, format_short, format_si
from costcalc.views.columns import COLUMNS, DEVICE_COLUMNS
from costcalc.views.placement import placed_bounds, placement_columns, placement_document, placement_notes
from costcalc.views.report import TableOptions
from costcalc.views.table import Column, Note

if TYPE_CHECKING:
    from costcalc.analysis.hardware.profile import HardwareProfile, SourcedFigure
    from costcalc.analysis.roofline.energy import InferenceEnergy, MemoryFit
    from costcalc.analysis.roofline.published_runs import PublishedBand
    from costcalc.analysis.roofline.roofline import Roofline, TimeBound
    from costcalc.views.columns import Item


def rate_text(value: Fraction, precision: str) -> str:
    """312 TFLOP/s, 1.92 GOP/s."""
    return f"{format_short(int(value))}{'OP' if precision.startswith('int') else 'FLOP'}/s"


def bandwidth_text(value: Fraction) -> str:
    """2.04 TB/s."""
    return f"{format_short(int(value))}B/s"


def device_notes(rooflines: Sequence[Roofline]) -> tuple[Note, ...]:
    """Rooflines → the notes of each device under a table."""
    return tuple(note for roofline in rooflines for note in _device_notes(roofline))


def _device_notes(roofline: Roofline) -> Iterator[Note]:
    profile = roofline.profile
    yield Note("Device", f"{profile.name} ({profile.id}): {profile.variant}")
    if roofline.open_symbols:
        yield Note(
            "  Lower bound",
            f"depends on {', '.join(roofline.open_symbols)} (bind with --dim {roofline.open_symbols[0]}=…)",
            True,
        )
    elif roofline.report.upper_bound:
        yield Note("  Lower bound", "none: a branch is open (give its condition with --value)", True)
    elif roofline.model.seconds is None or (roofline.without_peak and not roofline.model.seconds):
        yield Note("  Lower bound", "?: the profile has no figure for it", True)
    else:
        yield Note("  Lower bound", bound_text(roofline))
    for precision in roofline.without_peak:
        precisions = ", ".join(profile.peak)
        yield Note(
            "", f"no peak for {precision}, its MACs take no time here; there are {precisions} (--act-dtype)", True
        )
    if shows_layers(roofline):
        yield Note("  Layer by layer", layers_text(roofline))
    elif roofline.unfused:
        yield Note("  Layer by layer", WITHOUT_BAND)
    yield from placement_notes(roofline)
    for fit in memory_fits(roofline.report, profile):
        yield Note("  Fits" if fit.fits else "  Does not fit", fit_text(fit), not fit.fits)
        peak = roofline.report.totals.get("peak_activation_bytes")
        if fit.memory == "sram" and fit.contents == "arena" and isinstance(peak, int) and fit.nbytes < peak:
            yield Note("", ARENA_OF_FUSED_STEPS)
        if fit.remark:
            yield Note("", fit.remark)
    joules = estimate_energy(roofline)
    if joules is not None:
        yield Note("  Energy", energy_text(joules, profile))


def used_peaks(roofline: Roofline) -> list[tuple[str, SourcedFigure]]:
    """A roofline → (precision, operations a second) of each peak that its bound rests on."""
    return [rate for rate in (roofline.profile.find_peak(element) for element, _ in roofline.macs_by_type) if rate]


def bound_text(roofline: Roofline) -> str:
    """`≥ 26.2 µs, bound by compute: compute 26.2 µs (float16 at 312 TFLOP/s), memory 4.59 µs (…)`."""
    parts = []
    if roofline.model.compute is not None:
        peaks = ", ".join(f"{name} at {rate_text(figure.value, name)}" for name, figure in used_peaks(roofline))
        parts.append(f"compute {format_si(roofline.model.compute, 's')}{f' ({peaks})' if peaks else ''}")
    if roofline.model.memory is not None:
        assert roofline.profile.bandwidth is not None
        cache_text = f", {format_short(roofline.cached_bytes)}B may stay in cache" if roofline.cached_bytes else ""
        bandwidth = bandwidth_text(roofline.profile.bandwidth.value)
        traffic_text = f"{format_short(roofline.compulsory_bytes)}B once{cache_text}, at {bandwidth}"
        parts.append(f"memory {format_si(roofline.model.memory, 's')} ({traffic_text})")
    return f"≥ {format_si(roofline.model.seconds, 's')}{by_text(roofline.model)}: {', '.join(parts)}"


def by_text(bound: TimeBound) -> str:
    """`, bound by memory at 85.2% of the peak`: what bounds, and how much of the peak is used then."""
    if not bound.bound_by:
        return ""
    utilisation = bound.utilisation
    at = (
        f" at {format_percent(float(utilisation))} of the peak"
        if bound.bound_by == "memory" and utilisation is not None
        else ""
    )
    return f", bound by {bound.bound_by}{at}"


def shows_layers(roofline: Roofline) -> bool:
    """Whether the estimate layer by layer is shown: it is known, and so is how far published runs are from it."""
    return roofline.unfused is not None and find_time_band(roofline.profile) is not None


WITHOUT_BAND = (
    "each with its operands through memory; not summed up, for no published measurement tells how far above the sum "
    "the times of such a device are"
)
"""What the times of layers are, where their sum is not shown."""

DEVICE_KIND_NAMES = {
    "microcontroller": "microcontrollers",
    "npu": "NPUs",
    "single-board": "single-board computers",
    "phone": "phones",
    "laptop": "laptops",
    "cpu": "CPUs",
    "gpu": "GPUs",
}
"""Kinds of devices, several of them, as text."""


def band_text(band: PublishedBand, profile: HardwareProfile, what: str) -> str:
    """`measured times on this device were 2.7 to 12.4 times this, n = 62`; to two digits, rounded outwards."""
    devices = "this device" if band.devices == profile.id else DEVICE_KIND_NAMES[band.devices]
    lowest, highest = _two_digits(band.lowest, floor), _two_digits(band.highest, ceil)
    return f"measured {what} on {devices} were {lowest} to {highest} times this, n = {band.runs}"


def _two_digits(value: Fraction, rounding: Callable[[Fraction], int]) -> str:
    scale = Fraction(10)
    while value * scale < 10:
        scale *= 10
    while value * scale >= 100:
        scale /= 10
    return f"{float(rounding(value * scale) / scale):,g}"


def layers_text(roofline: Roofline) -> str:
    """The estimates of execution layer by layer, and how many layers each side bounds."""
    if not roofline.unfused:
        return "≈ 0 s"
    by = [bound.bound_by for bound in roofline.layers]
    text = f"{format_si(roofline.unfused, 's')} unfused"
    if roofline.fused is not None:
        text += f", {format_si(roofline.fused, 's')} with fused steps"
    counts = f"{by.count('compute'):,} layers bound by compute, {by.count('memory'):,} by memory"
    compute_seconds = sum(
        (
            2 * macs / peak[1].value
            for element, macs in roofline.macs_by_type
            if (peak := roofline.profile.find_peak(element))
        ),
        Fraction(0),
    )
    utilisation_text = (
        f"; {format_percent(float(compute_seconds / roofline.unfused))} of the peak" if compute_seconds else ""
    )
    band = find_time_band(roofline.profile)
    band_words = f"; {band_text(band, roofline.profile, 'times')}" if band else ""
    return f"≈ {text}{band_words} (every operand through memory; {counts}{utilisation_text})"


MEMORY_NAMES = {"flash": "flash", "weights": "weight memory", "sram": "SRAM", "device": "device memory"}
"""Memories as text."""


ARENA_OF_FUSED_STEPS = "of fused steps, as a runtime of small devices executes them: --fuse gives the peak of these"
"""What is said of an arena that is smaller than the peak of the layers one by one."""


def fit_text(fit: MemoryFit) -> str:
    """`weights 549 KiB of 2.00 MiB flash (26.8%)`."""
    share = format_percent(Fraction(fit.nbytes, fit.capacity))
    over = "" if fit.fits else f", {format_bytes(fit.nbytes - fit.capacity)} too many"
    memory = MEMORY_NAMES[fit.memory]
    return f"{fit.contents} {format_bytes(fit.nbytes)} of {format_bytes(fit.capacity)} {memory} ({share}{over})"


def fit_document(fit: MemoryFit) -> dict[str, Any]:
    """What must fit in a memory -> its JSON entry; remark is null where the bytes leave nothing out."""
    return {
        "memory": fit.memory,
        "what": fit.contents,
        "needed_bytes": fit.nbytes,
        "capacity_bytes": fit.capacity,
        "fits": fit.fits,
        "remark": fit.remark or None,
    }


def fit_notes(device: str, fits: Sequence[MemoryFit]) -> tuple[Note, ...]:
    """A device's name and what must be in which of its memories → a note for each; one where the profile states no
    memory."""
    if not fits:
        return (Note(device, "whether it fits is not known: the profile has no size of the device's memory", True),)
    return tuple(
        [Note(device, f"{'fits' if fit.fits else 'does not fit'}: {fit_text(fit)}", not fit.fits) for fit in fits]
    )


CIRCUITS = "multipliers, adders and memory cells of one process node, without the board"
"""What an energy covers that was not measured."""


def energy_text(joules: InferenceEnergy, profile: HardwareProfile) -> str:
    """`≈ 7.63 mJ of multipliers, adders and memory cells …: arithmetic 6.13 mJ, memory 1.50 mJ; …; measured energies
    on microcontrollers were 79 to 8,800 times this, n = 70`, or where it was measured `≈ 1.20 J of the whole device;
    …; as measured: …`"""
    if joules.is_measured:
        sources = "; ".join(dict.fromkeys(figure.source for _, _, figure in joules.terms))
        own = find_measured_energy_band(profile)
        spread = f"; {band_text(own, profile, 'energies')}" if own else ""
        return f"≈ {format_si(joules.total, 'J')} of the whole device{spread}; as measured: {sources}"
    lacks_memory = any(name.startswith("bytes") for name in joules.without)
    lacks_arithmetic = len(joules.without) > lacks_memory
    arithmetic, memory = _joules_text(joules.arithmetic, lacks_arithmetic), _joules_text(joules.memory, lacks_memory)
    parts = f"arithmetic {arithmetic}, memory {memory}"
    without = f"; no figure for {', '.join(joules.without)}" if joules.without else ""
    total = _joules_text(joules.total, True) if joules.without else f"≈ {format_si(joules.total, 'J')}"
    band = find_energy_band(profile)
    needs = f"; {band_text(band, profile, 'energies')}" if band else "; a board needs far more"
    return f"{total} of {CIRCUITS}: {parts}; {joules.table}{without}{needs}"


def _energy_band(joules: InferenceEnergy, profile: HardwareProfile) -> PublishedBand | None:
    return find_measured_energy_band(profile) if joules.is_measured else find_energy_band(profile)


def _joules_text(joules: Fraction, is_partial: bool) -> str:
    """Energy in joules → `5.84 µJ`; of a partial sum `≥ 5.84 µJ`, or `?` where it is 0."""
    return "?" if is_partial and not joules else f"{'≥ ' if is_partial else ''}{format_si(joules, 'J')}"


def roofline_document(roofline: Roofline) -> dict[str, Any]:
    """The device's entry of the JSON report; seconds and joules are floats, null where they are not known."""
    joules = estimate_energy(roofline)
    peaks = [{"precision": name, "operations_per_s": int(figure.value)} for name, figure in used_peaks(roofline)]
    return {
        "name": roofline.profile.id,
        "device": roofline.profile.name,
        "time_bound_s": to_float(roofline.model.seconds),
        "bound_by": roofline.model.bound_by or None,
        "compute_s": to_float(roofline.model.compute),
        "memory_s": to_float(roofline.model.memory),
        "utilisation": to_float(roofline.model.utilisation),
        "compulsory_bytes": roofline.compulsory_bytes,
        "kept_on_chip_bytes": roofline.cached_bytes,
        "unfused_estimate_s": to_float(roofline.unfused) if shows_layers(roofline) else None,
        "fused_estimate_s": to_float(roofline.fused) if shows_layers(roofline) else None,
        "published_runs": band_document(find_time_band(roofline.profile)),
        "placement": placement_document(roofline),
        "macs": dict(roofline.macs_by_type),
        "peaks": peaks,
        "without_peak": list(roofline.without_peak),
        "open": list(roofline.open_symbols),
        "fits": [fit_document(fit) for fit in memory_fits(roofline.report, roofline.profile)],
        "energy_j": None if joules is None else to_float(joules.total),
        "energy_source": None if joules is None else joules.table,
        "energy_of": None if joules is None else "the whole device, measured" if joules.is_measured else CIRCUITS,
        "published_energies": None if joules is None else band_document(_energy_band(joules, roofline.profile)),
        "energy_without": [] if joules is None else list(joules.without),
        "layers": [
            {
                "name": row.name,
                "time_s": to_float(b.seconds),
                "bound_by": (b.compute is not None and b.bound_by) or None,
                "utilisation": to_float(b.utilisation),
            }
            for row, b in zip(roofline.report.rows, placed_bounds(roofline), strict=True)
        ],
    }


def band_document(band: PublishedBand | None) -> dict[str, Any] | None:
    """Published runs on a device or on devices of its kind, over an estimate; None where none is known."""
    if band is None:
        return None
    return {
        "devices": band.devices,
        "runs": band.runs,
        "lowest": to_float(band.lowest),
        "highest": to_float(band.highest),
    }


def to_float(value: Fraction | None) -> float | None:
    """Seconds, joules or a share → a float for JSON; these are the only floats of a report."""
    return None if value is None else float(value)


def with_devices(options: TableOptions, rooflines: Sequence[Roofline]) -> TableOptions:
    """Options and rooflines → the options with the columns and the notes of the devices."""
    if not rooflines:
        return options
    names = tuple([roofline.profile.id for roofline in rooflines])
    notes = (*device_notes(rooflines), *options.notes)
    return options._replace(devices=names, device_columns=device_columns(rooflines), notes=notes)


def device_columns(rooflines: Sequence[Roofline]) -> dict[str, Column]:
    """Rooflines → a time, a bound and a utilisation column for each, by key; where it has an NPU, what runs there."""
    columns: dict[str, Column] = {}
    for roofline in rooflines:
        bounds = {id(row): bound for row, bound in zip(roofline.report.rows, placed_bounds(roofline), strict=True)}
        sums = roofline.unfused is None or shows_layers(roofline)
        own = {key: COLUMNS[key]._replace(value=_bound_reader(key, bounds, sums)) for key in DEVICE_COLUMNS[:3]}
        own |= placement_columns(roofline)
        for key, column in own.items():
            if len(rooflines) > 1:
                column = column._replace(
                    key=f"{key}:{roofline.profile.id}", title=f"{column.title} {roofline.profile.id}"
                )
            columns[column.key] = column
    return columns


def _bound_reader(key: str, bounds: dict[int, TimeBound], sums: bool) -> Callable[[Item], Any]:
    """The key of a column, bounds by the identity of their row, and whether their sum is shown → the reader of its
    cells. Where the arithmetic of a layer has no time, the seconds are a LowerBound and nothing is said of what bounds
    it."""

    def cell(item: Item) -> Any:
        rows = item.rows if isinstance(item, LayerGroup) else (item,)
        row_bounds = [bounds[id(row)] for row in rows]
        known = [bound for bound in row_bounds if bound.compute is not None]
        if key == "bound":
            limits = {bound.bound_by for bound in known if len(known) == len(row_bounds)} - {""}
            return limits.pop() if len(limits) == 1 else "both" if limits else ""
        times = [bound.seconds for bound in row_bounds if bound.seconds is not None]
        seconds = sum(times, Fraction(0))
        if not times or (len(rows) > 1 and key == "time" and not sums):
            return None
        if key == "time":
            value: Any = float(seconds)
            return value if len(known) == len(row_bounds) else LowerBound(value)
        if not seconds or len(known) < len(row_bounds):
            return None
        return float(sum((bound.compute or Fraction(0) for bound in known), Fraction(0)) / seconds)

    return cell
