"""Polynomials -> their bounds, comparisons, minimum and maximum, and their floor division in normal form.

Floor division gives a polynomial where it is exact, else an atom.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

from costcalc.core.budget import MAX_BITS, MAX_TERMS, spend
from costcalc.core.dim.poly import (
    Atom,
    Dim,
    Monomial,
    Poly,
    bind_remedy,
    make_atom,
    make_poly,
    plain_text,
    symbols,
    terms_of,
    wrap,
)
from costcalc.core.errors import LimitError, ShapeError, UndecidedError

INFINITY = math.inf


def minimum(a: Dim, b: Dim) -> Dim:
    """min(a, b), an atom where it depends on a symbol."""
    return extreme("min", a, b)


def maximum(a: Dim, b: Dim) -> Dim:
    """max(a, b), an atom where it depends on a symbol."""
    return extreme("max", a, b)


def extreme(op: str, a: Dim, b: Dim) -> Dim:
    """min(a, b) or max(a, b) by the name of the operator, an atom where the order depends on a symbol."""
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b) if op == "min" else max(a, b)
    low, high = bounds(a - b)
    if high <= 0:
        return a if op == "min" else b
    if low >= 0:
        return b if op == "min" else a
    first, second = sorted((a, b), key=lambda d: (isinstance(d, Poly), plain_text(d)))
    return make_atom(op, (first, second), f"{op}({first}, {second})")


def bounds(d: Dim) -> tuple[float, float]:
    """Numbers (low, high) with low <= d <= high for all positive values of the symbols; ±infinity where none."""
    return (d, d) if isinstance(d, int) else _poly_bounds(d)


@lru_cache(maxsize=1 << 14)
def _poly_bounds(d: Poly) -> tuple[float, float]:
    try:
        return _lower_bound(d), -_lower_bound(-d)
    except OverflowError as error:  # an int that no float holds
        raise LimitError(f"a formula has numbers above 2^{MAX_BITS:,}", "check the extents") from error


CASES = 3
"""The most minima and maxima of one polynomial that are replaced by their arguments: each doubles the work."""


@lru_cache(maxsize=1 << 14)
def _lower_bound(d: Dim) -> float:
    """A polynomial -> a number below it for all positive symbols. r + min(x, y) is the smaller of r + x and r + y, r -
    min(x, y) the greater of r - x and r - y: this proves that n - min(300, n) is not negative."""
    if isinstance(d, int):
        return d
    spend(len(d.terms))
    single = [(m[0][0], c) for m, c in d.terms.items() if len(m) == 1 and m[0][1] == 1]
    extremes = [(atom, c) for atom, c in single if atom.op in ("min", "max")]
    bound = _shifted_low(d)
    if bound < 0:
        bound = max(bound, _linear_low(d))
    if not extremes or len(extremes) > CASES:
        return bound
    atom, c = extremes[0]
    remainder = d - Poly({((atom, 1),): c})
    x, y = (_lower_bound(remainder + c * argument) for argument in atom.args)
    return max(bound, min(x, y) if (c > 0) == (atom.op == "min") else max(x, y))


def _shifted_low(d: Poly) -> float:
    """A polynomial -> a lower bound: each atom is rewritten as its own lower bound plus a non-negative rest; a negative
    term that is left falls back on interval arithmetic."""
    ranges = {atom: _range(atom) for m in d.terms for atom, _ in m}
    if all(len(m) < 2 and (not m or m[0][1] == 1) for m in d.terms) or _expansion_size(d) > MAX_TERMS:
        return _interval(d, ranges)
    shifted: dict[Monomial, int] = {}
    for m, c in d.terms.items():
        product: Dim = c
        for atom, n in m:
            low = ranges[atom][0]
            excess = make_atom("symbol", (), atom.key)
            product = product * ((excess + int(low)) if low > -INFINITY else excess) ** n
        for monomial, k in terms_of(product):
            shifted[monomial] = shifted.get(monomial, 0) + k
    total: float = 0
    for m, c in shifted.items():
        if not m or not c:
            total += c
            continue
        if c > 0 and all(ranges_low > -INFINITY for ranges_low in (_range_or_positive(ranges, a)[0] for a, _ in m)):
            continue
        span: float = 1
        for atom, n in m:
            low, high = _range_or_positive(ranges, atom)
            if low == -INFINITY or high == INFINITY:
                return _interval(d, ranges)
            span *= (high - low) ** n
        total += c * span
    return max(total, _interval(d, ranges))


def _expansion_size(d: Poly) -> int:
    """The number of terms where each factor x of a polynomial is replaced by a sum of two: a product of k factors has
    2^k."""
    return sum(math.prod(n + 1 for _, n in m) for m in d.terms)


def _linear_low(d: Poly) -> float:
    """A lower bound by (x - n + 1) / n <= x // n <= x / n in every product: this proves that 8·((H + 1)//2) - H is
    positive. -infinity where a divisor is no number, or a factor may be negative."""
    terms: list[tuple[Dim, int]] = []
    has_division = False
    for m, c in d.terms.items():
        product: Dim = c
        denominator = 1
        for atom, n in m:
            divisor = atom.args[1] if atom.op == "//" else None
            if atom.op != "symbol" and not (isinstance(divisor, int) and _lower_bound(atom.args[0]) >= 0):
                return -INFINITY
            factor: Dim = Poly({((atom, 1),): 1})
            if isinstance(divisor, int):
                has_division = True
                factor = atom.args[0] - (divisor - 1 if c > 0 else 0)
                if _lower_bound(factor) < 0:
                    factor = 0
                denominator *= divisor**n
            product = product * factor**n
        terms.append((product, denominator))
    if not has_division:
        return -INFINITY
    common = math.lcm(*(denominator for _, denominator in terms))
    total: Dim = 0
    for product, denominator in terms:
        total = total + product * (common // denominator)
    return _lower_bound(total) / common


def _range_or_positive(ranges: Mapping[Atom, tuple[float, float]], atom: Atom) -> tuple[float, float]:
    return ranges.get(atom, (0, INFINITY))


def _interval(d: Poly, ranges: Mapping[Atom, tuple[float, float]]) -> float:
    total: float = 0
    for m, c in d.terms.items():
        low: float = c
        high: float = c
        for atom, n in m:
            a, b = ranges[atom]
            for _ in range(n):
                corners = [_product(x, y) for x in (low, high) for y in (a, b)]
                low, high = min(corners), max(corners)
        total += low
    return total


def _product(x: float, y: float) -> float:
    return 0 if x == 0 or y == 0 else x * y


def _range(atom: Atom) -> tuple[float, float]:
    if atom.op == "symbol":
        return 1, INFINITY
    return _combine_ranges(atom.op, bounds(atom.args[0]), bounds(atom.args[1]))


def _combine_ranges(op: str, first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    """The range of min(x, y), max(x, y) or x // y, by the ranges of x and y."""
    (a, b), (c, d) = first, second
    if op == "min":
        return min(a, c), min(b, d)
    if op == "max":
        return max(a, c), max(b, d)
    if c < 1:
        return -INFINITY, INFINITY
    corners = [_quotient(x, y) for x in (a, b) for y in (c, d)]
    return min(corners), max(corners)


