"""A model under settings -> the quantities that its limits and its baseline are about, with what a verdict says of
each: why there is no figure, what it leaves out, the layer with the largest part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import lru_cache

from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.analysis.memory.arena import arena_remark
from costcalc.analysis.memory.flash import flash_bytes
from costcalc.analysis.memory.footprint import execution_steps
from costcalc.analysis.memory.liveness import live_memory, make_schedule
from costcalc.analysis.memory.tflm.plan import TflmPlan, tflm_arena
from costcalc.analysis.npu.placement import NodePlacement, place_operators
from costcalc.analysis.report import Report
from costcalc.analysis.roofline.energy import MemoryFit, estimate_energy
from costcalc.core.errors import HardwareError, NoDeviceFigureError, OpenQuantityError, QuantityError
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.frontends.tflite.names import FLEX_PREFIX
from costcalc.studies.check.case import CheckFigure, Peak
from costcalc.studies.measurement import Measurement
from costcalc.studies.options import Settings


def measure_figures(
    source: str, settings: Settings, report: Report, quantities: Iterable[tuple[QuantityRef, str]]
) -> dict[QuantityRef, CheckFigure]:
    """The figures of some quantities of a model that was read as a report; each comes with the name or the file of its
    device's profile."""
    measurement = Measurement(source, settings, report)
    return {ref: measure_figure(measurement, ref, profile) for ref, profile in quantities}


def require_generation(source: str, settings: Settings, report: Report) -> None:
    """Raises the refusal of a model that generates nothing, or not under these settings."""
    Measurement(source, settings, report).require_generation()


def measure_figure(measurement: Measurement, quantity: QuantityRef, profile: str) -> CheckFigure:
    """A quantity of a model with what a verdict says of it; profile is the name or the file of its device's profile."""
    ref = quantity._replace(device=profile)
    try:
        figure = measurement.figure(ref)
    except HardwareError:
        raise
    except QuantityError as error:
        code = "CC103" if isinstance(error, OpenQuantityError) else "CC107"
        if isinstance(error, NoDeviceFigureError) and ref.quantity.key == "time":
            code = "CC106"
        return CheckFigure(None, error.fact.removeprefix(f"{ref.key}: "), error.remedy, code)
    if ref.quantity.key == "energy" and not _is_measured(measurement, ref):
        fact = f"the profile {profile} has no measured energy of the whole device; that of its circuits is no limit"
        return CheckFigure(None, fact, "give a profile with energy.measured, or hold time and bytes instead", "CC107")
    layer, share = _largest_layer(measurement, ref)
    reason, incomplete = _figure_remark(measurement, ref, figure)
    transient = _set_up_bytes(measurement) if ref.quantity.key == "tflm_arena_bytes" else None
    remedy = "hold arena_bytes instead, the tensors alone" if incomplete and "arena" in ref.quantity.key else ""
    return CheckFigure(figure, reason, remedy, "CC107", layer, share, incomplete, transient)


def _unplanned_operators(measurement: Measurement) -> list[str]:
    """Operators whose cost is known and of which it is not known what they allocate in a TFLM arena; those without a
    rule have a verdict of their own."""
    without_rule = {row.op_type for row in measurement.base.rows if row.state == "unknown"}
    unknown = tflm_arena(measurement.base.graph, measurement.settings.execution).unknown
    return [name for name in unknown if name.removeprefix(FLEX_PREFIX) not in without_rule and name not in without_rule]


def _set_up_bytes(measurement: Measurement) -> int | None:
    """Bytes that a TFLM arena must have while its plan is made; None where those of the finished arena are enough."""
    arena = tflm_arena(measurement.base.graph, measurement.settings.execution)
    return arena.planning_bytes if arena.planning_bytes > arena.total else None


def _is_measured(measurement: Measurement, ref: QuantityRef) -> bool:
    joules = estimate_energy(measurement.roofline(ref.device))
    return joules is not None and joules.is_measured


def _figure_remark(measurement: Measurement, ref: QuantityRef, figure: Figure) -> tuple[str, bool]:
    """(remark, whether it says why the figure decides nothing) on a figure: which memory is too small or what was held
    to which, what an arena leaves out, for what an energy has no figure, why the first operator is left to the CPU."""
    if isinstance(figure.value, bool):
        lines = [line for line in measurement.fits(ref) if line.fits == figure.value]
        return "; ".join(map(_fit_sentence, lines)), False
    if ref.quantity.key == "arena_bytes" and measurement.base.graph.flat is not None:
        return arena_remark(measurement.base.graph, measurement.base.execution), False
    if ref.quantity.key == "tflm_arena_bytes":
        names = _unplanned_operators(measurement)
        verb = "allocate" if len(names) > 1 else "allocates"
        return (f"what {', '.join(names)} {verb} in the arena is not known", True) if names else ("", False)
    if ref.quantity.key in LEFT_TO_CPU and figure.value:
        return next((place.general for place in _placements(measurement, ref) if place.target == "cpu"), ""), False
    if ref.quantity.key == "energy":
        joules = estimate_energy(measurement.roofline(ref.device))
        if joules is not None and joules.without:
            return f"the profile has no energy of {', '.join(joules.without)}", True
    return "", False


def _fit_sentence(fit: MemoryFit) -> str:
    """`weights need 9 bytes of flash, which has 8`, with what the bytes leave out."""
    verb = "need" if fit.is_plural else "needs"
    remark = f"; {fit.remark}" if fit.remark else ""
    return f"{fit.contents} {verb} {fit.nbytes:,} bytes of {fit.memory}, which has {fit.capacity:,}{remark}"


