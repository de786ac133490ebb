"""Dim = int | Poly: exact extents; a Poly is an integer polynomial over symbols and floor-division, min and max atoms.

A symbol stands for a positive integer. Where symbols cancel, a Poly becomes an int again. `==` means provably equal
(polynomials are kept in one normal form); an order question that depends on a symbol raises UndecidedError.
"""

from costcalc.dim.binding import substitute
from costcalc.dim.division import divide, floordiv
from costcalc.dim.order import bounds, less, maximum, minimum, same
from costcalc.dim.parse import parse, written
from costcalc.dim.poly import Algebra, Atom, Dim, Monomial, Poly, install, prod, remedy, symbol, symbols, terms_of
from costcalc.dim.text import pretty, text

install(Algebra(floordiv, less, same, text))

__all__ = [
    "Atom",
    "Dim",
    "Monomial",
    "Poly",
    "bounds",
    "divide",
    "floordiv",
    "maximum",
    "minimum",
    "parse",
    "pretty",
    "prod",
    "remedy",
    "same",
    "substitute",
    "symbol",
    "symbols",
    "terms_of",
    "text",
    "written",
]
