"""Models held to limits: a config and its lock file -> verdicts.

What only some limits need (devices, training, generation, the layer behind a peak) is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costcalc.analysis.report import Report
    from costcalc.core.quantities import QuantityRef
    from costcalc.studies.check.case import CheckFigure, Peak
    from costcalc.studies.options import Settings


def measure_figures(
    source: str, settings: Settings, report: Report, quantities: Iterable[tuple[QuantityRef, str]]
) -> dict[QuantityRef, CheckFigure]:
    """`quantities.measure_figures`."""
    from costcalc.studies.check import quantities as module

    return module.measure_figures(source, settings, report, quantities)


def find_peak_layer(report: Report) -> Peak | None:
    """`quantities.find_peak_layer`."""
    from costcalc.studies.check import quantities as module

    return module.find_peak_layer(report)


def require_device(name: str) -> str:
    """`quantities.require_device`."""
    from costcalc.studies.check import quantities as module

    return module.require_device(name)