def _quotient(x: float, y: float) -> float:
    if abs(x) == INFINITY:
        return x
    return (0 if x >= 0 else -1) if y == INFINITY else int(x) // int(y)


def limited_range(d: Dim, limits: Mapping[str, int]) -> tuple[float, float]:
    """Numbers (low, high) with low <= d <= high for all values of the symbols from 0 to their limits; symbols without a
    limit are at least 1. ±infinity where there is none."""
    if isinstance(d, int):
        return d, d
    ranges = {atom: _limited_atom(atom, limits) for m in d.terms for atom, _ in m}
    return _interval(d, ranges), -_interval(Poly({m: -c for m, c in d.terms.items()}), ranges)


def _limited_atom(atom: Atom, limits: Mapping[str, int]) -> tuple[float, float]:
    if atom.op == "symbol":
        return (0, limits[atom.key]) if atom.key in limits else (1, INFINITY)
    return _combine_ranges(atom.op, *(limited_range(argument, limits) for argument in atom.args))


def is_less(a: Dim, b: Dim) -> bool:
    """a < b for all values of the symbols, False where it holds for none, else UndecidedError."""
    low, high = bounds(a - b)
    if high < 0:
        return True
    if low >= 0:
        return False
    raise UndecidedError(f"whether {a} < {b} depends on {', '.join(symbols(a - b))}", bind_remedy(a - b))


def is_equal(a: Dim, b: Dim) -> bool:
    """Whether a == b for all values of the symbols; False where it holds for none; else UndecidedError."""
    difference = a - b
    if isinstance(difference, int):
        return difference == 0
    low, high = bounds(difference)
    if low > 0 or high < 0:
        return False
    raise UndecidedError(f"whether {a} = {b} depends on {', '.join(symbols(difference))}", bind_remedy(difference))


