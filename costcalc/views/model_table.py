"""Models -> a table with a row for each: quantities side by side, for a README."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.quantities import CATALOGUE, parse_quantities, usage
from costcalc.core.quantity import QuantityRef
from costcalc.studies.compare import measure_models
from costcalc.studies.measurement import Measurement
from costcalc.studies.options import Settings
from costcalc.views.figures import figure_cell, figure_column, refusal_notes
from costcalc.views.summary import inputs_text
from costcalc.views.table import Column, Table, make_table

DEFAULT_COLUMNS = ("name", "macs", "params", "weight_bytes", "peak_activation_bytes")


class TableRequest(NamedTuple):
    """What a table shows: models, the settings that hold for all of them, and columns. short rounds counts to three
    digits, as bytes always are."""

    models: tuple[Any, ...]
    settings: Settings
    columns: tuple[str, ...] = ()
    short: bool = False


class NamedMeasurement(NamedTuple):
    """A measured model and what it is called in the table."""

    name: str
    measurement: Measurement


TEXT_COLUMNS = {
    column.key: column
    for column in (
        Column("name", "Model", "name", 100, lambda model: model.name),
        Column("source", "Source", "text", 40, lambda model: Path(model.measurement.base.source).name),
        Column("input", "Input", "text", 50, lambda model: inputs_text(model.measurement.base)),
        Column("layers", "Layers", "number", 50, lambda model: len(model.measurement.base.layers)),
    )
}
"""The columns that are no quantity."""

COLUMNS = (*TEXT_COLUMNS, *map(usage, CATALOGUE.values()))


def model_table(request: TableRequest, path: Callable[[str], str] | None = None) -> Table:
    """A row for each model, with the columns of the request; without any the usual ones and what the settings ask for.

    path turns a model as it was written into what is loaded. UsageError for a column that does not exist and for a
    bound name that no model has; a model that cannot be read raises its own error. A quantity that a model does not
    have is a dash, and the reason stands below.
    """
    keys = request.columns or (*DEFAULT_COLUMNS, *[ref.key for ref in request.settings.quantities()])
    refs_by_key = {key: _parse_column(key, request.settings.devices) for key in keys if key not in TEXT_COLUMNS}
    refs = tuple([ref for column_refs in refs_by_key.values() for ref in column_refs])
    models = request.models if path is None else [path(model) for model in request.models]
    measurements = measure_models(models, request.settings, quantities=refs)
    names = _unique_names([measurement.base.name for measurement in measurements], request.models)
    columns: list[Column] = []
    for key in keys:
        if key in TEXT_COLUMNS:
            columns.append(TEXT_COLUMNS[key])
        else:
            columns += [_figure_column(ref, request.short) for ref in refs_by_key[key]]
    figures = {
        ref: [measurement.attempt(ref) for measurement in measurements]
        for ref in refs
        if not ref.quantity.of_every_model
    }
    items = list(map(NamedMeasurement, names, measurements))
    return make_table("Models", columns, items, notes=refusal_notes(names, figures), kind="table")


def _parse_column(key: str, devices: Sequence[str]) -> tuple[QuantityRef, ...]:
    name = key.partition(".")[0]
    if name in CATALOGUE:
        return parse_quantities(key, devices)
    suggestion = did_you_mean(name, (*TEXT_COLUMNS, *CATALOGUE))
    raise UsageError(f"there is no column {key!r}", suggestion or f"there are {', '.join(COLUMNS)}")


def _unique_names(names: Sequence[str], models: Sequence[Any]) -> list[str]:
    """Names and models → unique names: models of one name have the model as it was written, or a number where it is an
    object."""
    return [
        name if names.count(name) == 1 else model if isinstance(model, str) else f"{name} ({i})"
        for i, (name, model) in enumerate(zip(names, models, strict=True), 1)
    ]


def _figure_column(ref: QuantityRef, short: bool) -> Column:
    return figure_column(ref, short, lambda model: figure_cell(ref, model.measurement.attempt(ref)))
