"""One combination of a sweep -> any quantities of the catalogue, measured as every other question measures them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.analysis.report import analyze_graph
from costcalc.core.dim import Poly, symbols
from costcalc.core.errors import CostcalcError, QuantityError, UsageError
from costcalc.core.ir import Graph
from costcalc.core.quantity import Certainty, Figure, QuantityRef
from costcalc.studies.measurement import Measurement, measure
from costcalc.studies.options import Settings
from costcalc.studies.sweep.columns import binding_remedy, refuse_open_symbols


class MeasuredPoint(NamedTuple):
    """The figures of the quantities in their order (None where the model does not have one), what is certain of each,
    and why the others are refused, by key."""

    values: tuple[Any, ...]
    certainties: tuple[tuple[str, Certainty], ...]
    refusals: tuple[tuple[str, str], ...]
    lower_bound: bool
    upper_bound: bool


def measure_point(source: Any, settings: Settings, quantities: Sequence[QuantityRef]) -> MeasuredPoint:
    """Quantities of a model, or of a graph that is bound already, under settings. UsageError for open symbols; where
    generation is asked for, the length of the text is open, and what depends on it is refused."""
    if isinstance(source, Graph):
        measurement = Measurement(source, settings, analyze_graph(source, settings.execution))
    else:
        measurement = measure(source, settings)
    values: list[Any] = []
    certainties: list[tuple[str, Certainty]] = []
    refusals: list[tuple[str, str]] = []
    for ref in quantities:
        figure = measurement.attempt(ref)
        if isinstance(figure, Figure) and isinstance(figure.value, Poly):
            figure = _open_figure(ref, figure.value, settings)
        if isinstance(figure, QuantityError):
            values.append(None)
            refusals.append((ref.key, str(figure)))
        else:
            values.append(figure.value)
            certainties.append((ref.key, figure.certainty))
    base = measurement.base
    return MeasuredPoint(tuple(values), tuple(certainties), tuple(refusals), base.lower_bound, base.upper_bound)


def require_generation(source: Any, settings: Settings) -> None:
    """Raises the refusal of a valid model that generates nothing; of an invalid one its row tells."""
    try:
        measurement = measure(source, settings)
    except CostcalcError:
        return
    measurement.require_generation()


def _open_figure(ref: QuantityRef, value: Poly, settings: Settings) -> QuantityError:
    """Why a formula is no figure of a model that generates. UsageError of one that does not: a sweep gives numbers."""
    if settings.generation is None:
        refuse_open_symbols([value])
    names = symbols(value)
    return QuantityError(f"{ref.key}: it depends on {', '.join(names)}", binding_remedy(names))


def check_devices(quantities: Iterable[QuantityRef]) -> None:
    """HardwareError where a quantity is of a device that does not exist."""
    for ref in quantities:
        if ref.device:
            find_profile(ref.device)


def require_measured_energy(ref: QuantityRef) -> None:
    """UsageError where the device of an energy has no measured one: no limit is held to that of its circuits."""
    if not find_profile(ref.device).has_measured_energy:
        raise UsageError(
            f"{ref.key}: the profile {ref.device} has no measured energy of the whole device; that of its circuits is "
            "no limit",
            "give a profile with energy.measured, or hold time and bytes instead",
        )
