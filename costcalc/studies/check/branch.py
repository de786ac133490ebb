"""Config and a git revision -> the models that differ from it, each with its two versions.

Each side is read as its own config says; where that does not name a model, as the other one does. So a model is only
new or gone where its file is. A file that was renamed is followed, and what is the same is not read at all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from costcalc.core.errors import QuantityError, UsageError
from costcalc.core.quantity import QuantityRef
from costcalc.frontends import git as revisions
from costcalc.studies.batch import Failure
from costcalc.studies.check.budget import Config
from costcalc.studies.check.evaluate import Evaluation, ModelFigures, evaluate_models
from costcalc.studies.check.targets import (
    Models,
    ModelVersion,
    models_at_revision,
    models_on_disk,
    read_config_at,
)
from costcalc.studies.check.verdict import title_of
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
