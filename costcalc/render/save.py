"""Result and path -> a file in the format of the path's ending, as the command line's -o writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from costcalc.analysis.memory.footprint import MemoryFootprint
from costcalc.analysis.report import Report
from costcalc.analysis.roofline.roofline import Roofline, Rooflines
from costcalc.core.errors import UsageError
from costcalc.core.result import Serializable
from costcalc.render import csv, json, page, render_png, render_tables, stream
from costcalc.render.charts import matplotlib
from costcalc.render.check import render as render_check
from costcalc.render.check.markdown import render_difference
from costcalc.render.page import charts
from costcalc.render.page import diff as diff_page
from costcalc.render.page import history as history_page
from costcalc.render.page import sheets as sheets_page
from costcalc.render.terminal import Screen, screen
from costcalc.studies.check.verdict import CheckResult
from costcalc.studies.compare import Comparison
from costcalc.studies.diff.diff import Diff
from costcalc.studies.history import History
from costcalc.studies.reconcile.reconcile import Reconciliation
from costcalc.studies.suggest.suggestion import Suggestions
from costcalc.studies.sweep.sweep import Sweep
from costcalc.views.explain import Explanation
from costcalc.views.history import history_tables
from costcalc.views.present import document, tables
from costcalc.views.records import record_table
from costcalc.views.results import ChartSet, ReportPage, TableSet
from costcalc.views.sentence import diff_sentence

ENDINGS = {
    "html": "html",
    "htm": "html",
    "md": "markdown",
    "csv": "csv",
    "json": "json",
    "svg": "svg",
    "png": "png",
    "txt": "table",
}
"""Ending of a file -> format."""

DOCUMENT_KEYS: dict[type, str] = {
    MemoryFootprint: "memory",
    Suggestions: "suggestions",
    Reconciliation: "reconciliation",
    Sweep: "sweep",
    Explanation: "explanation",
    History: "history",
}
"""Class of a result -> the key of its entry in the JSON document of its command."""

LIST_KEYS: dict[type, str] = {Report: "models", Roofline: "hardware"}
"""The same of results of which a command's document has a list."""


def save(result: Any, path: str, plain_text: Callable[[Any], str]) -> None:
    """Writes a result. plain_text is its text for a .txt file. UsageError where the path has another ending than those
    of ENDINGS, the result has no such form, or the file cannot be written."""
    ending = Path(path).suffix[1:].lower()
    form = ENDINGS.get(ending)
    if form is None:
        what = f"the ending .{ending}" if ending else "no ending"
        raise UsageError(f"{path} has {what}, which names no format", f"end it in .{', .'.join(ENDINGS)}")
    make: Callable[..., bytes] = _chart_content if isinstance(result, ChartSet) else _content
    content = make(result, form, path, plain_text)
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "name another file") from error


def _content(result: Any, form: str, path: str, plain_text: Callable[[Any], str]) -> bytes:
    """Result and format -> the bytes of the file."""
    surface = screen(to_file=True)
    if isinstance(result, ReportPage):
        return _require(form, ("html",), path, lambda: page.render(dict(result.content)).encode())
    if form == "json":
        return f"{json.dump(dict(json_content(result)))}\n".encode()
    if isinstance(result, Diff) and form == "html":
        return f"{diff_page.render([result])}\n".encode()
    if form == "csv":
        return f"{_csv_text(result)}\n".encode()
    if isinstance(result, Explanation):
        return _require(form, ("table",), path, lambda: f"{plain_text(result)}\n".encode())
    if isinstance(result, CheckResult):
        forms = ("table", "markdown", "svg")
        return _require(form, forms, path, lambda: f"{render_check(form, result, surface)}\n".encode())
    if isinstance(result, Comparison) and form == "html":
        return f"{sheets_page.render_comparison(result)}\n".encode()
    if isinstance(result, Sweep) and form == "html":
        return f"{sheets_page.render_sweep(result)}\n".encode()
    if isinstance(result, History) and form == "html":
        return history_page.render(result).encode()
    if isinstance(result, Diff) and form == "markdown":
        return f"{render_difference(tables(result), diff_sentence([result]))}\n".encode()
    sheets = tables(result, inline=True) if isinstance(result, Reconciliation) and form != "table" else tables(result)
    if form == "png":
        return render_png(sheets, surface)
    return f"{render_tables(form, sheets, surface)}\n".encode()


def _chart_content(result: ChartSet, form: str, path: str, plain_text: Callable[[Any], str]) -> bytes:
    forms: dict[str, Callable[[], bytes]] = {
        "svg": lambda: matplotlib.render(result.charts, "svg"),
        "png": lambda: matplotlib.render(result.charts, "png"),
        "html": lambda: charts.render(result.charts).encode(),
        "table": lambda: f"{plain_text(result)}\n".encode(),
    }
    return _require(form, tuple(forms), path, forms.get(form, bytes))


def _require(form: str, forms: tuple[str, ...], path: str, content: Callable[[], bytes]) -> bytes:
    """The content. UsageError where the format is none of forms."""
    if form in forms:
        return content()
    endings = [f".{ending}" for ending, name in ENDINGS.items() if name in forms]
    raise UsageError(f"{path} would be {form}, which this result is not written in", f"end it in {', '.join(endings)}")


def json_content(result: Any) -> Mapping[str, Any]:
    """Result -> the content of its command's JSON document."""
    if isinstance(result, TableSet):
        return result.content or {result.rows.title: json.row_objects(result.rows)}
    if isinstance(result, Comparison):
        return {"models": [document(report) for report in result.reports], "comparison": document(result)}
    if isinstance(result, Rooflines):
        return {"hardware": [document(roofline) for roofline in result]}
    if isinstance(result, Diff):
        return {"summary": diff_sentence([result]), "diffs": [document(result)]}
    for kind, key in LIST_KEYS.items():
        if isinstance(result, kind):
            return {key: [document(result)]}
    for kind, key in DOCUMENT_KEYS.items():
        if isinstance(result, kind):
            return {key: document(result)}
    assert isinstance(result, Serializable), f"{type(result).__name__} has no document"
    return result.to_dict()


def _csv_text(result: Any) -> str:
    if isinstance(result, Sweep):
        layout = result.layout
        lines = stream.row_lines("csv", layout, range(len(layout.names)), result.rows)
        return f"{stream.header_line('csv', layout.names)}{lines}".removesuffix("\n")
    if isinstance(result, History):
        return Screen().text(csv.render(history_tables(result, full=True)))
    sheets = (
        tables(result) if isinstance(result, (Report, Roofline, Rooflines, Comparison)) else (record_table(result),)
    )
    return Screen().text(csv.render(sheets))
