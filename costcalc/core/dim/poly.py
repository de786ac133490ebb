"""Poly: an exact integer polynomial over symbols and atoms in one normal form, its arithmetic, and its text.

Text for programs is `12*seq**2 + seq`, text for people `12·seq² + seq`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple, Union

from costcalc.core.budget import (
    BIND_SYMBOLS,
    MAX_BITS,
    MAX_FACTORS,
    MAX_FORMULA_TEXT,
    MAX_TERMS,
    check_limit,
    spend,
)
from costcalc.core.elision import bind_options
from costcalc.core.errors import ShapeError, UndecidedError


class Atom:
    """An indivisible part of a polynomial: a symbol, or `a // b`, `min(a, b)`, `max(a, b)` that no identity
    simplifies."""

    __slots__ = ("args", "key", "op")

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

    __slots__ = ("_hash", "terms")

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
        if other.__class__ is int and not other:
            return self
        total = dict(self.terms)
        for monomial, c in terms_of(other):
            total[monomial] = total.get(monomial, 0) + c
        return make_poly(total)

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return Poly({m: -c for m, c in self.terms.items()})

    def __sub__(self, other: Dim) -> Dim:
        return self + (-other) if isinstance(other, (int, Poly)) else NotImplemented

    def __rsub__(self, other: int) -> Dim:
        return -self + other

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            if other == 1:
                return self
            return Poly({m: c * other for m, c in self.terms.items()}) if other else 0
        if not isinstance(other, Poly):
            return NotImplemented
        pairs = len(self.terms) * len(other.terms)
        if pairs > 8:
            spend(pairs)
        total: dict[Monomial, int] = {}
        for m1, c1 in self.terms.items():
            for m2, c2 in other.terms.items():
                m = times(m1, m2)
                total[m] = total.get(m, 0) + c1 * c2
            if len(total) > MAX_TERMS:
                break
        return make_poly(total)

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Dim:
        if not isinstance(exponent, int) or exponent < 0:
            raise ShapeError(f"{self} cannot be raised to {exponent}", "use a natural exponent")
        if len(self.terms) == 1:
            ((monomial, c),) = self.terms.items()
            check_limit(c.bit_length() * exponent, MAX_BITS, "bits of a number")
            return Poly({tuple([(atom, n * exponent) for atom, n in monomial]): c**exponent}) if exponent else 1
        result: Dim = 1
        for _ in range(exponent):
            result = result * self
        return result

    def __floordiv__(self, other: Dim) -> Dim:
        return _algebra.floordiv(self, other) if isinstance(other, (int, Poly)) else NotImplemented

    def __rfloordiv__(self, other: int) -> Dim:
        return _algebra.floordiv(other, self)

    def __mod__(self, other: Dim) -> Dim:
        return self - other * (self // other)

    def __rmod__(self, other: int) -> Dim:
        return other - self * (other // self)

    def __lt__(self, other: Dim) -> bool:
        return _algebra.less(self, other)

    def __le__(self, other: Dim) -> bool:
        return not _algebra.less(other, self)

    def __gt__(self, other: Dim) -> bool:
        return _algebra.less(other, self)

    def __ge__(self, other: Dim) -> bool:
        return not _algebra.less(self, other)

    def __bool__(self) -> bool:
        return not _algebra.same(self, 0)

    def __int__(self) -> int:
        raise UndecidedError(f"{self} is not a number", bind_remedy(self))

    __index__ = __int__

    def __reduce__(self) -> tuple[type[Poly], tuple[dict[Monomial, int]]]:
        """Made anew in another process, where names have other hashes."""
        return Poly, (self.terms,)

    def __str__(self) -> str:
        return _algebra.text(self)

    __repr__ = __str__


Dim = Union[int, Poly]  # a runtime alias: `int | Poly` with a forward reference fails on 3.10
"""An exact extent or count: an int, or a polynomial while symbols are open."""


class Algebra(NamedTuple):
    """The functions that Poly's operators call: ⌊a / b⌋, whether a < b, whether a = b, and the text of a formula."""

    floordiv: Callable[[Dim, Dim], Dim]
    less: Callable[[Dim, Dim], bool]
    same: Callable[[Dim, Dim], bool]
    text: Callable[[Dim], str]


