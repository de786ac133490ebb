"""The terminal: its width, whether it knows colours and Unicode. rich is asked, and imported, only for a terminal."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 1_000
"""Columns of a line that goes to no terminal, unless COLUMNS says otherwise: as many as its content needs, but a line
ends."""

TEXT_WIDTH = 100
"""Columns of sentences and pictures there."""

STYLES = {
    "title": "bold",
    "header": "bold dim",
    "total": "bold",
    "bar": "cyan",
    "faint": "dim",
    "warning": "yellow",
    "good": "green",
    "bad": "bold red",
}

ASCII = str.maketrans(
    {
        "×": "x",
        "≥": ">=",
        "≤": "<=",
        "…": "~",
        "–": "-",
        "·": "*",
        "█": "#",
        "─": "-",
        "→": "->",
        "⌊": "floor(",
        "⌋": ")",
        "⌈": "ceil(",
        "⌉": ")",
        "÷": "/",
        "∏": "prod ",
        "²": "^2",
        "³": "^3",
        "⁴": "^4",
        "—": "-",
        "±": "+-",
        "µ": "u",
        "Σ": "sum ",
        "ᵀ": "^T",
        "≈": "~",
        "√": "sqrt ",
        "│": "|",
        "┤": "+",
        "└": "+",
        "▁": ".",
        "▂": ":",
        "▃": "-",
        "▄": "=",
        "▅": "+",
        "▆": "*",
        "▇": "%",
    }
)
"""How signs are written where the terminal knows no Unicode."""


class Palette(NamedTuple):
    """What starts each style, what ends any of them; all empty where there are no colours."""

    title: str = ""
    header: str = ""
    total: str = ""
    bar: str = ""
    faint: str = ""
    warning: str = ""
    good: str = ""
    bad: str = ""
    off: str = ""


PLAIN = Palette()


class Screen(NamedTuple):
    """Where a table is printed; without Unicode, encoding is what names can be written in."""

    width: int = TEXT_WIDTH
    unicode: bool = True
    palette: Palette = PLAIN
    encoding: str = "ascii"

    @property
    def text_width(self) -> int:
        """The width of sentences and pictures; that of tables is `width`."""
        return self.width if self.width < PIPE_WIDTH else TEXT_WIDTH

    def text(self, text: str) -> str:
        """Text -> the same as this screen can show it: our signs spelt out, `?` for what is left."""
        if self.unicode or text.isascii():
            return text
        return text.translate(ASCII).encode(self.encoding, "replace").decode(self.encoding)


def encoding() -> str:
    """Encoding of standard output."""
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def knows_unicode() -> bool:
    """Whether standard output can show every character."""
    return encoding().lower().startswith("utf")


def screen(to_file: bool = False) -> Screen:
    """The screen that standard output is."""
    unicode = to_file or knows_unicode()
    terminal = sys.stdout is not None and sys.stdout.isatty()  # None where standard output is closed
    if to_file or not (terminal or os.environ.get("FORCE_COLOR")):
        columns = os.environ.get("COLUMNS", "")
        width = int(columns) if re.fullmatch("[0-9]{1,5}", columns) and int(columns) else PIPE_WIDTH
        return Screen(max(20, width), unicode, PLAIN, encoding())
    from rich.console import Console

    console = Console()
    return Screen(max(20, console.width), unicode, palette(has_colours(console)), encoding())


def has_colours(console: Console) -> bool:
    """Whether a console is to have colours: NO_COLOR and a dumb terminal have none."""
    return console.color_system is not None and not console.no_color


def palette(colours: bool) -> Palette:
    if not colours:
        return PLAIN
    from rich.color import ColorSystem
    from rich.style import Style

    starts = [
        Style.parse(style).render("\0", color_system=ColorSystem.STANDARD).split("\0")[0] for style in STYLES.values()
    ]
    return Palette._make((*starts, "\x1b[0m"))
