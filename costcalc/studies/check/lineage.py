"""A baseline and the models now -> which of them it has under which names, which are new, renamed or gone; and notes
that say so.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.elision import list_first
from costcalc.core.quantities import TOTALS
from costcalc.core.units import format_count
from costcalc.frontends import git as revisions
from costcalc.studies.batch import Failure
from costcalc.studies.check import baseline as lock
from costcalc.studies.check.budget import Config
from costcalc.studies.check.config import is_glob
from costcalc.studies.check.evaluate import ModelFigures
from costcalc.studies.check.lock_writer import format_lock
from costcalc.studies.check.model_files import MAX_NAMED
from costcalc.studies.check.staleness import removed_entries
from costcalc.studies.check.targets import Target, find_targets, match_paths
from costcalc.studies.check.verdict import ModelLineage, RuleNote, title_of
from costcalc.studies.check.wording import format_settings

TargetResult = tuple[Target, ModelFigures | Failure]

Key = tuple[str, str]
"""(model, scenario), as a baseline names it."""

NO_RENAMES: Mapping[Key, lock.LockEntry] = {}


def target_key(target: Target) -> Key:
    """(model, scenario) of a target."""
    return target.name, target.entry.scenario


def make_lock_entry(config: Config, target: Target, result: ModelFigures) -> lock.LockEntry:
    """What a lock holds of a model: its totals and layers, and the figures that its limits or settings ask for."""
    entry = target.entry
    figures = {
        ref.key: result.figures[ref].figure
        for ref in entry.locked_quantities()
        if ref.quantity.key not in TOTALS and ref in result.figures
    }
    known_figures = {key: figure for key, figure in figures.items() if figure is not None}
    return lock.make_entry(
        target.name, entry.scenario, result.snapshot, entry.locked_settings(), config.folder, known_figures
    )


class CheckScope(NamedTuple):
    """What of a config is checked: the models that are named, or those of some groups; all where neither says which."""

    model_names: Collection[str] = ()
    groups: Collection[str] = ()

    @property
    def is_whole(self) -> bool:
        return not (self.model_names or self.groups)

    def find_names(self, config: Config, baseline: lock.Baseline) -> set[Key] | None:
        """The models that a baseline may have without that one is gone: those of the config, and of some groups what
        no path of theirs fits. None where nothing is to be said of what is gone."""
        if self.model_names or not config.file:
            return None
        names = {target_key(target) for target in find_targets(config)}
        if self.groups:
            names.update((e.model, e.scenario) for e in baseline.entries if not self._may_have(config, e.model))
        return names

    def _may_have(self, config: Config, model: str) -> bool:
        entries = [entry for entry in config.entries if entry.group in self.groups]
        return any(model in (e.name, e.path) or (is_glob(e.path) and match_paths(e.path, [model])) for e in entries)


class NewModel(NamedTuple):
    """A model that a baseline does not have under any name."""

    target: Target
    figures: ModelFigures

    @property
    def title(self) -> str:
        """model, or model (scenario)."""
        return title_of(*target_key(self.target))

    @property
    def macs(self) -> Dim:
        """Its MACs."""
        return self.figures.snapshot.totals["macs"]


class BaselineMatch(NamedTuple):
    """What the models of a config are compared with: a baseline, the entries that it has under another name, the models
    that it does not have, its entries that no model is any more, and the models that could not be read there.
    is_other_revision says that it is not the config's own lock file."""

    baseline: lock.Baseline
    renames: Mapping[Key, lock.LockEntry] = NO_RENAMES
    new: tuple[NewModel, ...] = ()
    removed: tuple[lock.LockEntry, ...] = ()
    is_other_revision: bool = False
    unread: tuple[NewModel, ...] = ()

    def find(self, key: Key) -> lock.LockEntry | None:
        """(model, scenario) -> its entry, under whatever name; None where it is new."""
        return self.renames.get(key) or self.baseline.find(*key)

    def pair_with_removed(self) -> dict[Key, lock.LockEntry]:
        """The only new model of a scenario -> the only entry that is gone since, whose place it may have taken: both
        the name and the layers may have changed."""
        pairs: dict[Key, lock.LockEntry] = {}
        scenarios = [model.target.entry.scenario for model in self.new]
        for model, scenario in zip(self.new, scenarios, strict=True):
            gone = [entry for entry in self.removed if entry.scenario == scenario]
            if len(gone) == 1 and scenarios.count(scenario) == 1:
                pairs[target_key(model.target)] = gone[0]
        return pairs

    def lineage(self) -> ModelLineage:
        """What became of the models, as a result tells it."""
        return ModelLineage(
            tuple([(model.title, model.macs) for model in self.new]),
            tuple([(entry.title, title_of(*key)) for key, entry in self.renames.items()]),
            tuple([(entry.title, entry.snapshot.totals["macs"]) for entry in self.removed]),
        )


