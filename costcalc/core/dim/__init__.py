"""Dim = int | Poly: exact extents; a Poly is an integer polynomial over symbols and floor-division, min and max atoms.

A symbol stands for a positive integer. Where symbols cancel, a Poly becomes an int again. `==` means provably equal
(polynomials have one normal form); a question of order that depends on a symbol raises UndecidedError.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from costcalc.core.dim.order import (
    bounds,
    divide,
    extreme,
    floordiv,
    is_equal,
    is_less,
    limited_range,
    maximum,
    minimum,
)
from costcalc.core.dim.parse import format_formula, parse_formula
from costcalc.core.dim.poly import (
    Algebra,
    Atom,
    Dim,
    Monomial,
    Poly,
    bind_remedy,
    install_algebra,
    plain_text,
    pretty_text,
    prod,
    sum_dims,
    symbol,
    symbols,
    terms_of,
)


def substitute(d: Dim, binding: Mapping[str, Dim]) -> Dim:
    """d with symbols replaced by numbers or extents; an int where all of them are bound to ints. An atom is found by
    its text."""
    return d if isinstance(d, int) else _substitute(d, binding, {})


def substitute_all(dims: Iterable[Dim], binding: Mapping[str, Dim]) -> list[Dim]:
    """substitute for many extents: what several of them have in common is replaced once."""
    replaced: dict[Atom, Dim] = {}
    return [d if isinstance(d, int) else _substitute(d, binding, replaced) for d in dims]


def _substitute(d: Dim, binding: Mapping[str, Dim], replaced: dict[Atom, Dim]) -> Dim:
    """replaced holds the values of the atoms so far: a formula has the same divisions in many places."""
    if isinstance(d, int):
        return d
    products: list[Dim] = []
    for m, c in d.terms.items():
        product: Dim = c
        for atom, n in m:
            value = replaced.get(atom)
            if value is None:
                value = replaced[atom] = _replace(atom, binding, replaced)
            product = product * value**n
        products.append(product)
    return sum_dims(products)


def _replace(atom: Atom, binding: Mapping[str, Dim], replaced: dict[Atom, Dim]) -> Dim:
    if atom.op == "symbol" or atom.key in binding:
        return binding.get(atom.key, Poly({((atom, 1),): 1}))
    a, b = (_substitute(x, binding, replaced) for x in atom.args)
    return floordiv(a, b) if atom.op == "//" else extreme(atom.op, a, b)


install_algebra(Algebra(floordiv, is_less, is_equal, plain_text))

__all__ = [
    "Atom",
    "Dim",
    "Monomial",
    "Poly",
    "bind_remedy",
    "bounds",
    "divide",
    "floordiv",
    "format_formula",
    "is_equal",
    "limited_range",
    "maximum",
    "minimum",
    "parse_formula",
    "plain_text",
    "pretty_text",
    "prod",
    "substitute",
    "substitute_all",
    "sum_dims",
    "symbol",
    "symbols",
    "terms_of",
]
