"""A config and its results → notes on the check as a whole: a stale lock file, models without a limit, model files that
no entry holds; and what became of models since a baseline.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from costcalc.core.errors import LockError
from costcalc.studies.check import baseline as lock
from costcalc.studies.check import branch, lock_file
from costcalc.studies.check.branch import TargetResult
from costcalc.studies.check.budget import Config
from costcalc.studies.check.config import is_glob
from costcalc.studies.check.evaluate import ModelFigures
from costcalc.studies.check.model_files import MAX_NAMED, describe_unheld_models, find_unheld_models
from costcalc.studies.check.rules import rule_level
from costcalc.studies.check.staleness import describe_differences, describe_removed, removed_entries
from costcalc.studies.check.targets import Target, find_targets, match_paths
from costcalc.studies.check.verdict import ModelLineage, RuleNote, SourcePlace, title_of


class CheckScope(NamedTuple):
    """What of a config is checked: the models that are named, or those of some groups; all where neither says which."""

    model_names: Collection[str] = ()
    groups: Collection[str] = ()

    @property
    def is_whole(self) -> bool:
        return not (self.model_names or self.groups)

    def find_names(self, config: Config, baseline: lock.Baseline) -> set[branch.Key] | None:
        """The models that a baseline may have without that one is gone: those of the config, and of some groups what
        no path of theirs fits. None where nothing is to be said of what is gone."""
        if self.model_names or not config.file:
            return None
        names = {branch.target_key(target) for target in find_targets(config)}
        if self.groups:
            names.update((e.model, e.scenario) for e in baseline.entries if not self._may_have(config, e.model))
        return names

    def _may_have(self, config: Config, model: str) -> bool:
        entries = [entry for entry in config.entries if entry.group in self.groups]
        return any(model in (e.name, e.path) or (is_glob(e.path) and match_paths(e.path, [model])) for e in entries)


def read_config_lock(config: Config) -> lock.Baseline | None:
    """The config's lock file, where it exists."""
    file = config.folder / config.lock
    return lock_file.read_lock(file) if config.file and file.is_file() else None


def stale_lock_note(
    config: Config, baseline: lock.Baseline, results: Sequence[TargetResult], scope: CheckScope
) -> tuple[RuleNote, ...]:
    """That the config's own lock file, which is not the baseline, is stale or broken, in one note: once it is
    merged, others are held to it."""
    try:
        config_lock = read_config_lock(config)
    except LockError as error:
        return (_stale_note(config, str(error)),)
    lines = (
        ()
        if config_lock is None or config_lock.source == baseline.source
        else stale_notes(config, config_lock, results, scope)
    )
    if config_lock is None or not lines:
        return ()
    entries = f"{len(lines):,} {'entry' if len(lines) == 1 else 'entries'}"
    return (_stale_note(config, f"{config_lock.source} is stale in {entries}", "run `costcalc lock`, commit it"),)


def _stale_note(config: Config, fact: str, remedy: str = "") -> RuleNote:
    """What is wrong with the config's lock file -> its note, at the file."""
    return RuleNote("CC301", fact, SourcePlace(str(config.folder / config.lock)), remedy=remedy)


def stale_notes(
    config: Config, config_lock: lock.Baseline, results: Sequence[TargetResult], scope: CheckScope
) -> tuple[RuleNote, ...]:
    """A note for each model whose entry in the lock file differs from its figures now, or that has no model any
    more."""
    entries = [branch.make_lock_entry(config, t, a) for t, a in results if isinstance(a, ModelFigures)]
    differences = [describe_differences(config_lock, [entry], all_models=False) for entry in entries]
    names = scope.find_names(config, config_lock)
    removed = () if names is None else describe_removed(config_lock, names)
    sentences = [line[0] + (f" and {len(line) - 1} more" if len(line) > 1 else "") for line in differences if line]
    return tuple([_stale_note(config, f"{config_lock.source} is stale: {line}") for line in (*sentences, *removed)])


def coverage_notes(config: Config, targets: Sequence[Target], is_whole: bool) -> Iterator[RuleNote]:
    """Notes on models of a config that have no limit, and, where all are checked, on model files that no entry
    holds."""
    if not config.file:
        return
    places = {t.name: t.entry.place for t in targets if t.entry.budget.is_empty and not t.error}
    unlimited = list(places)
    if unlimited:
        names = ", ".join(unlimited[:MAX_NAMED])
        more = f" and {len(unlimited) - MAX_NAMED:,} more" if len(unlimited) > MAX_NAMED else ""
        verb, them = ("has", "it") if len(unlimited) == 1 else ("have", "them")
        fact = f"{names}{more} {verb} no limit in {config.file}: nothing is held of {them}"
        yield RuleNote("CC304", fact, places[unlimited[0]])
    if is_whole and rule_level("CC305", config.levels):
        unheld = find_unheld_models(config, targets)
        if unheld:
            yield RuleNote("CC305", describe_unheld_models(config.folder, unheld), SourcePlace(config.file))


