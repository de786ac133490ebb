"""Rooflines -> the working of the bounds: formulas with names, with numbers, and where every figure was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from costcalc.analysis.hardware.profile import MEMORIES, SourcedFigure
from costcalc.analysis.roofline.energy import estimate_energy, memory_fits
from costcalc.analysis.roofline.roofline import Roofline, TimeBound
from costcalc.core.units import format_count, format_digits, format_short, format_si
from costcalc.views.explain import Explanation, WorkingLine
from costcalc.views.placement import placed_bounds, placement_notes
from costcalc.views.roofline import bandwidth_text, by_text, energy_text, fit_text, layers_text, rate_text, shows_layers

BOUND_BASIS = (
    "the fewest multiplications that implementations in use need (Winograd F(6, k) or FFT, no padding, nothing that "
    "a mask, a window or a length hides, that no output needs or that stored tensors alone decide), at the peak of "
    "their precision, everything else folded into them or beside them; weights, inputs and outputs moved once, other "
    "activations kept on the chip. Any schedule and any fusion takes longer; sparse kernels and higher clocks may take "
    "less. What a later layer cuts away of an output, or an added mask of a product, is not seen and counts"
)

LAYER_OMISSIONS = (
    "left out: what Winograd or FFT saves, padding, masked scores, what no output needs or stored tensors alone decide"
)


def bound_lines(explanation: Explanation, rooflines: Sequence[Roofline]) -> Iterator[WorkingLine]:
    """An explanation and rooflines → the working of the bounds: of the whole model, or of the layer that is
    explained."""
    for roofline in rooflines:
        yield WorkingLine("Device", (f"{roofline.profile.name} ({roofline.profile.id}): {roofline.profile.variant}",))
        if explanation.layer is None:
            yield from _model_lines(roofline)
        else:
            index = next(i for i, row in enumerate(roofline.report.rows) if row is explanation.workings[0].row)
            yield from _layer_lines(roofline, index)
        yield from _source_lines(roofline)


def _model_lines(roofline: Roofline) -> Iterator[WorkingLine]:
    if roofline.open_symbols:
        yield WorkingLine(
            "Lower bound",
            (f"depends on {', '.join(roofline.open_symbols)} (bind with --dim {roofline.open_symbols[0]}=…)",),
        )
        return
    if roofline.report.upper_bound or roofline.model.seconds is None:
        yield WorkingLine("Lower bound", ("none: a branch is open" if roofline.report.upper_bound else "?",))
        return
    yield from _compute_lines(roofline)
    yield from _memory_lines(roofline)
    yield _maximum_line("Lower bound", roofline.model)
    yield WorkingLine("Rests on", (BOUND_BASIS,))
    if shows_layers(roofline):
        yield WorkingLine("Layer by layer", (f"Σ max(FLOPs / peak, traffic / bandwidth) {layers_text(roofline)}",))
    for note in placement_notes(roofline):
        yield WorkingLine(note.label.strip(), (note.text,))
    for fit in memory_fits(roofline.report, roofline.profile):
        text = "; ".join(filter(None, (fit_text(fit), fit.remark)))
        yield WorkingLine("Fits" if fit.fits else "Does not fit", (text,))
    joules = estimate_energy(roofline)
    if joules is not None:
        terms = [
            f"{format_count(n)} {'bytes' if name in MEMORIES else 'MACs'} × {float(figure.value):g} pJ"
            for name, n, figure in joules.terms
        ]
        yield WorkingLine(
            "Energy", ("MACs × pJ + bytes × pJ", f"{' + '.join(terms)} {energy_text(joules, roofline.profile)}")
        )


def _compute_lines(roofline: Roofline) -> Iterator[WorkingLine]:
    """A roofline → for each element type its multiplications over its peak, in seconds."""
    for element, macs in roofline.macs_by_type:
        peak = roofline.profile.find_peak(element)
        if peak is None:
            yield WorkingLine("Compute", (f"no peak for {element}",))
            continue
        fewest = roofline.multiplications[element]
        if fewest != macs:
            yield WorkingLine(
                "Multiply",
                (f"{format_count(round(fewest))}, of the definition's {format_count(macs)} MACs; {LAYER_OMISSIONS}",),
            )
        numbers = f"2 × {format_count(round(fewest))} / {rate_text(peak[1].value, peak[0])}"
        seconds = f"{format_si(2 * fewest / peak[1].value, 's')} ({peak[0]})"
        yield WorkingLine("Compute", ("2 × multiplications / peak", numbers, seconds))


def _memory_lines(roofline: Roofline) -> Iterator[WorkingLine]:
    """A roofline → the compulsory traffic in bytes, and its time at the device's bandwidth."""
    if roofline.profile.bandwidth is not None and roofline.compulsory_bytes is not None:
        yield WorkingLine(
            "Traffic", ("weights + inputs + outputs, each once", f"{format_count(roofline.compulsory_bytes)} bytes")
        )
        traffic, traffic_name = format_count(roofline.compulsory_bytes), "traffic"
        if roofline.cached_bytes:
            traffic, traffic_name = (
                f"({traffic} - {format_count(roofline.cached_bytes)})",
                "(traffic - what the last-level cache can keep)",
            )
        yield WorkingLine(
            "Memory",
            (
                f"{traffic_name} / bandwidth",
                f"{traffic} / {bandwidth_text(roofline.profile.bandwidth.value)}",
                format_si(roofline.model.memory, "s"),
            ),
        )


