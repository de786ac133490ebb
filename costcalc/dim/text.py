"""Polynomials as text: for programs (`12*seq**2 + seq`) and for people (`12·seq² + seq`)."""

from __future__ import annotations

from collections.abc import Callable

from costcalc.dim.poly import Atom, Dim, Monomial, Poly


def text(d: Dim) -> str:
    """The formula for programs, highest powers first, in `+ - * // **`: `12*seq**2 + seq`."""
    return str(d) if isinstance(d, int) else sum_of(d, "*", lambda n: f"**{n}", str, lambda atom: atom.key)


def pretty(d: Dim) -> str:
    """The formula for people: `1,536·seq² + 12·seq`, `9,408·⌈H/2⌉·⌈W/2⌉`."""
    if isinstance(d, int):
        return f"{d:,}"
    return sum_of(d, "·", lambda n: str(n).translate(_SUPERSCRIPT), lambda n: f"{n:,}", _pretty_atom)


_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def sum_of(
    d: Poly,
    times: str,
    power: Callable[[int], str],
    number: Callable[[int], str],
    name: Callable[[Atom], str],
) -> str:
    """A polynomial, highest powers first, with the signs that are given."""
    parts: list[str] = []
    for m, c in sorted(d.terms.items(), key=_print_order):
        alone = len(m) == 1 and m[0][1] == 1 and c == 1
        factors = [(name(a) if alone else _tight(a, name(a))) + (power(n) if n > 1 else "") for a, n in m]
        if abs(c) != 1 or not m:
            factors.insert(0, number(abs(c)))
        sign = ("- " if c < 0 else "+ ") if parts else ("-" if c < 0 else "")
        parts.append(sign + times.join(factors))
    return " ".join(parts)


def _tight(atom: Atom, shown: str) -> str:
    return f"({shown})" if atom.op == "//" and not shown.startswith(("⌈", "⌊")) else shown


def _pretty_atom(atom: Atom) -> str:
    """⌈H/2⌉ for (H + 1)//2, ⌊H/2⌋ for H//2."""
    if atom.op == "symbol":
        return atom.key
    if atom.op != "//":
        return f"{atom.op}({', '.join(map(pretty, _flat(atom)))})"
    a, b = atom.args
    up = a - (b - 1) if isinstance(b, int) else a
    if len(pretty(up)) < len(pretty(a)):
        return f"⌈{_over(up)}/{_over(b)}⌉"
    return f"⌊{_over(a)}/{_over(b)}⌋"


def _flat(atom: Atom) -> list[Dim]:
    """The arguments of max(a, max(b, c)): a, b, c."""
    found: list[Dim] = []
    for d in atom.args:
        inner = _alone(d)
        found += _flat(inner) if inner is not None and inner.op == atom.op else [d]
    return found


def _alone(d: Dim) -> Atom | None:
    """The atom that d is and nothing else."""
    if isinstance(d, int) or len(d.terms) != 1:
        return None
    ((m, c),) = d.terms.items()
    return m[0][0] if c == 1 and len(m) == 1 and m[0][1] == 1 else None


def _over(d: Dim) -> str:
    plain = isinstance(d, int) or (len(d.terms) == 1 and () not in d.terms)
    return pretty(d) if plain else f"({pretty(d)})"


def _print_order(item: tuple[Monomial, int]) -> tuple[int, str]:
    return -sum(n for _, n in item[0]), " ".join(a.key for a, n in item[0] for _ in range(n))


def wrap(d: Dim) -> str:
    plain = isinstance(d, int) or (len(d.terms) == 1 and next(iter(d.terms.values())) == 1 and _single(d))
    return str(d) if plain and not (isinstance(d, int) and d < 0) else f"({d})"


def _single(d: Poly) -> bool:
    (m,) = d.terms
    return len(m) == 1 and m[0][1] == 1 and m[0][0].op != "//"
