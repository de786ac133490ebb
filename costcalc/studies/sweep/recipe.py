"""A model and what is varied -> the recipe of every point; what is wrong with the whole is told before any is built."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.core.dim import symbols
from costcalc.core.errors import CostcalcError, LoadError, SpecError, UnknownNameError, UsageError
from costcalc.core.ir import Graph
from costcalc.core.quantities import TOTALS
from costcalc.core.quantity import QuantityRef
from costcalc.frontends import load, model_parameters
from costcalc.frontends.options import NO_PARAMETERS
from costcalc.frontends.source import Source, find_source, hold_source
from costcalc.frontends.symbols import IMAGE_SYMBOLS, has_batch_default
from costcalc.studies.options import Settings
from costcalc.studies.sweep import measurements
from costcalc.studies.sweep.axes import VARIABLE_SETTINGS, SweepAxis, all_setting_values, change_settings, setting_axes
from costcalc.studies.sweep.columns import RESERVED
from costcalc.studies.sweep.point import SweepRecipe, build_graph
from costcalc.studies.sweep.space import Bindings, build_space

TEXT_SETTINGS = ("batch", "prompt", "generate")
"""Settings of generation that a sweep's --dim may name, where no symbol of the model is called so."""

MAX_TRIES = 16
"""Structures that are tried at most, and the last."""


class SweepSetup(NamedTuple):
    """A recipe, what the model is called, and what was decided by default."""

    recipe: SweepRecipe
    name: str
    notes: tuple[str, ...]


def prepare_sweep(
    source: Any,
    params: Mapping[str, Any],
    dims: Mapping[str, Any],
    settings: Settings = Settings(),  # noqa: B008
    *,
    vary: Mapping[str, Any] | None = None,
    quantities: Sequence[QuantityRef] = (),
    with_peak: bool = True,
    strict: bool = False,
) -> SweepSetup:
    """The recipe of a sweep: params, dims and the settings in vary become axes; quantities are measured beside those
    that the settings ask for, and bring the defaults of what they need. UsageError for names that the model lacks and
    for a model that can be read only once; LoadError where there is no model; HardwareError where there is no such
    device. A batch that nothing binds is 1; dims named batch, prompt or generate that the model lacks are the settings
    of generation."""
    if source == "-":
        raise UsageError("a sweep reads its model many times, and standard input comes once", "name a file")
    source = find_source(source) if isinstance(source, (str, os.PathLike)) else hold_source(source)
    dims, text_settings = _split_text_settings(source, dims, settings)
    axes = tuple(setting_axes({**text_settings, **(vary or {})}))
    changes_reading = settings.load_arguments() != Settings().load_arguments() or any(
        VARIABLE_SETTINGS[axis.name][0] == "" for axis in axes
    )
    if isinstance(source, Graph) and (params or changes_reading):
        raise UsageError("a graph is built already", "vary its symbols with dims, or give the model's path")
    parameters = None if isinstance(source, Graph) else model_parameters(source)
    if params and parameters is None:
        remedy = "this model has none: vary its symbols with --dim, its settings with --vary"
        raise UnknownNameError(NO_PARAMETERS, remedy, argument="params", name=next(iter(params)))
    space = build_space(params, dims, parameters, RESERVED, axes)
    measured_quantities = _measured_quantities(settings, axes, quantities)
    if measured_quantities:
        measurements().check_devices(measured_quantities)
    setup = _set_up_sweep(
        SweepRecipe(source, space, settings.extend_for(measured_quantities), measured_quantities, with_peak, strict)
    )
    if any(combination.generation is not None for combination in (settings, *_setting_combinations(settings, axes))):
        recipe = setup.recipe
        first = recipe.space.bind(recipe.space.grid.point(0))
        measurements().require_generation(source, recipe.settings_at(first))
    return setup