def _maximum_line(label: str, bound: TimeBound) -> WorkingLine:
    seconds_of_limit = {"compute": bound.compute, "memory": bound.memory}
    names = [name for name, value in seconds_of_limit.items() if value is not None]
    times = [format_si(value, "s") for value in seconds_of_limit.values() if value is not None]
    overhead = ("", "") if not bound.overhead else (" + overhead", f" + {format_si(bound.overhead, 's')}")
    return WorkingLine(
        label,
        (
            f"max({', '.join(names)}){overhead[0]}",
            f"max({', '.join(times)}){overhead[1]}",
            f"{format_si(bound.seconds, 's')}{by_text(bound)}",
        ),
    )


def _layer_lines(roofline: Roofline, index: int) -> Iterator[WorkingLine]:
    row, bound = roofline.report.rows[index], placed_bounds(roofline)[index]
    flops, traffic = row.figures["flops"], row.figures["traffic_bytes"]
    if not isinstance(flops, int) or not isinstance(traffic, int):
        yield WorkingLine("Time", ("depends on what is open or unknown",))
        return
    if bound.compute is not None and flops:
        peak = Fraction(flops) / bound.compute if bound.compute else None
        at = f" / {format_short(round(peak))} operations/s" if peak else ""
        yield WorkingLine("Compute", ("FLOPs / peak", f"{format_count(flops)}{at}", format_si(bound.compute, "s")))
    if bound.memory is not None and roofline.profile.bandwidth is not None:
        yield WorkingLine(
            "Memory",
            (
                "traffic / bandwidth",
                f"{format_count(traffic)} bytes / {bandwidth_text(roofline.profile.bandwidth.value)}",
                format_si(bound.memory, "s"),
            ),
        )
    if traffic and flops:
        yield WorkingLine(
            "Intensity",
            (
                "FLOPs / traffic",
                f"{format_count(flops)} / {format_count(traffic)}",
                f"{format_digits(Fraction(flops, traffic))} FLOP/byte",
            ),
        )
    if bound.seconds is not None:
        yield _maximum_line("Time alone", bound)


def _source_lines(roofline: Roofline) -> Iterator[WorkingLine]:
    """A roofline → the source of each figure of the device that its bounds use."""
    figures: dict[str, SourcedFigure] = {}
    for element, _ in roofline.macs_by_type:
        peak = roofline.profile.find_peak(element)
        if peak:
            figures[peak[0]] = peak[1]
    if roofline.profile.bandwidth is not None:
        figures["bandwidth"] = roofline.profile.bandwidth
    if roofline.cached_bytes:
        figures["cache"] = roofline.profile.memory["on_chip"]
    if roofline.profile.overhead is not None:
        figures["overhead"] = roofline.profile.overhead
    for name, figure in figures.items():
        yield WorkingLine("Source", (f"{name}: {figure.source} (seen {roofline.profile.access_date})",))
