"""The terminal: its width, whether it knows colours and Unicode. rich is asked, and imported, only for a terminal."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

PIPE_WIDTH = 100
"""Columns of a line that goes to no terminal, unless COLUMNS says otherwise."""

STYLES = {"title": "bold", "header": "bold dim", "total": "bold", "bar": "cyan", "faint": "dim", "warning": "yellow"}


class Palette(NamedTuple):
    """What starts each style, what ends any of them; all empty where there are no colours."""

    title: str = ""
    header: str = ""
    total: str = ""
    bar: str = ""
    faint: str = ""
    warning: str = ""
    off: str = ""


PLAIN = Palette()


class Screen(NamedTuple):
    """Where a table is printed."""

    width: int = PIPE_WIDTH
    unicode: bool = True
    palette: Palette = PLAIN


def screen(to_file: bool = False) -> Screen:
    """The screen that standard output is."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    unicode = to_file or encoding.startswith("utf")
    if to_file or not (sys.stdout.isatty() or os.environ.get("FORCE_COLOR")):
        given = os.environ.get("COLUMNS", "")
        return Screen(max(20, int(given)) if given.isdigit() and int(given) else PIPE_WIDTH, unicode)
    from rich.console import Console

    console = Console()
    return Screen(max(20, console.width), unicode, palette(console.color_system is not None))


def palette(colours: bool) -> Palette:
    if not colours:
        return PLAIN
    from rich.color import ColorSystem
    from rich.style import Style

    starts = [
        Style.parse(style).render("\0", color_system=ColorSystem.STANDARD).split("\0")[0] for style in STYLES.values()
    ]
    return Palette._make((*starts, "\x1b[0m"))
