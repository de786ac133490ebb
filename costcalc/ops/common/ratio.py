"""Exact numbers in the float tensors that shapes pass through: exporters write ⌈h / 16⌉ as Cast → Div → Ceil → Cast.

An element of such a tensor is a float or, where it depends on a symbol, a Dim or an ExtentRatio. Runtimes compute it in
floating point; a result is given only where they get the same integer (numerators below 2²⁴), else None.
"""

from __future__ import annotations

import math
import struct
from typing import NamedTuple, Union

from costcalc.core.dim import Dim, Poly, bounds, divide, maximum, minimum, terms_of
from costcalc.core.ir import DType


class ExtentRatio(NamedTuple):
    """num / den in lowest terms, den > 1."""

    num: Poly
    den: int

    def __str__(self) -> str:
        return f"({self.num})/{self.den}"


Number = Union[float, Dim, ExtentRatio]

MAX_FRACTION_BITS = 1 << 10
"""The largest denominator (a power of two) of a float that is taken for an exact fraction: 0.5, 2.125, not 0.1."""

OVERFLOW16 = 65520
"""The least number that float16 rounds to infinity."""


def is_symbolic(x: Number) -> bool:
    """Whether x depends on a symbol."""
    return isinstance(x, (Poly, ExtentRatio))


def ratio(num: Dim, den: int) -> Number:
    """num / den for den >= 1."""
    common = math.gcd(den, *(c for _, c in terms_of(num)))
    if common > 1:
        num, den = num // common, den // common
    if den == 1:
        return num
    return ExtentRatio(num, den) if isinstance(num, Poly) else num / den


def fraction(x: Number) -> tuple[Dim, int] | None:
    """(numerator, denominator) of a Dim, a Ratio or a float of few bits; None of any other float."""
    if isinstance(x, ExtentRatio):
        return x.num, x.den
    if not isinstance(x, float):
        return x, 1
    if not math.isfinite(x):
        return None
    num, den = x.as_integer_ratio()
    return (num, den) if den <= MAX_FRACTION_BITS else None


def add(a: Number, b: Number) -> Number | None:
    """a + b."""
    p, q = fraction(a), fraction(b)
    if p is None or q is None:
        return None
    return ratio(p[0] * q[1] + q[0] * p[1], p[1] * q[1])


def subtract(a: Number, b: Number) -> Number | None:
    """a - b."""
    return add(a, negate(b))


def negate(a: Number) -> Number:
    """-a."""
    return ratio(-a.num, a.den) if isinstance(a, ExtentRatio) else -a


def multiply(a: Number, b: Number) -> Number | None:
    """a × b; None where a factor is rounded (h/3) and the other could bring the error up to an integer."""
    p, q = fraction(a), fraction(b)
    if p is None or q is None:
        return None
    if not ((_is_power_of_two(p[1]) or _is_power_of_two(q[0])) and (_is_power_of_two(q[1]) or _is_power_of_two(p[0]))):
        return None
    return ratio(p[0] * q[0], p[1] * q[1])


def quotient(a: Number, b: Number) -> Number | None:
    """a / b, for a divisor without symbols or one that divides a."""
    p, q = fraction(a), fraction(b)
    if p is None or q is None:
        return None
    num, den = p[0] * q[1], q[0]
    if isinstance(den, int):
        if den == 0:
            return None
        return ratio(num if den > 0 else -num, p[1] * abs(den))
    exact = divide(num, den) if _is_power_of_two(p[1]) and _is_power_of_two(q[1]) else None
    return None if exact is None else ratio(exact, p[1])


def _is_power_of_two(n: Dim) -> bool:
    return isinstance(n, int) and abs(n).bit_count() == 1


def floor(a: Number) -> Dim | None:
    """⌊a⌋; None of an infinity."""
    if isinstance(a, float):
        return math.floor(a) if math.isfinite(a) else None
    return a.num // a.den if isinstance(a, ExtentRatio) else a


def ceil(a: Number) -> Dim | None:
    """⌈a⌉; None of an infinity."""
    if isinstance(a, float):
        return math.ceil(a) if math.isfinite(a) else None
    return (a.num + (a.den - 1)) // a.den if isinstance(a, ExtentRatio) else a


def truncate(a: Number) -> Dim | None:
    """a without its fraction, as a Cast to an integer type takes it; None of an infinity."""
    if isinstance(a, float):
        return math.trunc(a) if math.isfinite(a) else None
    return divide_truncating(a.num, a.den) if isinstance(a, ExtentRatio) else a


def round_even(a: Number) -> Dim | None:
    """The nearest integer, of two the even one; None where a tie depends on a symbol."""
    if isinstance(a, float):
        return round(a) if math.isfinite(a) else None
    if not isinstance(a, ExtentRatio):
        return a
    return (2 * a.num + a.den) // (2 * a.den) if a.den % 2 else None


def divide_truncating(num: Dim, den: Dim) -> Dim | None:
    """num / den rounded toward zero, as integer tensors divide; None where the sign of a symbolic den is open."""
    low, high = bounds(den)
    if low <= 0 <= high:
        return None
    if high < 0:
        num, den = -num, -den
    floor_quotient = num // den
    low, high = bounds(num)
    if low >= 0:
        return floor_quotient
    ceil_quotient = -((-num) // den)
    return ceil_quotient if high <= 0 else maximum(floor_quotient, 0) + minimum(ceil_quotient, 0)


def difference(a: Number, b: Number) -> tuple[float, float]:
    """Bounds (low, high) of a number with the sign of a - b."""
    p, q = fraction(a), fraction(b)
    if p is not None and q is not None:
        return bounds(p[0] * q[1] - q[0] * p[1])
    (a_low, a_high), (b_low, b_high) = _interval(a), _interval(b)
    return _sign(a_low, b_high), _sign(a_high, b_low)


def _interval(x: Number) -> tuple[float, float]:
    if isinstance(x, ExtentRatio):
        low, high = bounds(x.num)
        return low / x.den, high / x.den
    return (x, x) if isinstance(x, float) else bounds(x)


def _sign(a: float, b: float) -> int:
    return (a > b) - (a < b)


def store_element(x: Number | None, dtype: DType) -> Number | None:
    """x as an element of dtype: floats are rounded, integers wrap around. None where that is not followed (NaN,
    bfloat16, the 8-bit floats)."""
    if x is None or isinstance(x, (Poly, ExtentRatio)):
        return x
    if dtype.is_float:
        return _round_float(float(x), dtype) if x == x else None
    if dtype.is_integer and isinstance(x, int):
        low = 0 if dtype.label[0] == "u" else -(1 << (dtype.bits - 1))
        return (x - low) % (1 << dtype.bits) + low
    return x


def _round_float(x: float, dtype: DType) -> float | None:
    if dtype is DType.FLOAT64:
        return x
    if dtype is DType.FLOAT32:
        from array import array  # a shared library that models without float arithmetic in their shapes do without

        return array("f", (x,))[0]
    if dtype is DType.FLOAT16:
        return struct.unpack("e", struct.pack("e", x))[0] if abs(x) < OVERFLOW16 else math.copysign(math.inf, x)
    return None
