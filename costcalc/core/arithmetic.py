"""Operators and functions of YAML expressions: ints, Fractions and symbolic extents -> the exact value."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from costcalc.core.dim import Dim, Poly, divide, maximum, minimum
from costcalc.core.errors import ExpressionError

MAX_BITS = 256


def reduce_fraction(value: Any) -> Any:
    """A Fraction without a fractional part -> an int; every other value as it is."""
    return value.numerator if not isinstance(value, (int, Poly)) and value.denominator == 1 else value


def _divide(a: Any, b: Any) -> Any:
    if isinstance(a, Poly) or isinstance(b, Poly):
        result = divide(a, b) if isinstance(a, (int, Poly)) and isinstance(b, (int, Poly)) else None
        if result is None:
            raise ExpressionError(f"{a} / {b} is not a whole number for every size", "use //")
        return result
    from fractions import Fraction

    return Fraction(a) / Fraction(b)


def _power(a: Any, b: Any) -> Any:
    if not isinstance(b, int) or abs(b) > MAX_BITS:
        raise ExpressionError(f"the exponent {b} is not a small whole number", "use a smaller one")
    if isinstance(a, int) and a.bit_length() * abs(b) > 4 * MAX_BITS:
        raise ExpressionError(f"{a} ** {b} is too large", "use a smaller exponent")
    if isinstance(a, int) and b < 0:
        return _divide(1, a**-b)
    return a**b


def _exact(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(a: Any, b: Any) -> Any:
        if (isinstance(a, Poly) or isinstance(b, Poly)) and not (
            isinstance(a, (int, Poly)) and isinstance(b, (int, Poly))
        ):
            raise ExpressionError(f"{a} and {b} do not mix", "an extent that is a symbol takes whole numbers only")
        return f(a, b)

    return apply


OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: _exact(lambda a, b: a + b),
    ast.Sub: _exact(lambda a, b: a - b),
    ast.Mult: _exact(lambda a, b: a * b),
    ast.Div: _divide,
    ast.FloorDiv: _exact(lambda a, b: a // b),
    ast.Mod: _exact(lambda a, b: a % b),
    ast.Pow: _power,
}


def make_divisible(value: Any, divisor: Any = 8, least: Any = None) -> Any:
    """The nearest multiple of divisor, not below `least` (divisor) and not more than 10 % below the value
    (the MobileNet papers' rounding of channels)."""
    if not isinstance(divisor, int) or divisor < 1:
        raise ExpressionError(f"make_divisible by {divisor}", "the divisor is a whole number of at least 1")
    least = divisor if least is None else least
    rounded = max(least, int(value + _divide(divisor, 2)) // divisor * divisor)
    return rounded + divisor if rounded * 10 < value * 9 else rounded


def _fold(f: Callable[[Dim, Dim], Dim], builtin: Callable[..., Any]) -> Callable[..., Any]:
    def fold(first: Any, *operands: Any) -> Any:
        if any(isinstance(x, Poly) for x in (first, *operands)):
            for x in operands:
                first = f(first, x)
            return first
        return builtin((first, *operands))

    return fold


def _rounding(name: str) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        if isinstance(value, (int, Poly)):
            return value
        if name == "round":
            return round(value)
        return value.__floor__() if name == "floor" else value.__ceil__()

    return apply


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": _fold(minimum, min),
    "max": _fold(maximum, max),
    "round": _rounding("round"),
    "floor": _rounding("floor"),
    "ceil": _rounding("ceil"),
    "make_divisible": make_divisible,
}
