"""Reports to what the HTML page shows, as plain data: summary, layers, blocks, edges, memory by step, devices,
comparison.

Amounts are JSON that JavaScript reads without loss: large integers as digits, formulas as text and order. A report with
open symbols is drawn at a point, where its figures are numbers; its formulas go with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from costcalc.analysis.drawing_point import DrawingPoint, drawing_point
from costcalc.analysis.report import report_certainty, report_total
from costcalc.analysis.roofline.bounds import compute_roofline
from costcalc.analysis.roofline.roofline import Roofline
from costcalc.core.quantities import CATALOGUE
from costcalc.core.quantity import Figure
from costcalc.core.sanitize import printable
from costcalc.core.version import __version__
from costcalc.studies.compare import compare_measurements
from costcalc.studies.measurement import Measurement
from costcalc.views.columns import BACKWARD_COLUMN
from costcalc.views.figures import figure_plain, refusal_notes
from costcalc.views.headline import report_headline
from costcalc.views.page.amounts import amount_data, figure_data
from costcalc.views.page.comparison import comparison_data
from costcalc.views.page.devices import DEFAULT_DEVICES, device_data
from costcalc.views.page.layers import QUANTITIES, block_data, edge_data, formula_data, layer_data
from costcalc.views.page.memory import memory_data
from costcalc.views.page.summary import drawn_facts, legend_data, part_data, point_text, tile_data
from costcalc.views.summary import report_notes, report_totals, subtitle_text
from costcalc.views.symbol_names import short_names, shorten_symbols
from costcalc.views.table import Note, Total

__all__ = ["DEFAULT_DEVICES", "amount_data", "page_content"]


def page_content(measurements: Sequence[Measurement], devices: Sequence[str] = ()) -> dict[str, Any]:
    """Models, and the devices that they are shown on (the usual ones where none is named) -> the page's data. Two or
    more models are compared too. Quantities that the settings ask for stand among the totals."""
    reports = [measurement.available_report for measurement in measurements]
    keys = [*QUANTITIES, *[BACKWARD_COLUMN for _ in range(any(BACKWARD_COLUMN in report.totals for report in reports))]]
    profiles = {measurements[0].profile(name).id: name for name in devices or DEFAULT_DEVICES}
    return {
        "version": __version__,
        "quantities": [[key, CATALOGUE[key].label] for key in keys],
        "models": [_model_entry(measurement, keys, tuple(profiles.values())) for measurement in measurements],
        "comparison": comparison_data(compare_measurements(measurements)) if len(measurements) > 1 else None,
    }


def _model_entry(measurement: Measurement, keys: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    report = measurement.available_report
    figures = {ref: measurement.attempt(ref) for ref in measurement.settings.quantities()}
    new_figures = {ref: figure for ref, figure in figures.items() if ref.key not in report.totals}
    notes = (
        *report_notes(report),
        *refusal_notes((report.name,), {ref: [figure] for ref, figure in new_figures.items()}),
    )
    upper_labels = {CATALOGUE[key].label for key in report.totals if report_certainty(report, key) == "upper"}
    point = drawing_point(report)
    short = short_names(report.open_symbols)
    drawn = point.report
    return {
        "name": printable(report.name),
        "source": printable(report.source),
        "headline": report_headline(report, point),
        "inputs": shorten_symbols(printable(subtitle_text(report)), short),
        "tiles": tile_data(report, point, short),
        "symbols": legend_data(report, point, short),
        "drawn": point_text(point, short),
        "drawn_facts": drawn_facts(report, point),
        "parts": part_data(drawn),
        "totals": {
            **{ref.key: figure_plain(figure) for ref, figure in figures.items()},
            **{key: amount_data(report_total(report, key)) for key in report.totals},
        },
        "drawn_totals": {key: amount_data(report_total(drawn, key)) for key in drawn.totals},
        "facts": [
            *[
                [total.label, amount_data(total.value), total.kind, _bound_data(total, total.label in upper_labels)]
                for total in report_totals(report)
            ],
            *[
                [ref.label, figure_data(ref, figure), ref.quantity.kind, None]
                for ref, figure in new_figures.items()
                if isinstance(figure, Figure)
            ],
        ],
        "remarks": [[note.label, printable(note.text), note.warning] for note in notes if not _is_legend(note, point)],
        "layers": layer_data(drawn, keys, short),
        "formulas": formula_data(report, keys, short),
        "blocks": block_data(drawn),
        "edges": edge_data(report, short),
        "memory": memory_data(drawn),
        "devices": device_data([_drawn_roofline(measurement, point, name) for name in names]),
    }


def _drawn_roofline(measurement: Measurement, point: DrawingPoint, name: str) -> Roofline:
    """A model's bounds on a device, at the point that it is drawn at."""
    if not point.sizes:
        return replace(measurement.roofline(name), report=point.report)
    return compute_roofline(point.report, measurement.profile(name))


def _is_legend(note: Note, point: DrawingPoint) -> bool:
    """Whether a note says what the page's legend of symbols says."""
    return bool(point.sizes) and note.label in ("Symbols", "Peak")


def _bound_data(total: Total, is_upper: bool) -> Any:
    """A total → [a number that it does not exceed, for what values of its symbols]; true where it is itself such a
    number, for an If is open; null."""
    return [amount_data(total.limit), printable(total.limits)] if total.limit is not None else is_upper or None
