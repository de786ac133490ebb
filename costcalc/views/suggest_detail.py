"""One suggestion → sheets with its working: each use with the ratio of the literature, the totals before and after, and
the lines of the file that change.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from costcalc.analysis.report import Report
from costcalc.core.dim import Dim
from costcalc.core.errors import CostcalcError
from costcalc.core.ir import Graph
from costcalc.core.quantities import CATALOGUE, TOTALS, parse_quantity
from costcalc.core.sanitize import printable
from costcalc.core.units import format_digits, ratio
from costcalc.studies.suggest.edit import edit
from costcalc.studies.suggest.replacement import RewriteMatch
from costcalc.studies.suggest.source import RewriteSource
from costcalc.studies.suggest.suggestion import Suggestion, Suggestions
from costcalc.views.figures import figure_amount, figure_ratios
from costcalc.views.suggest import saving_amount
from costcalc.views.table import Column, Note, Table

USE_COLUMNS = (
    Column("layers", "Layers", "name", 100),
    Column("macs", "MACs", "number", 90),
    Column("new_macs", "New MACs", "number", 89),
    Column("ratio", "Ratio", "share", 88),
    Column("theory", "In theory", "prose", 85),
    Column("params", "Params", "number", 60),
    Column("new_params", "New params", "number", 59),
)

LAYER_COLUMNS = (
    Column("state", "", "text", 95),
    Column("name", "Layer", "name", 100),
    Column("op", "Operator", "text", 90),
    Column("output", "Output", "shape", 80),
    Column("macs", "MACs", "number", 85),
    Column("flops", "FLOPs", "number", 60),
    Column("params", "Params", "number", 70),
)

TOTAL_COLUMNS = (
    Column("figure", "Whole model", "name", 100),
    Column("now", "Now", "number", 90),
    Column("new", "New", "number", 89),
    Column("saves", "Saves", "number", 88),
    Column("ratio", "Ratio", "ratio", 70),
)


def detail_tables(suggestions: Suggestions, suggestion: Suggestion, top: int | None = None) -> tuple[Table, ...]:
    """A suggestion → tables of its uses, of the first use's layers before and after, and of the totals. top keeps the
    first uses."""
    matches = suggestion.matches if top is None else suggestion.matches[:top]
    uses = tuple(_use_row(suggestions.source, match) for match in matches)
    names = {match.ratio.names for match in suggestion.matches if match.ratio is not None}
    title = names.pop() if len(names) == 1 else "In theory"
    columns = tuple(c._replace(title=title) if c.key == "theory" else c for c in USE_COLUMNS)
    notes = (Note("Shown", f"{len(matches)} of {len(suggestion.matches)} uses (--top {len(suggestion.matches)})"),)
    subtitle = f"{suggestion.where}  {suggestion.rule.id}" if suggestion.where else suggestion.rule.id
    return (
        Table(
            f"{suggestion.number}. {suggestion.rule.title}",
            subtitle,
            columns,
            uses,
            kind="table",
            notes=notes if len(matches) < len(suggestion.matches) else (),
        ),
        Table(
            "Layers",
            "of the first use",
            LAYER_COLUMNS,
            tuple(_layer_rows(suggestions.source, suggestion.matches[0])),
            kind="table",
        ),
        Table(
            "Totals",
            suggestions.report.name,
            TOTAL_COLUMNS,
            tuple(_total_rows(suggestion)),
            notes=tuple(_notes(suggestions.source, suggestion)),
            kind="table",
        ),
    )


def file_difference(suggestions: Suggestions, suggestion: Suggestion) -> str:
    """A suggestion → the lines of the file that change, as a unified diff; "" where there is no file to rewrite, or it
    cannot be."""
    if suggestions.source.trace is None or not suggestion.writable:
        return ""
    try:
        new = suggestions.apply((suggestion,))
    except CostcalcError as error:
        return f"The file cannot be rewritten: {error}"
    old, name = suggestions.source.trace.text, suggestions.source.trace.file
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), name, f"{name}, rewritten", n=1, lineterm="")
    return "\n".join(map(printable, lines))


def _apply_match(source: RewriteSource, match: RewriteMatch) -> tuple[Graph, Report]:
    graph = edit(source.graph, match.changes)
    return graph, source.cost(graph)


def _changed_rows(source: RewriteSource, match: RewriteMatch) -> tuple[list[Any], list[Any]]:
    """A match → the report's rows of the replaced layers, and of those in their place."""
    old_rows = [source.report.rows[i] for change in match.changes for i in change.nodes]
    graph, report = _apply_match(source, match)
    old_nodes = {id(node) for node in source.graph.nodes}
    return old_rows, [row for node, row in zip(graph.nodes, report.rows, strict=True) if id(node) not in old_nodes]


