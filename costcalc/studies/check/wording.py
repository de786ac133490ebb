"""Figures of verdicts → words. Two figures that differ never read as equal."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from costcalc.core.dim import Dim, bounds
from costcalc.core.units import exact, percent_exact, scaled
from costcalc.studies.check.verdict import Figure, Place, Verdict

EXACT = ("count", "bytes")
"""Kinds of figures that are whole numbers or formulas, which are written out in full."""

MOST = 60
"""Digits that are added at most to tell two figures apart."""


def kind(quantity: str) -> str:
    """count or bytes."""
    return "bytes" if quantity.endswith("bytes") else "count"


MOST_IS = {
    "CC007": "the largest output that is then alive is of",
    "CC009": "longest takes",
    "CC010": "the first too many is",
}
"""How the layer is told that a broken limit points at, where it is not the one with the largest part of a sum."""


def told(value: Any, kind: str, more: int = 0) -> str:
    """1,234,567; 1,234 bytes; 2.10 ms; 30.0%; ? where it is not known."""
    if value is None:
        return "?"
    if kind == "seconds":
        return f"-{scaled(-value, 's', more)}" if value < 0 else scaled(Fraction(value), "s", more)
    if kind == "share":
        return percent_exact(Fraction(value), more)
    text = exact(value)
    return f"{text} {'byte' if value == 1 else 'bytes'}" if kind == "bytes" else text


def apart(value: Any, limit: Any, kind: str) -> tuple[str, str]:
    """Both figures, with as many digits as tell them apart; counts and formulas are exact as they are."""
    if kind in EXACT:
        return told(value, kind), told(limit, kind)
    for more in range(MOST):
        both = told(value, kind, more), told(limit, kind, more)
        if both[0] != both[1] or value == limit or None in (value, limit):
            return both
    return str(value), str(limit)


def difference(value: Any, kind: str) -> str:
    """The distance of two figures, never nothing where there is some."""
    if kind in EXACT:
        return told(value, kind)
    for more in range(MOST):
        text = told(value, kind, more)
        if not value or any(c in "123456789" for c in text):
            return text
    return str(value)


def relative(part: Any, whole: Any) -> str:
    """` (+2.3%)`, or "" where that is no number."""
    if not isinstance(part, (int, Fraction)) or not isinstance(whole, (int, Fraction)) or not whole:
        return ""
    return f" ({percent_exact(Fraction(part) / Fraction(whole), sign=True)})"


def place(where: Place | None) -> str:
    """file:line:column, without what is not known."""
    if where is None:
        return ""
    return ":".join([where.file, *(str(n) for n in (where.line, where.column) if n)]) if where.line else where.file


def remedy(verdict: Verdict, elsewhere: bool = False) -> str:
    """What to do about an exceeded limit: the layer and its line, or the limit and its line. elsewhere says that the
    baseline is another revision's, which no `costcalc lock` here changes."""
    do = "replace {}" if verdict.code == "CC010" else "make {} cheaper"
    layer = f"{do.format(verdict.layer)}{at(verdict.place)}" if verdict.layer else ""
    if verdict.code.startswith("CC2") and not elsewhere:
        other = "where the growth is meant, run `costcalc lock`"
    else:
        limit = place(verdict.limit_place)
        other = f"raise the limit at {limit}" if limit else "raise the limit"
    return f"{layer}, or {other}" if layer else other


def at(where: Place | None) -> str:
    """` at net.yaml:12:5`, or "" where there is no line."""
    return f" at {place(where)}" if where is not None else ""


def culprit(verdict: Verdict) -> str:
    """The layer to look at in words: `block3/conv takes 45.1%`, `block3/conv grew from 100 to 200 (+100)`."""
    if not verdict.layer:
        return ""
    if verdict.grown is None:
        share = "" if verdict.share is None else f" ({percent_exact(verdict.share)})"
        n = verdict.others
        others = f", and {n:,} more {'layer is' if n == 1 else 'layers are'} above it" if n else ""
        return f"{MOST_IS.get(verdict.code, 'most is in')} {verdict.layer}{share}{others}"
    _, before, after, follower, more = verdict.grown
    rise: Dim = after - before
    behind = f", and {follower} follows with +{exact(more)}" if follower else ""
    if before == 0:
        return f"{verdict.layer} is new and takes {exact(after)}{behind}"
    how = "was changed and grew" if follower else "grew most,"
    size = f"(+{exact(rise)}{relative_to(rise, before)})"
    return f"{verdict.layer} {how} from {exact(before)} to {exact(after)} {size}{behind}"


def relative_to(part: Dim, whole: Dim) -> str:
    """`, +100.0%`."""
    found = relative(part, whole)
    return f", {found[2:-1]}" if found else ""


def left(value: Figure, limit: Figure, kind: str, least: bool = False) -> str:
    """`31,259,648 left (5.2%)`, `exceeded by 1 (<0.1%)`; of shares `exceeded by 4.2 points`; least: by at least."""
    if value is None or limit is None:
        return ""
    gap: Any = limit - value  # type: ignore[operator]
    over = gap < 0 if isinstance(gap, (int, Fraction)) else bounds(gap)[1] < 0
    size, part = difference(-gap if over else gap, kind), relative(-gap if over else gap, limit).replace("(+", "(")
    if kind == "share":
        size, part = f"{size.removesuffix('%')} points", ""
    return f"exceeded by {'at least ' if least else ''}{size}{part}" if over else f"{size} left{part}"