def _split_text_settings(
    source: Any, dims: Mapping[str, Any], settings: Settings
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Dims -> those that are symbols of the model, and batch, prompt and generate where they are none: the settings of
    generation of that name."""
    names = [name for name in TEXT_SETTINGS if name in dims]
    if not names:
        return dims, {}
    graph = source if isinstance(source, Graph) else load(source, **settings.source_options())
    model_symbols = symbols(*[extent for name in graph.inputs for extent in graph.types[name].shape or ()])
    moved = {name: dims[name] for name in names if name not in model_symbols}
    return {name: value for name, value in dims.items() if name not in moved}, moved


def _measured_quantities(
    settings: Settings, axes: Sequence[SweepAxis], requested: Sequence[QuantityRef]
) -> tuple[QuantityRef, ...]:
    """The quantities beyond TOTALS: those that the settings ask for at some combination, then those that are
    requested."""
    combinations = [settings, *_setting_combinations(settings, axes)]
    refs = dict.fromkeys([*[ref for combination in combinations for ref in combination.quantities()], *requested])
    return tuple([ref for ref in refs if ref.key not in TOTALS])


def _setting_combinations(settings: Settings, axes: Sequence[SweepAxis]) -> list[Settings]:
    """The settings with each value of each setting that varies."""
    return [change_settings(settings, values) for values in all_setting_values(axes)]


def _set_up_sweep(recipe: SweepRecipe) -> SweepSetup:
    """Recipe -> the setup of the first structure that is valid; where none is, every point will tell why."""
    grid = recipe.space.grid
    structures = grid.size // grid.points_per_structure
    for number in dict.fromkeys((*range(0, structures, max(1, structures // MAX_TRIES)), structures - 1)):
        setup = _try_structure(recipe, number * grid.points_per_structure)
        if setup is not None:
            return setup
    source = recipe.source
    return SweepSetup(recipe, source.name if isinstance(source, Source) else str(source), ())


def _try_structure(recipe: SweepRecipe, number: int) -> SweepSetup | None:
    """Recipe and a point's number -> the setup by its structure, built with the dims open: extents that only open
    images have are opened. None where this structure is invalid; LoadError where the file is no model at all."""
    names = [axis.name for axis in recipe.space.grid.axes if axis.dim and axis.varies]
    bindings = recipe.space.bind(recipe.space.grid.point(number))
    try:
        open_bindings = bindings._replace(dims={**bindings.dims, **{name: name for name in names}})
        graph = build_graph(recipe, open_bindings)
    except UnknownNameError as error:
        if error.argument != "dims" or error.name not in IMAGE_SYMBOLS or recipe.settings.symbolic:
            raise
        return _try_structure(recipe._replace(settings=recipe.settings._replace(symbolic=True)), number)
    except UsageError:
        raise
    except CostcalcError as error:
        if isinstance(error, LoadError) and not isinstance(error, SpecError):
            raise
        return None
    model_symbols = symbols(*{d for t in graph.types.values() for d in t.shape or ()})
    for name in names:
        if name not in model_symbols:
            remedy = "it has " + (", ".join(model_symbols) or "none")
            raise UnknownNameError(f"the model has no symbol {name!r}", remedy, argument="dims", name=name)
    batches = {
        name: 1
        for name in model_symbols
        if name not in names and has_batch_default(name) and name in _leading_symbols(graph)
    }
    notes = (*_common_notes(recipe, bindings, graph), *(f"{name} = 1 by default (--dim {name}=…)" for name in batches))
    space = recipe.space._replace(dims={**batches, **recipe.space.dims})
    return SweepSetup(recipe._replace(space=space), graph.name, notes)


def _common_notes(recipe: SweepRecipe, bindings: Bindings, graph: Graph) -> tuple[str, ...]:
    """The notes of a graph that hold at every combination: none of a setting of its reading that varies."""
    if not any(VARIABLE_SETTINGS[name][0] == "" for name in bindings.settings):
        return graph.notes
    return build_graph(recipe, bindings._replace(settings={})).notes


def _leading_symbols(graph: Graph) -> set[str]:
    """The symbols that stand first in the shape of an input."""
    return {name for value in graph.inputs for name in symbols(*(graph.types[value].shape or ())[:1])}
