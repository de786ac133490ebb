"""Rooflines -> the working of the bounds: formulas with names, with numbers, and where every figure was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from costcalc.analysis.hardware.profile import MEMORIES, SourcedFigure
from costcalc.analysis.roofline.energy import estimate_energy, memory_fits
from costcalc.analysis.roofline.roofline import Roofline, TimeBound
from costcalc.core.units import format_count, format_digits, format_short, format_si
from costcalc.views.explain import Explanation, WorkingLine
from costcalc.views.roofline import bandwidth_text, by_text, energy_text, fit_text, layers_text, rate_text

BOUND_BASIS = (
    "the fewest multiplications that implementations in use need (Winograd F(6, k) or FFT, no padding, no masked "
    "scores of a causal attention, nothing that no output needs or that stored tensors alone decide), at the peak of "
    "their precision, everything else folded into them or beside them; weights, inputs and outputs moved once, other "
    "activations kept on the chip. Any schedule and any fusion takes longer; sparse kernels and higher clocks may take "
    "less. What a later layer cuts away of an output, or an added mask of a product, is not seen and counts"
)

LAYER_OMISSIONS = (
    "left out: what Winograd or FFT saves, padding, masked scores, what no output needs or stored tensors alone decide"
)


def bound_lines(explanation: Explanation, devices: Sequence[Roofline]) -> Iterator[WorkingLine]:
    """The working of the bounds on devices: of the whole model, or of the layer that the explanation is about."""
    for one in devices:
        yield WorkingLine("Device", (f"{one.profile.name} ({one.profile.id}): {one.profile.variant}",))
        if explanation.layer is None:
            yield from _model(one)
        else:
            index = next(i for i, row in enumerate(one.report.rows) if row is explanation.workings[0].row)
            yield from _layer(one, index)
        yield from _sources(one)


def _model(one: Roofline) -> Iterator[WorkingLine]:
    if names := one.open_symbols:
        yield WorkingLine("Lower bound", (f"depends on {', '.join(names)} (bind with --dim {names[0]}=…)",))
        return
    if one.report.upper_bound or one.model.seconds is None:
        yield WorkingLine("Lower bound", ("none: a branch is open" if one.report.upper_bound else "?",))
        return
    for element, macs in one.macs_by_type:
        found = one.profile.find_peak(element)
        if found is None:
            yield WorkingLine("Compute", (f"no peak for {element}",))
            continue
        fewest = one.multiplications[element]
        if fewest != macs:
            yield WorkingLine(
                "Multiply",
                (f"{format_count(round(fewest))}, of the definition's {format_count(macs)} MACs; {LAYER_OMISSIONS}",),
            )
        numbers = f"2 × {format_count(round(fewest))} / {rate_text(found[1].value, found[0])}"
        seconds = f"{format_si(2 * fewest / found[1].value, 's')} ({found[0]})"
        yield WorkingLine("Compute", ("2 × multiplications / peak", numbers, seconds))
    if one.profile.bandwidth is not None and one.compulsory_bytes is not None:
        nbytes, term = format_count(one.compulsory_bytes), "traffic"
        yield WorkingLine("Traffic", ("weights + inputs + outputs, each once", f"{nbytes} bytes"))
        if one.cached_bytes:
            term = "(traffic - what the last-level cache can keep)"
            nbytes = f"({nbytes} - {format_count(one.cached_bytes)})"
        yield WorkingLine(
            "Memory",
            (
                f"{term} / bandwidth",
                f"{nbytes} / {bandwidth_text(one.profile.bandwidth.value)}",
                format_si(one.model.memory, "s"),
            ),
        )
    yield _maximum("Lower bound", one.model)
    yield WorkingLine("Rests on", (BOUND_BASIS,))
    if one.unfused is not None:
        yield WorkingLine("Layer by layer", (f"Σ max(FLOPs / peak, traffic / bandwidth) {layers_text(one)}",))
    for fit in memory_fits(one.report, one.profile):
        yield WorkingLine("Fits" if fit.fits else "Does not fit", (fit_text(fit),))
    joules = estimate_energy(one)
    if joules is not None:
        terms = [
            f"{format_count(n)} {'bytes' if name in MEMORIES else 'MACs'} × {float(figure.value):g} pJ"
            for name, n, figure in joules.terms
        ]
        yield WorkingLine("Energy", ("MACs × pJ + bytes × pJ", f"{' + '.join(terms)} {energy_text(joules)}"))


def _maximum(what: str, bound: TimeBound) -> WorkingLine:
    known = {"compute": bound.compute, "memory": bound.memory}
    names = [name for name, value in known.items() if value is not None]
    times = [format_si(value, "s") for value in known.values() if value is not None]
    more = ("", "") if not bound.overhead else (" + overhead", f" + {format_si(bound.overhead, 's')}")
    return WorkingLine(
        what,
        (
            f"max({', '.join(names)}){more[0]}",
            f"max({', '.join(times)}){more[1]}",
            f"{format_si(bound.seconds, 's')}{by_text(bound)}",
        ),
    )


def _layer(one: Roofline, index: int) -> Iterator[WorkingLine]:
    row, bound = one.report.rows[index], one.layers[index]
    flops, traffic = row.figures["flops"], row.figures["traffic_bytes"]
    if not isinstance(flops, int) or not isinstance(traffic, int):
        yield WorkingLine("Time", ("depends on what is open or unknown",))
        return
    if bound.compute is not None and flops:
        peak = Fraction(flops) / bound.compute if bound.compute else None
        at = f" / {format_short(round(peak))} operations/s" if peak else ""
        yield WorkingLine("Compute", ("FLOPs / peak", f"{format_count(flops)}{at}", format_si(bound.compute, "s")))
    if bound.memory is not None and one.profile.bandwidth is not None:
        yield WorkingLine(
            "Memory",
            (
                "traffic / bandwidth",
                f"{format_count(traffic)} bytes / {bandwidth_text(one.profile.bandwidth.value)}",
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
        yield _maximum("Time alone", bound)


def _sources(one: Roofline) -> Iterator[WorkingLine]:
    """Where the figures that were used were seen."""
    used: dict[str, SourcedFigure] = {}
    for element, _ in one.macs_by_type:
        found = one.profile.find_peak(element)
        if found:
            used[found[0]] = found[1]
    if one.profile.bandwidth is not None:
        used["bandwidth"] = one.profile.bandwidth
    if one.cached_bytes:
        used["cache"] = one.profile.memory["on_chip"]
    if one.profile.overhead is not None:
        used["overhead"] = one.profile.overhead
    for name, figure in used.items():
        yield WorkingLine("Source", (f"{name}: {figure.source} (seen {one.profile.access_date})",))
