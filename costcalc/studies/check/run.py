"""Config -> CheckResult: each of its models is read and costed once, and judged in each scenario."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costcalc.core.errors import HardwareError, UsageError
from costcalc.core.ir import WarningNote
from costcalc.core.quantities import CATALOGUE, parse_quantity
from costcalc.frontends.builtin import find_builtin
from costcalc.frontends.module import NamedModel
from costcalc.frontends.source import find_source
from costcalc.studies.batch import Failure
from costcalc.studies.check import baseline as lock
from costcalc.studies.check import loosened, measurements
from costcalc.studies.check.budget import Config, ConfigEntry, RuleLevels
from costcalc.studies.check.case import CheckCase
from costcalc.studies.check.config_file import NAMES, nearest_config
from costcalc.studies.check.config_limits import LimitSet, make_limit_set
from costcalc.studies.check.config_settings import config_settings
from costcalc.studies.check.evaluate import Evaluation, ModelFigures, evaluate_models
from costcalc.studies.check.judge import judge
from costcalc.studies.check.limits import make_limits, parse_increases
from costcalc.studies.check.lineage import (
    BaselineMatch,
    CheckScope,
    Key,
    TargetResult,
    growth_notes,
    lineage_notes,
    match_baseline,
    target_key,
)
from costcalc.studies.check.notes import coverage_notes, read_config_lock, stale_lock_note, stale_notes
from costcalc.studies.check.rules import rule_level
from costcalc.studies.check.suppress import suppress_findings
from costcalc.studies.check.targets import Target, find_targets
from costcalc.studies.check.verdict import (
    LOOSENED,
    CheckResult,
    ModelCheck,
    ModelLineage,
    RuleNote,
    SourcePlace,
    parse_place,
)
from costcalc.studies.options import Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from costcalc.studies.options import SettingsArguments


def check(
    config: str | os.PathLike[str] | None = None,
    *models: Any,
    baseline: lock.Baseline | None = None,
    groups: Sequence[str] = (),
    jobs: int = 1,
    limits: Mapping[str, Any] | None = None,
    minimums: Mapping[str, Any] | None = None,
    max_increase: Mapping[str, Any] | None = None,
    allow: Sequence[str] = (),
    **options: Unpack[SettingsArguments],
) -> CheckResult:
    """Holds models to their budget: those of a config's file (None: the nearest one from the working directory upward),
    of them only the named ones where some are named, and those of groups where that names some of `groups:`.
    ConfigError where there is no config or it breaks its form.

    With limits, minimums or max_increase (by quantity: `{"macs": "600M", "time.t4": "2.1 ms", "fits.stm32h743": True}`,
    `{"macs": "2%"}`) no config is read, and every name is a model that is held to them, under the options, which are
    analyze's: `check("lenet5", limits={"macs": "600M"})`; allow names operators without a rule that are taken as free.

    baseline is what relative limits compare with; the config's own lock file unless given.
    """
    for name, argument in {"max": "limits", "min": "minimums"}.items():
        if name in options:
            raise UsageError(f"check has no argument {name!r}", f"write {argument}={{'macs': '600M'}}")
    if not (limits or minimums or max_increase):
        for source in (*([] if config is None else [config]), *models):
            if not isinstance(source, (str, os.PathLike)):
                fact = f"check reads a config, and {type(source).__qualname__} is no path"
                raise UsageError(fact, "give the path of a config, or limits={'macs': '600M'} for a model")
        for name in ("allow",) if allow else options:
            raise UsageError(f"{name} does not go with a config", "write it there")
        return run(_find_config(config), baseline, model_names=models, groups=groups, jobs=jobs)
    if groups:
        raise UsageError("groups do not go with limits", "they are those of a config")
    if isinstance(config, (str, os.PathLike)) and Path(config).name in NAMES:
        raise UsageError(
            f"limits do not go with the config {os.fspath(config)}", "write them there, or give None for it"
        )
    models = (*([] if config is None else [config]), *models)
    settings = Settings.of(**options)
    devices = settings.devices
    all_limits = [*make_limits(limits or {}, "--max", devices), *make_limits(minimums or {}, "--min", devices)]
    increases = [
        increase
        for name, value in (max_increase or {}).items()
        for increase in parse_increases(f"{name}={value}", devices)
    ]
    return run(make_config(models, make_limit_set(all_limits, increases, (), allow), settings), baseline, jobs=jobs)


def name_objects(models: Sequence[Any]) -> list[str]:
    """Models -> texts; an object in memory (a PyTorch module, bytes) is a text that stands for it, and has a number
    where another has its name."""
    names: list[str] = []
    for model in models:
        if isinstance(model, (str, os.PathLike)):
            names.append(model if isinstance(model, str) else os.fspath(model))
            continue
        source = find_source(model)
        same = sum(name.partition(" (")[0] == source.name for name in names)
        names.append(NamedModel(f"{source.name} ({same + 1})" if same else source.name, model))
    return names


def _find_config(config: str | os.PathLike[str] | None) -> Config:
    """The config in a file, or the nearest one. UsageError where a model is named instead, which no limit holds."""
    name = "" if config is None else os.fspath(config)
    if find_builtin(name) or name.endswith((".onnx", ".pt2")):
        raise UsageError(f"{name} is a model and no config", f"check({name!r}, limits={{'macs': '600M'}}) holds it")
    return nearest_config(config)


def make_config(models: Sequence[Any], limits: LimitSet, settings: Settings) -> Config:
    """The config of models that are held to the same limits under the same settings, without a file. UsageError where
    there are limits and no model is named."""
    models = name_objects(models)
    if not models and not limits.budget().is_empty:
        raise UsageError("limits are for models that are named", "name them: costcalc check MODEL --max macs=600M")
    entries = [ConfigEntry(path, "", "", settings, limits.budget()) for path in dict.fromkeys(models)]
    return Config("", Path(), tuple(entries))


def run(
    config: Config,
    baseline: lock.Baseline | None = None,
    *,
    model_names: Collection[str] = (),
    groups: Collection[str] = (),
    jobs: int = 1,
    raise_crashes: bool = False,
    today: date | None = None,
) -> CheckResult:
    """Config → the verdicts on its models, or on those that are named or of some groups. baseline is another
    revision's, which need not know every model; without one, the config's lock file is taken where it exists. Its
    staleness is noted either way. today decides which ignores are over."""
    results = evaluate_targets(config, model_names=model_names, groups=groups, jobs=jobs, raise_crashes=raise_crashes)
    scope = CheckScope(model_names, groups)
    if baseline is None:
        config_lock = read_config_lock(config)
        notes: tuple[str | RuleNote, ...] = (
            () if config_lock is None else stale_notes(config, config_lock, results, scope)
        )
        match = None if config_lock is None else BaselineMatch(config_lock)
    else:
        match = match_baseline(config, baseline, results, scope)
        notes = (*baseline.remarks, *lineage_notes(match, results), *stale_lock_note(config, baseline, results, scope))
        growth = list(growth_notes(match)) if config.file else []
        notes = (*notes, *_compare_limits(config, match, results, scope), *growth)
    checked_models = [check_model(config, match, t, result) for t, result in results]
    models, ignore_notes = suppress_findings(
        checked_models,
        config.ignores,
        today=today,
        is_whole=scope.is_whole,
        unchecked=_find_unchecked(config, results) if groups and not model_names else None,
        has_config=bool(config.file),
        against="" if match is None else match.baseline.source,
    )
    coverage = coverage_notes(config, [target for target, _ in results], scope.is_whole)
    lineage = ModelLineage() if match is None else match.lineage()
    return _make_result(models, _level_notes((*notes, *ignore_notes, *coverage), config.levels), lineage)


def _level_notes(notes: Iterable[str | RuleNote], levels: RuleLevels) -> list[str | RuleNote]:
    """Notes -> the same, those of rules at the level that the config gives them; without those that it leaves out."""
    leveled: list[str | RuleNote] = []
    for note in notes:
        if isinstance(note, str):
            leveled.append(note)
        elif level := note.level or rule_level(note.code, levels):
            leveled.append(note._replace(level=level))
    return leveled


def _compare_limits(
    config: Config, match: BaselineMatch, results: Sequence[TargetResult], scope: CheckScope
) -> Iterator[str | RuleNote]:
    """What of a config is looser than where the baseline comes from: of a model that is new where one is gone, than
    what held that. Where that cannot be told, a note says so, which breaks the check where loosened limits do."""
    if not config.file:
        return
    former = loosened.find_former_config(config, match.baseline)
    if former.problem:
        level = rule_level(LOOSENED, config.levels)
        place = SourcePlace(config.file)
        yield RuleNote(LOOSENED, former.problem, place, level=level) if level == "error" else former.problem
    if former.config is None:
        return
    level = loosened.stricter_level(config.levels, former.config.levels)
    origins = {**match.pair_with_removed(), **match.renames}
    groups = None if scope.model_names else scope.groups
    targets = [target for target, _ in results]
    for note in loosened.loosened_notes(config, former, targets, origins, groups) if level else ():
        yield note._replace(level=level)


def _find_unchecked(config: Config, results: Sequence[TargetResult]) -> set[Key]:
    """The models of a config that are none of those that were checked."""
    return {target_key(t) for t in find_targets(config)} - {target_key(t) for t, _ in results}


def _make_result(models: tuple[ModelCheck, ...], notes: Sequence[str | RuleNote], lineage: ModelLineage) -> CheckResult:
    """The result of checked models, with what warns that one may not be what was meant, once for all scenarios; empty
    where all were read and there is no verdict, for want of limits or of rules that are held to. A rule of the level
    note is a note among the others."""
    warnings = dict.fromkeys(
        f"{checked.model}: {note}"
        for checked in models
        if checked.snapshot is not None
        for note in checked.snapshot.notes
        if isinstance(note, WarningNote)
    )
    is_empty = not any(checked.verdicts or checked.error for checked in models)
    broken = tuple([note for note in notes if isinstance(note, RuleNote) and note.level != "note"])
    texts = [note if isinstance(note, str) else note.text for note in notes if note not in broken]
    return CheckResult(models, (*texts, *warnings), is_empty, lineage, broken)


def evaluate_targets(
    config: Config,
    *,
    model_names: Collection[str] = (),
    groups: Collection[str] = (),
    jobs: int = 1,
    raise_crashes: bool = False,
) -> tuple[TargetResult, ...]:
    """Each model of a config in each scenario with its figures, or what stands in the way; of them only those that are
    named, or of some groups."""
    targets = find_targets(config, model_names, groups)
    shared_groups = {t.group for t, following in pairwise(targets) if t.group == following.group}
    evaluations = [make_evaluation(config, t, t.group in shared_groups) for t in targets if not t.error]
    evaluation_results = iter(evaluate_models(evaluations, jobs, raise_crashes))
    results = [
        (t, Failure(t.error, _format_place(t.entry.place)) if t.error else next(evaluation_results)) for t in targets
    ]
    return tuple(_refuse_unknown_names(results))


def make_evaluation(config: Config, target: Target, lenient: bool) -> Evaluation:
    entry = target.entry
    places = {limit.ref: limit.place for limit in entry.budget.limits if limit.quantity in CATALOGUE}
    places |= {increase.ref: increase.place for increase in entry.budget.increases}
    refs = dict.fromkeys((*entry.budget.quantities(), *(entry.locked_quantities() if config.file else ())))
    quantities = tuple([(ref, _find_profile(config.folder, ref.device, places.get(ref, entry.place))) for ref in refs])
    peaks = [limit.value for limit in entry.budget.limits if limit.quantity == "peak_activation_bytes"]
    return Evaluation(target.source, entry.settings, quantities, int(peaks[0]) if peaks else None, lenient)


def _find_profile(folder: Path, device: str, place: SourcePlace | None) -> str:
    """The name of a device, or the file of its profile beside the config; "" for none. HardwareError where there is no
    such device."""
    file = folder / device
    name = str(file) if device.endswith((".yaml", ".yml")) and file.is_file() else device
    try:
        return measurements().require_device(name) if name else ""
    except HardwareError as error:
        raise HardwareError(error.fact, error.remedy, error.place or _format_place(place)) from error


def _format_place(place: SourcePlace | None) -> str:
    return "" if place is None else f"{place.file}:{place.line}:{place.column}"


def _refuse_unknown_names(results: Sequence[TargetResult]) -> Iterable[TargetResult]:
    """A name that is bound for a glob holds for the models that have it; where none has, it is refused for each."""
    groups: dict[int, list[ModelFigures]] = {}
    for target, result in results:
        if isinstance(result, ModelFigures):
            groups.setdefault(target.group, []).append(result)
    for target, result in results:
        members = groups.get(target.group, [])
        for error in result.unknown_names if isinstance(result, ModelFigures) else ():
            if all(any((e.argument, e.name) == (error.argument, error.name) for e in m.unknown_names) for m in members):
                result = Failure(f"{error.fact}; {error.remedy}" if error.remedy else error.fact)
        yield target, result


def check_model(config: Config, match: BaselineMatch | None, target: Target, result: Any) -> ModelCheck:
    """The verdicts on a model, and on its growth where there is a baseline."""
    entry = target.entry
    if isinstance(result, Failure):
        place = parse_place(result.place.split(": ")[0]) or (
            SourcePlace(target.source) if Path(target.source).is_file() else entry.place
        )
        return ModelCheck(
            target.name,
            entry.scenario,
            target.source,
            (),
            error=result.text,
            place=place,
            group=entry.group,
            settings=config_settings(entry.settings),
            has_limits=not entry.budget.is_empty,
        )
    lock_entry = None if match is None else match.find(target_key(target))
    baseline_snapshot = None if lock_entry is None else lock_entry.snapshot
    locked_figures = {} if lock_entry is None else lock_entry.figures
    case = CheckCase(
        result.snapshot,
        entry.budget,
        config.levels,
        baseline_snapshot,
        "" if match is None else match.baseline.source,
        match is not None and match.is_other_revision,
        result.figures,
        {parse_quantity(key): figure for key, figure in locked_figures.items()},
        result.peak,
        result.open_branches,
        result.total_limits,
    )
    return ModelCheck(
        target.name,
        entry.scenario,
        target.source,
        judge(case),
        result.snapshot,
        baseline_snapshot,
        group=entry.group,
        settings=config_settings(entry.settings),
        has_limits=not entry.budget.is_empty,
    )
