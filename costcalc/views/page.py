"""Reports -> what the page is about, as plain data: totals, layers, blocks, edges, memory, devices, the comparison.

A report -> its memory timeline for the page: live bytes at each step, and every buffer with the steps it lives.

Reports on devices -> the roofline of the page: what a device can do, and each layer's time at its peaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.analysis.memory.footprint import footprint
from costcalc.analysis.report import Report, total
from costcalc.analysis.roofline.bounds import multiplied_in, rooflines
from costcalc.analysis.roofline.energy import fits
from costcalc.analysis.roofline.roofline import Roofline
from costcalc.core.dim import remedy, symbols
from costcalc.core.quantities import CATALOGUE
from costcalc.core.sanitize import printable
from costcalc.core.units import shape_text
from costcalc.core.version import __version__
from costcalc.studies.compare import amount_ratio, compare_reports
from costcalc.views.page_layers import QUANTITIES, blocks, columns, edges, figure
from costcalc.views.roofline import bound_text, fit_text, layers_text, number, rate, speed
from costcalc.views.summary import facts, inputs, remarks


def memory(report: Report) -> dict[str, Any]:
    """{"open": why} where open symbols leave it undecided."""
    found = footprint(report.graph)
    live = found.line.live
    if not all(isinstance(n, int) for n in live):
        names = ", ".join(symbols(*live))
        return {"open": f"Live bytes depend on {names}: {remedy(sum(live, 0))}"}
    return {
        "steps": [printable(step.name) for step in found.plan.steps],
        "live": [figure(n) for n in live],
        "peak": figure(found.peak),
        "step": found.line.step,
        "least": bool(found.plan.unknown),
        "buffers": [
            [
                printable(b.name),
                shape_text(kind.shape),
                str(kind.dtype),
                figure(b.nbytes),
                max(b.born, 0),
                min(b.dies, max(len(found.plan.steps) - 1, 0)),
            ]
            for b in found.plan.buffers
            for kind in (found.graph.types[b.name],)
        ],
    }


USUAL = ("raspberry-pi-5", "rtx4090", "a100-sxm-80gb")
"""The devices of a report that names none: a board, a desktop's and a server's accelerator."""


def devices(found: Sequence[Roofline]) -> list[dict[str, Any]]:
    """One entry a device; element is what most of the model's multiplications are done in."""
    return [_device(one, _element(one)) for one in found]


def _element(one: Roofline) -> str:
    if one.elements:
        return max(one.elements, key=lambda pair: pair[1])[0]
    return next(iter(multiplied_in(one.report.graph, one.report.rows)), "float32")


def _device(one: Roofline, element: str) -> dict[str, Any]:
    profile, peak = one.profile, one.profile.rate(element)
    kept = [bound for row, bound in zip(one.report.rows, one.layers, strict=True) if row.state != "constant"]
    decided = not one.open and not one.report.upper_bound
    return {
        "id": printable(profile.id),
        "name": printable(profile.name),
        "variant": printable(profile.variant),
        "precision": peak[0] if peak else element,
        "peak": float(peak[1].value) if peak else None,
        "peak_text": rate(peak[1].value, peak[0]) if peak else "",
        "bandwidth": float(profile.bandwidth.value) if profile.bandwidth else None,
        "bandwidth_text": speed(profile.bandwidth.value) if profile.bandwidth else "",
        "lower_bound": bound_text(one) if decided and one.model.seconds is not None else "",
        "seconds": number(one.model.seconds) if decided else None,
        "layer_by_layer": layers_text(one) if decided and one.unfused is not None else "",
        "open": list(one.open),
        "without_peak": list(one.without_peak),
        "fits": [[fit_text(fit), fit.fits] for fit in fits(one.report, profile)],
        "times": [number(bound.seconds) for bound in kept],
        "bound_by": [bound.by for bound in kept],
    }


def content(reports: Sequence[Report], profiles: Sequence[HardwareProfile]) -> dict[str, Any]:
    """The page's data. With two or more models their comparison is there too."""
    return {
        "version": __version__,
        "quantities": [[key, CATALOGUE[key].label] for key in QUANTITIES],
        "models": [_model(report, profiles) for report in reports],
        "comparison": _comparison(reports) if len(reports) > 1 else None,
    }


def _model(report: Report, profiles: Sequence[HardwareProfile]) -> dict[str, Any]:
    return {
        "name": printable(report.name),
        "source": printable(report.source),
        "inputs": printable(inputs(report)),
        "totals": {key: figure(total(report, key)) for key in report.totals},
        "facts": [[fact.label, figure(fact.value), fact.kind] for fact in facts(report)],
        "remarks": [[remark.label, printable(remark.text), remark.warning] for remark in remarks(report)],
        "layers": columns(report),
        "blocks": blocks(report),
        "edges": edges(report),
        "memory": memory(report),
        "devices": devices(rooflines(report, profiles)),
    }


def _comparison(reports: Sequence[Report]) -> dict[str, Any]:
    found = compare_reports(reports)
    return {
        "names": [printable(name) for name in found.names],
        "totals": [
            [CATALOGUE[key].label, CATALOGUE[key].kind, *_side_by_side(amounts)]
            for key, amounts in found.totals().items()
        ],
        "operators": [[printable(op), "number", *_side_by_side(a)] for op, a in found.by_operator().items()],
    }


def _side_by_side(amounts: Sequence[Any]) -> list[Any]:
    """The figures, and their ratios to the first."""
    return [[figure(a) for a in amounts], [amount_ratio(a, amounts[0]) for a in amounts]]
