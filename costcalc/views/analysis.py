"""A report -> the table of an analysis, and a measurement -> its JSON entry: with devices and generation where they
were measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costcalc.analysis.report import Report
from costcalc.core.errors import OpenQuantityError, QuantityError
from costcalc.core.quantities import CATALOGUE, GENERATION, GENERATION_PER_DEVICE, TRAINING_PARALLEL
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.studies.measurement import MeasuredReport, Measurement
from costcalc.views.figures import (
    figure_amount,
    figure_plain,
    figure_text,
    inexact_certainty,
    refusal_notes,
    refusal_texts,
)
from costcalc.views.generation import generation_document
from costcalc.views.report import TableOptions, report_table
from costcalc.views.roofline import roofline_document, with_devices
from costcalc.views.settings import settings_document
from costcalc.views.table import Note, Table, Total
from costcalc.views.training import training_split_document


def analysis_table(report: Report, options: TableOptions = TableOptions()) -> Table:  # noqa: B008
    """The layers and the totals as the options say; of a measured report with the columns and bounds of the settings'
    devices and the figures of generation. QuantityError where the model generates nothing and generation is asked
    for."""
    if not isinstance(report, MeasuredReport):
        return report_table(report, options)
    measurement = report.measurement
    if measurement.settings.generation is not None:
        measurement.require_generation()
        totals, notes = tuple(_generation_totals(measurement)), tuple(_generation_notes(measurement))
        options = options._replace(totals=totals, notes=notes)
    if measurement.settings.execution.align is not None and "arena_bytes" not in measurement.base.totals:
        arena = QuantityRef(CATALOGUE["arena_bytes"])
        refusals = refusal_notes((measurement.base.name,), {arena: [measurement.attempt(arena)]})
        options = options._replace(notes=(*options.notes, *refusals))
    if _asks_split(measurement):
        figures = {QuantityRef(CATALOGUE[key]): [measurement.attempt(key)] for key in TRAINING_PARALLEL}
        refusals = refusal_notes((measurement.base.name,), figures) if _is_open(measurement) else ()
        totals = () if refusals else tuple(_split_totals(measurement))
        options = options._replace(totals=(*options.totals, *totals), notes=(*options.notes, *refusals))
    return report_table(measurement.report, with_devices(options, measurement.rooflines()))


def analysis_document(measurement: Measurement) -> dict[str, Any]:
    """The model's entry of the JSON report. Totals hold every quantity that the settings ask for, null where the model
    does not have it; `refused` then says why, and `certainty` what is certain of each figure that is not exact."""
    if measurement.settings.generation is not None:
        measurement.require_generation()
    model = measurement.report.to_dict()
    model |= settings_document(measurement.given_settings)
    figures = {ref: measurement.attempt(ref) for ref in measurement.settings.quantities()}
    model["totals"] |= {ref.key: figure_plain(figure) for ref, figure in figures.items()}
    if certainty := model.pop("certainty", {}) | inexact_certainty(figures):
        model["certainty"] = certainty
    if reasons := refusal_texts(figures):
        model["refused"] = reasons
    if measurement.settings.devices:
        model["hardware"] = [roofline_document(roofline) for roofline in measurement.rooflines()]
    if measurement.settings.generation is not None:
        model["generation"] = generation_document(measurement.generation)
    if _asks_split(measurement) and not _is_open(measurement):
        model["training"]["parallel"] = training_split_document(measurement.training_split)
    return model


def _asks_split(measurement: Measurement) -> bool:
    """Whether a training step on several devices is asked for."""
    return measurement.settings.training is not None and measurement.settings.is_parallel


def _is_open(measurement: Measurement) -> bool:
    """Whether what a device holds of a training step depends on open extents. A split that the model cannot have is no
    such case: it is refused where its figures are read."""
    return isinstance(measurement.attempt("device_training_bytes"), OpenQuantityError)


def _split_totals(measurement: Measurement) -> Iterator[Total]:
    split = measurement.training_split
    for kind, nbytes in split.nbytes.items():
        yield Total(f"{kind.capitalize()} a device", nbytes, "bytes")
    for key in TRAINING_PARALLEL:
        ref = QuantityRef(CATALOGUE[key])
        yield Total(ref.label, figure_amount(ref, measurement.figure(ref)), ref.quantity.kind)
    for kind, sent in split.sent.items():
        if sent:
            yield Total(f"  {kind} parallel", int(sent), "bytes")


def _generation_totals(measurement: Measurement) -> Iterator[Total]:
    for key in GENERATION:
        ref = QuantityRef(CATALOGUE[key])
        yield Total(ref.label, figure_amount(ref, measurement.figure(ref)), ref.quantity.kind)


def _generation_notes(measurement: Measurement) -> Iterator[Note]:
    options = measurement.settings.generation
    assert options is not None
    devices = measurement.settings.devices
    for ref in [QuantityRef(CATALOGUE[key], device) for device in devices for key in GENERATION_PER_DEVICE]:
        figure: Figure | QuantityError = measurement.attempt(ref)
        text = f"?: {figure.fact}" if isinstance(figure, QuantityError) else figure_text(ref, figure)
        yield Note(ref.label, text, isinstance(figure, QuantityError))
    texts, prompt = "1 text" if options.batch == 1 else f"{options.batch:,} texts", measurement.generation.prompt
    yield Note("Generation", f"{texts}, each of {prompt:,} + {options.generate:,} tokens (see `costcalc llm`)")
