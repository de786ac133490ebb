"""Reports -> what the page is about, as plain data: totals, layers, blocks, edges, memory, devices, the comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.comparison import amount_ratio, compare_reports
from costcalc.core.quantities import CATALOGUE
from costcalc.core.version import __version__
from costcalc.footer import facts, inputs, remarks, total
from costcalc.hardware.profile import HardwareProfile
from costcalc.page.figures import figure
from costcalc.page.layers import QUANTITIES, blocks, columns, edges
from costcalc.page.occupied import memory
from costcalc.page.speed import devices
from costcalc.render.untrusted import printable
from costcalc.report import Report
from costcalc.timing import rooflines


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