_algebra: Algebra


def install_algebra(algebra: Algebra) -> None:
    """Gives Poly its division, order and text; their modules import this one, so that they cannot be imported here."""
    global _algebra
    _algebra = algebra


def symbol(name: str) -> Poly:
    """The polynomial that is one symbol, a positive integer."""
    return make_atom("symbol", (), name)


def make_atom(op: str, args: tuple[Dim, ...], key: str) -> Poly:
    """The polynomial that is one atom; key is the atom's text."""
    if len(key) > MAX_FORMULA_TEXT and args:
        check_limit(len(key), MAX_FORMULA_TEXT, "characters of a formula", BIND_SYMBOLS)
    return Poly({((Atom(op, args, key), 1),): 1})


def terms_of(d: Dim) -> Iterable[tuple[Monomial, int]]:
    """The (monomial, coefficient) pairs of an extent; of an int the constant term alone."""
    return d.terms.items() if isinstance(d, Poly) else (((), d),)


def make_poly(terms: dict[Monomial, int]) -> Dim:
    """{monomial: coefficient} -> an extent without zero terms: an int where only a constant is left."""
    if len(terms) > 1:
        spend(len(terms))
        if len(terms) > MAX_TERMS:
            check_limit(len(terms), MAX_TERMS, "terms of a formula", BIND_SYMBOLS)
    nonzero = {m: c for m, c in terms.items() if c}
    if not nonzero:
        return 0
    return nonzero[()] if len(nonzero) == 1 and () in nonzero else Poly(nonzero)


def sum_dims(dims: Iterable[Dim]) -> Dim:
    """Extents -> their sum, in time proportional to their terms: each `+` of two formulas copies all terms so far."""
    dims = tuple(dims)
    if {int}.issuperset(map(type, dims)):
        return sum(dims)
    number = steps = 0
    terms: dict[Monomial, int] = {}
    for d in dims:
        if isinstance(d, Poly):
            steps += len(d.terms)
            for monomial, c in d.terms.items():
                terms[monomial] = terms.get(monomial, 0) + c
        else:
            number += d
    if not terms:
        return number
    spend(steps)
    terms[()] = terms.get((), 0) + number
    return make_poly(terms)


def times(a: Monomial, b: Monomial) -> Monomial:
    """The product of two monomials."""
    if not a or not b:
        return a or b
    powers = dict(a)
    for atom, n in b:
        powers[atom] = powers.get(atom, 0) + n
    if len(powers) > MAX_FACTORS:
        check_limit(len(powers), MAX_FACTORS, "factors of a product", BIND_SYMBOLS)
    return tuple(sorted(powers.items(), key=lambda item: item[0].key))


def symbols(*dims: Dim) -> tuple[str, ...]:
    """The names of the symbols that occur, in alphabetical order."""
    names: set[str] = set()
    for d in dims:
        if isinstance(d, Poly):
            for m in d.terms:
                for atom, _ in m:
                    names.update((atom.key,) if atom.op == "symbol" else symbols(*atom.args))
    return tuple(sorted(names))


def bind_remedy(d: Dim) -> str:
    """The remedy of an error about open symbols: how each is bound."""
    return f"bind it: {bind_options(symbols(d))}"


prod: Callable[[Iterable[Dim]], Dim] = math.prod
"""∏ of the extents; 1 of none."""


def plain_text(d: Dim) -> str:
    """The formula for programs, highest powers first, in `+ - * // **`: `12*seq**2 + seq`."""
    return str(d) if isinstance(d, int) else sum_of(d, "*", lambda n: f"**{n}", str, _plain_atom)


def pretty_text(d: Dim) -> str:
    """The formula for people: `1,536·seq² + 12·seq`, `9,408·⌈H/2⌉·⌈W/2⌉`."""
    if isinstance(d, int):
        return f"{d:,}"
    return sum_of(d, "·", lambda n: str(n).translate(_SUPERSCRIPT), lambda n: f"{n:,}", _pretty_atom)


