"""Charts go where they are wanted: the terminal, an SVG, a PNG, a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from costcalc.cli.output import emit, emit_bytes

if TYPE_CHECKING:
    from costcalc.plotting.charts import Chart


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
