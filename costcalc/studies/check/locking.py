"""Config → its baseline as it would be written now, with the models that cannot be locked."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from costcalc.core.errors import LockError
from costcalc.studies.batch import Failure
from costcalc.studies.check import baseline as lock
from costcalc.studies.check import lock_file
from costcalc.studies.check.branch import make_lock_entry
from costcalc.studies.check.budget import Config
from costcalc.studies.check.evaluate import ModelFigures
from costcalc.studies.check.run import evaluate_targets
from costcalc.studies.check.staleness import describe_differences
from costcalc.studies.check.targets import Target


class LockPlan(NamedTuple):
    """text is the lock file as it should be, old_text as it is (None: there is none). differences are sentences,
    failures the models that cannot be read; unknown_titles those with an operator without a rule: its figures are
    locked as not known."""

    text: str
    old_text: str | None
    differences: tuple[str, ...]
    failures: tuple[tuple[Target, Failure], ...]
    unknown_titles: tuple[str, ...]
    old_format: int = lock.FORMAT_VERSION

    @property
    def changes(self) -> bool:
        """Whether the file's content would change; how a checkout ends its lines is no content."""
        return self.old_text is None or self.old_text.replace("\r\n", "\n") != self.text

    @property
    def is_stale(self) -> bool:
        """Whether the file says something else than it would now. One of an older format that says the same is not
        stale, although locking would write it anew, and shorter."""
        return self.changes and (self.old_format == lock.FORMAT_VERSION or bool(self.differences))


def plan_lock(
    config: Config,
    file: str,
    *,
    model_names: Collection[str] = (),
    groups: Collection[str] = (),
    renew: bool = True,
    jobs: int = 1,
    raise_crashes: bool = False,
) -> LockPlan:
    """What locking the models of a config in a file would write; of them only those that are named or of some groups,
    where some are: the entries of the others stay. A broken lock file counts as none where all is written anew (renew),
    else it is refused, as a file of something else always is."""
    is_partial = bool(model_names or groups)
    old_baseline: lock.Baseline | None = None
    old_text: str | None = None
    path = Path(file)
    if path.is_file():
        old_text = lock_file.read_lock_bytes(path).decode("utf-8", "replace")
        try:
            old_baseline = lock_file.read_lock(file)
        except LockError:
            if is_partial or not renew:
                raise
    results = evaluate_targets(config, model_names=model_names, groups=groups, jobs=jobs, raise_crashes=raise_crashes)
    entries = [make_lock_entry(config, t, result) for t, result in results if isinstance(result, ModelFigures)]
    failures = tuple([(t, result) for t, result in results if isinstance(result, Failure)])
    new_keys = {(entry.model, entry.scenario) for entry in entries}
    other_entries = (
        [e for e in old_baseline.entries if (e.model, e.scenario) not in new_keys]
        if old_baseline is not None and is_partial
        else []
    )
    differences = (
        () if old_baseline is None else describe_differences(old_baseline, entries, not is_partial and not failures)
    )
    unknown = tuple([entry.title for entry in entries if entry.snapshot.unknown])
    return LockPlan(
        lock_file.format_lock(lock_file.make_baseline([*entries, *other_entries], old_baseline)),
        old_text,
        differences,
        failures,
        unknown,
        lock.FORMAT_VERSION if old_baseline is None else old_baseline.format_version,
    )
