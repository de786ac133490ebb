"""Sheets as something that rich prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from costcalc.render import sheets
from costcalc.render.palette import Screen, coloured, palette
from costcalc.sheet import Sheet

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


class Tables:
    """Tables, laid out when the width of the console is known."""

    def __init__(self, given: Sequence[Sheet]) -> None:
        self.given = given

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        on = Screen(options.max_width, "utf" in options.encoding, palette(coloured(console)))
        yield Text.from_ansi(sheets("table", self.given, on), no_wrap=True)
