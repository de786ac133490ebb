"""A result -> the table of its rows for programs (data frames, CSV files), with raw values and one column for each key.

A row is a layer of a report, a model of a comparison, a combination of a sweep, a layer that a diff changed, a tensor
of a footprint, a revision of a model, a part of a reconciled figure, a suggestion, a verdict of a check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from costcalc.analysis.layers import LAYER_QUANTITIES
from costcalc.analysis.memory.footprint import MemoryFootprint
from costcalc.analysis.report import Report, report_certainty
from costcalc.analysis.roofline.roofline import Roofline, Rooflines
from costcalc.core.amount import LowerBound
from costcalc.core.arguments import split_names
from costcalc.core.errors import QuantityError, UsageError
from costcalc.core.quantity import Certainty, Figure
from costcalc.studies.check.verdict import CheckResult
from costcalc.studies.compare import Comparison
from costcalc.studies.diff.diff import Diff
from costcalc.studies.history import History
from costcalc.studies.measurement import MeasuredReport
from costcalc.studies.reconcile.reconcile import Reconciliation
from costcalc.studies.suggest.suggestion import Suggestions
from costcalc.studies.sweep.sweep import Sweep
from costcalc.views.check import verdicts_table
from costcalc.views.columns import BACKWARD_COLUMN, DEVICE_COLUMNS
from costcalc.views.diff_document import layer_changes_table
from costcalc.views.history import history_tables
from costcalc.views.memory import memory_table
from costcalc.views.reconcile import flat_table
from costcalc.views.report import TREES, TableOptions, report_table
from costcalc.views.results import TableSet
from costcalc.views.roofline import with_devices
from costcalc.views.suggest import suggestion_tables
from costcalc.views.table import Column, FigureCell, Table

CERTAINTY_COLUMNS = (Column("certainty", "Certainty", "text", 50), Column("refused", "Refused", "text", 50))
"""What is certain of the figures of a row that are not exact, and why it does not have some."""


@singledispatch
def record_table(result: Any, **options: Any) -> Table:
    """A result -> the table of its rows. UsageError where it has no rows, and for options that it does not take."""
    raise UsageError(f"a result of the type {type(result).__name__} has no rows", "print it, or take to_dict()")


@record_table.register(TableSet)
def _(result: TableSet) -> Table:
    return result.rows


@record_table.register(Report)
def _(result: Report, by: str = "layer", depth: int | None = None, columns: str | Sequence[str] = ()) -> Table:
    """A row for each layer, or each operator type, block or module; of a measured report with the columns of its
    devices."""
    rooflines = result.measurement.rooflines() if isinstance(result, MeasuredReport) else ()
    shown = result.measurement.report if isinstance(result, MeasuredReport) else result
    return _layer_records(shown, rooflines, by, depth, columns)


@record_table.register(Roofline)
def _(result: Roofline, by: str = "layer", depth: int | None = None, columns: str | Sequence[str] = ()) -> Table:
    return _layer_records(result.report, (result,), by, depth, columns)


@record_table.register(Rooflines)
def _(result: Rooflines, by: str = "layer", depth: int | None = None, columns: str | Sequence[str] = ()) -> Table:
    return _layer_records(result[0].report, tuple(result), by, depth, columns)


def _layer_records(
    report: Report, rooflines: Sequence[Roofline], by: str, depth: int | None, columns: str | Sequence[str]
) -> Table:
    if by not in ("layer", "op", *TREES):
        raise UsageError(f"there are no rows by {by!r}", f"take by layer, op, {', '.join(TREES)}")
    options = with_devices(TableOptions(by, depth), rooflines)
    if names := split_names("columns", columns):
        keys: Sequence[str] = names
    else:
        texts = {"layer": ("name", "op", "scope", "output", "dtype", "count", "state"), "op": ("op", "layers", "count")}
        own = texts.get(by, ("name", "layers", "output", "count"))
        own = (own[0], "module", *own[1:]) if by != "op" and report.graph.modules else own
        backward = [BACKWARD_COLUMN] * (BACKWARD_COLUMN in report.totals)
        keys = (*own, *LAYER_QUANTITIES, *backward, *dict.fromkeys(k.partition(":")[0] for k in options.device_columns))
    table = report_table(report, options._replace(columns=tuple(dict.fromkeys(keys))))
    return table._replace(columns=tuple([_name_device(column, rooflines) for column in table.columns]), tree=())


def _name_device(column: Column, rooflines: Sequence[Roofline]) -> Column:
    """The column of a device -> the same with the key of its quantity there: `time.t4`."""
    name, _, device = column.key.partition(":")
    if name not in DEVICE_COLUMNS:
        return column
    return column._replace(key=f"{name}.{device or rooflines[0].profile.id}")


@record_table.register(Comparison)
def _(result: Comparison) -> Table:
    """A row for each model: its totals and the further quantities."""
    totals = result.totals()
    keys = [*totals, *[ref.key for ref in result.figures]]
    rows = []
    for index, (name, report) in enumerate(zip(result.names, result.reports, strict=True)):
        cells: dict[str, Any] = {key: amounts[index] for key, amounts in totals.items()}
        certainty: dict[str, Certainty] = {key: report_certainty(report, key) for key in totals if key in report.totals}
        refused: dict[str, str] = {}
        for ref, figures in result.figures.items():
            figure = figures[index]
            cells[ref.key] = figure.value if isinstance(figure, Figure) else None
            if isinstance(figure, QuantityError):
                refused[ref.key] = str(figure)
            else:
                certainty[ref.key] = figure.certainty
        rows.append((name, *[cells[key] for key in keys], _words(certainty), "; ".join(refused.values())))
    columns = [Column("model", "Model", "name", 100), *[Column(key, key, "figure", 90) for key in keys]]
    return Table("comparison", "", (*columns, *CERTAINTY_COLUMNS), tuple(rows))


def _words(certainty: Mapping[str, Certainty]) -> str:
    """The certainty of quantities -> `time.t4 lower` of those that are not exact."""
    return ", ".join(f"{key} {word}" for key, word in certainty.items() if word != "exact")


@record_table.register(Sweep)
def _(result: Sweep) -> Table:
    """A row for each combination: what varies, the figures, what is certain of them."""
    layout = result.layout
    kinds = {"int": "number", "float": "decimal", "real": "decimal", "bool": "flag", "text": "text", "words": "text"}
    columns = [Column(name, name, kinds.get(layout.kind(i), "text"), 90) for i, name in enumerate(layout.names)]
    separators = {"certainty": " ", "refused": ": "}

    def cell(name: str, value: Any) -> Any:
        if name not in separators:
            return value
        return ", ".join(f"{key}{separators[name]}{word}" for key, word in (value or {}).items())

    rows = [tuple([cell(name, value) for name, value in record.items()]) for record in result]
    return Table(result.name, "", tuple(columns), tuple(rows))


@record_table.register(Diff)
def _(result: Diff, top: int | None = None) -> Table:
    return layer_changes_table([result], top)


@record_table.register(MemoryFootprint)
def _(result: MemoryFootprint, by: str = "tensor") -> Table:
    if by not in ("tensor", "step", "resolution"):
        raise UsageError(f"there are no rows by {by!r}", "take by tensor, step, resolution")
    return memory_table(result, by)


@record_table.register(History)
def _(result: History) -> Table:
    """A row for each revision of each model, behind the model's name."""
    sheets = history_tables(result, full=True)
    columns = {column.key: column for sheet in sheets for column in sheet.columns}
    rows = [
        (sheet.title, *[row.get(key) for key in columns])
        for sheet in sheets
        for row in (dict(zip([column.key for column in sheet.columns], cells, strict=True)) for cells in sheet.rows)
    ]
    return Table("history", "", (Column("model", "Model", "name", 100), *columns.values()), tuple(rows))