LEFT_TO_CPU = ("cpu_macs", "cpu_operators")
"""Quantities of operators that an NPU leaves to the CPU."""


def _placements(measurement: Measurement, ref: QuantityRef) -> tuple[NodePlacement, ...]:
    placement = place_operators(measurement.base, measurement.profile(ref.device))
    return () if placement is None else placement.nodes


def _largest_layer(measurement: Measurement, ref: QuantityRef) -> tuple[str, Fraction | None]:
    """The layer with the largest part of a quantity that is a sum over layers, and its share; of an arena that of the
    largest output alive where activations peak; of what does not fit that of the first memory that is too small; of
    what is left to the CPU the first layer. "" of any other."""
    key = ref.quantity.key
    if key == "arena_bytes":
        return _largest_output(measurement.base)
    if key == "tflm_arena_bytes":
        return _largest_tflm_buffer(measurement)
    if key == "fits":
        return _largest_misfit(measurement, ref)
    if key in LEFT_TO_CPU:
        pairs = zip(measurement.base.rows, _placements(measurement, ref), strict=False)
        return next((row.name for row, place in pairs if place.target == "cpu"), ""), None
    if key == "flash_bytes":
        return _largest_weights(measurement.base, flash_bytes(measurement.base.graph))
    amounts = [(amount, name) for amount, name in _layer_amounts(measurement, ref) if amount]
    if not amounts:
        return "", None
    largest, name = max(amounts, key=lambda pair: pair[0])
    return name, Fraction(largest) / sum(Fraction(amount) for amount, _ in amounts)


def _largest_misfit(measurement: Measurement, ref: QuantityRef) -> tuple[str, Fraction | None]:
    """The layer with the largest part of what the first memory that is too small must hold, and its share of that."""
    misfit = next((line for line in measurement.fits(ref) if not line.fits), None)
    if misfit is None or misfit.memory == "device":
        return "", None
    if misfit.memory == "sram":
        return _largest_tflm_buffer(measurement) if "TFLM" in misfit.contents else _largest_output(measurement.base)
    return _largest_weights(measurement.base, misfit.nbytes)


def _largest_output(report: Report) -> tuple[str, Fraction | None]:
    peak = find_peak_layer(report)
    return ("", None) if peak is None else (peak.layer, peak.share)


def _largest_weights(report: Report, nbytes: int) -> tuple[str, Fraction | None]:
    """The layer with the most weight bytes, and its share of some bytes that hold them all."""
    weights = [(amount, row.name) for row in report.rows if isinstance(amount := row.figures["weight_bytes"], int)]
    largest, name = max(weights, key=lambda pair: pair[0], default=(0, ""))
    return (name, Fraction(largest, nbytes)) if largest else ("", None)


def _largest_tflm_buffer(measurement: Measurement) -> tuple[str, Fraction | None]:
    """The layer that gives the largest tensor, or asks for the largest scratch buffer, where the head of a TFLM arena
    peaks, and its share of the arena; ("", None) where it is an input's or a further subgraph's, where the operators
    run in another order than the rows, and where most of the arena is the tail."""
    execution, rows = measurement.settings.execution, measurement.base.rows
    flat = measurement.base.graph.flat
    arena = tflm_arena(measurement.base.graph, execution)
    if execution.reorder or flat is None or len(flat.subgraphs[0].operators) != len(rows):
        return "", None
    largest = next(iter(TflmPlan(flat, arena).peak_buffers()), None)
    if largest is None or arena.head_bytes < arena.tail_bytes:
        return "", None
    scope = (largest.subgraph, largest.operator) if largest.tensor < 0 else arena.head.scopes[largest.first]
    return ("", None) if scope[0] or scope[1] < 0 else (rows[scope[1]].name, Fraction(largest.nbytes, arena.total))


def _layer_amounts(measurement: Measurement, ref: QuantityRef) -> Iterator[tuple[int | Fraction, str]]:
    if ref.quantity.key == "time":
        roofline = measurement.roofline(ref.device)
        for row, bound in zip(measurement.base.rows, roofline.layers, strict=True):
            yield bound.seconds or 0, row.name
    elif ref.quantity.additive:
        (column,) = ref.quantity.columns
        for row in measurement.report.rows:
            amount = row.figures.get(column)
            if isinstance(amount, int):
                yield amount, row.name


def find_peak_layer(report: Report) -> Peak | None:
    """The layer whose output is the largest that is alive where activations peak under the report's execution; graph
    inputs are nobody's, and of a changed order of steps nothing is said."""
    if report.execution.reorder:
        return None
    plan = make_schedule(report.graph, execution_steps(report.graph, report.execution), report.execution.in_place)
    line = live_memory(plan)
    if not isinstance(line.peak, int) or not line.peak or not plan.steps:
        return None
    alive = [
        (b.nbytes, b.first_step)
        for b in plan.buffers
        if 0 <= b.first_step <= line.peak_step <= b.last_step and isinstance(b.nbytes, int)
    ]
    nbytes, producer = max(alive, default=(0, line.peak_step))
    return Peak(plan.steps[line.peak_step].name, plan.steps[producer].name, Fraction(nbytes, line.peak))


@lru_cache(maxsize=64)
def require_device(name: str) -> str:
    """The name. HardwareError where there is no device of that name, and no such profile."""
    find_profile(name)
    return name