def _plain_atom(atom: Atom) -> str:
    """The text of an atom; a symbol whose name would read as arithmetic or as a number stands between backticks."""
    name = atom.key
    is_plain = atom.op != "symbol" or name.isidentifier() or not re.search(_ARITHMETIC_NAME, name)
    return name if is_plain else "`" + name.replace("`", "``") + "`"


_ARITHMETIC_NAME = r"^\d+$|//|[\s+*%(),`]"

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def sum_of(
    d: Poly,
    times: str,
    power: Callable[[int], str],
    number: Callable[[int], str],
    name: Callable[[Atom], str],
) -> str:
    """A polynomial -> its text, highest powers first: `times` stands between factors, power, number and name write a
    power, a number and an atom."""
    parts: list[str] = []
    for m, c in sorted(d.terms.items(), key=_print_order):
        alone = len(m) == 1 and m[0][1] == 1 and c == 1
        factors = [(name(a) if alone else _parenthesise(a, name(a))) + (power(n) if n > 1 else "") for a, n in m]
        if abs(c) != 1 or not m:
            factors.insert(0, number(abs(c)))
        sign = ("- " if c < 0 else "+ ") if parts else ("-" if c < 0 else "")
        parts.append(sign + times.join(factors))
    return " ".join(parts)


def _parenthesise(atom: Atom, text: str) -> str:
    return f"({text})" if atom.op == "//" and not text.startswith(("⌈", "⌊")) else text


@lru_cache(maxsize=1 << 10)
def _pretty_atom(atom: Atom) -> str:
    """⌈H/2⌉ for (H + 1)//2, ⌊H/2⌋ for H//2. Kept, because the text of a numerator is asked for several times at each
    level of divisions inside each other."""
    if atom.op == "symbol":
        return _plain_atom(atom)
    if atom.op != "//":
        return f"{atom.op}({', '.join(map(pretty_text, _flatten_arguments(atom)))})"
    a, b = atom.args
    numerator = a - (b - 1) if isinstance(b, int) else a
    if len(pretty_text(numerator)) < len(pretty_text(a)):
        return f"⌈{_format_operand(numerator)}/{_format_operand(b)}⌉"
    return f"⌊{_format_operand(a)}/{_format_operand(b)}⌋"


def _flatten_arguments(atom: Atom) -> list[Dim]:
    """The arguments of max(a, max(b, c)): a, b, c."""
    arguments: list[Dim] = []
    for d in atom.args:
        inner = _only_atom(d)
        arguments += _flatten_arguments(inner) if inner is not None and inner.op == atom.op else [d]
    return arguments


def _only_atom(d: Dim) -> Atom | None:
    """The atom that d is and nothing else."""
    if isinstance(d, int) or len(d.terms) != 1:
        return None
    ((m, c),) = d.terms.items()
    return m[0][0] if c == 1 and len(m) == 1 and m[0][1] == 1 else None


def _format_operand(d: Dim) -> str:
    is_monomial = isinstance(d, int) or (len(d.terms) == 1 and () not in d.terms)
    return pretty_text(d) if is_monomial else f"({pretty_text(d)})"


def _print_order(item: tuple[Monomial, int]) -> tuple[int, str]:
    return -sum(n for _, n in item[0]), " ".join(a.key for a, n in item[0] for _ in range(n))


def wrap(d: Dim) -> str:
    """The text of an extent as an operand of `//`: in parentheses unless it is one number, symbol, min or max."""
    is_atomic = isinstance(d, int) or (len(d.terms) == 1 and next(iter(d.terms.values())) == 1 and _is_single_factor(d))
    return str(d) if is_atomic and not (isinstance(d, int) and d < 0) else f"({d})"


def _is_single_factor(d: Poly) -> bool:
    (m,) = d.terms
    return len(m) == 1 and m[0][1] == 1 and m[0][0].op != "//"
