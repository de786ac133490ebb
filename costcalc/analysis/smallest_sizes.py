"""Report with open symbols -> the smallest sizes at which each of its figures is a number, to draw it with.

A network that halves an image five times is drawn at 32 × 32: there every division is exact, so that the shares of its
layers are those of any larger multiple.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import lcm

from costcalc.analysis.report import Report
from costcalc.core.dim import Atom, Dim, Poly, symbols
from costcalc.core.errors import AssumptionError

LARGEST = 1 << 16
"""The largest size that is tried."""

ROUNDS = 1_000
"""Most sizes that are tried, where assumptions of the model ask for larger ones."""


def smallest_sizes(report: Report) -> dict[str, int]:
    """Report -> a size of each open symbol of its inputs: the smallest multiple of all that the model divides it by, at
    which its assumptions hold; {} where nothing is open, and where none was found. Extents that depend on data have no
    size."""
    of_inputs = symbols(*{d for value in report.inputs for d in value.type.shape or ()})
    names = [name for name in report.open_symbols if name in of_inputs]
    steps = dict.fromkeys(names, 1)
    extents = {d for row in report.rows for output in row.outputs for d in output.type.shape or ()}
    for name, divisor in _divisors(extents):
        if name in steps:
            steps[name] = lcm(steps[name], divisor)
    sizes = dict(steps)
    for _ in range(ROUNDS):
        larger = _contradicted_symbols(report, sizes)
        if not larger:
            return sizes
        for name in larger & sizes.keys():
            sizes[name] += steps[name]
        if max(sizes.values()) > LARGEST:
            break
    return {}


def _divisors(extents: Iterable[Dim]) -> Iterator[tuple[str, int]]:
    """(symbol, number) of each division by a number; an atom that stands in many extents is looked at once."""
    seen = set[str]()
    waiting: list[Dim] = list(extents)
    while waiting:
        extent = waiting.pop()
        if not isinstance(extent, Poly):
            continue
        atoms: set[Atom] = {atom for monomial in extent.terms for atom, _ in monomial}
        for atom in atoms:
            if atom.key in seen or atom.op == "symbol":
                continue
            seen.add(atom.key)
            waiting += atom.args
            divisor = atom.args[1] if atom.op == "//" else None
            if isinstance(divisor, int):
                yield from ((name, divisor) for name in symbols(atom.args[0]))


def _contradicted_symbols(report: Report, sizes: dict[str, int]) -> set[str]:
    """The symbols of the first assumption that does not hold at these sizes."""
    for assumption in report.assumptions:
        try:
            assumption.check(sizes)
        except AssumptionError:
            return set(symbols(assumption.left, assumption.right)) or set(sizes)
    return set()
