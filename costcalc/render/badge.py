"""Badge -> an SVG picture of one line, or the JSON that a badge of shields.io's kind `endpoint` is drawn from."""

from __future__ import annotations

import json

from costcalc.core.sanitize import escape_controls, printable
from costcalc.core.sanitize import escape_html as escape
from costcalc.render.layout import shorten_middle
from costcalc.render.svg import LIGHT
from costcalc.views.badge import Badge, BadgeState

COLOURS: dict[BadgeState, str] = {
    "plain": LIGHT["bar"],
    "good": LIGHT["good"],
    "warning": LIGHT["warning"],
    "bad": LIGHT["bad"],
    "unknown": LIGHT["faint"],
}
"""White letters on each have a contrast of 4.5 at least."""

ENDPOINT_COLOURS: dict[BadgeState, str] = {
    "plain": "blue",
    "good": "brightgreen",
    "warning": "yellow",
    "bad": "red",
    "unknown": "lightgrey",
}

LABEL_COLOUR = "#444c56"

HEIGHT, PADDING = 20, 7

MAX_TEXT = 80
"""Characters of a text; the middle of a longer one is left out."""

NARROW, WIDE = frozenset("fijlrtI.,:;|!'()[]- "), frozenset("mwMW@%≥≤≈")

CHARACTER_WIDTHS = {"narrow": 4.2, "wide": 9.8, "other": 7.0}
"""Of Verdana at 11 pixels, rounded; the picture's textLength holds other fonts to them."""


def svg(badge: Badge) -> str:
    """A badge -> its SVG, 20 pixels high, which says its texts to screen readers too."""
    label, message = _texts(badge)
    left, right = (_text_width(text) + 2 * PADDING for text in (label, message))
    title = escape(f"{label}: {message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}" role="img" '
        f'aria-label="{title}"><title>{title}</title>'
        f'<clipPath id="r"><rect width="{left + right}" height="{HEIGHT}" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="{HEIGHT}" fill="{LABEL_COLOUR}"/>'
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" fill="{COLOURS[badge.state]}"/></g>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">'
        f"{_text(label, PADDING)}{_text(message, left + PADDING)}</g></svg>"
    )


def endpoint(badge: Badge) -> str:
    """A badge -> the document that shields.io's endpoint badge reads."""
    label, message = _texts(badge)
    document = {
        "schemaVersion": 1,
        "label": label,
        "message": message,
        "color": ENDPOINT_COLOURS[badge.state],
        **({"isError": True} if badge.state in ("bad", "unknown") else {}),
    }
    return escape_controls(json.dumps(document, ensure_ascii=False))


def _texts(badge: Badge) -> tuple[str, str]:
    label, message = (shorten_middle(printable(text), MAX_TEXT) for text in (badge.label, badge.message))
    return label, message or "?"


def _text(text: str, x: int) -> str:
    return (
        f'<text x="{x}" y="14" textLength="{_text_width(text)}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
    )


def _text_width(text: str) -> int:
    kinds = ["narrow" if c in NARROW else "wide" if c in WIDE or ord(c) > 0x2E7F else "other" for c in text]
    return max(1, round(sum(CHARACTER_WIDTHS[kind] for kind in kinds)))
