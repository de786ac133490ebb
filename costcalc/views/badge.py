"""A figure of a model, or a CheckResult -> Badge: two short texts and what they mean."""

from __future__ import annotations

from typing import Literal, NamedTuple

from costcalc.analysis.report import open_remedy
from costcalc.core.dim import Poly, symbols
from costcalc.core.errors import OpenQuantityError
from costcalc.core.quantity import SIGNS, Figure, QuantityRef
from costcalc.core.units import format_bytes, format_short
from costcalc.studies.check.verdict import CheckResult
from costcalc.views.check import headline
from costcalc.views.figures import figure_text

BadgeState = Literal["plain", "good", "warning", "bad", "unknown"]


class Badge(NamedTuple):
    """The text on the left, the one on the right, and what that means, which its colour says."""

    label: str
    message: str
    state: BadgeState


def figure_badge(ref: QuantityRef, figure: Figure, label: str = "") -> Badge:
    """A figure -> `MACs | 569 M`, rounded to three digits; a bound and an estimate keep their sign. A yes or no is good
    or bad. OpenQuantityError of a formula, which no badge has room for."""
    label, value = label or ref.label, figure.value
    if isinstance(value, bool):
        return Badge(label, "yes" if value else "no", "good" if value else "bad")
    if isinstance(value, Poly):
        names = symbols(value)
        raise OpenQuantityError(f"{ref.key} depends on {', '.join(names)}", open_remedy(names))
    if isinstance(value, int):
        text = format_bytes(value) if ref.quantity.unit == "bytes" else format_short(value)
        return Badge(label, SIGNS[figure.certainty] + text, "plain")
    return Badge(label, figure_text(ref, figure), "plain")


def verdict_badge(result: CheckResult, label: str = "") -> Badge:
    """A check -> its headline: `costcalc | all 6 limits are kept`."""
    states: dict[str, BadgeState] = {"kept": "good", "exceeded": "bad"}
    state = states.get(result.outcome, "unknown")
    has_warnings = bool(result.broken_rules) or any(verdict.outcome == "exceeded" for verdict in result.verdicts)
    return Badge(label or "costcalc", headline(result), "warning" if state == "good" and has_warnings else state)
