"""A model and what is varied -> the recipe of every point; what is wrong with the whole is told before any is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from costcalc.core.dim import symbols
from costcalc.core.errors import CostcalcError, LoadError, SpecError, UnknownNameError, UsageError
from costcalc.core.ir import Graph
from costcalc.frontends import model_parameters
from costcalc.frontends.source import Source, hold_source
from costcalc.frontends.symbols import default_batch
from costcalc.studies.sweep.point import FIGURES, OTHERS, Recipe, built
from costcalc.studies.sweep.space import space

IMAGE = ("N", "D", "H", "W")
"""What load's symbolic calls the extents of images. Who varies one of them asks for it."""

TRIES = 16
"""Structures that are tried at most, and the last."""


class Opened(NamedTuple):
    """A recipe, what the model is called, and what was decided by default."""

    recipe: Recipe
    name: str
    notes: tuple[str, ...]


def opened(
    source: Any,
    params: Mapping[str, Any],
    dims: Mapping[str, Any],
    options: Mapping[str, Any],
    with_peak: bool = True,
    strict: bool = False,
) -> Opened:
    """The recipe of a sweep. UsageError for names that the model lacks and for a model that can be read only
    once; LoadError where there is no model. A batch that nothing binds is 1."""
    if source == "-":
        raise UsageError("a sweep reads its model many times, and standard input comes once", "name a file")
    if isinstance(source, Graph) and (params or options):
        raise UsageError("a graph is built already", "vary its symbols with dims, or give the model's path")
    source = hold_source(source)
    known = None if isinstance(source, Graph) else model_parameters(source)
    if params and known is None:
        fact, remedy = "--set is for YAML models", "an ONNX file has no parameters; use --dim or --shape"
        raise UnknownNameError(fact, remedy, argument="params", name=next(iter(params)))
    where = space(params, dims, known, (*FIGURES, *OTHERS))
    return _tried(Recipe(source, where, dict(options), with_peak, strict))


def _tried(recipe: Recipe) -> Opened:
    """The recipe, tried on structures until one is valid; where none is, every point will tell why."""
    grid = recipe.space.grid
    structures = grid.size // grid.inner
    for number in dict.fromkeys((*range(0, structures, max(1, structures // TRIES)), structures - 1)):
        found = _tried_on(recipe, number * grid.inner)
        if found is not None:
            return found
    source = recipe.source
    return Opened(recipe, source.name if isinstance(source, Source) else str(source), ())


def _tried_on(recipe: Recipe, number: int) -> Opened | None:
    """The recipe, tried on one structure with the dims open: extents that only open images have are opened. None where
    this structure is invalid; LoadError where the file is no model at all."""
    names = [axis.name for axis in recipe.space.grid.axes if axis.dim and axis.varies]
    params, dims = recipe.space.at(recipe.space.grid.point(number))
    opening = {**dims, **{name: name for name in names}}
    try:
        graph = built(recipe, params, opening)
    except UnknownNameError as error:
        if error.argument != "dims" or error.name not in IMAGE or recipe.options.get("symbolic"):
            raise
        return _tried_on(recipe._replace(options={**recipe.options, "symbolic": True}), number)
    except UsageError:
        raise
    except CostcalcError as error:
        if isinstance(error, LoadError) and not isinstance(error, SpecError):
            raise
        return None
    present = symbols(*{d for t in graph.types.values() for d in t.shape or ()})
    for name in names:
        if name not in present:
            remedy = "it has " + (", ".join(present) or "none")
            raise UnknownNameError(f"the model has no symbol {name!r}", remedy, argument="dims", name=name)
    batches = {name: 1 for name in present if name not in names and default_batch(name) and name in _leading(graph)}
    notes = (*graph.notes, *(f"{name} = 1 by default (--dim {name}=…)" for name in batches))
    where = recipe.space._replace(dims={**batches, **recipe.space.dims})
    return Opened(recipe._replace(space=where), graph.name, notes)


def _leading(graph: Graph) -> set[str]:
    """The symbols that stand first in the shape of an input."""
    return {name for value in graph.inputs for name in symbols(*(graph.types[value].shape or ())[:1])}
