"""Comparison -> its tables (totals, FLOPs by operator), and its entry of the JSON report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.core.amount import Amount, AtLeast, plain
from costcalc.core.quantities import CATALOGUE
from costcalc.studies.compare import Comparison, amount_ratio
from costcalc.views.figures import figure_amount, figure_entries, figure_ratios, refusal_remarks
from costcalc.views.summary import accounting, remarks
from costcalc.views.table import Column, Remark, Sheet

REPEATED = ("Bound", "Open", "Peak", "Execution", "Training", "Assumed", "Note", "Unknown", "")
"""The remarks of a report that a comparison repeats, in this order."""


def comparison_tables(comparison: Comparison) -> tuple[Sheet, Sheet]:
    """The totals; and FLOPs by operator type."""
    further = comparison.figures
    totals: dict[str, tuple[Any, ...]] = {CATALOGUE[key].label: row for key, row in comparison.totals().items()}
    totals |= {ref.label: tuple([figure_amount(ref, f) for f in row]) for ref, row in further.items()}
    ratios = {ref.label: figure_ratios(ref, row) for ref, row in further.items()}
    operators, notes = comparison.by_operator(), comparison_remarks(comparison)
    return (
        _side_by_side(comparison, "Totals", "", totals, ratios=ratios),
        _side_by_side(comparison, "FLOPs by operator", "2 × MACs + elementwise operations", operators, notes),
    )


def comparison_remarks(comparison: Comparison) -> tuple[Remark, ...]:
    """What is bound, open, assumed, noted and unknown: once where it holds for all models, else with the model's
    name before it; and how each model is accounted for."""
    models: dict[Remark, list[str]] = {}
    for name, report in zip(comparison.names, comparison.reports, strict=True):
        for remark in remarks(report):
            if remark.label in REPEATED:
                models.setdefault(remark, []).append(name)
    everywhere = len(comparison.reports)
    notes = [
        remark if len(names) == everywhere else remark._replace(text=f"{', '.join(names)}: {remark.text}")
        for remark, names in models.items()
    ]
    notes.sort(key=lambda remark: REPEATED.index(remark.label))
    counted = [
        Remark(name, accounting(report), report.lower_bound)
        for name, report in zip(comparison.names, comparison.reports, strict=True)
    ]
    return (*notes, *refusal_remarks(comparison.names, comparison.figures), *counted)


def _side_by_side(
    comparison: Comparison,
    title: str,
    subtitle: str,
    figures: Mapping[str, Sequence[Any]],
    notes: tuple[Remark, ...] = (),
    ratios: Mapping[str, Sequence[float | None]] = {},
) -> Sheet:
    """A row for each figure: the first model's amount, then each other model's amount and ratio; ratios holds those
    that do not follow from the amounts."""
    first, *others = comparison.names
    columns = [Column("figure", "", "name", 100), Column(first, first, "number", 90)]
    for name in others:
        columns += [Column(name, name, "number", 90), Column(f"{name} ratio", "ratio", "ratio", 90)]
    rows = []
    for label, amounts in figures.items():
        cells: list[Any] = [label, amounts[0]]
        known = ratios.get(label) or [amount_ratio(amount, amounts[0]) for amount in amounts]
        for amount, times in zip(amounts[1:], known[1:], strict=True):
            cells += [amount, times]
        rows.append(tuple(cells))
    groups = ((1,), *((i, i + 1) for i in range(2, len(columns), 2)))
    return Sheet(title, subtitle, tuple(columns), tuple(rows), remarks=notes, groups=groups, kind="table")


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The comparison's entry of the JSON report: ratios to the first model, null where they are no number."""
    return {
        "names": list(comparison.names),
        "totals": {
            **_ratios(comparison.totals()),
            **{ref.key: figure_entries(ref, row) for ref, row in comparison.figures.items()},
        },
        "flops_by_op": _ratios(comparison.by_operator()),
    }


def _ratios(figures: Mapping[str, Sequence[Amount]]) -> dict[str, Any]:
    return {
        key: [
            {
                "value": plain(a.value if isinstance(a, AtLeast) else a),
                "lower_bound": isinstance(a, AtLeast) or a is None,
                "ratio": amount_ratio(a, amounts[0]),
            }
            for a in amounts
        ]
        for key, amounts in figures.items()
    }
