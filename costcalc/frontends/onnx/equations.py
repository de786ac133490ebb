"""Equations that a graph assumes -> the symbols that they determine, and what declared names stand for.

A dim_param is a name. Where it reads as arithmetic (`past_seq + seq`), that is used where the graph bears it out; where
the graph needs another extent there, the extent of the graph counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple, TypeVar

from costcalc.core.assumptions import Assumption
from costcalc.core.dim import Dim, pretty_text, substitute, symbol, symbols
from costcalc.core.errors import CostcalcError, UsageError
from costcalc.frontends.onnx.messages import ValueInfoProto
from costcalc.frontends.symbols import declared_dim, symbol_name

T = TypeVar("T")


def solve_equations(assumptions: Iterable[Assumption], derived: Collection[str]) -> dict[str, Dim]:
    """Assumptions -> by each symbol that an equation determines, its extent, in which none of them occurs.

    Of two equal symbols one remains; a symbol that equals a number is that number. derived are symbols that no input
    declares (extents that depend on data, dim_params that read as arithmetic): such a one is determined by any equation
    in which it stands alone, `derived = past + seq`.
    """
    solved: dict[str, Dim] = {}
    for left, relation, right in assumptions:
        solution = None
        if relation == "=":
            solution = _solve(substitute(left, solved), substitute(right, solved), derived)
        if solution is not None:
            name, extent = solution
            solved = {key: substitute(value, {name: extent}) for key, value in solved.items()} | {name: extent}
    return solved


def _solve(a: Dim, b: Dim, derived: Collection[str]) -> tuple[str, Dim] | None:
    """The symbol that a = b determines, and its extent."""
    x, y = symbol_name(a), symbol_name(b)
    if x and y:
        if x == y:
            return None
        return (x, b) if x in derived and y not in derived else (y, a)
    for name, other in ((x, b), (y, a)):
        if name and isinstance(other, int) and other >= 0:
            return name, other
    for name in symbols(a - b):
        extent = _isolate(a - b, name) if name in derived else None
        if extent is not None:
            return name, extent
    return None


def _isolate(difference: Dim, name: str) -> Dim | None:
    """The extent of a symbol that makes a difference 0; None where it has a factor, or stands in another term too."""
    for sign in (1, -1):
        rest = symbol(name) - sign * difference
        if name not in symbols(rest):
            return rest
    return None


def arithmetic_dim_params(inputs: Iterable[ValueInfoProto]) -> dict[str, Dim]:
    """A model's inputs -> their dim_params that read as arithmetic, by their text."""
    texts = {d for i in inputs for d in i.type.dims or () if isinstance(d, str)}
    extents = {text: declared_dim(text, text) for text in sorted(texts)}
    return {text: extent for text, extent in extents.items() if symbol_name(extent) is None}


class Reading(NamedTuple):
    """What a graph says where its dim_params stand for certain extents: the equations that it assumes, the symbols that
    they determine, and the values of all symbols that are bound."""

    equations: tuple[Assumption, ...]
    solved: Mapping[str, Dim]
    bound: Mapping[str, Dim]


ReadingResult = tuple[Reading, T]
"""What a graph says, and the graph."""


def choose_dim_params(
    read: Callable[[Mapping[str, Dim]], ReadingResult[T]], arithmetic: Mapping[str, Dim], bound: Collection[str]
) -> tuple[ReadingResult[T], tuple[str, ...]]:
    """A function that reads the graph with dim_params as given, the dim_params that read as arithmetic, and the names
    that the user binds -> the reading that counts, and notes on what contradicts a dim_param.

    The arithmetic is used first. Where the graph is not valid so, or only under equations, the dim_params are read as
    names: what the graph determines counts, the arithmetic of the others is used unless it adds an equation.
    """
    names = {text: symbol(text) for text in arithmetic}
    explicit = {text: names[text] for text in arithmetic if text in bound}
    if len(explicit) == len(names):
        return read(explicit), ()
    failure: CostcalcError | None = None
    first: ReadingResult[T] | None = None
    try:
        first = read(explicit)
    except UsageError:
        raise
    except CostcalcError as error:
        failure = error
    if first is not None and not first[0].equations and not _hides_equations(first[0], arithmetic):
        return first, ()
    try:
        reading, result = read(names)
    except CostcalcError:
        if first is None:
            assert failure is not None
            raise failure from None
        return first, ()
    needed = {text: reading.solved[text] for text in arithmetic if text in reading.solved and text not in explicit}
    if len(needed) + len(explicit) < len(names):
        try:
            mixed = read({**explicit, **needed})
        except CostcalcError:
            pass  # the arithmetic does not fit the graph: the names stay names
        else:
            if len(mixed[0].equations) <= len(_without(reading.equations, needed)):
                return mixed, tuple(_contradictions(arithmetic, needed, mixed[0].bound))
    reading = reading._replace(equations=_without(reading.equations, needed))
    return (reading, result), tuple(_contradictions(arithmetic, needed, reading.bound))


def _hides_equations(reading: Reading, arithmetic: Mapping[str, Dim]) -> bool:
    """Whether the arithmetic of a dim_param gives 0 or 1: such an extent broadcasts, so that no equation shows what the
    graph needs there."""
    return any(substitute(extent, reading.bound) in (0, 1) for extent in arithmetic.values())


def _without(equations: Iterable[Assumption], names: Collection[str]) -> tuple[Assumption, ...]:
    """The equations in which none of the names occurs."""
    return tuple(a for a in equations if not set(symbols(a.left, a.right)) & set(names))


def _contradictions(
    arithmetic: Mapping[str, Dim], needed: Mapping[str, Dim], bound: Mapping[str, Dim]
) -> Iterable[str]:
    """Notes on dim_params that say something else than the graph needs."""
    for text, extent in needed.items():
        if extent != substitute(arithmetic[text], bound):
            yield f"an extent is declared as {text!r}, the graph needs {pretty_text(extent)} there: that counts"
