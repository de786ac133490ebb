"""Exact amounts -> JSON that JavaScript reads without loss: large integers as digits, formulas as text and order."""

from __future__ import annotations

from typing import Any

from costcalc.core.amount import Amount, AtLeast, magnitude
from costcalc.dim import Poly
from costcalc.units import exact

LARGEST = 2**53
"""JavaScript's numbers are exact below this."""

FAR = 10**300
"""Formulas are put in order by floats; what is beyond this is all the same."""


def figure(value: Amount) -> Any:
    """1234; "9007199254740993" where a number would lose digits; {"text": "3·seq²", "order": [2, 3]}; {"least": …};
    null where it is not known."""
    if isinstance(value, AtLeast):
        return {"least": figure(value.value)}
    if isinstance(value, Poly):
        degree, coefficient = magnitude(value)
        return {"text": exact(value), "order": [degree, float(max(-FAR, min(FAR, coefficient)))]}
    if value is None or abs(value) < LARGEST:
        return value
    return str(value)