def match_baseline(
    config: Config, baseline: lock.Baseline, results: Sequence[TargetResult], scope: CheckScope
) -> BaselineMatch:
    """A baseline of another revision and the models of a config in some scope -> which of them are which."""
    known = [(target, result) for target, result in results if isinstance(result, ModelFigures)]
    renames = _find_renames(config, baseline, known) if config.file else NO_RENAMES
    new = [
        NewModel(target, figures)
        for target, figures in known
        if (key := target_key(target)) not in renames and baseline.find(*key) is None
    ]
    names = scope.find_names(config, baseline)
    removed = [] if names is None else [e for e in removed_entries(baseline, names) if e not in renames.values()]
    unread = [model for model in new if target_key(model.target) in baseline.unread]
    new = [model for model in new if target_key(model.target) not in baseline.unread]
    return BaselineMatch(baseline, renames, tuple(new), tuple(removed), True, tuple(unread))


def _find_renames(
    config: Config, baseline: lock.Baseline, known: Sequence[tuple[Target, ModelFigures]]
) -> dict[Key, lock.LockEntry]:
    """(model, scenario) -> the entry that the baseline has of it under another name: its file was renamed, as git sees
    it, or a model that is gone is the same to the last layer."""
    unmatched = removed_entries(baseline, {target_key(target) for target in find_targets(config)})
    renames: dict[Key, lock.LockEntry] = {}
    for target, figures in known:
        if not unmatched or baseline.find(*target_key(target)):
            continue
        new_entry = make_lock_entry(config, target, figures)
        same_scenario = [old for old in unmatched if old.scenario == new_entry.scenario]
        origin = _find_origin(config, baseline, target, same_scenario) or next(
            (o for o in same_scenario if _have_equal_content(o, new_entry)), None
        )
        if origin is not None:
            renames[target_key(target)] = origin
            unmatched.remove(origin)
    return renames


def _find_origin(
    config: Config, baseline: lock.Baseline, target: Target, candidates: Sequence[lock.LockEntry]
) -> lock.LockEntry | None:
    """The entry of the file that a model's file was at the baseline's revision; None where it is of no revision."""
    if not baseline.revision or not candidates or not Path(target.source).is_file():
        return None
    old_path = revisions.find_old_path(baseline.revision, os.path.relpath(target.source))
    return next(
        (o for o in candidates if old_path and revisions.repository_path(config.folder / o.source) == old_path), None
    )


def _have_equal_content(entry: lock.LockEntry, other: lock.LockEntry) -> bool:
    texts = [
        format_lock(
            lock.Baseline((replace(e, model="", source="", snapshot=replace(e.snapshot, name="", source="")),), "")
        )
        for e in (entry, other)
    ]
    return texts[0] == texts[1]


def lineage_notes(match: BaselineMatch, results: Sequence[TargetResult]) -> Iterator[str]:
    """A sentence for each kind of difference that no limit tells: models that are new, renamed, gone, or read with
    other settings."""
    is_limited = any(model.target.entry.budget.increases for model in match.new)
    pairs = [(t, match.find(target_key(t))) for t, figures in results if isinstance(figures, ModelFigures)]
    notes = {
        f"new since {{}}{', so no increase is held' if is_limited else ''}": [
            f"{model.title} ({format_cost(model.figures.snapshot.totals)})" for model in match.new
        ],
        "renamed since {}": [f"{e.title} → {title_of(*name)}" for name, e in match.renames.items()],
        "no longer a model since {}": [f"{e.title} ({format_cost(e.snapshot.totals)})" for e in match.removed],
        "read with other settings than in {}": [
            f"{title_of(*target_key(t))}: {format_settings(e.settings)} → {format_settings(now)}"
            for t, e in pairs
            if e is not None and (now := lock.settings_to_lock(t.entry.locked_settings())) != e.settings
        ],
    }
    yield from [f"{note.format(match.baseline.source)}: {', '.join(items)}" for note, items in notes.items() if items]


def growth_notes(match: BaselineMatch) -> Iterator[str | RuleNote]:
    """Notes on the models whose growth is limited and that the baseline of another revision lacks: one that could not
    be read there; one that is new where another is gone, for it may be that one, renamed and rewritten in one change,
    and nothing tells for certain."""
    unread, new = ([m for m in models if m.target.entry.budget.increases] for models in (match.unread, match.new))
    for model in unread:
        reason = match.baseline.unread[target_key(model.target)]
        fact = f"{model.title} cannot be read as it is at {match.baseline.revision}: {reason}"
        yield RuleNote("CC308", f"{fact}: growth is not checked", model.target.entry.place, model.title)
    for model in new:
        gone = [entry for entry in match.removed if entry.scenario == model.target.entry.scenario]
        if gone:
            costs = list_first([f"{e.title} ({format_cost(e.snapshot.totals)})" for e in gone], MAX_NAMED)
            cost = format_cost(model.figures.snapshot.totals)
            verb = "is" if len(gone) == 1 else "are"
            fact = f"{model.title} ({cost}) is not in {match.baseline.source}, and {costs} {verb} gone since"
            remedy = f"if it took that place, an entry with `name: {gone[0].model}` compares them"
            place = model.target.entry.place
            yield RuleNote("CC308", f"{fact}: growth is not checked", place, model.title, remedy=remedy)


def format_cost(totals: Mapping[str, Dim]) -> str:
    """Totals -> `248,320 MACs, 8,898 params`."""
    return f"{format_count(totals['macs'])} MACs, {format_count(totals['params'])} params"
