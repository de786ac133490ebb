"""Amounts -> JSON that JavaScript reads without loss: large integers as digits, formulas as text and order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.core.amount import Amount, LowerBound, magnitude
from costcalc.core.dim import Poly
from costcalc.core.errors import QuantityError
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.core.units import format_count
from costcalc.studies.compare import amount_ratio
from costcalc.views.figures import figure_amount

MAX_SAFE_INTEGER = 2**53
"""JavaScript's numbers are exact below this."""

MAX_ORDER = 10**300
"""Formulas are put in order by floats; what is beyond this is all the same."""


def amount_data(value: Amount) -> Any:
    """1234; "9007199254740993" where a number would lose digits; {"text": "3·seq²", "order": [2, 3]}; {"least": …};
    null where it is not known."""
    if isinstance(value, LowerBound):
        return {"least": amount_data(value.value)}
    if isinstance(value, Poly):
        degree, coefficient = magnitude(value)
        return {"text": format_count(value), "order": [degree, float(max(-MAX_ORDER, min(MAX_ORDER, coefficient)))]}
    if value is None or abs(value) < MAX_SAFE_INTEGER:
        return value
    return str(value)


def figure_data(ref: QuantityRef, figure: Figure | QuantityError) -> Any:
    """A figure for the page: an amount, or its text where it is none, which stands below all amounts in an order."""
    amount = figure_amount(ref, figure)
    return {"text": amount, "order": [-1, 0]} if isinstance(amount, str) else amount_data(amount)


def side_by_side(amounts: Sequence[Any]) -> list[Any]:
    """Amounts → the amounts for JSON, and their ratios to the first."""
    return [[amount_data(a) for a in amounts], [amount_ratio(a, amounts[0]) for a in amounts]]
