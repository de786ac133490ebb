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
from costcalc.core.quantities import TOTALS, QuantityRef
from costcalc.core.units import format_count
from costcalc.frontends import git as revisions
from costcalc.studies.batch import Failure
from costcalc.studies.check import baseline as lock
from costcalc.studies.check import lock_file
from costcalc.studies.check.budget import Config
from costcalc.studies.check.evaluate import Evaluation, ModelFigures, evaluate_models
from costcalc.studies.check.staleness import removed_entries
from costcalc.studies.check.targets import Models, Target, Version, at_revision, config_at, on_disk
from costcalc.studies.check.verdict import title_of
from costcalc.studies.diff.diff import Diff, diff
from costcalc.studies.diff.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class ModelVersions:
    """A model in one scenario, before and after; None on the side that lacks it."""

    model: str
    scenario: str
    before: Version | None
    after: Version | None

    @property
    def title(self) -> str:
        """model, or model (scenario)."""
        return title_of(self.model, self.scenario)

    @property
    def same(self) -> bool:
        """Whether nothing that is read differs."""
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
    config: Config, before: str, after: str = "", only: Collection[str] = ()
) -> tuple[ModelVersions, ...]:
    """The config's models in a revision and in another one, or in the working tree; of them only those that are named
    so. UsageError for a name that is none."""
    old_config = config_at(config, before) or config
    new_config = (config_at(config, after) if after else None) or config
    old = at_revision((old_config, new_config), before)
    new = at_revision((new_config, old_config), after) if after else on_disk((new_config, old_config))
    moves = {} if after else _moves(before, old, new)
    found = [ModelVersions(*key, old.get(moves.get(key, key)), version) for key, version in new.items()]
    gone = [
        ModelVersions(*key, version, None)
        for key, version in old.items()
        if key not in new and key not in moves.values()
    ]
    everything = (*found, *gone)
    for name in only:
        if not any(name == pair.model for pair in everything):
            names = ", ".join(dict.fromkeys(pair.model for pair in everything))
            raise UsageError(f"{config.file} has no model {name!r}", f"there are {names[:300]}")
    return tuple([pair for pair in everything if not only or pair.model in only])


def _moves(revision: str, old: Models, new: Models) -> dict[tuple[str, str], tuple[str, str]]:
    """Of models that only one side has: the new one → the old one, where git sees that the file was renamed."""
    lost = {(version.source, key[1]): key for key, version in old.items() if key not in new}
    found = {}
    for key, version in new.items() if lost else ():
        origin = (
            revisions.find_old_path(revision, version.source)
            if key not in old and version.content is not None
            else None
        )
        match = lost.get((f"{revision}:{origin}", key[1]))
        if match is not None:
            found[key] = match
    return found


def diff_versions(
    found: Collection[ModelVersions], jobs: int = 1, quantities: Collection[QuantityRef] = ()
) -> tuple[tuple[ModelVersions, Diff | Failure], ...]:
    """The diff of each pair, or what stands in its way. A model that is new or gone is added or removed whole.
    quantities are further ones that are measured beside the totals of every report."""
    asked = [version for pair in found for version in (pair.before, pair.after) if version is not None]
    further = tuple((ref, ref.device) for ref in quantities)
    given = iter(evaluate_models([Evaluation(v.source, v.settings, further, lenient=True) for v in asked], jobs))
    results: list[tuple[ModelVersions, Diff | Failure]] = []
    for pair in found:
        sides = [None if version is None else next(given) for version in (pair.before, pair.after)]
        failure = next((side for side in sides if isinstance(side, Failure)), None)
        if failure is not None:
            results.append((pair, failure))
            continue
        old, new = (_with_figures(side) if isinstance(side, ModelFigures) else None for side in sides)
        whole = old or new
        assert whole is not None
        before, after = (_titled(pair, side) if side is not None else _nothing(whole) for side in (old, new))
        results.append((pair, diff(before, after)))
    return tuple(results)


def _with_figures(model: ModelFigures) -> Snapshot:
    """The snapshot of a model with its further quantities, each with its figure or the refusal."""
    snapshot = model.snapshot
    figures = {
        ref.key: QuantityError(f"{ref.key}: {item.reason}", item.remedy) if item.figure is None else item.figure
        for ref, item in model.figures.items()
        if ref.key not in snapshot.totals
    }
    return replace(snapshot, figures={**snapshot.figures, **figures})


def _titled(pair: ModelVersions, snapshot: Snapshot) -> Snapshot:
    """The snapshot under the name that the config gives it, with its scenario."""
    return replace(snapshot, name=pair.title)


def _nothing(other: Snapshot) -> Snapshot:
    """The version that lacks a model."""
    return replace(
        other,
        source="",
        inputs=(),
        layers=(),
        totals=dict.fromkeys(other.totals, 0),
        unknown={},
        symbols={},
        assumptions=(),
        figures={},
    )


