"""One model in one scenario → its figures, or what stands in the way. Runs in any process; the answer travels back.

Questions → answers in their order: the same is asked once, and processes share the work where that is wanted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.analysis.report import Report
from costcalc.core.errors import CostcalcError, UnknownNameError
from costcalc.studies.check.case import Peak, Timed
from costcalc.studies.diff.snapshot import Snapshot, snapshot
from costcalc.studies.options import Settings, fitting
from costcalc.studies.pipeline import analyze

if TYPE_CHECKING:
    from costcalc.analysis.hardware.profile import HardwareProfile


class Failure(NamedTuple):
    """Why a model has no figures: a sentence, and its place as an error tells it (file:line:column, or "")."""

    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A model's figures. lacks are the refusals of names that were bound and that it does not have, where its entry is
    a glob; open names the Ifs whose branch is open."""

    snapshot: Snapshot
    times: dict[str, Timed]
    peak: Peak | None
    lacks: tuple[UnknownNameError, ...] = ()
    open: tuple[str, ...] = ()


class Question(NamedTuple):
    """What is read, how it is bound, and what only the whole report tells: devices as (name, profile), the highest peak
    that is no breach. lenient leaves out names that the model lacks."""

    source: str
    settings: Settings
    devices: tuple[tuple[str, str], ...] = ()
    peak: int | None = None
    lenient: bool = False


def answer(question: Question) -> Found | Failure:
    """The figures of a model. Whatever stands in the way, a bug of costcalc's own included, is a Failure."""
    try:
        return _found(question)
    except CostcalcError as error:
        return Failure(_sentence(error), error.place)
    except MemoryError:
        return Failure("out of memory")
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        what = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        return Failure(f"this is a bug in costcalc ({what}); please report it with the model")


def _sentence(error: CostcalcError) -> str:
    return f"{error.fact}; {error.remedy}" if error.remedy else error.fact


def _found(question: Question) -> Found:
    def read(**reading: Any) -> Report:
        return analyze(question.source, Settings.of(**reading))

    options = question.settings.reading()
    lacks: tuple[UnknownNameError, ...] = ()
    if question.lenient:
        report, lacks = fitting(read, options)
    else:
        report = read(**options)
    times = {name: timed(report, profile) for name, profile in question.devices}
    high = report.totals.get("peak_activation_bytes")
    over = question.peak is not None and isinstance(high, int) and high > question.peak
    return Found(snapshot(report), times, peak(report) if over else None, lacks, report.graph.choices)


@lru_cache(maxsize=64)
def device(name: str) -> HardwareProfile:
    """The profile of a device's name or file, read once."""
    from costcalc.analysis.hardware.catalogue import find

    return find(name)


def timed(report: Report, profile: str) -> Timed:
    """The lower bound of the time on a device, and the layer that takes longest."""
    from costcalc.analysis.roofline.bounds import roofline

    one = roofline(report, device(profile))
    if one.open:
        return Timed(None, f"it depends on {', '.join(one.open)}", code="CC103")
    if report.upper_bound:
        return Timed(None, f"the branch of {report.graph.choices[0]} is open", code="CC103")
    seconds = one.model.seconds
    if seconds is None or one.without_peak:
        lack = ", ".join(one.without_peak) or "it"
        return Timed(None, f"the profile {one.profile.id} has no figure for {lack}")
    spent = [(b.seconds, row.name) for row, b in zip(report.rows, one.layers, strict=True) if b.seconds]
    if not spent:
        return Timed(seconds)
    most, name = max(spent, key=lambda pair: pair[0])
    return Timed(seconds, "", name, most / sum(time for time, _ in spent))


def peak(report: Report) -> Peak | None:
    """The layer whose output is the largest that is alive where activations peak; graph inputs are nobody's."""
    from fractions import Fraction

    from costcalc.analysis.memory.liveness import schedule, timeline

    plan = schedule(report.graph)
    line = timeline(plan)
    if not isinstance(line.peak, int) or not line.peak:
        return None
    alive = [
        (b.nbytes, b.born) for b in plan.buffers if 0 <= b.born <= line.step <= b.dies and isinstance(b.nbytes, int)
    ]
    nbytes, born = max(alive, default=(0, line.step))
    return Peak(plan.steps[line.step].name, plan.steps[born].name, Fraction(nbytes, line.peak))


def moved(found: Found, old: str, new: str) -> Found:
    """The figures of a file as those of another with the same content."""

    def renamed(place: str) -> str:
        return new + place[len(old) :] if place.startswith(f"{old}:") else place

    s = found.snapshot
    layers = tuple([replace(layer, place=renamed(layer.place)) for layer in s.layers])
    name = new if s.name == old else s.name
    return replace(found, snapshot=replace(s, name=name, source=new, layers=layers))


def content(question: Question) -> Any:
    """What makes two questions the same: a YAML file's content, or the source; the settings; what else is asked."""
    file = Path(question.source)
    same: Any = file.read_bytes() if file.suffix in (".yaml", ".yml") and file.is_file() else question.source
    return same, repr(question[1:])


def answers(questions: Sequence[Question], jobs: int = 1) -> list[Found | Failure]:
    """An answer to each question."""
    keys = [_key(q) for q in questions]
    first: dict[Any, int] = {}
    for i, key in enumerate(keys):
        first.setdefault(key, i)
    asked = list(first.values())
    given = dict(zip(asked, _run([questions[i] for i in asked], jobs), strict=True))
    return [_as(given[first[key]], questions[first[key]], q) for key, q in zip(keys, questions, strict=True)]


def _key(question: Question) -> Any:
    try:
        return content(question)
    except OSError:  # its reader says what is wrong
        return question.source, repr(question[1:])


def _as(result: Found | Failure, asked: Question, own: Question) -> Found | Failure:
    """The answer to an equal question of another file."""
    old, new = asked.source, own.source
    if old == new:
        return result
    if isinstance(result, Failure):
        here = result.place.startswith(f"{old}:")
        return result._replace(place=new + result.place[len(old) :] if here else result.place)
    return moved(result, old, new)


def _run(questions: Sequence[Question], jobs: int) -> list[Found | Failure]:
    jobs = min(jobs, len(questions))
    if jobs < 2:
        return [answer(question) for question in questions]
    from concurrent.futures.process import BrokenProcessPool

    from costcalc.studies.batch import shared_out

    found: list[Found | Failure] = []
    with shared_out(answer, questions, jobs) as futures:
        for future in futures:
            try:
                found.append(future.result())
            except BrokenProcessPool:
                found.append(Failure("the process that read it, or one beside it, ended; try with --jobs 1"))
    return found
