"""The presenter: a result to its tables, its JSON document, plain text, a notebook's HTML, and what rich prints."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from costcalc.render import html, json, render_tables
from costcalc.render.check import json as verdict_json
from costcalc.render.check import table as verdict_table
from costcalc.render.explanation import explanation_text
from costcalc.render.terminal import Screen, has_colours, palette, screen
from costcalc.studies.check.verdict import CheckResult
from costcalc.studies.reconcile.reconcile import Reconciliation
from costcalc.views import present
from costcalc.views.explain import Explanation
from costcalc.views.present import tables
from costcalc.views.results import ChartSet, ReportPage, TableSet
from costcalc.views.table import Table, fold_repeats

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["document", "frame", "markup", "rich", "save", "tables", "text"]


def document(result: Any) -> dict[str, Any]:
    """Result -> its entry of the JSON report."""
    if isinstance(result, CheckResult):
        return verdict_json.to_dict(result)
    if isinstance(result, TableSet):
        return dict(result.content) or {result.rows.title: json.row_objects(result.rows)}
    return present.document(result)


def save(result: Any, path: str) -> None:
    """Writes a result in the format of the path's ending."""
    import_module("costcalc.render.save").save(result, path, text)


def frame(result: Any, library: str, **options: Any) -> Any:
    """Result -> its rows as a data frame of a library, pandas or polars."""
    records = import_module("costcalc.views.records")
    make: Any = import_module("costcalc.render.frame").make_frame
    return make(records.exact_records(records.record_table(result, **options)), library)


def text(result: Any) -> str:
    """Result -> its tables as text, as wide as a line of a pipe; of an explanation its working, of a check the
    verdicts."""
    return _text(result, Screen() if isinstance(result, Explanation) else screen(to_file=True))


def text_of_tables(sheets: Sequence[Table]) -> str:
    """Tables -> their text, as wide as a line of a pipe."""
    return render_tables("table", sheets, screen(to_file=True))


def _text(result: Any, on: Screen) -> str:
    """Result -> its text on a screen."""
    if isinstance(result, Explanation):
        return explanation_text(result, on)
    if isinstance(result, CheckResult):
        return verdict_table.render(result, on)
    if isinstance(result, ChartSet):
        chart_text: str = import_module("costcalc.render.charts.text").render(result.charts, on)
        return chart_text
    if isinstance(result, ReportPage):
        return repr(result)
    return render_tables("table", tables(result), on)


def markup(result: Any) -> str:
    """Result -> its tables as HTML with their style, for a notebook, which has room for workings; of an explanation
    and of a check, the text."""
    if isinstance(result, (Explanation, CheckResult)):
        return html.text_fragment(text(result))
    if isinstance(result, ChartSet):
        return _chart_markup(result)
    if isinstance(result, ReportPage):
        page: str = import_module("costcalc.render.page").render(dict(result.content))
        return html.frame_fragment(page)
    sheets = tables(result, inline=True) if isinstance(result, Reconciliation) else tables(result)
    return html.fragment(list(map(fold_repeats, sheets)))


def _chart_markup(result: ChartSet) -> str:
    """Charts -> a picture, or, without matplotlib, their text."""
    if find_spec("matplotlib") is None:
        return html.text_fragment(text(result))
    picture: bytes = import_module("costcalc.render.charts.matplotlib").render(result.charts, "svg")
    return html.picture_fragment(picture)


def rich(result: Any) -> RichResult:
    """Result -> an object that rich prints."""
    return RichResult(result)


class RichResult:
    """A result that is laid out when the width of the console is known."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        screen = Screen(options.max_width, "utf" in options.encoding, palette(has_colours(console)))
        yield Text.from_ansi(_text(self.result, screen), no_wrap=True)
