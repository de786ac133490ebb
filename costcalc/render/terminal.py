"""A Report as something that rich prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.render import table as tables
from costcalc.render.palette import Screen, coloured, palette
from costcalc.report import Report
from costcalc.sheet import sheet

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


class ReportTable:
    """A report's table, laid out when the width of the console is known."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        on = Screen(options.max_width, "utf" in options.encoding, palette(coloured(console)))
        yield Text.from_ansi(tables.sheet(sheet(self.report), on), no_wrap=True)
