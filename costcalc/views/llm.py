"""Model and settings of generation -> the tables and the JSON content of `costcalc llm`: the costs of the passes, the
largest that fits a device, or every way to split a model over devices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.core.errors import UsageError
from costcalc.frontends.source import ModelSource
from costcalc.studies.generation.generation import measure_generation, refuse_unused_length
from costcalc.studies.generation.largest import largest_batch, longest_context
from costcalc.studies.generation.layouts import compare_layouts
from costcalc.studies.generation.serving import compute_serving_speed, is_served, measure_serving
from costcalc.studies.generation.speed import GenerationSpeed, compute_generation_speed
from costcalc.studies.options import Settings
from costcalc.views.generation import generation_document, passes_table, speed_document, speeds_table
from costcalc.views.results import TableSet
from costcalc.views.serving import (
    TEXT_LENGTH,
    largest_document,
    largest_table,
    layout_document,
    layouts_table,
    sent_table,
    serving_document,
    serving_speeds_table,
    stages_table,
)
from costcalc.views.settings import reading_words, settings_document
from costcalc.views.table import Note, Table


class LlmQuestion(NamedTuple):
    """What is asked of a decoder beside the costs of its passes: the longest text and the most texts that fit a device,
    or every way to split the model."""

    max_context: bool = False
    max_batch: bool = False
    sweep_parallel: bool = False


def llm_result(source: ModelSource, settings: Settings, question: LlmQuestion = LlmQuestion()) -> TableSet:  # noqa: B008
    """Model, settings and question -> the tables with their JSON content. UsageError where the model is no decoder, and
    where the question needs a device that the settings do not name."""
    _refuse_unused(settings, question)
    if settings.dims:
        refuse_unused_length(source, settings, question.max_context)
    if question.max_context or question.max_batch:
        result = _largest(source, settings, question)
    else:
        result = _layouts(source, settings) if question.sweep_parallel else _generation(source, settings)
    first, *others = result.sheets
    text = reading_words(settings.load_arguments())
    notes = (*first.notes, *([Note("Given", text)] if text else []))
    content = {**result.content, **settings_document(settings.to_dict())}
    return TableSet(result.name, (first._replace(notes=notes), *others), content)


def _refuse_unused(settings: Settings, question: LlmQuestion) -> None:
    """UsageError where the settings give what the question looks for."""
    generation, parallel = settings.generation, settings.parallel
    if question.max_batch and not question.max_context and generation is not None and generation.batch > 1:
        raise UsageError("--max-batch looks for the batch that --batch gives", "leave one of them out")
    split = [f"--{name}" for name in ("tp", "pp", "ep", "dp") if getattr(parallel, name) not in (1, None)]
    if question.sweep_parallel and split:
        raise UsageError(
            f"--sweep-parallel looks for the split that {' and '.join(split)} {'give' if len(split) > 1 else 'gives'}",
            "leave one of them out; --devices says over how many",
        )


def _generation(source: ModelSource, settings: Settings) -> TableSet:
    generation = measure_generation(source, settings)
    tables: list[Table] = [passes_table(generation)]
    content: dict[str, Any] = generation_document(generation)
    profiles = [find_profile(name) for name in settings.devices]
    speeds: Sequence[GenerationSpeed]
    if is_served(settings):
        serving = measure_serving(source, settings)
        speeds = [compute_serving_speed(serving, profile) for profile in profiles]
        tables.append(stages_table(serving))
        if serving.options.total > serving.options.replicas or serving.options.ep > 1:
            tables.append(sent_table(serving))
        tables += [serving_speeds_table(serving, speeds)] if speeds else []
        content["parallel"] = serving_document(serving)
    else:
        speeds = [compute_generation_speed(generation, profile) for profile in profiles]
        tables += [speeds_table(speeds)] if speeds else []
    if speeds:
        content["hardware"] = [speed_document(speed) for speed in speeds]
    return TableSet(generation.name, tuple(tables), {"generation": content})


def _largest(source: ModelSource, settings: Settings, question: LlmQuestion) -> TableSet:
    if not settings.devices:
        raise UsageError("what fits depends on the device", "name one: --device h100-sxm")
    questions = {TEXT_LENGTH: longest_context} if question.max_context else {}
    questions |= {"texts": largest_batch} if question.max_batch else {}
    rows = [
        (name, what, find(source, settings, find_profile(name)))
        for name in settings.devices
        for what, find in questions.items()
    ]
    document = [{"name": name, "what": what, **largest_document(largest)} for name, what, largest in rows]
    return TableSet("largest", (largest_table(rows),), {"largest": document})


def _layouts(source: ModelSource, settings: Settings) -> TableSet:
    if len(settings.devices) > 1:
        raise UsageError("--sweep-parallel is of one device", "name one: --device h100-sxm")
    profile = find_profile(settings.devices[0]) if settings.devices else None
    layouts = compare_layouts(source, settings, profile)
    table = layouts_table(str(source), layouts)
    return TableSet(table.title, (table,), {"layouts": [layout_document(layout) for layout in layouts]})
