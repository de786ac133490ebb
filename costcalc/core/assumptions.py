"""Extents that must be equal, or large enough -> the extent, an error, or an Assumption where that depends on a symbol.

A rule that cannot decide such a fact assumes it. The caller of the rules collects the assumptions, shows them, and
checks them when the symbols are bound.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from costcalc.core.dim import Dim, Poly, bounds, format_formula, limited_range, pretty_text, substitute, symbol, symbols
from costcalc.core.errors import AssumptionError, ShapeError


class Assumption(NamedTuple):
    """An equation or inequality of two extents: left = right, or left >= right."""

    left: Dim
    relation: str
    right: Dim

    def __str__(self) -> str:
        """The assumption for programs: names that are no words stand between backticks, as in formulas."""
        return self.format(format_formula)

    def format(self, text: Callable[[Dim], str] = pretty_text) -> str:
        """The assumption as text, its extents written by `text`, for people by default."""
        a, b = self.left, self.right
        if self.relation == "=":
            for x, y in ((a, b), (b, a)):
                bound = _other_argument(y, "min", x)
                if bound is not None:
                    return f"{text(x)} <= {text(bound)}"
                bound = _other_argument(y, "max", x)
                if bound is not None:
                    return f"{text(x)} >= {text(bound)}"
        if self.relation == ">=" and isinstance(a, int):
            return f"{text(b)} <= {text(a)}"
        return f"{text(a)} {self.relation} {text(b)}"

    def largest(self) -> tuple[str, int] | None:
        """(symbol, number) where the assumption says that a symbol is at most a number (`seq <= 1,024`); else None."""
        a, b = self.left, self.right
        minima = [(x, _other_argument(y, "min", x)) for x, y in ((a, b), (b, a))]
        pairs = minima if self.relation == "=" else [(b, a)]
        for extent, limit in pairs:
            if isinstance(limit, int) and isinstance(extent, Poly) and extent == symbol(symbols(extent)[0]):
                return symbols(extent)[0], limit
        return None

    def check(self, binding: Mapping[str, Dim]) -> None:
        """AssumptionError where the bound symbols break it."""
        difference = substitute(self.left, binding) - substitute(self.right, binding)
        low, high = bounds(difference)
        if (high < 0) or (self.relation == "=" and low > 0):
            raise AssumptionError(f"the model is only valid if {self}", "bind other values with --dim")


def simplify_assumptions(assumptions: Iterable[Assumption]) -> tuple[Assumption, ...]:
    """Assumptions -> the same in shorter form, each once: ⌊H/4⌋ + 2 >= 3 becomes H >= 4; of several minimum values of a
    symbol the largest remains, and what follows from it is left out."""
    minima: dict[str, int] = {}
    unsolved: list[Assumption] = []
    for assumption in assumptions:
        solved = _solve(assumption) if assumption.relation == ">=" else None
        if solved is None:
            unsolved.append(assumption)
        else:
            minima[solved[0]] = max(minima.get(solved[0], 1), solved[1])
    shifted = {name: symbol(name) + (low - 1) for name, low in minima.items()}
    remaining = [a for a in unsolved if a.relation == "=" or bounds(substitute(a.left - a.right, shifted))[0] < 0]
    return (*(Assumption(symbol(name), ">=", low) for name, low in minima.items() if low > 1), *remaining)


def _solve(assumption: Assumption) -> tuple[str, int] | None:
    """(symbol, its least value) where an inequality says just that."""
    d = assumption.left - assumption.right
    while isinstance(d, Poly):
        constant = d.terms.get((), 0)
        core = d - constant
        if isinstance(core, int) or len(core.terms) != 1:
            return None
        ((monomial, c),) = core.terms.items()
        if c < 1 or len(monomial) != 1 or monomial[0][1] != 1:
            return None
        atom = monomial[0][0]
        minimum = -(constant // c)  # c · atom + constant >= 0
        if atom.op == "symbol":
            return atom.key, minimum
        if atom.op != "//" or not isinstance(atom.args[1], int):
            return None
        d = atom.args[0] - atom.args[1] * minimum  # ⌊x / n⌋ >= least where x >= n · least
    return None


def resolve_extremes(assumptions: Iterable[Assumption]) -> dict[str, Dim]:
    """Assumptions -> by the text of a minimum or maximum, the extent that it equals: where seq = min(512, seq) is
    assumed, that minimum is seq."""
    extents: dict[str, Dim] = {}
    for a in assumptions:
        for x, y in ((a.left, a.right), (a.right, a.left)):
            if a.relation == "=" and any(_other_argument(y, op, x) is not None for op in ("min", "max")):
                extents[str(y)] = x
    return extents


def _other_argument(d: Dim, op: str, x: Dim) -> Dim | None:
    """y where d is op(x, y)."""
    if isinstance(d, int) or len(d.terms) != 1:
        return None
    ((monomial, c),) = d.terms.items()
    if c != 1 or len(monomial) != 1 or monomial[0][1] != 1 or monomial[0][0].op != op:
        return None
    a, b = monomial[0][0].args
    return b if a == x else a if b == x else None


_collected: ContextVar[dict[Assumption, None] | None] = ContextVar("assumptions", default=None)


@contextmanager
def collect_assumptions() -> Iterator[dict[Assumption, None]]:
    """Collects the assumptions made inside, each once, in order."""
    assumptions: dict[Assumption, None] = {}
    token = _collected.set(assumptions)
    try:
        yield assumptions
    finally:
        _collected.reset(token)


def add_assumptions(assumptions: Iterable[Assumption]) -> None:
    """Makes assumptions that were collected apart (of a branch that is taken) after all."""
    for assumption in assumptions:
        _record(assumption)


def _record(assumption: Assumption) -> None:
    assumptions = _collected.get()
    if assumptions is not None:
        assumptions[assumption] = None


def require_equal(a: Dim, b: Dim, name: str = "extents") -> Dim:
    """The extent that a and b must both be. ShapeError where they cannot agree; an assumption where that is open."""
    if a == b:
        return a
    low, high = bounds(a - b)
    if (low > 0 or high < 0) and not _may_be_empty(a, b):
        raise ShapeError(f"{name} differ: {a} and {b}", "make them equal")
    _record(Assumption(a, "=", b))
    if isinstance(a, int) or isinstance(b, int):
        return a if isinstance(a, int) else b
    return a if (len(str(a)), str(a)) <= (len(str(b)), str(b)) else b


def _may_be_empty(a: Dim, b: Dim) -> bool:
    """Whether one extent is 0, and the other can be: symbols are positive unless they are bound to 0."""
    other = b if a == 0 else a if b == 0 else 1
    low, high = limited_range(other, dict.fromkeys(symbols(other), sys.maxsize))
    return low <= 0 <= high


def require_at_least(a: Dim, b: Dim, fact: str, remedy: str) -> None:
    """ShapeError(fact, remedy) where a < b; an assumption where that is open."""
    low, high = bounds(a - b)
    if high < 0:
        raise ShapeError(fact, remedy)
    if low < 0:
        _record(Assumption(a, ">=", b))