def _use_row(source: RewriteSource, match: RewriteMatch) -> tuple[Any, ...]:
    old_rows, new_rows = _changed_rows(source, match)
    macs, new_macs = _sum_rows(old_rows, "macs"), _sum_rows(new_rows, "macs")
    quotient = ratio(new_macs, macs)
    return (
        " + ".join(match.layers),
        macs,
        new_macs,
        None if quotient is None else float(quotient),
        ratio_text(match),
        _sum_rows(old_rows, "params"),
        _sum_rows(new_rows, "params"),
    )


def ratio_text(match: RewriteMatch) -> str:
    """A match → the ratio of the literature: 1/64 + 1/9 = 0.127."""
    if match.ratio is None:
        return ""
    value = match.ratio.value
    value_text = "" if value is None else f" = {format_digits(value) if value >= 1 else f'{float(value):.3g}'}"
    return f"{match.ratio.numbers}{value_text}"


def _sum_rows(rows: list[Any], key: str) -> Dim | None:
    total: Dim = 0
    for row in rows:
        if row.figures[key] is None:
            return None
        total = total + row.figures[key]
    return total


def _layer_rows(source: RewriteSource, match: RewriteMatch) -> Iterator[tuple[Any, ...]]:
    for state, rows in zip(("now", "new"), _changed_rows(source, match), strict=True):
        for row in rows:
            shapes = tuple(output.type.shape for output in row.outputs)
            yield state, row.name, row.op_type, shapes, *(row.figures[k] for k in ("macs", "flops", "params"))


def _total_rows(suggestion: Suggestion) -> Iterator[tuple[Any, ...]]:
    for key in (*TOTALS, *[key for key in suggestion.before if key not in TOTALS]):
        label = CATALOGUE[key].label
        now, new, saving = suggestion.before.get(key), suggestion.after.get(key), suggestion.saves(key)
        if now == 0 == new:
            continue
        quotient = ratio(new, now)
        yield label, now, new, saving, None if quotient is None else float(quotient)
    for key, (before, after) in suggestion.figures.items():
        ref = parse_quantity(key)
        figure_ratio = figure_ratios(ref, (before, after))[1]
        saving = saving_amount(ref, suggestion)
        yield ref.label, figure_amount(ref, before), figure_amount(ref, after), saving, figure_ratio


def _notes(source: RewriteSource, suggestion: Suggestion) -> Iterator[Note]:
    yield Note("What", suggestion.rule.explanation)
    for text in dict.fromkeys(match.remark for match in suggestion.matches if match.remark):
        yield Note("Here", text)
    yield Note("Source", suggestion.rule.source)
    yield Note("Accuracy", suggestion.rule.accuracy, "measure" in suggestion.rule.accuracy)
    if not suggestion.writable:
        onnx = f"--apply {suggestion.number} -o NEW.onnx writes ONNX"
        yaml = "" if source.trace is None else f"not written as YAML: {suggestion.site.reason}; "
        yield Note("Apply", f"{yaml}{onnx}")
