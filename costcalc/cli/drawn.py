"""Charts go where they are wanted: the terminal, an SVG, a PNG, a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from costcalc.cli.output import emit, emit_bytes
from costcalc.errors import UsageError

if TYPE_CHECKING:
    from costcalc.plotting.charts import Chart

OTHERS = ("pdf", "jpg", "jpeg", "gif", "webp", "eps", "ps", "tif", "tiff", "bmp", "json", "csv", "xlsx", "pptx",
          "parquet")  # fmt: skip
"""Endings under which nobody looks for text."""
WORDS = ("text", "table", "markdown")
"""Formats that are no endings."""


def by_ending(form: str | None, output: str | None, forms: Sequence[str]) -> str:
    """The format that is asked for, else the one that the file's ending names, else the first. UsageError where it
    names one that there is not."""
    ending = Path(output).suffix[1:].lower() if output else ""
    if not form and ending in OTHERS and ending not in forms:
        fact = f"{output} would be {ending.upper()}, which is not written here"
        endings = ", ".join(f".{name}" for name in forms if name not in WORDS)
        raise UsageError(fact, f"name a file that ends in {endings}, or give --format")
    return form or (ending if ending in forms else forms[0])


def draw(charts: Sequence[Chart], form: str, output: str | None) -> None:
    """Draws charts as text, svg, png or html. UsageError where a package is missing or a file cannot be written."""
    if form == "text":
        from costcalc.drawing import text
        from costcalc.render.palette import screen

        emit(text.render(charts, screen(output is not None)), output)
    elif form == "html":
        from costcalc.drawing import page

        emit_bytes(page.render(charts).encode(), output)
    else:
        from costcalc.drawing import picture

        emit_bytes(picture.render(charts, form), output)
