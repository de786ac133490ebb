"""A model under settings, and the quantities that are asked of it -> its figures, or what stands in the way.

Runs in any process; the answer travels back. The same is asked once, and processes share the work where that is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.analysis.report import Report
from costcalc.core.errors import CostcalcError, UnknownNameError
from costcalc.core.quantities import QuantityRef
from costcalc.studies.batch import Failure, process_pool
from costcalc.studies.check import measurements
from costcalc.studies.check.case import CheckFigure, Peak
from costcalc.studies.diff.snapshot import Snapshot, snapshot
from costcalc.studies.options import Settings, drop_unknown_names
from costcalc.studies.pipeline import analyze


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """A model's figures. lacks are the refusals of names that were bound and that it does not have, where its entry is
    a glob; open names the Ifs whose branch is open."""

    snapshot: Snapshot
    figures: dict[QuantityRef, CheckFigure]
    peak: Peak | None
    lacks: tuple[UnknownNameError, ...] = ()
    open: tuple[str, ...] = ()


class Evaluation(NamedTuple):
    """What is read, under which settings, the quantities that are asked beside the totals of every report (each with
    the name or file of its device's profile), and the highest peak that is no breach. lenient leaves out names that
    the model lacks."""

    source: str
    settings: Settings
    quantities: tuple[tuple[QuantityRef, str], ...] = ()
    peak: int | None = None
    lenient: bool = False


def evaluate(evaluation: Evaluation, raise_crashes: bool = False) -> ModelFigures | Failure:
    """The figures of a model. Whatever stands in the way, a bug of costcalc's own included, is a Failure, unless
    crashes are to be raised."""
    try:
        return _figures(evaluation)
    except CostcalcError as error:
        return Failure(_sentence(error), error.place)
    except MemoryError:
        return Failure("out of memory")
    except Exception as error:
        if raise_crashes:
            raise
        what = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        return Failure(f"this is a bug in costcalc ({what}); please report it with the model")


def _sentence(error: CostcalcError) -> str:
    return f"{error.fact}; {error.remedy}" if error.remedy else error.fact


def _figures(evaluation: Evaluation) -> ModelFigures:
    settings = evaluation.settings.covering([ref for ref, _ in evaluation.quantities])

    def read(**reading: Any) -> tuple[Report, Settings]:
        own = replace(settings, **reading)
        return analyze(evaluation.source, own), own

    lacks: tuple[UnknownNameError, ...] = ()
    if evaluation.lenient:
        (report, settings), lacks = drop_unknown_names(read, settings.reading())
    else:
        report = analyze(evaluation.source, settings)
    asked = evaluation.quantities
    figures = measurements().check_figures(evaluation.source, settings, report, asked) if asked else {}
    high = report.totals.get("peak_activation_bytes")
    over = evaluation.peak is not None and isinstance(high, int) and high > evaluation.peak
    return ModelFigures(
        snapshot(report), figures, measurements().peak_layer(report) if over else None, lacks, report.open_branches
    )


def relocate(found: ModelFigures, old: str, new: str) -> ModelFigures:
    """The figures of a file as those of another with the same content."""

    def renamed(place: str) -> str:
        return new + place[len(old) :] if place.startswith(f"{old}:") else place

    s = found.snapshot
    layers = tuple([replace(layer, place=renamed(layer.place)) for layer in s.layers])
    name = new if s.name == old else s.name
    return replace(found, snapshot=replace(s, name=name, source=new, layers=layers))


def evaluation_key(evaluation: Evaluation) -> Any:
    """What makes two evaluations the same: a YAML file's content, or the source; the settings; what else is asked."""
    file = Path(evaluation.source)
    same: Any = file.read_bytes() if file.suffix in (".yaml", ".yml") and file.is_file() else evaluation.source
    return same, repr(evaluation[1:])


def evaluate_models(
    evaluations: Sequence[Evaluation], jobs: int = 1, raise_crashes: bool = False
) -> list[ModelFigures | Failure]:
    """The figures of each evaluation, in their order."""
    keys = [_key(one) for one in evaluations]
    first: dict[Any, int] = {}
    for i, key in enumerate(keys):
        first.setdefault(key, i)
    work = [evaluations[i] for i in first.values()]
    results = dict(zip(first.values(), _run(work, jobs, raise_crashes), strict=True))
    return [_as(results[first[key]], evaluations[first[key]], own) for key, own in zip(keys, evaluations, strict=True)]


def _key(evaluation: Evaluation) -> Any:
    try:
        return evaluation_key(evaluation)
    except OSError:  # its reader says what is wrong
        return evaluation.source, repr(evaluation[1:])


def _as(result: ModelFigures | Failure, first: Evaluation, own: Evaluation) -> ModelFigures | Failure:
    """The answer to an equal evaluation of another file."""
    old, new = first.source, own.source
    if old == new:
        return result
    if isinstance(result, Failure):
        here = result.place.startswith(f"{old}:")
        return result._replace(place=new + result.place[len(old) :] if here else result.place)
    return relocate(result, old, new)


def _run(evaluations: Sequence[Evaluation], jobs: int, raise_crashes: bool) -> list[ModelFigures | Failure]:
    jobs = min(jobs, len(evaluations))
    work = partial(evaluate, raise_crashes=raise_crashes)
    if jobs < 2:
        return [work(one) for one in evaluations]
    from concurrent.futures.process import BrokenProcessPool

    found: list[ModelFigures | Failure] = []
    with process_pool(work, evaluations, jobs) as futures:
        for future in futures:
            try:
                found.append(future.result())
            except BrokenProcessPool:
                found.append(Failure("the process that read it, or one beside it, ended; try with --jobs 1"))
    return found
