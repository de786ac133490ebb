"""A config and its results → notes on the check as a whole: a stale lock file, models without a limit, model files that
no entry holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from costcalc.core.elision import list_first
from costcalc.core.errors import LockError
from costcalc.studies.check import baseline as lock
from costcalc.studies.check import lock_file
from costcalc.studies.check.budget import Config
from costcalc.studies.check.evaluate import ModelFigures
from costcalc.studies.check.lineage import CheckScope, TargetResult, make_lock_entry
from costcalc.studies.check.model_files import MAX_NAMED, describe_unheld_models, find_unheld_models
from costcalc.studies.check.rules import rule_level
from costcalc.studies.check.staleness import describe_differences, describe_removed
from costcalc.studies.check.targets import Target
from costcalc.studies.check.verdict import RuleNote, SourcePlace


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
    entries = [make_lock_entry(config, t, a) for t, a in results if isinstance(a, ModelFigures)]
    differences = [describe_differences(config_lock, [entry], all_models=False) for entry in entries]
    names = scope.find_names(config, config_lock)
    removed = () if names is None else describe_removed(config_lock, names)
    sentences = [list_first(line, 1) for line in differences if line]
    return tuple([_stale_note(config, f"{config_lock.source} is stale: {line}") for line in (*sentences, *removed)])


def coverage_notes(config: Config, targets: Sequence[Target], is_whole: bool) -> Iterator[RuleNote]:
    """Notes on models of a config that have no limit, and, where all are checked, on model files that no entry
    holds."""
    if not config.file:
        return
    places = {t.name: t.entry.place for t in targets if t.entry.budget.is_empty and not t.error}
    unlimited = list(places)
    if unlimited:
        verb, them = ("has", "it") if len(unlimited) == 1 else ("have", "them")
        fact = f"{list_first(unlimited, MAX_NAMED)} {verb} no limit in {config.file}: nothing is held of {them}"
        yield RuleNote("CC304", fact, places[unlimited[0]])
    if is_whole and rule_level("CC305", config.levels):
        unheld = find_unheld_models(config, targets)
        if unheld:
            yield RuleNote("CC305", describe_unheld_models(config.folder, unheld), SourcePlace(config.file))
