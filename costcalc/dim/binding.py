"""Replacing symbols by numbers or by other extents."""

from __future__ import annotations

from collections.abc import Mapping

from costcalc.dim.division import floordiv
from costcalc.dim.order import extreme
from costcalc.dim.poly import Atom, Dim, Poly


def substitute(d: Dim, binding: Mapping[str, Dim]) -> Dim:
    """d with symbols replaced; an int where all of them are bound to ints. An atom goes by its text."""
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
    if atom.op == "symbol" or atom.key in binding:
        return binding.get(atom.key, Poly({((atom, 1),): 1}))
    a, b = (substitute(x, binding) for x in atom.args)
    return floordiv(a, b) if atom.op == "//" else extreme(atom.op, a, b)
