"""Where the answer goes: standard output, or a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from costcalc.errors import UsageError

if TYPE_CHECKING:
    from costcalc.sheet import Sheet


def show(sheets: Sequence[Sheet], form: str, output: str | None, keep_all: bool = False) -> None:
    """Prints sheets in a format."""
    from costcalc import render
    from costcalc.render.palette import screen

    if form == "json":
        from costcalc.render import json

        emit(json.dump({sheet.title: json.rows(sheet) for sheet in sheets}), output)
    else:
        emit(render.sheets(form, sheets, screen(output is not None), keep_all), output)


def emit(text: str, output: str | None) -> None:
    """Writes a text and a newline. UsageError where the file cannot be written."""
    if output is not None:
        try:
            Path(output).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{output} cannot be written: {error.strerror}", "name another file with -o") from error
        return
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    sys.stdout.write(text + "\n")
