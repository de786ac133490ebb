"""Config → its baseline as it would be written now, with the models that cannot be locked; and `lock`, the Python API
that writes it."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from costcalc.core.errors import LockError, UsageError
from costcalc.core.result import short_repr
from costcalc.studies.batch import Failure
from costcalc.studies.check import lock_file
from costcalc.studies.check.baseline import FORMAT_VERSION, Baseline
from costcalc.studies.check.budget import Config
from costcalc.studies.check.config_file import find_config_file, nearest_config
from costcalc.studies.check.config_limits import make_limit_set
from costcalc.studies.check.evaluate import ModelFigures
from costcalc.studies.check.limits import parse_increases
from costcalc.studies.check.lineage import make_lock_entry
from costcalc.studies.check.run import evaluate_targets, make_config
from costcalc.studies.check.staleness import describe_differences
from costcalc.studies.check.targets import Target
from costcalc.studies.options import Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from costcalc.studies.options import SettingsArguments


class LockPlan(NamedTuple):
    """text is the lock file as it should be, old_text as it is (None: there is none). differences are sentences,
    failures the models that cannot be read; unknown_titles those with an operator without a rule: its figures are
    locked as not known. file is where the text belongs."""

    text: str
    old_text: str | None
    differences: tuple[str, ...]
    failures: tuple[tuple[Target, Failure], ...]
    unknown_titles: tuple[str, ...]
    old_format: int = FORMAT_VERSION
    file: str = ""

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        state = "new" if self.old_text is None else f"{len(self.differences)} differences" if self.changes else "as is"
        return short_repr("LockPlan", self.file, f"{state}, {len(self.failures)} models not read")

    def __str__(self) -> str:
        """The file and what changes in it, a line for each difference."""
        head = f"{self.file} {'changes' if self.changes else 'is up to date'}"
        return "\n".join([head, *[f"  {line}" for line in self.differences]])

    @property
    def changes(self) -> bool:
        """Whether the file's content would change; how a checkout ends its lines is no content."""
        return self.old_text is None or self.old_text.replace("\r\n", "\n") != self.text

    @property
    def is_stale(self) -> bool:
        """Whether the file says something else than it would now. One of an older format that says the same is not
        stale, although locking would write it anew, and shorter."""
        return self.changes and (self.old_format == FORMAT_VERSION or bool(self.differences))


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
    where some are: the entries of the others stay. renew says that it is to be written: then the differences tell what
    was changed, and a broken lock file counts as none where all is written anew; else it is refused, as a file of
    something else always is."""
    is_partial = bool(model_names or groups)
    old_baseline: Baseline | None = None
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
    is_complete = not is_partial and not failures
    differences = () if old_baseline is None else describe_differences(old_baseline, entries, is_complete, renew)
    unknown = tuple([entry.title for entry in entries if entry.snapshot.unknown])
    return LockPlan(
        lock_file.format_lock(lock_file.make_baseline([*entries, *other_entries], old_baseline)),
        old_text,
        differences,
        failures,
        unknown,
        FORMAT_VERSION if old_baseline is None else old_baseline.format_version,
        file,
    )


def make_lock_config(models: Collection[str], settings: Settings) -> Config:
    """Models and settings -> a config without a file, under which all quantities that the settings ask for are
    locked."""
    refs = [ref for ref in settings.quantities() if ref.quantity.unit != "boolean"]
    increases = [increase for ref in refs for increase in parse_increases(f"{ref.key}=0")]
    return make_config(tuple(models), make_limit_set((), increases, (), ()), settings)


def lock(
    *models: str,
    config: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    check: bool = False,
    jobs: int = 1,
    **options: Unpack[SettingsArguments],
) -> LockPlan:
    """Writes what the models of a config (None: the nearest one) cost now as the baseline of `check`; returns what
    changed. With models only their entries are written anew; where there is no config they are locked under the
    options, which are analyze's. output is the file (`lock:` of the config unless given); with check nothing is
    written. UsageError for options beside a config, and for a model that cannot be read: then nothing is written.
    """
    path = config or find_config_file()
    if path is None and models:
        budget = make_lock_config(models, Settings.of(**options))
    elif options:
        raise UsageError(f"{min(options)} does not go with the config {os.fspath(path or '')}", "write it there")
    else:
        budget = nearest_config(path)
    file = str(budget.folder / budget.lock) if output is None else os.fspath(output)
    plan = plan_lock(budget, file, model_names=models, renew=not check, jobs=jobs)
    if plan.failures:
        target, failure = plan.failures[0]
        raise UsageError(f"{failure.place or target.name}: {failure.text}", f"{file} is left as it is")
    if plan.changes and not check:
        try:
            Path(file).write_bytes(plan.text.encode())
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}", "name another file") from error
    return plan
