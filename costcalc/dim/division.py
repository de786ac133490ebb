"""Floor division of polynomials: exact where it is exact, an atom in normal form where it is not."""

from __future__ import annotations

import math

from costcalc.dim.order import bounds
from costcalc.dim.poly import Dim, Monomial, Poly, make_atom, make_poly, terms_of
from costcalc.dim.text import wrap
from costcalc.errors import ShapeError


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
    low, _ = bounds(a)
    if low >= 0 and bounds(b - a)[0] > 0:
        return 0
    return make_atom("//", (a, b), f"{wrap(a)}//{wrap(b)}")


def _floordiv_int(a: Dim, n: int) -> Dim:
    if n == 1 or isinstance(a, int):
        return a // n if isinstance(a, int) else a
    whole, rest = {}, {}
    for m, c in a.terms.items():
        q, r = divmod(c, n)
        whole[m], rest[m] = q, r
    out, left = make_poly(whole), make_poly(rest)
    if isinstance(left, int):
        return out + left // n
    common = math.gcd(n, *(c for m, c in left.terms.items() if m))
    if common > 1:
        left = make_poly({m: c // common for m, c in left.terms.items()})
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
    return out + make_atom("//", (left, n), f"{wrap(left)}//{n}")


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
        step = make_poly({m: c_a // c_b})
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
    for m, k in terms_of(a):
        over = _over(m, monomial)
        if over is not None and k // c:
            quotient = quotient + make_poly({over: k // c})
    return quotient, a - quotient * b
