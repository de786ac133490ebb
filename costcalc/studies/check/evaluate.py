"""A model under settings, and the quantities that are asked of it -> its figures, or what stands in the way.

Runs in any process; the answer travels back. The same is asked once, and processes share the work where that is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.analysis.report import Report
from costcalc.core.errors import CostcalcError, UnknownNameError
from costcalc.core.quantity import QuantityRef
from costcalc.frontends.table import YAML
from costcalc.studies.batch import Failure, process_pool
from costcalc.studies.check import measurements
from costcalc.studies.check.case import CheckFigure, Peak
from costcalc.studies.diff.snapshot import Snapshot, snapshot
from costcalc.studies.options import Settings, drop_unknown_names
from costcalc.studies.pipeline import analyze


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """A model's figures. unknown_names are the refusals of names that were bound and that it does not have, where its
    entry is a glob; open_branches names the Ifs whose branch is open; total_limits are the upper bounds of open
    totals."""

    snapshot: Snapshot
    figures: dict[QuantityRef, CheckFigure]
    peak: Peak | None
    unknown_names: tuple[UnknownNameError, ...] = ()
    open_branches: tuple[str, ...] = ()
    total_limits: Mapping[str, int] = field(default_factory=dict)


class Evaluation(NamedTuple):
    """What is read (a path, a name or another model), under which settings, the quantities that are asked beside the
    totals of every report (each with the name or file of its device's profile), and the highest peak that is no breach
    (peak_limit). lenient leaves out names that the model lacks."""

    source: Any
    settings: Settings
    quantities: tuple[tuple[QuantityRef, str], ...] = ()
    peak_limit: int | None = None
    lenient: bool = False


def evaluate(evaluation: Evaluation, raise_crashes: bool = False) -> ModelFigures | Failure:
    """The figures of a model. Whatever stands in the way, a bug of costcalc's own included, is a Failure, unless
    crashes are to be raised."""
    try:
        return _evaluate_figures(evaluation)
    except CostcalcError as error:
        return Failure(_format_error(error), error.place)
    except MemoryError:
        return Failure("out of memory")
    except Exception as error:
        if raise_crashes:
            raise
        crash = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        return Failure(f"this is a bug in costcalc ({crash}); please report it with the model")


def _format_error(error: CostcalcError) -> str:
    return f"{error.fact}; {error.remedy}" if error.remedy else error.fact


def _evaluate_figures(evaluation: Evaluation) -> ModelFigures:
    settings = evaluation.settings.extend_for([ref for ref, _ in evaluation.quantities])

    def read(**reading: Any) -> tuple[Report, Settings]:
        reading_settings = settings._replace(**reading)
        return analyze(evaluation.source, reading_settings), reading_settings

    unknown_names: tuple[UnknownNameError, ...] = ()
    if evaluation.lenient:
        (report, settings), unknown_names = drop_unknown_names(read, settings.load_arguments())
    else:
        report = analyze(evaluation.source, settings)
    if evaluation.settings.generation is not None and not evaluation.lenient:
        measurements().require_generation(evaluation.source, settings, report)
    quantities = evaluation.quantities
    figures = measurements().measure_figures(evaluation.source, settings, report, quantities) if quantities else {}
    peak = report.totals.get("peak_activation_bytes")
    exceeds_peak_limit = evaluation.peak_limit is not None and isinstance(peak, int) and peak > evaluation.peak_limit
    return ModelFigures(
        snapshot(report),
        figures,
        measurements().find_peak_layer(report) if exceeds_peak_limit else None,
        unknown_names,
        report.open_branches,
        report.total_limits,
    )


def relocate(figures: ModelFigures, old: str, new: str) -> ModelFigures:
    """The figures of a file as those of another with the same content."""

    def relocate_place(place: str) -> str:
        return new + place[len(old) :] if place.startswith(f"{old}:") else place

    snapshot = figures.snapshot
    layers = tuple([replace(layer, place=relocate_place(layer.place)) for layer in snapshot.layers])
    name = new if snapshot.name == old else snapshot.name
    return replace(figures, snapshot=replace(snapshot, name=name, source=new, layers=layers))


def evaluation_key(evaluation: Evaluation) -> Any:
    """What makes two evaluations the same: a YAML file's content, or the source; the settings; what else is asked."""
    file = Path(evaluation.source)
    content: Any = file.read_bytes() if file.suffix in YAML.suffixes and file.is_file() else evaluation.source
    return content, repr(evaluation[1:])


def evaluate_models(
    evaluations: Sequence[Evaluation], jobs: int = 1, raise_crashes: bool = False
) -> list[ModelFigures | Failure]:
    """The figures of each evaluation, in their order."""
    keys = [_key_or_source(evaluation) for evaluation in evaluations]
    first_index: dict[Any, int] = {}
    for i, key in enumerate(keys):
        first_index.setdefault(key, i)
    distinct = [evaluations[i] for i in first_index.values()]
    results = dict(zip(first_index.values(), _evaluate_all(distinct, jobs, raise_crashes), strict=True))
    return [
        _relocate_result(results[first_index[key]], evaluations[first_index[key]], evaluation)
        for key, evaluation in zip(keys, evaluations, strict=True)
    ]


def _key_or_source(evaluation: Evaluation) -> Any:
    try:
        return evaluation_key(evaluation)
    except OSError:  # its reader says what is wrong
        return evaluation.source, repr(evaluation[1:])


def _relocate_result(
    result: ModelFigures | Failure, first: Evaluation, evaluation: Evaluation
) -> ModelFigures | Failure:
    """The answer to an equal evaluation of another file."""
    old, new = first.source, evaluation.source
    if old == new:
        return result
    if isinstance(result, Failure):
        is_inside = result.place.startswith(f"{old}:")
        return result._replace(place=new + result.place[len(old) :] if is_inside else result.place)
    return relocate(result, old, new)


def _evaluate_all(evaluations: Sequence[Evaluation], jobs: int, raise_crashes: bool) -> list[ModelFigures | Failure]:
    jobs = min(jobs, len(evaluations))
    evaluate_one = partial(evaluate, raise_crashes=raise_crashes)
    if jobs < 2:
        return [evaluate_one(evaluation) for evaluation in evaluations]
    from concurrent.futures.process import BrokenProcessPool

    results: list[ModelFigures | Failure] = []
    with process_pool(evaluate_one, evaluations, jobs) as futures:
        for future in futures:
            try:
                results.append(future.result())
            except BrokenProcessPool:
                results.append(Failure("the process that read it, or one beside it, ended; try with --jobs 1"))
    return results