Answer = tuple[Target, "ModelFigures | Failure"]

Key = tuple[str, str]


def target_key(target: Target) -> Key:
    """(model, scenario), as a baseline names it."""
    return target.name, target.entry.scenario


def lock_entry(config: Config, target: Target, found: ModelFigures) -> lock.LockEntry:
    """What a lock holds of a model: its totals and layers, and the figures that its limits or settings ask for."""
    entry = target.entry
    figures = {
        ref.key: found.figures[ref].figure
        for ref in entry.locked_quantities()
        if ref.quantity.key not in TOTALS and ref in found.figures
    }
    known = {key: figure for key, figure in figures.items() if figure is not None}
    return lock.make_entry(target.name, entry.scenario, found.snapshot, entry.locked_settings(), config.folder, known)


def find_renamed(
    config: Config, baseline: lock.Baseline, found: Sequence[Answer], names: Collection[Key]
) -> dict[Key, lock.LockEntry]:
    """The entries of models that the baseline has under another name: their file was renamed, as git sees it, or a
    model that is gone is the same to the last layer. names are those of all models of the config."""
    left = removed_entries(baseline, names)
    moved: dict[Key, lock.LockEntry] = {}
    for target, answer in found:
        if not isinstance(answer, ModelFigures) or not left or baseline.find(*target_key(target)):
            continue
        entry = lock_entry(config, target, answer)
        alike = [old for old in left if old.scenario == entry.scenario]
        origin = _origin(config, baseline, target, alike) or next((o for o in alike if _same(o, entry)), None)
        if origin is not None:
            moved[target_key(target)] = origin
            left.remove(origin)
    return moved


def _origin(
    config: Config, baseline: lock.Baseline, target: Target, old: Sequence[lock.LockEntry]
) -> lock.LockEntry | None:
    """The entry of the file that a model's file was at the baseline's revision; None where it is of no revision."""
    at = None if Path(baseline.source).is_file() else revisions.split_revision(baseline.source)
    if at is None or not old or not Path(target.source).is_file():
        return None
    before = revisions.find_old_path(at[0], os.path.relpath(target.source))
    return next((o for o in old if before and revisions.repository_path(config.folder / o.source) == before), None)


def _same(one: lock.LockEntry, other: lock.LockEntry) -> bool:
    texts = [
        lock_file.format_lock(
            lock.Baseline((replace(e, model="", source="", snapshot=replace(e.snapshot, name="", source="")),), "")
        )
        for e in (one, other)
    ]
    return texts[0] == texts[1]


def baseline_notes(
    baseline: lock.Baseline, found: Sequence[Answer], moved: Mapping[Key, lock.LockEntry], names: Collection[Key] | None
) -> tuple[str, ...]:
    """A sentence for each kind of difference that no limit tells. names are those of all models of the config, None
    where nothing is to be said of what is gone."""
    told = [(target_key(t), t, a) for t, a in found if isinstance(a, ModelFigures)]
    pairs = [(name, t, moved.get(name) or baseline.find(*name)) for name, t, _ in told]
    fresh = [(name, t, a) for name, t, a in told if name not in moved and baseline.find(*name) is None]
    held = ", so no increase is held" if any(t.entry.budget.increases for _, t, _ in fresh) else ""
    lost = [] if names is None else [e for e in removed_entries(baseline, names) if e not in moved.values()]
    said = {
        f"new since {{}}{held}": [f"{title_of(*name)} ({_cost(a.snapshot.totals)})" for name, _, a in fresh],
        "renamed since {}": [f"{e.title} → {title_of(*name)}" for name, e in moved.items()],
        "no longer a model since {}": [f"{e.title} ({_cost(e.snapshot.totals)})" for e in lost],
        "read with other settings than in {}": [
            f"{title_of(*name)}: {_settings(e.settings)} → {_settings(now)}"
            for name, t, e in pairs
            if e is not None and (now := lock.settings_to_lock(t.entry.locked_settings())) != e.settings
        ],
    }
    return tuple([f"{what.format(baseline.source)}: {', '.join(of)}" for what, of in said.items() if of])


def _cost(totals: Mapping[str, Dim]) -> str:
    """248,320 MACs, 8,898 params."""
    return f"{format_count(totals['macs'])} MACs, {format_count(totals['params'])} params"


def _settings(given: Mapping[str, object]) -> str:
    """dims N=8, dtype=int8."""
    parts = [
        f"{name} {' '.join(f'{k}={v}' for k, v in value.items())}" if isinstance(value, Mapping) else f"{name}={value}"
        for name, value in given.items()
    ]
    return ", ".join(parts) or "none"
