"""Config and a git revision -> the models that differ from it, each with its two versions; and a baseline of another
revision -> under which names it has them.

Each side is read as its own config says; where that does not name a model, as the other one does. So a model is only
new or gone where its file is. A file that was renamed is followed, and what is the same is not read at all. Notes name
the models that are new, renamed or gone, or that are read otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from costcalc.core.dim import Dim
from costcalc.core.errors import QuantityError, UsageError
from costcalc.core.quantities import TOTALS
from costcalc.core.quantity import QuantityRef
from costcalc.core.units import format_count
from costcalc.frontends import git as revisions
from costcalc.studies.batch import Failure
from costcalc.studies.check import baseline as lock
from costcalc.studies.check import lock_file
from costcalc.studies.check.budget import Config
from costcalc.studies.check.evaluate import Evaluation, ModelFigures, evaluate_models
from costcalc.studies.check.staleness import removed_entries
from costcalc.studies.check.targets import (
    Models,
    ModelVersion,
    Target,
    models_at_revision,
    models_on_disk,
    read_config_at,
)
from costcalc.studies.check.verdict import title_of
from costcalc.studies.check.wording import format_settings
from costcalc.studies.diff.diff import Diff, diff
from costcalc.studies.diff.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class ModelVersions:
    """A model in one scenario, before and after; None on the side that lacks it."""

    model: str
    scenario: str
    before: ModelVersion | None
    after: ModelVersion | None

    @property
    def title(self) -> str:
        """model, or model (scenario)."""
        return title_of(self.model, self.scenario)

    @property
    def is_unchanged(self) -> bool:
        """Whether both versions read the same: content or source, and settings."""
        a, b = self.before, self.after
        if a is None or b is None or a.settings != b.settings:
            return False
        return a.content == b.content if a.content is not None or b.content is not None else a.source == b.source


def parse_range(text: str) -> tuple[str, str]:
    """(before, after) of `main`, `main..branch`, `main...branch` or `main...`; after is "" for the working tree. Three
    dots ask for what was done since the two parted: in the branch, or here."""
    before, dots, after = text.partition("...")
    if dots:
        return f"{before or 'HEAD'}...{after or 'HEAD'}", after
    before, dots, after = text.partition("..")
    return (before or "HEAD" if dots else before), (after or "HEAD" if dots else "")


def pair_versions(
    config: Config, before: str, after: str = "", model_names: Collection[str] = ()
) -> tuple[ModelVersions, ...]:
    """The config's models in a revision and in another one, or in the working tree; of them only those that are named
    so. UsageError for a name that is none."""
    old_config = read_config_at(config, before) or config
    new_config = (read_config_at(config, after) if after else None) or config
    old = models_at_revision((old_config, new_config), before)
    new = models_at_revision((new_config, old_config), after) if after else models_on_disk((new_config, old_config))
    renames = {} if after else _match_renamed_files(before, old, new)
    pairs = [ModelVersions(*key, old.get(renames.get(key, key)), version) for key, version in new.items()]
    removed_pairs = [
        ModelVersions(*key, version, None)
        for key, version in old.items()
        if key not in new and key not in renames.values()
    ]
    all_pairs = (*pairs, *removed_pairs)
    for name in model_names:
        if not any(name == pair.model for pair in all_pairs):
            names = ", ".join(dict.fromkeys(pair.model for pair in all_pairs))
            raise UsageError(f"{config.file} has no model {name!r}", f"there are {names[:300]}")
    return tuple([pair for pair in all_pairs if not model_names or pair.model in model_names])


def _match_renamed_files(revision: str, old: Models, new: Models) -> dict[tuple[str, str], tuple[str, str]]:
    """Of models that only one side has: the new one → the old one, where git sees that the file was renamed."""
    removed_keys = {(version.source, key[1]): key for key, version in old.items() if key not in new}
    renames = {}
    for key, version in new.items() if removed_keys else ():
        old_path = (
            revisions.find_old_path(revision, version.source)
            if key not in old and version.content is not None
            else None
        )
        old_key = removed_keys.get((f"{revision}:{old_path}", key[1]))
        if old_key is not None:
            renames[key] = old_key
    return renames


def diff_versions(
    pairs: Collection[ModelVersions], jobs: int = 1, quantities: Collection[QuantityRef] = ()
) -> tuple[tuple[ModelVersions, Diff | Failure], ...]:
    """The diff of each pair, or what stands in its way. A model that is new or gone is added or removed whole.
    quantities are further ones that are measured beside the totals of every report."""
    versions = [version for pair in pairs for version in (pair.before, pair.after) if version is not None]
    device_refs = tuple((ref, ref.device) for ref in quantities)
    version_results = iter(
        evaluate_models([Evaluation(v.source, v.settings, device_refs, lenient=True) for v in versions], jobs)
    )
    results: list[tuple[ModelVersions, Diff | Failure]] = []
    for pair in pairs:
        outcomes = [None if version is None else next(version_results) for version in (pair.before, pair.after)]
        failure = next((outcome for outcome in outcomes if isinstance(outcome, Failure)), None)
        if failure is not None:
            results.append((pair, failure))
            continue
        old, new = (_with_figures(outcome) if isinstance(outcome, ModelFigures) else None for outcome in outcomes)
        present = old or new
        assert present is not None
        before, after = (
            _with_title(pair, outcome) if outcome is not None else _absent_version(present) for outcome in (old, new)
        )
        results.append((pair, diff(before, after)))
    return tuple(results)


def _with_figures(model: ModelFigures) -> Snapshot:
    """The snapshot of a model with its further quantities, each with its figure or the refusal."""
    snapshot = model.snapshot
    figures = {
        ref.key: QuantityError(f"{ref.key}: {check_figure.reason}", check_figure.remedy)
        if check_figure.figure is None
        else check_figure.figure
        for ref, check_figure in model.figures.items()
        if ref.key not in snapshot.totals
    }
    return replace(snapshot, figures={**snapshot.figures, **figures})


def _with_title(pair: ModelVersions, snapshot: Snapshot) -> Snapshot:
    """The snapshot under the name that the config gives it, with its scenario."""
    return replace(snapshot, name=pair.title)


def _absent_version(version: Snapshot) -> Snapshot:
    """A snapshot of a model -> that of a version without it: no layers, totals of 0."""
    return replace(
        version,
        source="",
        inputs=(),
        layers=(),
        totals=dict.fromkeys(version.totals, 0),
        unknown={},
        symbols={},
        assumptions=(),
        figures={},
    )


TargetResult = tuple[Target, "ModelFigures | Failure"]

Key = tuple[str, str]


def target_key(target: Target) -> Key:
    """(model, scenario), as a baseline names it."""
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


def find_renames(
    config: Config, baseline: lock.Baseline, results: Sequence[TargetResult], names: Collection[Key]
) -> dict[Key, lock.LockEntry]:
    """(model, scenario) → the entry that the baseline has of it under another name: its file was renamed, as git sees
    it, or a model that is gone is the same to the last layer. names are those of all models of the config."""
    unmatched = removed_entries(baseline, names)
    renames: dict[Key, lock.LockEntry] = {}
    for target, result in results:
        if not isinstance(result, ModelFigures) or not unmatched or baseline.find(*target_key(target)):
            continue
        new_entry = make_lock_entry(config, target, result)
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
    revision = None if Path(baseline.source).is_file() else revisions.split_revision(baseline.source)
    if revision is None or not candidates or not Path(target.source).is_file():
        return None
    old_path = revisions.find_old_path(revision[0], os.path.relpath(target.source))
    return next(
        (o for o in candidates if old_path and revisions.repository_path(config.folder / o.source) == old_path), None
    )


def _have_equal_content(entry: lock.LockEntry, other: lock.LockEntry) -> bool:
    texts = [
        lock_file.format_lock(
            lock.Baseline((replace(e, model="", source="", snapshot=replace(e.snapshot, name="", source="")),), "")
        )
        for e in (entry, other)
    ]
    return texts[0] == texts[1]


def baseline_notes(
    baseline: lock.Baseline,
    results: Sequence[TargetResult],
    renames: Mapping[Key, lock.LockEntry],
    names: Collection[Key] | None,
) -> tuple[str, ...]:
    """A sentence for each kind of difference that no limit tells. names are those of all models of the config, None
    where nothing is to be said of what is gone."""
    models = [(target_key(t), t, a) for t, a in results if isinstance(a, ModelFigures)]
    pairs = [(name, t, renames.get(name) or baseline.find(*name)) for name, t, _ in models]
    new_models = [(name, t, a) for name, t, a in models if name not in renames and baseline.find(*name) is None]
    increase_remark = ", so no increase is held" if any(t.entry.budget.increases for _, t, _ in new_models) else ""
    removed = [] if names is None else [e for e in removed_entries(baseline, names) if e not in renames.values()]
    notes = {
        f"new since {{}}{increase_remark}": [
            f"{title_of(*name)} ({format_cost(a.snapshot.totals)})" for name, _, a in new_models
        ],
        "renamed since {}": [f"{e.title} → {title_of(*name)}" for name, e in renames.items()],
        "no longer a model since {}": [f"{e.title} ({format_cost(e.snapshot.totals)})" for e in removed],
        "read with other settings than in {}": [
            f"{title_of(*name)}: {format_settings(e.settings)} → {format_settings(now)}"
            for name, t, e in pairs
            if e is not None and (now := lock.settings_to_lock(t.entry.locked_settings())) != e.settings
        ],
    }
    return tuple([f"{note.format(baseline.source)}: {', '.join(items)}" for note, items in notes.items() if items])


def format_cost(totals: Mapping[str, Dim]) -> str:
    """Totals -> `248,320 MACs, 8,898 params`."""
    return f"{format_count(totals['macs'])} MACs, {format_count(totals['params'])} params"
