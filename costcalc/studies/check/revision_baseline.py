"""What `--baseline` names -> the Baseline: a lock file, or that of a git revision; where a revision has no lock file,
its models are measured as they are there.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from costcalc.core.errors import CostcalcError, LoadError, UsageError
from costcalc.frontends import git as revisions
from costcalc.studies.batch import Failure
from costcalc.studies.check.baseline import Baseline, LockEntry
from costcalc.studies.check.budget import Budget, Config, ConfigEntry
from costcalc.studies.check.evaluate import evaluate_models
from costcalc.studies.check.lineage import Key, make_lock_entry, target_key
from costcalc.studies.check.lock_file import make_baseline, read_lock
from costcalc.studies.check.lock_reader import parse_lock
from costcalc.studies.check.run import make_evaluation
from costcalc.studies.check.targets import Target, config_folder, find_config_at, find_targets, models_at_revision


def read_baseline(
    text: str, config: Config, jobs: int = 1, model_names: Collection[str] = (), groups: Collection[str] = ()
) -> Baseline:
    """The baseline in a lock file (`old.lock.json`), or in the config's lock file at a git revision (`main`,
    `main...HEAD` for where the branch began) or another one there (`main:old.lock.json`). An existing file wins.

    At a revision it is the lock file of the config as it is there; where that has none, its models are measured with
    so many jobs: of those that the config has, only the named ones, or those of groups, where one says which.
    CostcalcError where there is no such file or revision.
    """
    revision_path = revisions.split_revision(text)
    if Path(text).is_file() or (revision_path is None and text.endswith(".json")):
        return read_lock(text)
    with _name_option(text):
        revisions.resolve_commit(revision_path[0] if revision_path else text, _git_folder(config.folder))
    if revision_path:
        return replace(parse_lock(_read_at(*revision_path, config.folder), text), revision=revision_path[0])
    former = _config_at(config, text)
    path = former.lock if Path(former.lock).is_absolute() else f"./{former.lock}"
    if _has_lock(text, path, former.folder):
        source = f"{text}:{former.lock}"
        return replace(parse_lock(_read_at(text, path, former.folder), source), revision=text)
    with _name_option(text):
        config_folder(config)  # models are read in the repository of the working directory
    chosen = {target_key(target) for target in find_targets(config, model_names, groups)}
    return _measure_revision(config, former, text, chosen, jobs)


@contextmanager
def _name_option(text: str) -> Iterator[None]:
    """Names the option and its value in a UsageError."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"--baseline {text}: {error.fact}", error.remedy, error.place) from error


def _measure_revision(config: Config, former: Config, revision: str, chosen: Collection[Key], jobs: int) -> Baseline:
    """A config, the same as it is at a revision, and the revision -> what the models of either cost there; of those
    that the config has, the chosen ones."""
    entries_now = {target_key(target): target.entry for target in find_targets(config)}
    versions = models_at_revision((former, config), revision)
    known = [(version, key[1]) for key, version in versions.items() if key in entries_now]
    targets = []
    for key, version in versions.items():
        if key not in entries_now and (version, key[1]) in known:
            continue  # it is there under the name that it has now
        if key in entries_now and key not in chosen:
            continue
        entry = entries_now.get(key) or _entry_of_any(config, key)
        targets.append(Target(key[0], version.source, replace(entry, settings=version.settings), 0))
    results = evaluate_models([make_evaluation(config, target, lenient=True) for target in targets], jobs)
    entries: list[LockEntry] = []
    unread: dict[Key, str] = {}
    for target, result in zip(targets, results, strict=True):
        if isinstance(result, Failure):
            unread[target_key(target)] = result.text
            continue
        file = target.source.removeprefix(f"{revision}:")
        source = file if file == target.source else _from_folder(file, config.folder)
        entries.append(replace(make_lock_entry(config, target, result), source=source))
    remark = f"{revision} has no lock file {former.lock}: its models are measured as they are there"
    return replace(make_baseline(entries), source=revision, revision=revision, unread=unread, remarks=(remark,))


def _entry_of_any(config: Config, key: Key) -> ConfigEntry:
    """The entry of a model that has another name now, which any of its scenario may be: with all that these limit."""
    increases = {i.ref: i for entry in config.entries if entry.scenario == key[1] for i in entry.budget.increases}
    return ConfigEntry(key[0], scenario=key[1], budget=Budget(increases=tuple(increases.values())))


def _from_folder(file: str, folder: Path) -> str:
    """A path from the repository's top -> the same from a folder, with forward slashes."""
    top = revisions.repository_root(_git_folder(folder)).resolve()
    return os.path.relpath(top / file, folder.resolve()).replace(os.sep, "/")


def _config_at(config: Config, revision: str) -> Config:
    """The config as it is at a revision; as it is now where it is not there, or cannot be read."""
    try:
        return (find_config_at(config, revision) if config.file else None) or config
    except CostcalcError:
        return config


def _git_folder(folder: Path) -> str:
    return "" if folder == Path() else os.fspath(folder)


def _read_at(revision: str, path: str, folder: Path) -> bytes:
    try:
        return revisions.read_file(revision, path, _git_folder(folder))
    except LoadError as error:
        remedy = "write it there with `costcalc lock` and commit it"
        raise LoadError(f"{revision} has no lock file {path.removeprefix('./')}", remedy) from error


def _has_lock(revision: str, path: str, folder: Path) -> bool:
    """Whether a revision has a file of a path, readable or not."""
    files = revisions.list_files(revision, _git_folder(folder))
    return any(name in files for name in revisions.path_candidates(path, _git_folder(folder)))
