"""Config -> CheckResult: its models are found, each is read and costed once, however often it is asked for, and
judged in each scenario."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costcalc.core.errors import HardwareError, LockError, UsageError
from costcalc.core.quantities import CATALOGUE, parse_quantity
from costcalc.studies.batch import Failure
from costcalc.studies.check import baseline as lock
from costcalc.studies.check import branch as since
from costcalc.studies.check import lock_file, measurements
from costcalc.studies.check.branch import Answer
from costcalc.studies.check.budget import Config, ConfigEntry
from costcalc.studies.check.case import CheckCase
from costcalc.studies.check.config_file import nearest_config
from costcalc.studies.check.config_limits import LimitSet, limit_set
from costcalc.studies.check.evaluate import Evaluation, ModelFigures, evaluate_models
from costcalc.studies.check.judge import judge
from costcalc.studies.check.limits import limits_of, parse_increases
from costcalc.studies.check.rules import rule_level
from costcalc.studies.check.staleness import describe_differences, describe_removed
from costcalc.studies.check.targets import Target, find_targets
from costcalc.studies.check.verdict import CheckedModel, CheckResult, SourcePlace
from costcalc.studies.options import Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from costcalc.studies.options import SettingsArguments


def check(
    config: str | os.PathLike[str] | None = None,
    *models: str,
    baseline: lock.Baseline | None = None,
    jobs: int = 1,
    limits: Mapping[str, Any] | None = None,
    minimums: Mapping[str, Any] | None = None,
    max_increase: Mapping[str, Any] | None = None,
    allow: Sequence[str] = (),
    **options: Unpack[SettingsArguments],
) -> CheckResult:
    """Holds models to their budget: those of a config's file (None: the nearest one from the working directory upward),
    of them only the named ones where some are named. ConfigError where there is no config or it breaks its form.

    With limits, minimums or max_increase (by quantity: `{"macs": "600M", "time.t4": "2.1 ms", "fits.stm32h743": True}`,
    `{"macs": "2%"}`) the models that are named are held to them without a config, under the options, which are
    analyze's; allow names operators without a rule that are taken as free.

    baseline is what relative limits compare with; the config's own lock file unless given.
    """
    if not (limits or minimums or max_increase):
        for name in ("allow",) if allow else options:
            raise UsageError(f"{name} does not go with a config", "write it there")
        return run(nearest_config(config), baseline, only=models, jobs=jobs)
    if config is not None:
        raise UsageError(
            f"limits do not go with the config {os.fspath(config)}", "write them there, or give None for it"
        )
    settings = Settings.of(**options)
    found = [
        *limits_of(limits or {}, "--max", settings.devices),
        *limits_of(minimums or {}, "--min", settings.devices),
    ]
    increases = [i for name, value in (max_increase or {}).items() for i in parse_increases(f"{name}={value}")]
    return run(config_of(models, limit_set(found, increases, (), allow), settings), baseline, jobs=jobs)


def config_of(models: Sequence[str], limits: LimitSet, settings: Settings) -> Config:
    """The config of models that are held to the same limits under the same settings, without a file. UsageError where
    no model is named."""
    if not models:
        raise UsageError("limits are for models that are named", "name them: costcalc check MODEL --max macs=600M")
    entries = [ConfigEntry(path, "", "", settings, limits.budget()) for path in dict.fromkeys(models)]
    return Config("", Path(), tuple(entries))


def run(
    config: Config,
    baseline: lock.Baseline | None = None,
    *,
    only: Collection[str] = (),
    jobs: int = 1,
    raise_crashes: bool = False,
) -> CheckResult:
    """The outcome of a config. baseline is another revision's, which need not know every model; without one, the
    config's lock file is taken where it exists. Its staleness is noted either way."""
    found = evaluate_targets(config, only=only, jobs=jobs, raise_crashes=raise_crashes)
    if baseline is None:
        own = _own(config)
        notes = () if own is None else _stale(config, own, found, not only)
        return CheckResult(tuple([_checked(config, own, {}, False, t, answer) for t, answer in found]), notes)
    names = {since.target_key(t) for t in find_targets(config)}
    moved = since.find_renamed(config, baseline, found, names) if config.file else {}
    notes = since.baseline_notes(baseline, found, moved, names if config.file and not only else None)
    notes += _stale_too(config, baseline, found, not only)
    return CheckResult(tuple([_checked(config, baseline, moved, True, t, answer) for t, answer in found]), notes)


def evaluate_targets(
    config: Config, *, only: Collection[str] = (), jobs: int = 1, raise_crashes: bool = False
) -> tuple[Answer, ...]:
    """Each model of a config in each scenario with its figures, or what stands in the way."""
    chosen = find_targets(config, only)
    several = {t.group for t, other in pairwise(chosen) if t.group == other.group}
    work = [_evaluation(config, t, t.group in several) for t in chosen if not t.error]
    results = iter(evaluate_models(work, jobs, raise_crashes))
    found = [(t, Failure(t.error, _text(t.entry.place)) if t.error else next(results)) for t in chosen]
    return tuple(_refused(found))


