"""The presenter: a result to its tables, its JSON document, plain text, a notebook's HTML, and what rich prints."""

from __future__ import annotations

import html as markup_language
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from costcalc.render import html, render_tables
from costcalc.render.check import table as verdict_table
from costcalc.render.explanation import explanation_text
from costcalc.render.terminal import Screen, has_colours, palette, screen
from costcalc.studies.check.verdict import CheckResult
from costcalc.studies.reconcile.reconcile import Reconciliation
from costcalc.views.explain import Explanation
from costcalc.views.present import document, tables
from costcalc.views.table import Table

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["document", "markup", "rich", "tables", "text"]


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
    return render_tables("table", tables(result), on)


def markup(result: Any) -> str:
    """Result -> its tables as HTML with their style, for a notebook, which has room for workings; of an explanation
    and of a check, the text."""
    if isinstance(result, (Explanation, CheckResult)):
        return f"<pre>{markup_language.escape(text(result))}</pre>"
    sheets = tables(result, inline=True) if isinstance(result, Reconciliation) else tables(result)
    return html.fragment(sheets)


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
