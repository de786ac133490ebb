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


def details(suggestions: Suggestions, one: Suggestion, top: int | None = None) -> tuple[Table, ...]:
    """The uses, the first use's layers before and after, and the totals. top keeps the first uses."""
    matches = one.matches if top is None else one.matches[:top]
    uses = tuple(_use(suggestions.source, match) for match in matches)
    names = {match.ratio.names for match in one.matches if match.ratio is not None}
    title = names.pop() if len(names) == 1 else "In theory"
    shown = tuple(c._replace(title=title) if c.key == "theory" else c for c in USE_COLUMNS)
    rest = (Note("Shown", f"{len(matches)} of {len(one.matches)} uses (--top {len(one.matches)})"),)
    place = f"{one.where}  {one.rule.id}" if one.where else one.rule.id
    return (
        Table(
            f"{one.number}. {one.rule.title}",
            place,
            shown,
            uses,
            kind="table",
            remarks=rest if len(matches) < len(one.matches) else (),
        ),
        Table(
            "Layers",
            "of the first use",
            LAYER_COLUMNS,
            tuple(_layers(suggestions.source, one.matches[0])),
            kind="table",
        ),
        Table(
            "Totals",
            suggestions.report.name,
            TOTAL_COLUMNS,
            tuple(_sums(one)),
            remarks=tuple(_remarks(suggestions.source, one)),
            kind="table",
        ),
    )


def difference(suggestions: Suggestions, one: Suggestion) -> str:
    """The lines of the file that change, as a unified diff; "" where there is no file to rewrite, or it cannot be."""
    if suggestions.source.trace is None or not one.writable:
        return ""
    try:
        new = suggestions.apply((one,))
    except CostcalcError as error:
        return f"The file cannot be rewritten: {error}"
    old, name = suggestions.source.trace.text, suggestions.source.trace.file
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), name, f"{name}, rewritten", n=1, lineterm="")
    return "\n".join(map(printable, lines))


def _new(source: RewriteSource, match: RewriteMatch) -> tuple[Graph, Report]:
    graph = edit(source.graph, match.changes)
    return graph, source.cost(graph)


def _rows(source: RewriteSource, match: RewriteMatch) -> tuple[list[Any], list[Any]]:
    """The report's rows that go, and those that come."""
    gone = [source.report.rows[i] for change in match.changes for i in change.nodes]
    graph, report = _new(source, match)
    have = {id(node) for node in source.graph.nodes}
    return gone, [row for node, row in zip(graph.nodes, report.rows, strict=True) if id(node) not in have]


def _use(source: RewriteSource, match: RewriteMatch) -> tuple[Any, ...]:
    gone, come = _rows(source, match)
    macs, new = _total(gone, "macs"), _total(come, "macs")
    part = ratio(new, macs)
    return (
        " + ".join(match.layers),
        macs,
        new,
        None if part is None else float(part),
        theory(match),
        _total(gone, "params"),
        _total(come, "params"),
    )


def theory(match: RewriteMatch) -> str:
    """1/64 + 1/9 = 0.127"""
    if match.ratio is None:
        return ""
    value = match.ratio.value
    end = "" if value is None else f" = {format_digits(value) if value >= 1 else f'{float(value):.3g}'}"
    return f"{match.ratio.numbers}{end}"


def _total(rows: list[Any], key: str) -> Dim | None:
    total: Dim = 0
    for row in rows:
        if row.figures[key] is None:
            return None
        total = total + row.figures[key]
    return total


def _layers(source: RewriteSource, match: RewriteMatch) -> Iterator[tuple[Any, ...]]:
    for state, rows in zip(("now", "new"), _rows(source, match), strict=True):
        for row in rows:
            shapes = tuple(output.type.shape for output in row.outputs)
            yield state, row.name, row.op_type, shapes, *(row.figures[k] for k in ("macs", "flops", "params"))


def _sums(one: Suggestion) -> Iterator[tuple[Any, ...]]:
    for key in (*TOTALS, *[key for key in one.before if key not in TOTALS]):
        label = CATALOGUE[key].label
        now, new, saving = one.before.get(key), one.after.get(key), one.saves(key)
        if now == 0 == new:
            continue
        part = ratio(new, now)
        yield label, now, new, saving, None if part is None else float(part)
    for key, (was, then) in one.figures.items():
        ref = parse_quantity(key)
        ratio_of = figure_ratios(ref, (was, then))[1]
        saving = saving_amount(ref, one.saves(key))
        yield ref.label, figure_amount(ref, was), figure_amount(ref, then), saving, ratio_of


def _remarks(source: RewriteSource, one: Suggestion) -> Iterator[Note]:
    yield Note("What", one.rule.explanation)
    for text in dict.fromkeys(match.remark for match in one.matches if match.remark):
        yield Note("Here", text)
    yield Note("Source", one.rule.source)
    yield Note("Accuracy", one.rule.accuracy, "measure" in one.rule.accuracy)
    if not one.writable:
        onnx = f"--apply {one.number} -o NEW.onnx writes ONNX"
        yaml = "" if source.trace is None else f"not written as YAML: {one.place.reason}; "
        yield Note("Apply", f"{yaml}{onnx}")
