"""A result to its tables and to its JSON document, by its type."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from costcalc.analysis.memory.footprint import MemoryFootprint
from costcalc.analysis.report import Report
from costcalc.analysis.roofline.roofline import Roofline, Rooflines
from costcalc.analysis.training.step import TrainingStep
from costcalc.studies.check.verdict import CheckResult
from costcalc.studies.compare import Comparison
from costcalc.studies.diff.diff import Diff
from costcalc.studies.history import History
from costcalc.studies.measurement import MeasuredReport
from costcalc.studies.reconcile.reconcile import Reconciliation
from costcalc.studies.suggest.suggestion import Suggestion, Suggestions
from costcalc.studies.sweep.sweep import Sweep
from costcalc.views.analysis import analysis_document, analysis_table
from costcalc.views.check import verdicts_table
from costcalc.views.compare import comparison_document, comparison_tables
from costcalc.views.diff import diff_tables
from costcalc.views.diff_document import diff_document
from costcalc.views.explain import Explanation, explanation_document
from costcalc.views.history import history_document, history_tables
from costcalc.views.memory import memory_document, memory_table
from costcalc.views.reconcile import reconciliation_document, reconciliation_tables
from costcalc.views.report import TableOptions, report_document, report_table
from costcalc.views.results import TableSet
from costcalc.views.roofline import roofline_document, with_devices
from costcalc.views.suggest import suggestion_document, suggestion_tables, suggestions_document
from costcalc.views.sweep import sweep_document, sweep_table
from costcalc.views.table import Table
from costcalc.views.training import training_document

MAX_TENSORS = 10
"""Tensors of the table that stands for a footprint."""


@singledispatch
def tables(result: Any, **options: Any) -> tuple[Table, ...]:
    """A result → its tables, in the order of the screen. TypeError for a type that has no tables."""
    raise TypeError(f"{type(result).__name__} has no tables")


@tables.register(Report)
def _(result: Report) -> tuple[Table, ...]:
    """The layers and the totals; of a measured report the devices and generation."""
    return (analysis_table(result),)


@tables.register(Roofline)
def _(result: Roofline) -> tuple[Table, ...]:
    """The layers with their times, and the bounds."""
    return (report_table(result.report, with_devices(TableOptions(), (result,))),)


@tables.register(Rooflines)
def _(result: Rooflines) -> tuple[Table, ...]:
    """The layers with their times on each device, and the bounds."""
    return (report_table(result[0].report, with_devices(TableOptions(), result)),)


@tables.register(TableSet)
def _(result: TableSet) -> tuple[Table, ...]:
    return result.sheets


@tables.register(CheckResult)
def _(result: CheckResult) -> tuple[Table, ...]:
    return (verdicts_table(result),)


@tables.register(MemoryFootprint)
def _(result: MemoryFootprint) -> tuple[Table, ...]:
    """The largest tensors at the peak."""
    return (memory_table(result, "tensor", MAX_TENSORS),)


@tables.register(Diff)
def _(result: Diff, top: int | None = None) -> tuple[Table, ...]:
    return diff_tables(result, top)


@tables.register(Suggestions)
def _(result: Suggestions, top: int | None = None) -> tuple[Table, ...]:
    return suggestion_tables(result, top)


@tables.register(Reconciliation)
def _(result: Reconciliation, inline: bool = False) -> tuple[Table, ...]:
    return reconciliation_tables(result, inline=inline)


@tables.register(Sweep)
def _(result: Sweep, columns: str | Sequence[str] = ()) -> tuple[Table, ...]:
    return (sweep_table(result, columns),)


tables.register(Comparison, comparison_tables)

tables.register(History, history_tables)


@tables.register(Explanation)
def _(result: Explanation) -> tuple[Table, ...]:
    """None: a working is text."""
    return ()


@singledispatch
def document(result: Any) -> dict[str, Any]:
    """The entry of the JSON report of a result. TypeError for a type that has none."""
    raise TypeError(f"{type(result).__name__} has no JSON document")


document.register(Report, report_document)

document.register(MeasuredReport, lambda result: analysis_document(result.measurement))

document.register(TrainingStep, training_document)

document.register(Roofline, roofline_document)

document.register(Rooflines, lambda result: {"hardware": [roofline_document(roofline) for roofline in result]})

document.register(MemoryFootprint, memory_document)

document.register(Comparison, comparison_document)

document.register(Diff, diff_document)

document.register(History, history_document)

document.register(Suggestions, suggestions_document)

document.register(Suggestion, suggestion_document)

document.register(Sweep, sweep_document)

document.register(Reconciliation, reconciliation_document)

document.register(Explanation, explanation_document)
