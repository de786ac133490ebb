"""Formulas over whole columns of symbols' values, in exact integers: numpy's where they hold every intermediate result,
Python's where they may not.

What may overflow is decided before it is computed: from the least and the greatest value of each symbol follows, in
Python's integers, how large each power, product and partial sum can be at most. Below 2^63 a column is of int64, else
it holds Python integers. Nothing wraps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.core.dim import Atom, Dim, Monomial, Poly
from costcalc.core.errors import ShapeError

INT64_MAX = 2**63 - 1

Array = Any


class IntegerColumn(NamedTuple):
    """Values, and the interval that they lie in."""

    values: Array
    low: int
    high: int

    @property
    def max_magnitude(self) -> int:
        return max(abs(self.low), abs(self.high))


class Columns:
    """The columns of symbols, and of every atom and product that was computed of them so far."""

    def __init__(self, symbols: Mapping[str, Any]) -> None:
        import numpy as np

        self.np = np
        self.length = len(next(iter(symbols.values()))) if symbols else 1
        self.atoms: dict[str, IntegerColumn] = {}
        self.products: dict[Monomial, IntegerColumn] = {}
        for name, values in symbols.items():
            array = values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
            low, high = int(array.min()), int(array.max())
            kind = np.int64 if max(abs(low), abs(high)) <= INT64_MAX else object
            self.atoms[name] = IntegerColumn(array.astype(kind), low, high)

    def evaluate(self, formula: Dim) -> IntegerColumn:
        """Formula -> its column."""
        np = self.np
        if isinstance(formula, int):
            kind = np.int64 if abs(formula) <= INT64_MAX else object
            return IntegerColumn(np.full(self.length, formula, dtype=kind), formula, formula)
        products = [
            (self.product(monomial), coefficient) for monomial, coefficient in formula.terms.items() if monomial
        ]
        constant = formula.terms.get((), 0)
        max_magnitude = abs(constant) + sum(
            abs(coefficient) * product.max_magnitude for product, coefficient in products
        )
        exceeds_int64 = max_magnitude > INT64_MAX
        total: Array = constant
        low = high = constant
        for product, coefficient in products:
            total = total + (product.values.astype(object) if exceeds_int64 else product.values) * coefficient
            low += min(coefficient * product.low, coefficient * product.high)
            high += max(coefficient * product.low, coefficient * product.high)
        return IntegerColumn(total, low, high)

    def product(self, monomial: Monomial) -> IntegerColumn:
        """The column of a product of powers."""
        column = self.products.get(monomial)
        if column is None:
            *leading, (atom, n) = monomial
            factor = self.atom(atom)
            column = factor if n == 1 else self._times(self.product(((atom, n - 1),)), factor)
            if leading:
                column = self._times(self.product(tuple(leading)), column)
            self.products[monomial] = column
        return column

    def _times(self, a: IntegerColumn, b: IntegerColumn) -> IntegerColumn:
        corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        low, high = min(corners), max(corners)
        if max(abs(low), abs(high)) > INT64_MAX:
            return IntegerColumn(a.values.astype(object) * b.values, low, high)
        return IntegerColumn(a.values * b.values, low, high)

    def atom(self, atom: Atom) -> IntegerColumn:
        """The column of a symbol, a quotient, a minimum or a maximum."""
        column = self.atoms.get(atom.key)
        if column is None:
            a, b = (self.evaluate(x) for x in atom.args)
            column = self.atoms[atom.key] = self._quotient(a, b) if atom.op == "//" else self._extreme(atom.op, a, b)
        return column

    def _quotient(self, a: IntegerColumn, b: IntegerColumn) -> IntegerColumn:
        if not self.np.all(b.values != 0):
            raise ShapeError("an extent is divided by zero", "check the extents and the strides")
        return self._measure_bounds(a.values // b.values)

    def _extreme(self, op: str, a: IntegerColumn, b: IntegerColumn) -> IntegerColumn:
        exceeds_int64 = object in (a.values.dtype, b.values.dtype)
        x, y = (a.values.astype(object), b.values.astype(object)) if exceeds_int64 else (a.values, b.values)
        return self._measure_bounds((self.np.minimum if op == "min" else self.np.maximum)(x, y))

    def _measure_bounds(self, values: Array) -> IntegerColumn:
        return IntegerColumn(values, int(values.min()), int(values.max()))

    def greatest(self, formulas: Sequence[Dim]) -> IntegerColumn:
        """The greatest of several formulas at each place."""
        greatest = self.evaluate(formulas[0])
        for formula in formulas[1:]:
            greatest = self._extreme("max", greatest, self.evaluate(formula))
        return greatest


def is_open(*dims: Dim | None) -> bool:
    """Whether a formula is among them."""
    return any(isinstance(d, Poly) for d in dims)