def _evaluation(config: Config, target: Target, lenient: bool) -> Evaluation:
    entry = target.entry
    places = {limit.ref: limit.place for limit in entry.budget.limits if limit.quantity in CATALOGUE}
    places |= {increase.ref: increase.place for increase in entry.budget.increases}
    asked = dict.fromkeys((*entry.budget.quantities(), *(entry.locked_quantities() if config.file else ())))
    quantities = tuple([(ref, _profile(config.folder, ref.device, places.get(ref, entry.place))) for ref in asked])
    peaks = [limit.most for limit in entry.budget.limits if limit.quantity == "peak_activation_bytes"]
    return Evaluation(target.source, entry.settings, quantities, int(peaks[0]) if peaks else None, lenient)


def _profile(folder: Path, device: str, place: SourcePlace | None) -> str:
    """The name of a device, or the file of its profile beside the config; "" for none. HardwareError where there is no
    such device."""
    file = folder / device
    name = str(file) if device.endswith((".yaml", ".yml")) and file.is_file() else device
    try:
        return measurements().known_device(name) if name else ""
    except HardwareError as error:
        raise HardwareError(error.fact, error.remedy, error.place or _text(place)) from error


def _text(place: SourcePlace | None) -> str:
    return "" if place is None else f"{place.file}:{place.line}:{place.column}"


def _refused(found: Sequence[Answer]) -> Iterable[Answer]:
    """A name that is bound for a glob holds for the models that have it; where none has, it is refused for each."""
    groups: dict[int, list[ModelFigures]] = {}
    for target, answer in found:
        if isinstance(answer, ModelFigures):
            groups.setdefault(target.group, []).append(answer)
    for target, answer in found:
        members = groups.get(target.group, [])
        for error in answer.lacks if isinstance(answer, ModelFigures) else ():
            if all(any((e.argument, e.name) == (error.argument, error.name) for e in m.lacks) for m in members):
                answer = Failure(f"{error.fact}; {error.remedy}" if error.remedy else error.fact)
        yield target, answer


def _checked(
    config: Config,
    against: lock.Baseline | None,
    moved: Mapping[tuple[str, str], lock.LockEntry],
    other: bool,
    target: Target,
    answer: Any,
) -> CheckedModel:
    """The verdicts on a model. other: the baseline is another revision's; moved: what it has under another name."""
    entry = target.entry
    if isinstance(answer, Failure):
        place = _place(answer.place) or (SourcePlace(target.source) if Path(target.source).is_file() else entry.place)
        return CheckedModel(target.name, entry.scenario, target.source, (), error=answer.text, place=place)
    key = target.name, entry.scenario
    locked = None if against is None else moved.get(key) or against.find(*key)
    before = None if locked is None else locked.snapshot
    source = "" if against is None else against.source
    figures_before = {} if locked is None else {parse_quantity(key): one for key, one in locked.figures.items()}
    case = CheckCase(
        answer.snapshot,
        entry.budget,
        config.levels,
        before,
        source,
        other,
        answer.figures,
        figures_before,
        answer.peak,
        answer.open,
    )
    return CheckedModel(target.name, entry.scenario, target.source, judge(case), answer.snapshot, before)


def _place(text: str) -> SourcePlace | None:
    """file:line:column of an error, whatever stands behind it."""
    parts = text.split(": ")[0].rsplit(":", 2)
    if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
        return SourcePlace(parts[0], int(parts[1]), int(parts[2]))
    return None


def _own(config: Config) -> lock.Baseline | None:
    """The config's lock file, where it exists."""
    file = config.folder / config.lock
    return lock_file.read_lock(file) if config.file and file.is_file() else None


def _stale_too(config: Config, baseline: lock.Baseline, found: Sequence[Answer], whole: bool) -> tuple[str, ...]:
    """That the config's own lock file, which is not the baseline, is stale or broken, in one sentence: once it is
    merged, others are held to it."""
    if not rule_level("CC301", config.levels):
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
    if not rule_level("CC301", config.levels):
        return ()
    entries = [since.lock_entry(config, t, a) for t, a in found if isinstance(a, ModelFigures)]
    each = [describe_differences(own, [entry], whole=False) for entry in entries]
    lost = describe_removed(own, {(t.name, t.entry.scenario) for t, _ in found}) if whole else ()
    said = [line[0] + (f" and {len(line) - 1} more" if len(line) > 1 else "") for line in each if line]
    return tuple([f"CC301: {own.source} is stale: {line}" for line in (*said, *lost)])
