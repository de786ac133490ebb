"""Figures of layers -> their sum: exact, a LowerBound where a part is unknown, None where all are; order and JSON."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

from costcalc.core.dim import Dim, Poly, format_formula, sum_dims


class LowerBound(NamedTuple):
    """A sum with unknown parts: what is known of it."""

    value: Dim


Amount = Dim | LowerBound | None


def sum_amounts(amounts: Iterable[Dim | None]) -> Amount:
    """Amounts -> their sum; a LowerBound where a part is unknown, None where all are."""
    amounts = list(amounts)
    exact = [amount for amount in amounts if amount is not None]
    if len(exact) == len(amounts):
        return sum_dims(exact)
    return LowerBound(sum_dims(exact)) if exact else None


def difference(after: Dim | Fraction, before: Dim | Fraction) -> Dim | Fraction:
    """after - before of two figures of one quantity: counts, formulas, or numbers of a continuous unit."""
    if isinstance(after, Fraction) or isinstance(before, Fraction):
        return after - before  # type: ignore[operator]  # a formula has no continuous unit
    return after - before


def is_formula(value: Any) -> bool:
    """Whether a figure still holds open symbols."""
    return isinstance(value.value if isinstance(value, LowerBound) else value, Poly)


def magnitude(amount: Amount | Fraction) -> tuple[int, Any]:
    """A figure -> a key to sort by: a formula by its degree and leading coefficient, the unknown last."""
    if isinstance(amount, LowerBound):
        amount = amount.value
    if isinstance(amount, Poly):
        return max((sum(n for _, n in m), c) for m, c in amount.terms.items())
    return (-1, 0) if amount is None else (0, amount)


def json_amount(d: Dim | None) -> int | str | None:
    """A quantity or an extent for programs (JSON, CSV, lock files): an int, None, or a formula's text that `dim.parse`
    reads back, in which a symbol that is no identifier stands between backquotes: 3*`batch-size` + seq."""
    return format_formula(d) if isinstance(d, Poly) else d
