"""An SVG as a PNG: resvg draws it with the fonts of the machine."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from costcalc.errors import UsageError

ZOOM = 2
"""Pixels for each unit of the SVG: sharp on screens of today."""
LARGEST = 20_000
"""Pixels of a side; a longer table is no picture."""
MONOSPACE = "DejaVu Sans Mono"


def render(svg: str) -> bytes:
    """The picture. UsageError without the extra package, without a font, and of a table that is too long."""
    draw = _resvg()
    height = int(svg.split('height="', 1)[1].split('"', 1)[0])
    if height * ZOOM > LARGEST:
        raise UsageError(
            f"the picture would be {height * ZOOM:,} pixels high", "show fewer rows (--top 50), or take --format svg"
        )
    if not _has_font():
        raise UsageError("there is no font to draw letters with", "install one such as DejaVu Sans Mono")
    return bytes(draw(svg_string=svg, zoom=ZOOM, monospace_family=MONOSPACE))


def _resvg() -> Any:
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise UsageError(
            "PNG needs the package resvg-py", "pip install 'costcalc[pictures]', or take --format svg"
        ) from error
    return svg_to_bytes


@lru_cache(maxsize=1)
def _has_font() -> bool:
    """Whether a letter leaves a mark: without fonts, resvg draws none and says nothing."""
    text = '<text y="8" font-family="monospace">{}</text>'
    page = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{text}</svg>'
    one, other = (_resvg()(svg_string=page.format(text), monospace_family=MONOSPACE) for text in ("M", ""))
    return bytes(one) != bytes(other)
