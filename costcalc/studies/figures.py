"""Report or Roofline to Figure: what a quantity is where one analysis gives it, or the refusal of it.

The analyses are imported at their first use: all of them are a tenth of the time of a comparison or a diff of totals,
which does without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from importlib import import_module
from typing import TYPE_CHECKING, Any

from costcalc.analysis.report import Report, is_lower_bound, open_remedy, report_certainty
from costcalc.core.dim import symbols
from costcalc.core.errors import CostcalcError, NoDeviceFigureError, OpenQuantityError, QuantityError, UndecidedError
from costcalc.core.quantity import Figure, QuantityRef

if TYPE_CHECKING:
    from costcalc.analysis.roofline.energy import InferenceEnergy
    from costcalc.analysis.roofline.roofline import Roofline

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
"""Name of a function, or of a constant -> its module."""


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