def floordiv(a: Dim, b: Dim) -> Dim:
    """⌊a / b⌋ in normal form. Identities: multiples of b come out, a common factor cancels, and
    ⌊(⌊x/m⌋ + c) / n⌋ = ⌊(x + c·m) / (m·n)⌋, so that a chain of strides is one division."""
    if isinstance(a, int) and isinstance(b, int):
        if b == 0:
            raise ShapeError(f"{a} is divided by zero", "check the extents and the strides")
        return a // b
    if isinstance(b, int):
        if b == 0:
            raise ShapeError(f"{a} is divided by zero", "check the extents and the strides")
        return _floordiv_int(-a, -b) if b < 0 else _floordiv_int(a, b)
    exact = divide(a, b)
    if exact is not None:
        return exact
    quotient, remainder = _split_multiple(a, b)
    if isinstance(quotient, Poly) or quotient:
        return quotient + floordiv(remainder, b)
    low, _ = bounds(a)
    if low >= 0 and bounds(b - a)[0] > 0:
        return 0
    return make_atom("//", (a, b), f"{wrap(a)}//{wrap(b)}")


def _floordiv_int(a: Dim, n: int) -> Dim:
    if n == 1 or isinstance(a, int):
        return a // n if isinstance(a, int) else a
    quotients, remainders = {}, {}
    for m, c in a.terms.items():
        q, r = divmod(c, n)
        quotients[m], remainders[m] = q, r
    quotient, remainder = make_poly(quotients), make_poly(remainders)
    if isinstance(remainder, int):
        return quotient + remainder // n
    common = math.gcd(n, *(c for m, c in remainder.terms.items() if m))
    if common > 1:
        remainder = make_poly({m: c // common for m, c in remainder.terms.items()})
        return quotient + _floordiv_int(remainder, n // common)
    constant = remainder.terms.get((), 0)
    core = remainder - constant
    if isinstance(core, Poly) and len(core.terms) == 1:
        ((monomial, c),) = core.terms.items()
        if c == 1 and len(monomial) == 1 and monomial[0][1] == 1:
            atom = monomial[0][0]
            divisor = atom.args[1] if atom.op == "//" else None
            if isinstance(divisor, int):
                inner = atom.args[0]
                return quotient + _floordiv_int(inner + constant * divisor, divisor * n)
    return quotient + make_atom("//", (remainder, n), f"{wrap(remainder)}//{n}")


def divide(a: Dim, b: Dim) -> Dim | None:
    """a / b where that is exact as polynomials, else None."""
    if isinstance(a, int) and a == 0:
        return 0
    quotient: Dim = 0
    lead_b, c_b = _leading_term(b)
    for _ in range(200):
        lead_a, c_a = _leading_term(a)
        m = _divide_monomial(lead_a, lead_b)
        if m is None or c_a % c_b:
            return None
        step = make_poly({m: c_a // c_b})
        quotient, a = quotient + step, a - step * b
        if isinstance(a, int) and a == 0:
            return quotient
    return None


def _leading_term(d: Dim) -> tuple[Monomial, int]:
    """The leading term in lexicographic order of powers, a term order that division terminates on."""
    if isinstance(d, int):
        return (), d
    atoms = sorted({a.key for m in d.terms for a, _ in m})

    def order(m: Monomial) -> tuple[int, ...]:
        powers = {a.key: n for a, n in m}
        return tuple(powers.get(k, 0) for k in atoms)

    lead = max(d.terms, key=order)
    return lead, d.terms[lead]


def _divide_monomial(a: Monomial, b: Monomial) -> Monomial | None:
    powers = dict(a)
    for atom, n in b:
        power = powers.get(atom, 0) - n
        if power < 0:
            return None
        powers[atom] = power
        if not power:
            del powers[atom]
    return tuple(sorted(powers.items(), key=lambda item: item[0].key))


def _split_multiple(a: Dim, b: Poly) -> tuple[Dim, Dim]:
    """(q, a - q·b): the terms of a that the one-term b divides, taken out."""
    if len(b.terms) != 1:
        return 0, a
    ((monomial, c),) = b.terms.items()
    quotient: Dim = 0
    for m, k in terms_of(a):
        factor = _divide_monomial(m, monomial)
        if factor is not None and k // c:
            quotient = quotient + make_poly({factor: k // c})
    return quotient, a - quotient * b
