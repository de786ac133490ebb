"""One combination of a sweep -> its row: the model is built anew and costed, or why that cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.api import load
from costcalc.binding import bind_graph
from costcalc.dim import Dim, symbols
from costcalc.errors import CostcalcError, UnknownOperatorError, UsageError
from costcalc.ir import Graph
from costcalc.sweep.axis import Value, where
from costcalc.sweep.figures import FIGURES, Totals, totals
from costcalc.sweep.space import Space

Row = tuple[Any, ...]
"""The axes' values, the FIGURES (None where they are not known), and OTHERS."""


class Recipe(NamedTuple):
    """All that a row follows from; it travels to other processes. options are load's that are the same everywhere."""

    source: Any
    space: Space
    options: Mapping[str, Any]
    with_peak: bool = True
    strict: bool = False


def built(recipe: Recipe, params: Mapping[str, Any], dims: Mapping[str, Any]) -> Graph:
    """The graph with parameters and symbols bound; a symbol that is bound to its own name stays open."""
    if isinstance(recipe.source, Graph):
        bound = {name: value for name, value in dims.items() if value != name}
        for assumption in recipe.source.assumptions:
            assumption.check(bound)
        return bind_graph(recipe.source, bound)
    return load(recipe.source, params=params, dims=dims, **recipe.options)


def row(recipe: Recipe, point: Sequence[Value]) -> Row:
    """The row of a combination. UsageError for what no combination could mend; strict lets every error out."""
    try:
        found = totals(built(recipe, *recipe.space.at(point)), recipe.with_peak)
        refuse_open(found.figures)
        if found.lower_bound and recipe.strict:
            raise UnknownOperatorError("an operator has no rule", "leave --strict out to see a lower bound")
    except UsageError:
        raise
    except CostcalcError as error:
        if recipe.strict:
            fact = f"{error.fact} ({where(recipe.space.grid.axes, point)})"
            raise type(error)(fact, error.remedy, error.place) from error
        return failed(point, error)
    return row_of(point, found)


def row_of(point: Sequence[Value], found: Totals) -> Row:
    """A row of figures that are numbers."""
    return (*point, *found.figures, found.lower_bound, found.upper_bound, None)


def failed(point: Sequence[Value], error: CostcalcError) -> Row:
    """A row without figures, with the error on one line."""
    return (*point, *(None,) * len(FIGURES), None, None, " ".join(str(error).split()))


def refuse_open(figures: Sequence[Dim | None], known: Sequence[str] = ()) -> None:
    """UsageError where a figure holds a symbol that is not known: a sweep gives numbers."""
    names = [name for name in symbols(*(f for f in figures if f is not None)) if name not in known]
    if names:
        raise UsageError(
            f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} open, and a sweep gives numbers",
            "bind it: " + " ".join(f"--dim {name}=…" for name in names),
        )
