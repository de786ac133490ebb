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
from costcalc.studies.check.verdict import ModelLineage, title_of


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
) -> tuple[str, ...]:
    """That the config's own lock file, which is not the baseline, is stale or broken, in one sentence: once it is
    merged, others are held to it."""
    if not rule_level("CC301", config.levels):
        return ()
    try:
        config_lock = read_config_lock(config)
    except LockError as error:
        return (f"CC301: {error}",)
    lines = (
        ()
        if config_lock is None or config_lock.source == baseline.source
        else stale_notes(config, config_lock, results, scope)
    )
    if config_lock is None or not lines:
        return ()
    entries = f"{len(lines):,} {'entry' if len(lines) == 1 else 'entries'}"
    return (f"CC301: {config_lock.source} is stale in {entries}: run `costcalc lock`, commit it",)


def stale_notes(
    config: Config, config_lock: lock.Baseline, results: Sequence[TargetResult], scope: CheckScope
) -> tuple[str, ...]:
    """A note for each model whose entry in the lock file differs from its figures now, or that has no model any
    more."""
    if not rule_level("CC301", config.levels):
        return ()
    entries = [branch.make_lock_entry(config, t, a) for t, a in results if isinstance(a, ModelFigures)]
    differences = [describe_differences(config_lock, [entry], all_models=False) for entry in entries]
    names = scope.find_names(config, config_lock)
    removed = () if names is None else describe_removed(config_lock, names)
    sentences = [line[0] + (f" and {len(line) - 1} more" if len(line) > 1 else "") for line in differences if line]
    return tuple([f"CC301: {config_lock.source} is stale: {line}" for line in (*sentences, *removed)])


def coverage_notes(config: Config, targets: Sequence[Target], is_whole: bool) -> Iterator[str]:
    """Notes on models of a config that have no limit, and, where all are checked, on model files that no entry
    holds."""
    if not config.file:
        return
    unlimited = list(dict.fromkeys(t.name for t in targets if t.entry.budget.is_empty and not t.error))
    if unlimited and rule_level("CC304", config.levels):
        names = ", ".join(unlimited[:MAX_NAMED])
        more = f" and {len(unlimited) - MAX_NAMED:,} more" if len(unlimited) > MAX_NAMED else ""
        verb, them = ("has", "it") if len(unlimited) == 1 else ("have", "them")
        yield f"CC304: {names}{more} {verb} no limit in {config.file}: nothing is held of {them}"
    if is_whole and rule_level("CC305", config.levels):
        unheld = find_unheld_models(config, targets)
        if unheld:
            yield f"CC305: {describe_unheld_models(config.folder, unheld)}"


def trace_lineage(
    baseline: lock.Baseline,
    results: Sequence[TargetResult],
    renames: Mapping[branch.Key, lock.LockEntry],
    names: Collection[branch.Key] | None,
) -> ModelLineage:
    """The models that are new since a baseline, renamed, or gone; names are those of all models of the config, None
    where nothing is to be said of what is gone."""
    known = [(branch.target_key(t), a) for t, a in results if isinstance(a, ModelFigures)]
    new = [(key, a) for key, a in known if key not in renames and baseline.find(*key) is None]
    removed = [] if names is None else [e for e in removed_entries(baseline, names) if e not in renames.values()]
    return ModelLineage(
        tuple([(title_of(*key), a.snapshot.totals["macs"]) for key, a in new]),
        tuple([(e.title, title_of(*key)) for key, e in renames.items()]),
        tuple([(e.title, e.snapshot.totals["macs"]) for e in removed]),
    )