def pair_with_removed(
    baseline: lock.Baseline,
    results: Sequence[TargetResult],
    renames: Mapping[branch.Key, lock.LockEntry],
    names: Collection[branch.Key] | None,
) -> dict[branch.Key, lock.LockEntry]:
    """The only new model of a scenario → the only entry that is gone since, whose place it may have taken: both the
    name and the layers may have changed."""
    new, removed = _new_and_removed(baseline, results, renames, names)
    pairs: dict[branch.Key, lock.LockEntry] = {}
    for key, _ in new:
        gone = [entry for entry in removed if entry.scenario == key[1]]
        if len(gone) == 1 and sum(other[1] == key[1] for other, _ in new) == 1:
            pairs[key] = gone[0]
    return pairs


def growth_notes(
    config: Config,
    baseline: lock.Baseline,
    results: Sequence[TargetResult],
    renames: Mapping[branch.Key, lock.LockEntry],
    names: Collection[branch.Key] | None,
) -> Iterator[str | RuleNote]:
    """Notes on the models whose growth is limited and that the baseline of another revision lacks: one that is new
    where another is gone may be that one, renamed and rewritten in one change, and nothing tells for certain."""
    if not baseline.exists:
        fact = f"{baseline.source} does not exist: every model is new, and no growth is checked"
        is_limited = any(target.entry.budget.increases for target, _ in results)
        if is_limited and not (config.folder / config.lock).is_file():
            yield RuleNote("CC308", fact, SourcePlace(config.file), remedy="write it with `costcalc lock`, commit it")
        else:
            yield fact
        return
    new, removed = _new_and_removed(baseline, results, renames, names)
    targets = {branch.target_key(target): target for target, _ in results}
    for key, figures in new:
        gone = [entry for entry in removed if entry.scenario == key[1]]
        if not gone or not targets[key].entry.budget.increases:
            continue
        costs = ", ".join(f"{e.title} ({branch.format_cost(e.snapshot.totals)})" for e in gone[:MAX_NAMED])
        more = f" and {len(gone) - MAX_NAMED:,} more" if len(gone) > MAX_NAMED else ""
        verb = "is" if len(gone) == 1 else "are"
        cost = branch.format_cost(figures.snapshot.totals)
        fact = f"{title_of(*key)} ({cost}) is not in {baseline.source}, and {costs}{more} {verb} gone since"
        remedy = f"if it took that place, an entry with `name: {gone[0].model}` compares them"
        place = targets[key].entry.place
        yield RuleNote("CC308", f"{fact}: growth is not checked", place, title_of(*key), remedy=remedy)


def _new_and_removed(
    baseline: lock.Baseline,
    results: Sequence[TargetResult],
    renames: Mapping[branch.Key, lock.LockEntry],
    names: Collection[branch.Key] | None,
) -> tuple[list[tuple[branch.Key, ModelFigures]], list[lock.LockEntry]]:
    """The models that a baseline does not have under any name, and its entries that no model is any more."""
    known = [(branch.target_key(t), a) for t, a in results if isinstance(a, ModelFigures)]
    new = [(key, a) for key, a in known if key not in renames and baseline.find(*key) is None]
    removed = [] if names is None else [e for e in removed_entries(baseline, names) if e not in renames.values()]
    return new, removed


def trace_lineage(
    baseline: lock.Baseline,
    results: Sequence[TargetResult],
    renames: Mapping[branch.Key, lock.LockEntry],
    names: Collection[branch.Key] | None,
) -> ModelLineage:
    """The models that are new since a baseline, renamed, or gone; names are those of all models of the config, None
    where nothing is to be said of what is gone."""
    new, removed = _new_and_removed(baseline, results, renames, names)
    return ModelLineage(
        tuple([(title_of(*key), a.snapshot.totals["macs"]) for key, a in new]),
        tuple([(e.title, title_of(*key)) for key, e in renames.items()]),
        tuple([(e.title, e.snapshot.totals["macs"]) for e in removed]),
    )
