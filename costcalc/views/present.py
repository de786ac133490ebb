"""A result to its tables and to its JSON document, by its type."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from costcalc.analysis.memory.footprint import Footprint
from costcalc.analysis.report import Report
from costcalc.analysis.roofline.roofline import Roofline
from costcalc.analysis.training.step import TrainingStep
from costcalc.studies.compare import Comparison
from costcalc.studies.diff.diff import Diff
from costcalc.studies.measurement import MeasuredReport
from costcalc.studies.reconcile.reconcile import Reconciliation
from costcalc.studies.suggest.suggestion import Suggestion, Suggestions
from costcalc.studies.sweep.sweep import Sweep
from costcalc.views import diff as diff_sheets
from costcalc.views import diff_document as diff_content
from costcalc.views import reconcile as reconcile_content
from costcalc.views import reconcile as reconcile_sheets
from costcalc.views import roofline as timing
from costcalc.views import suggest as suggest_sheets
from costcalc.views.analysis import analysis_document, analysis_sheet
from costcalc.views.compare import comparison_document, comparison_tables
from costcalc.views.explain import Explanation, explanation_document
from costcalc.views.memory import memory_document, memory_table
from costcalc.views.report import View, report_document, sheet
from costcalc.views.suggest import suggestion_document, suggestions_document
from costcalc.views.sweep import sweep_document, sweep_table
from costcalc.views.table import Sheet
from costcalc.views.training import training_document

TENSORS = 10
"""Tensors of the table that stands for a footprint."""


@singledispatch
def tables(result: Any, **options: Any) -> tuple[Sheet, ...]:
    """What is shown of a result, in this order. TypeError for a type that has no tables."""
    raise TypeError(f"{type(result).__name__} has no tables")


@tables.register(Report)
def _(result: Report) -> tuple[Sheet, ...]:
    """The layers and the totals."""
    return (sheet(result),)


@tables.register(MeasuredReport)
def _(result: MeasuredReport) -> tuple[Sheet, ...]:
    """The layers, the totals, the devices, generation."""
    return (analysis_sheet(result.measurement),)


@tables.register(Roofline)
def _(result: Roofline) -> tuple[Sheet, ...]:
    """The layers with their times, and the bounds."""
    return (sheet(result.report, timing.with_devices(View(), (result,))),)


@tables.register(Footprint)
def _(result: Footprint) -> tuple[Sheet, ...]:
    """The largest tensors at the peak."""
    return (memory_table(result, "tensor", TENSORS),)


@tables.register(Diff)
def _(result: Diff, top: int | None = None) -> tuple[Sheet, ...]:
    return diff_sheets.sheets(result, top)


@tables.register(Suggestions)
def _(result: Suggestions, top: int | None = None) -> tuple[Sheet, ...]:
    return suggest_sheets.sheets(result, top)


@tables.register(Reconciliation)
def _(result: Reconciliation, inline: bool = False) -> tuple[Sheet, ...]:
    return reconcile_sheets.sheets(result, inline=inline)


@tables.register(Sweep)
def _(result: Sweep, columns: str | Sequence[str] = ()) -> tuple[Sheet, ...]:
    return (sweep_table(result, columns),)


tables.register(Comparison, comparison_tables)


@tables.register(Explanation)
def _(result: Explanation) -> tuple[Sheet, ...]:
    """None: a working is text."""
    return ()


@singledispatch
def document(result: Any) -> dict[str, Any]:
    """The entry of the JSON report of a result. TypeError for a type that has none."""
    raise TypeError(f"{type(result).__name__} has no JSON document")


document.register(Report, report_document)

document.register(MeasuredReport, lambda result: analysis_document(result.measurement))

document.register(TrainingStep, training_document)

document.register(Roofline, timing.to_dict)

document.register(Footprint, memory_document)

document.register(Comparison, comparison_document)

document.register(Diff, diff_content.to_dict)

document.register(Suggestions, suggestions_document)

document.register(Suggestion, suggestion_document)

document.register(Sweep, sweep_document)

document.register(Reconciliation, reconcile_content.to_dict)

document.register(Explanation, explanation_document)
