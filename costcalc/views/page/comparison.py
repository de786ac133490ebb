"""Comparison -> totals and FLOPs by operator side by side, each with its ratio to the first model's, and a sentence
for each further model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costcalc.core.quantities import CATALOGUE
from costcalc.core.sanitize import printable
from costcalc.core.units import format_ratio
from costcalc.studies.compare import Comparison, amount_ratio
from costcalc.views.figures import figure_ratios
from costcalc.views.headline import cut_name
from costcalc.views.page.amounts import figure_data, side_by_side

HEADLINE_MODELS = 4
"""Models that sentences compare; of more the table alone tells."""


def comparison_data(comparison: Comparison) -> dict[str, Any]:
    """The comparison of two or more models -> its entry."""
    return {
        "headlines": list(_headlines(comparison)) if len(comparison.names) <= HEADLINE_MODELS else [],
        "names": [printable(name) for name in comparison.names],
        "totals": [
            *[
                [CATALOGUE[key].label, CATALOGUE[key].kind, *side_by_side(amounts)]
                for key, amounts in sorted(comparison.totals().items(), key=_page_order)
            ],
            *[
                [ref.label, ref.quantity.kind, [figure_data(ref, figure) for figure in row], figure_ratios(ref, row)]
                for ref, row in comparison.figures.items()
            ],
        ],
        "operators": [[printable(op), "number", *side_by_side(a)] for op, a in comparison.by_operator().items()],
    }


def _page_order(item: tuple[str, Any]) -> int:
    """A total -> its place: MACs, parameters, then the order of the catalogue, which a sort keeps."""
    return {"macs": 0, "params": 1}.get(item[0], 2)


def _headlines(comparison: Comparison) -> Iterator[str]:
    """A comparison -> a sentence for each model but the first: `MobileNet v1 takes 0.31× the MACs of ResNet-18 and has
    0.36× its parameters.`; none of a model whose ratios are no numbers."""
    totals = comparison.totals()
    first, *others = [cut_name(printable(name)) for name in comparison.names]
    for i, name in enumerate(others, 1):
        ratios = {key: amount_ratio(totals[key][i], totals[key][0]) for key in ("macs", "params") if key in totals}
        macs, params = (None if ratios.get(key) is None else format_ratio(ratios[key]) for key in ("macs", "params"))
        if macs and params:
            yield f"{name} takes {macs} the MACs of {first} and has {params} its parameters."
        elif params:
            yield f"{name} has {params} the parameters of {first}."
