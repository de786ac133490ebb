"""Config → Outcome: every model is costed once, however often it is asked for, and judged in each scenario.

A config is run: its models are found, read and costed once each, and judged.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costcalc.core.errors import HardwareError, LockError
from costcalc.studies.check import baseline as lock
from costcalc.studies.check import lock_file
from costcalc.studies.check.budget import Config, Limit
from costcalc.studies.check.case import Case
from costcalc.studies.check.evaluate import Failure, Found, Question, answers, device
from costcalc.studies.check.rules import level
from costcalc.studies.check.targets import Target, targets
from costcalc.studies.check.verdict import Checked, Outcome, Place

if TYPE_CHECKING:
    from costcalc.studies.check.branch import Answer


def check(
    config: str | os.PathLike[str] | None = None, *models: str, baseline: lock.Baseline | None = None, jobs: int = 1
) -> Outcome:
    """Holds models to their budget: those of a config's file (None: the nearest one from the working directory upward),
    of them only the named ones where some are named. ConfigError where there is no config or it breaks its form.

    baseline is what relative limits compare with; the config's own lock file unless given.
    """
    from costcalc.studies.check.config_file import nearest

    return run(nearest(config), baseline, only=models, jobs=jobs)


def run(config: Config, baseline: lock.Baseline | None = None, *, only: Collection[str] = (), jobs: int = 1) -> Outcome:
    """The outcome of a config. baseline is another revision's, which need not know every model; without one, the
    config's lock file is taken where it exists. Its staleness is noted either way."""
    found = analysed(config, only=only, jobs=jobs)
    if baseline is None:
        own = _own(config)
        notes = () if own is None else _stale(config, own, found, not only)
        return Outcome(tuple([_checked(config, own, {}, False, t, answer) for t, answer in found]), notes)
    from costcalc.studies.check import branch as since

    names = {since.key(t) for t in targets(config)}
    moved = since.renamed(config, baseline, found, names) if config.file else {}
    notes = since.notes(baseline, found, moved, names if config.file and not only else None)
    notes += _stale_too(config, baseline, found, not only)
    return Outcome(tuple([_checked(config, baseline, moved, True, t, answer) for t, answer in found]), notes)


def analysed(config: Config, *, only: Collection[str] = (), jobs: int = 1) -> tuple[Answer, ...]:
    """Each model of a config in each scenario with its figures, or what stands in the way."""
    chosen = targets(config, only)
    several = {t.group for t, other in pairwise(chosen) if t.group == other.group}
    asked = [_question(config, t, t.group in several) for t in chosen if not t.error]
    results = iter(answers(asked, jobs))
    found = [(t, Failure(t.error, _text(t.entry.place)) if t.error else next(results)) for t in chosen]
    return tuple(_refused(found))


def _question(config: Config, target: Target, lenient: bool) -> Question:
    budget = target.entry.budget
    devices = tuple([(limit.of, _profile(config.folder, limit)) for limit in budget.limits if limit.quantity == "time"])
    peaks = [limit.most for limit in budget.limits if limit.quantity == "peak_activation_bytes"]
    return Question(target.source, target.entry.settings, devices, int(peaks[0]) if peaks else None, lenient)


def _profile(folder: Path, limit: Limit) -> str:
    """The name of a time's device, or its file beside the config. HardwareError where there is none."""
    file = folder / limit.of
    name = str(file) if limit.of.endswith((".yaml", ".yml")) and file.is_file() else limit.of
    try:
        device(name)
    except HardwareError as error:
        raise HardwareError(error.fact, error.remedy, error.place or _text(limit.place)) from error
    return name


def _text(place: Place | None) -> str:
    return "" if place is None else f"{place.file}:{place.line}:{place.column}"


def _refused(found: Sequence[Answer]) -> Iterable[Answer]:
    """A name that is bound for a glob holds for the models that have it; where none has, it is refused for each."""
    groups: dict[int, list[Found]] = {}
    for target, answer in found:
        if isinstance(answer, Found):
            groups.setdefault(target.group, []).append(answer)
    for target, answer in found:
        members = groups.get(target.group, [])
        for error in answer.lacks if isinstance(answer, Found) else ():
            if all(any((e.argument, e.name) == (error.argument, error.name) for e in m.lacks) for m in members):
                answer = Failure(f"{error.fact}; {error.remedy}" if error.remedy else error.fact)
        yield target, answer


def _checked(
    config: Config,
    against: lock.Baseline | None,
    moved: Mapping[tuple[str, str], lock.Entry],
    other: bool,
    target: Target,
    answer: Any,
) -> Checked:
    """The verdicts on a model. other: the baseline is another revision's; moved: what it has under another name."""
    from costcalc.studies.check.judge import judge

    entry = target.entry
    if isinstance(answer, Failure):
        place = _place(answer.place) or (Place(target.source) if Path(target.source).is_file() else entry.place)
        return Checked(target.name, entry.scenario, target.source, (), error=answer.text, place=place)
    key = target.name, entry.scenario
    locked = None if against is None else moved.get(key) or against.find(*key)
    before = None if locked is None else locked.snapshot
    source = "" if against is None else against.source
    case = Case(
        answer.snapshot, entry.budget, config.levels, before, source, other, answer.times, answer.peak, answer.open
    )
    return Checked(target.name, entry.scenario, target.source, judge(case), answer.snapshot, before)


def _place(text: str) -> Place | None:
    """file:line:column of an error, whatever stands behind it."""
    parts = text.split(": ")[0].rsplit(":", 2)
    if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
        return Place(parts[0], int(parts[1]), int(parts[2]))
    return None


def _own(config: Config) -> lock.Baseline | None:
    """The config's lock file, where it exists."""
    file = config.folder / config.lock
    return lock_file.read(file) if config.file and file.is_file() else None


def _stale_too(config: Config, baseline: lock.Baseline, found: Sequence[Answer], whole: bool) -> tuple[str, ...]:
    """That the config's own lock file, which is not the baseline, is stale or broken, in one sentence: once it is
    merged, others are held to it."""
    if not level("CC301", config.levels):
        return ()
    try:
        own = _own(config)
    except LockError as error:
        return (f"CC301: {error}",)
    lines = () if own is None or own.source == baseline.source else _stale(config, own, found, whole)
    if own is None or not lines:
        return ()
    n = len(lines)
    return (
        f"CC301: {own.source} is stale in {n:,} {'entry' if n == 1 else 'entries'}: run `costcalc lock`, commit it",
    )


def _stale(config: Config, own: lock.Baseline, found: Sequence[Answer], whole: bool) -> tuple[str, ...]:
    """What the lock file says otherwise than the models now."""
    if not level("CC301", config.levels):
        return ()
    from costcalc.studies.check.staleness import stale, told_gone

    entries = [
        lock.entry(t.name, t.entry.scenario, a.snapshot, t.entry.settings.reading(), config.folder)
        for t, a in found
        if isinstance(a, Found)
    ]
    each = [stale(own, [entry], whole=False) for entry in entries]
    lost = told_gone(own, {(t.name, t.entry.scenario) for t, _ in found}) if whole else ()
    said = [line[0] + (f" and {len(line) - 1} more" if len(line) > 1 else "") for line in each if line]
    return tuple([f"CC301: {own.source} is stale: {line}" for line in (*said, *lost)])