@record_table.register(Reconciliation)
def _(result: Reconciliation) -> Table:
    return flat_table(result)


@record_table.register(Suggestions)
def _(result: Suggestions) -> Table:
    """A row for each suggestion with what it saves; of a further quantity the exact difference."""
    table = suggestion_tables(result)[0]
    further = result.quantities
    known = len(table.columns) - len(further)
    rows = [
        (*row[:known], *[suggestion.saves(ref.key) for ref in further])
        for row, suggestion in zip(table.rows, result.ranked, strict=True)
    ]
    return table._replace(rows=tuple(rows))


@record_table.register(CheckResult)
def _(result: CheckResult) -> Table:
    return verdicts_table(result)


def exact_records(table: Table) -> Table:
    """A table -> the same with plain values: lower bounds and figures without their signs and texts, and the columns of
    CERTAINTY_COLUMNS behind them where a figure is not exact or there is none."""
    if not any(isinstance(cell, (FigureCell, LowerBound)) for row in table.rows for cell in row):
        return table
    rows = []
    for row in table.rows:
        certainty: dict[str, Certainty] = {}
        refusals = []
        for column, cell in zip(table.columns, row, strict=True):
            if isinstance(cell, LowerBound):
                certainty[column.key] = "lower"
            elif isinstance(cell, FigureCell) and cell.refusal:
                refusals.append(cell.refusal)
            elif isinstance(cell, FigureCell):
                certainty[column.key] = cell.certainty
        rows.append((*map(_plain_cell, row), _words(certainty), "; ".join(refusals)))
    if table.columns[-2:] == CERTAINTY_COLUMNS:
        return table._replace(rows=tuple([row[:-2] for row in rows]))
    return table._replace(columns=(*table.columns, *CERTAINTY_COLUMNS), rows=tuple(rows))


def _plain_cell(cell: Any) -> Any:
    return cell.value if isinstance(cell, (FigureCell, LowerBound)) else cell
