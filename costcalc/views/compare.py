"""Comparison -> its tables (totals, FLOPs by operator), and its entry of the JSON report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from costcalc.analysis.report import open_peak, report_certainty
from costcalc.core.amount import Amount, LowerBound, json_amount
from costcalc.core.quantities import CATALOGUE
from costcalc.studies.compare import Comparison, amount_ratio
from costcalc.views.figures import basis_suffix, figure_amount, figure_entries, figure_ratios, refusal_notes
from costcalc.views.flash import account_notes
from costcalc.views.summary import accounting_text, report_notes
from costcalc.views.table import Column, Note, Table, make_table

SHARED_NOTE_LABELS = ("Sizes", "Given", "Open", "Peak", "Execution", "Training", "Assumed", "Note", "Unknown", "")
"""Labels of the notes of a report that a comparison repeats, in this order."""


class ComparisonRow(NamedTuple):
    """A figure of each model, and its ratio to the first model's."""

    label: str
    amounts: Sequence[Any]
    ratios: Sequence[float | None]


def comparison_tables(comparison: Comparison) -> tuple[Table, Table]:
    """A comparison → the table of totals, and that of FLOPs by operator type."""
    totals = [
        *[_amount_row(CATALOGUE[key].label, amounts) for key, amounts in comparison.totals().items()],
        *[
            ComparisonRow(
                ref.label + basis_suffix(ref), [figure_amount(ref, figure) for figure in row], figure_ratios(ref, row)
            )
            for ref, row in comparison.figures.items()
        ],
    ]
    operators = [_amount_row(name, amounts) for name, amounts in comparison.by_operator().items()]
    notes, subtitle = comparison_notes(comparison), "2 × MACs + elementwise operations"
    return (
        _side_by_side(comparison.names, "Totals", totals),
        _side_by_side(comparison.names, "FLOPs by operator", operators, subtitle, notes),
    )


def _amount_row(label: str, amounts: Sequence[Amount]) -> ComparisonRow:
    return ComparisonRow(label, amounts, [amount_ratio(amount, amounts[0]) for amount in amounts])


def comparison_notes(comparison: Comparison) -> tuple[Note, ...]:
    """A comparison → notes of what is bound, open, assumed and unknown: once where it holds for all models, else with
    the model's name before it; and how each model is accounted for."""
    models: dict[Note, list[str]] = {}
    for name, report in zip(comparison.names, comparison.reports, strict=True):
        for note in report_notes(report):
            if note.label in SHARED_NOTE_LABELS:
                models.setdefault(note, []).append(name)
    model_count = len(comparison.reports)
    notes = [
        note if len(names) == model_count else note._replace(text=f"{', '.join(names)}: {note.text}")
        for note, names in models.items()
    ]
    notes.sort(key=lambda note: SHARED_NOTE_LABELS.index(note.label))
    accounting_notes = [
        Note(name, accounting_text(report), report.lower_bound)
        for name, report in zip(comparison.names, comparison.reports, strict=True)
    ]
    joined = [f"{kind}: {', '.join(operators)}" for kind, operators in comparison.joined_operators().items()]
    notes += [Note("Operators", f"of one kind are one row: {'; '.join(joined)}")] if joined else []
    notes += account_notes(comparison.names, comparison.reports)
    return (*notes, *refusal_notes(comparison.names, comparison.figures), *accounting_notes)


def _side_by_side(
    names: Sequence[str], title: str, rows: Sequence[ComparisonRow], subtitle: str = "", notes: tuple[Note, ...] = ()
) -> Table:
    """A row for each figure: the first model's amount, then each other model's amount and ratio."""
    columns = [Column("figure", "", "name", 100, lambda row: row.label)]
    for i, name in enumerate(names):
        columns.append(Column(name, name, "number", 90, partial(_amount_of, i)))
        if i:
            columns.append(Column(f"{name} ratio", "ratio", "ratio", 90, partial(_ratio_of, i)))
    groups = ((1,), *((i, i + 1) for i in range(2, len(columns), 2)))
    return make_table(title, columns, rows, subtitle, notes=notes, groups=groups, kind="table")


def _amount_of(model: int, row: ComparisonRow) -> Any:
    return row.amounts[model]


def _ratio_of(model: int, row: ComparisonRow) -> float | None:
    return row.ratios[model]


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The comparison's entry of the JSON report: ratios to the first model, null where they are no number."""
    return {
        "names": list(comparison.names),
        "totals": {
            **_total_entries(comparison),
            **{ref.key: figure_entries(ref, row) for ref, row in comparison.figures.items()},
        },
        "flops_by_op": _amount_entries(comparison.by_operator()),
    }


def _total_entries(comparison: Comparison) -> dict[str, list[dict[str, Any]]]:
    """The totals with their certainty; `refused` says why open symbols leave a model's peak undecided."""
    entries = _amount_entries(comparison.totals())
    for key, row in entries.items():
        for entry, report in zip(row, comparison.reports, strict=True):
            if entry["value"] is not None:
                entry["certainty"] = report_certainty(report, key)
            else:
                entry |= {"lower_bound": False, "refused": f"{key}: {'; '.join(open_peak(report))}"}
    return entries


def _amount_entries(figures: Mapping[str, Sequence[Amount]]) -> dict[str, Any]:
    return {
        key: [
            {
                "value": json_amount(a.value if isinstance(a, LowerBound) else a),
                "lower_bound": isinstance(a, LowerBound) or a is None,
                "ratio": amount_ratio(a, amounts[0]),
            }
            for a in amounts
        ]
        for key, amounts in figures.items()
    }
