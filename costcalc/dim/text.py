"""Polynomials as text: for programs (`12*seq**2 + seq`) and for people (`12·seq² + seq`)."""

from __future__ import annotations

from costcalc.dim.poly import Atom, Dim, Monomial, Poly


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


def wrap(d: Dim) -> str:
    plain = isinstance(d, int) or (len(d.terms) == 1 and next(iter(d.terms.values())) == 1 and _single(d))
    return str(d) if plain and not (isinstance(d, int) and d < 0) else f"({d})"


def _single(d: Poly) -> bool:
    (m,) = d.terms
    return len(m) == 1 and m[0][1] == 1 and m[0][0].op != "//"


def pretty(d: Dim) -> str:
    """For people: `1,536·seq² + 12·seq`."""
    return text(d, times="·", power="⁰", number=",")
