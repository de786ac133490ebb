"""Dim = int | Poly: exact extents, where a Poly is an integer polynomial over symbols and floor-division, min and max atoms.

A symbol stands for a positive integer. Where symbols cancel, a Poly becomes an int again. `==` means provably equal
(polynomials are kept in one normal form); an order question that depends on a symbol raises UndecidedError.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Union

from costcalc.errors import ShapeError, UndecidedError

INFINITY = math.inf


class Atom:
    """What a polynomial is over: a symbol, or `a // b`, `min(a, b)`, `max(a, b)` that no identity simplifies."""

    __slots__ = ("op", "args", "key")

    def __init__(self, op: str, args: tuple[Dim, ...], key: str) -> None:
        self.op, self.args, self.key = op, args, key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return self.key


Monomial = tuple[tuple[Atom, int], ...]


class Poly:
    """An integer polynomial: {monomial: coefficient}, at least one monomial not constant. Immutable."""

    __slots__ = ("terms", "_hash")

    def __init__(self, terms: dict[Monomial, int]) -> None:
        self.terms = terms
        self._hash = hash(frozenset(terms.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Poly) and self._hash == other._hash and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    def __add__(self, other: Dim) -> Dim:
        if not isinstance(other, (int, Poly)):
            return NotImplemented
        total = dict(self.terms)
        for monomial, c in _terms(other):
            total[monomial] = total.get(monomial, 0) + c
        return _poly(total)

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return Poly({m: -c for m, c in self.terms.items()})

    def __sub__(self, other: Dim) -> Dim:
        return self + (-other) if isinstance(other, (int, Poly)) else NotImplemented

    def __rsub__(self, other: int) -> Dim:
        return -self + other

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            return Poly({m: c * other for m, c in self.terms.items()}) if other else 0
        if not isinstance(other, Poly):
            return NotImplemented
        total: dict[Monomial, int] = {}
        for m1, c1 in self.terms.items():
            for m2, c2 in other.terms.items():
                m = _times(m1, m2)
                total[m] = total.get(m, 0) + c1 * c2
        return _poly(total)

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Dim:
        if not isinstance(exponent, int) or exponent < 0:
            raise ShapeError(f"{self} cannot be raised to {exponent}", "use a natural exponent")
        result: Dim = 1
        for _ in range(exponent):
            result = result * self
        return result

    def __floordiv__(self, other: Dim) -> Dim:
        return floordiv(self, other) if isinstance(other, (int, Poly)) else NotImplemented

    def __rfloordiv__(self, other: int) -> Dim:
        return floordiv(other, self)

    def __mod__(self, other: Dim) -> Dim:
        return self - other * floordiv(self, other)

    def __rmod__(self, other: int) -> Dim:
        return other - self * floordiv(other, self)

    def __lt__(self, other: Dim) -> bool:
        return _decide(self, other, "<")

    def __le__(self, other: Dim) -> bool:
        return not _decide(other, self, "<")

    def __gt__(self, other: Dim) -> bool:
        return _decide(other, self, "<")

    def __ge__(self, other: Dim) -> bool:
        return not _decide(self, other, "<")

    def __bool__(self) -> bool:
        return not same(self, 0)

    def __int__(self) -> int:
        raise UndecidedError(f"{self} is not a number", remedy(self))

    __index__ = __int__

    def __str__(self) -> str:
        return text(self)

    __repr__ = __str__


Dim = Union[int, Poly]  # a runtime alias: `int | Poly` with a forward reference fails on 3.10


def symbol(name: str) -> Poly:
    """The polynomial that is one symbol, a positive integer."""
    return _atom("symbol", (), name)


def _atom(op: str, args: tuple[Dim, ...], key: str) -> Poly:
    return Poly({((Atom(op, args, key), 1),): 1})


def _terms(d: Dim) -> Iterable[tuple[Monomial, int]]:
    return d.terms.items() if isinstance(d, Poly) else (((), d),)


def _poly(terms: dict[Monomial, int]) -> Dim:
    kept = {m: c for m, c in terms.items() if c}
    if not kept:
        return 0
    return kept[()] if len(kept) == 1 and () in kept else Poly(kept)


def _times(a: Monomial, b: Monomial) -> Monomial:
    if not a or not b:
        return a or b
    powers = dict(a)
    for atom, n in b:
        powers[atom] = powers.get(atom, 0) + n
    return tuple(sorted(powers.items(), key=lambda item: item[0].key))


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
    quotient, rest = _split(a, b)
    if isinstance(quotient, Poly) or quotient:
        return quotient + floordiv(rest, b)
    low, high = bounds(a)
    if low >= 0 and bounds(b - a)[0] > 0:
        return 0
    return _atom("//", (a, b), f"{_wrap(a)}//{_wrap(b)}")


def _floordiv_int(a: Dim, n: int) -> Dim:
    if n == 1 or isinstance(a, int):
        return a // n if isinstance(a, int) else a
    whole, rest = {}, {}
    for m, c in a.terms.items():
        q, r = divmod(c, n)
        whole[m], rest[m] = q, r
    out, left = _poly(whole), _poly(rest)
    if isinstance(left, int):
        return out + left // n
    common = math.gcd(n, *(c for m, c in left.terms.items() if m))
    if common > 1:
        left = _poly({m: c // common for m, c in left.terms.items()})
        return out + _floordiv_int(left, n // common)
    constant = left.terms.get((), 0)
    core = left - constant
    if isinstance(core, Poly) and len(core.terms) == 1:
        ((monomial, c),) = core.terms.items()
        if c == 1 and len(monomial) == 1 and monomial[0][1] == 1:
            atom = monomial[0][0]
            below = atom.args[1] if atom.op == "//" else None
            if isinstance(below, int):
                inner = atom.args[0]
                return out + _floordiv_int(inner + constant * below, below * n)
    return out + _atom("//", (left, n), f"{_wrap(left)}//{n}")


def divide(a: Dim, b: Dim) -> Dim | None:
    """a / b where that is exact as polynomials, else None."""
    if isinstance(a, int) and a == 0:
        return 0
    quotient: Dim = 0
    lead_b, c_b = _lead(b)
    for _ in range(200):
        lead_a, c_a = _lead(a)
        m = _over(lead_a, lead_b)
        if m is None or c_a % c_b:
            return None
        step = _poly({m: c_a // c_b})
        quotient, a = quotient + step, a - step * b
        if isinstance(a, int) and a == 0:
            return quotient
    return None


def _lead(d: Dim) -> tuple[Monomial, int]:
    """The leading term in lexicographic order of powers, a term order that division terminates on."""
    if isinstance(d, int):
        return (), d
    atoms = sorted({a.key for m in d.terms for a, _ in m})

    def order(m: Monomial) -> tuple[int, ...]:
        powers = {a.key: n for a, n in m}
        return tuple(powers.get(k, 0) for k in atoms)

    lead = max(d.terms, key=order)
    return lead, d.terms[lead]


def _over(a: Monomial, b: Monomial) -> Monomial | None:
    powers = dict(a)
    for atom, n in b:
        left = powers.get(atom, 0) - n
        if left < 0:
            return None
        powers[atom] = left
        if not left:
            del powers[atom]
    return tuple(sorted(powers.items(), key=lambda item: item[0].key))


def _split(a: Dim, b: Poly) -> tuple[Dim, Dim]:
    """(q, a - q·b): the terms of a that the one-term b divides, taken out."""
    if len(b.terms) != 1:
        return 0, a
    ((monomial, c),) = b.terms.items()
    quotient: Dim = 0
    for m, k in _terms(a):
        over = _over(m, monomial)
        if over is not None and k // c:
            quotient = quotient + _poly({over: k // c})
    return quotient, a - quotient * b


def minimum(a: Dim, b: Dim) -> Dim:
    """min(a, b), an atom where it depends on a symbol."""
    return _extreme("min", a, b)


def maximum(a: Dim, b: Dim) -> Dim:
    """max(a, b), an atom where it depends on a symbol."""
    return _extreme("max", a, b)


def _extreme(op: str, a: Dim, b: Dim) -> Dim:
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b) if op == "min" else max(a, b)
    low, high = bounds(a - b)
    if high <= 0:
        return a if op == "min" else b
    if low >= 0:
        return b if op == "min" else a
    first, second = sorted((a, b), key=lambda d: (isinstance(d, Poly), text(d)))
    return _atom(op, (first, second), f"{op}({first}, {second})")


def bounds(d: Dim) -> tuple[float, float]:
    """Numbers (low, high) with low <= d <= high for all positive values of the symbols; ±infinity where none is seen."""
    if isinstance(d, int):
        return d, d
    return _low(d), -_low(-d)


def _low(d: Dim) -> float:
    """A lower bound: each atom is rewritten as its own lower bound plus a non-negative rest; a negative term that
    is left falls back on interval arithmetic."""
    if isinstance(d, int):
        return d
    ranges = {atom: _range(atom) for m in d.terms for atom, _ in m}
    shifted: Dim = 0
    for m, c in d.terms.items():
        product: Dim = c
        for atom, n in m:
            low = ranges[atom][0]
            rest = _atom("symbol", (), atom.key)
            product = product * ((rest + int(low)) if low > -INFINITY else rest) ** n
        shifted = shifted + product
    total: float = 0
    for m, c in _terms(shifted):
        if not m:
            total += c
            continue
        if c > 0 and all(ranges_low > -INFINITY for ranges_low in (_named(ranges, a)[0] for a, _ in m)):
            continue
        reach: float = 1
        for atom, n in m:
            low, high = _named(ranges, atom)
            if low == -INFINITY or high == INFINITY:
                return _interval(d, ranges)
            reach *= (high - low) ** n
        total += c * reach
    return max(total, _interval(d, ranges))


def _named(ranges: Mapping[Atom, tuple[float, float]], atom: Atom) -> tuple[float, float]:
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
    (a, b), (c, d) = bounds(atom.args[0]), bounds(atom.args[1])
    if atom.op == "min":
        return min(a, c), min(b, d)
    if atom.op == "max":
        return max(a, c), max(b, d)
    if c < 1:
        return -INFINITY, INFINITY
    corners = [_quotient(x, y) for x in (a, b) for y in (c, d)]
    return min(corners), max(corners)


def _quotient(x: float, y: float) -> float:
    if abs(x) == INFINITY:
        return x
    return (0 if x >= 0 else -1) if y == INFINITY else int(x) // int(y)


def _decide(a: Dim, b: Dim, question: str) -> bool:
    """a < b, or UndecidedError."""
    low, high = bounds(a - b)
    if high < 0:
        return True
    if low >= 0:
        return False
    raise UndecidedError(f"whether {a} {question} {b} depends on {', '.join(symbols(a - b))}", remedy(a - b))


def same(a: Dim, b: Dim) -> bool:
    """Whether a == b for all values of the symbols; False where it holds for none; else UndecidedError."""
    difference = a - b
    if isinstance(difference, int):
        return difference == 0
    low, high = bounds(difference)
    if low > 0 or high < 0:
        return False
    raise UndecidedError(f"whether {a} = {b} depends on {', '.join(symbols(difference))}", remedy(difference))


def symbols(*dims: Dim) -> tuple[str, ...]:
    """The names of the symbols that occur, in alphabetical order."""
    found: set[str] = set()
    for d in dims:
        if isinstance(d, Poly):
            for m in d.terms:
                for atom, _ in m:
                    found.update((atom.key,) if atom.op == "symbol" else symbols(*atom.args))
    return tuple(sorted(found))


def remedy(d: Dim) -> str:
    """What a user does about symbols that are not bound."""
    return "bind it: " + " ".join(f"--dim {name}=…" for name in symbols(d))


def substitute(d: Dim, binding: Mapping[str, Dim]) -> Dim:
    """d with symbols replaced; an int where all of them are bound to ints."""
    if isinstance(d, int):
        return d
    total: Dim = 0
    for m, c in d.terms.items():
        product: Dim = c
        for atom, n in m:
            product = product * _replace(atom, binding) ** n
        total = total + product
    return total


def _replace(atom: Atom, binding: Mapping[str, Dim]) -> Dim:
    if atom.op == "symbol":
        return binding.get(atom.key, Poly({((atom, 1),): 1}))
    a, b = (substitute(x, binding) for x in atom.args)
    return floordiv(a, b) if atom.op == "//" else _extreme(atom.op, a, b)


def prod(dims: Iterable[Dim]) -> Dim:
    """∏ of the extents; 1 of none."""
    result: Dim = 1
    for d in dims:
        result = result * d
    return result


def text(d: Dim, times: str = "*", power: str = "**", number: str = "") -> str:
    """The formula, highest powers first: `12*seq**2 + seq`, in `+ - * // **` unless other signs are given.
    number is a format specification for coefficients (`,` groups thousands)."""
    if isinstance(d, int):
        return format(d, number)
    parts: list[str] = []
    for m, c in sorted(d.terms.items(), key=_print_order):
        factors = [atom.key if n == 1 else f"{_tight(atom)}{_exponent(n, power)}" for atom, n in m]
        if len(m) + (abs(c) != 1) > 1 or c < 0:
            factors = [_tight(a) if n == 1 else f for (a, n), f in zip(m, factors, strict=True)]
        if abs(c) != 1 or not m:
            factors.insert(0, format(abs(c), number))
        sign = ("- " if c < 0 else "+ ") if parts else ("-" if c < 0 else "")
        parts.append(sign + times.join(factors))
    return " ".join(parts)


def _print_order(item: tuple[Monomial, int]) -> tuple[int, str]:
    return -sum(n for _, n in item[0]), " ".join(a.key for a, n in item[0] for _ in range(n))


def _tight(atom: Atom) -> str:
    return f"({atom.key})" if atom.op == "//" else atom.key


_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _exponent(n: int, power: str) -> str:
    return str(n).translate(_SUPERSCRIPT) if power == "⁰" else f"{power}{n}"


def _wrap(d: Dim) -> str:
    plain = isinstance(d, int) or (len(d.terms) == 1 and next(iter(d.terms.values())) == 1 and _single(d))
    return str(d) if plain and not (isinstance(d, int) and d < 0) else f"({d})"


def _single(d: Poly) -> bool:
    (m,) = d.terms
    return len(m) == 1 and m[0][1] == 1 and m[0][0].op != "//"


def pretty(d: Dim) -> str:
    """For people: `1,536·seq² + 12·seq`."""
    return text(d, times="·", power="⁰", number=",")


def iterate(d: Dim) -> Iterator[tuple[Monomial, int]]:
    """The (monomial, coefficient) pairs of d."""
    return iter(_terms(d))
