"""Model and settings to Graph and to Report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from typing import TYPE_CHECKING, Any

from costcalc.analysis.memory import memory_totals
from costcalc.analysis.report import Report, analyze_graph, is_lower_bound, open_remedy, report_certainty
from costcalc.core.arguments import refuse_read_options
from costcalc.core.dim import symbols
from costcalc.core.errors import (
    CostcalcError,
    NoDeviceFigureError,
    OpenQuantityError,
    QuantityError,
    UndecidedError,
    UnknownOperatorError,
)
from costcalc.core.ir import Graph
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.frontends import load as read_graph
from costcalc.frontends.source import ModelSource
from costcalc.graph.convert import convert, parse_dtype
from costcalc.studies.options import Settings

if TYPE_CHECKING:
    from costcalc.analysis.roofline.energy import InferenceEnergy
    from costcalc.analysis.roofline.roofline import Roofline


def load(source: ModelSource, settings: Settings) -> Graph:
    """Model -> its graph, bound and converted as the settings say. CostcalcError where it is no model, or not a valid
    one."""
    graph = read_graph(source, **settings.source_options())
    if graph.flat is not None and (settings.dtype or settings.act_dtype):
        graph = graph._replace(flat=graph.flat._replace(is_as_stored=False))
    return convert(graph, parse_dtype(settings.dtype), parse_dtype(settings.act_dtype))


def analyze(source: ModelSource | Report, settings: Settings, strict: bool = False) -> Report:
    """Model or Report -> its report, read and executed as the settings say.

    strict raises UnknownOperatorError for an operator without a rule. UsageError where the source is a Report and the
    settings have options of reading, for its model is not read again.
    """
    if isinstance(source, Report):
        refuse_read_options(**settings.load_arguments())
        report = apply_execution(source, settings)
    else:
        report = analyze_graph(load(source, settings), settings.execution)
    if strict and report.unknown:
        listed = ", ".join(f"{u.domain + ':' if u.domain else ''}{u.op_type} ({len(u.layers)})" for u in report.unknown)
        raise UnknownOperatorError(f"no rule for {listed}", "leave --strict out to see a lower bound", report.name)
    return report


def apply_execution(report: Report, settings: Settings) -> Report:
    """Report -> the report with the peak (and the arena) of the settings' execution; unchanged under the default
    one."""
    if settings.execution in (report.execution, type(settings.execution)()):
        return report
    totals = {k: v for k, v in report.totals.items() if k not in ("peak_activation_bytes", "arena_bytes")}
    return replace(
        report, totals=totals | memory_totals(report.graph, settings.execution), execution=settings.execution
    )


ANALYSES = {
    name: f"costcalc.{module}"
    for module, names in (
        ("analysis.hardware.catalogue", ("find_profile",)),
        ("analysis.memory.flash", ("flash_bytes",)),
        ("analysis.memory.footprint", ("measure_footprint",)),
        ("analysis.memory.tflm.plan", ("tflm_arena",)),
        ("analysis.npu.placement", ("find_left_to_cpu",)),
        ("analysis.roofline.bounds", ("compute_roofline", "measure_workload")),
        ("analysis.roofline.energy", ("estimate_energy", "memory_fits", "training_fits")),
        ("analysis.training.step", ("cost_training",)),
        ("analysis.training.split", ("split_training",)),
        ("studies.generation.generation", ("measure_generation",)),
        ("studies.generation.serving", ("compute_serving_speed", "is_served", "measure_serving")),
        ("studies.generation.speed", ("compute_generation_speed", "NO_STEP")),
    )
    for name in names
}
"""Function -> its module, imported when a quantity first needs it: all of them are a tenth of the time of a comparison
or a diff of totals, which does without."""


def import_analysis(function: str) -> Any:
    """A name of ANALYSES -> the function."""
    return getattr(import_module(ANALYSES[function]), function)


def closed_report(report: Report) -> Report:
    """Report -> the same report. QuantityError where extents or the branch of an If are open: no bound is known
    then."""
    names = symbols(*[report.totals[key] for key in ("macs", "flops", "traffic_bytes", "weight_bytes")])
    if names:
        raise OpenQuantityError(f"it depends on {', '.join(names)}", open_remedy(names))
    if report.upper_bound:
        raise OpenQuantityError(f"the branch of {report.open_branches[0]} is open", "give its condition with --value")
    return report


def missing_peak(bound: Roofline, without: Iterable[str]) -> QuantityError:
    """A roofline and the element types without a peak -> the refusal of a figure."""
    lack = ", ".join(without) or "it"
    peaks = ", ".join(bound.profile.peak)
    remedy = f"it has peaks for {peaks}: set --act-dtype and --dtype" if without and peaks else "name another device"
    return NoDeviceFigureError(f"the profile {bound.profile.id} has no figure for {lack}", remedy)


def intensity_figure(report: Report) -> Figure:
    """Report -> FLOPs for each byte of traffic. QuantityError where they are not known, or no byte is moved."""
    flops, traffic = report.totals["flops"], report.totals["traffic_bytes"]
    if is_lower_bound(report, "intensity"):
        raise QuantityError("operators without a rule leave it unknown", "register rules for them with --rules")
    if not isinstance(flops, int) or not isinstance(traffic, int):
        names = symbols(flops, traffic)
        raise OpenQuantityError(f"it depends on {', '.join(names)}", open_remedy(names))
    if not traffic:
        raise QuantityError("the model moves no bytes", "")
    return Figure(Fraction(flops, traffic), report_certainty(report, "intensity"))


def quantity_error(ref: QuantityRef, error: CostcalcError) -> QuantityError:
    """Quantity and the refusal of an analysis -> the refusal that names the quantity."""
    fact = error.fact if error.fact.startswith(ref.key) else f"{ref.key}: {error.fact}"
    kind = OpenQuantityError if isinstance(error, UndecidedError) else QuantityError
    return (type(error) if isinstance(error, QuantityError) else kind)(fact, error.remedy, error.place)


def energy_figure(bound: Roofline, device: str) -> Figure:
    """A roofline and the device's name -> the energy of a run. QuantityError where the profile has no figure."""
    energy: Callable[[Roofline], InferenceEnergy | None] = import_analysis("estimate_energy")
    joules = energy(bound)
    if joules is None:
        raise missing_peak(bound, ())
    if bound.profile.has_measured_energy and not joules.is_measured:  # that of the circuits is another figure by far
        used = ", ".join(element for element, _ in bound.macs_by_type)
        assert bound.profile.energy is not None
        raise NoDeviceFigureError(
            f"the profile {device} has no measured energy of the whole device in {used or 'any precision'}",
            f"it was measured in {', '.join(bound.profile.energy.measured)}: set --act-dtype and --dtype",
        )
    return Figure(joules.total, "lower" if joules.without or bound.report.lower_bound else "estimate")
