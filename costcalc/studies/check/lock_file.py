"""Lock files: a Baseline to a file's text and back, and the one that a path, an entry's name or a revision names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from costcalc.core.errors import CostcalcError, LoadError, UsageError
from costcalc.core.version import __version__
from costcalc.frontends import git as revisions
from costcalc.studies.check.baseline import Baseline, LockEntry
from costcalc.studies.check.budget import Config
from costcalc.studies.check.lock_reader import parse_lock
from costcalc.studies.check.lock_writer import format_lock
from costcalc.studies.check.targets import find_config_at

__all__ = ["format_lock", "make_baseline", "parse_lock", "read_baseline", "read_entry", "read_lock", "read_lock_bytes"]


def make_baseline(entries: Iterable[LockEntry], old: Baseline | None = None) -> Baseline:
    """The baseline of some entries. Where the old one says the same, its version stands. UsageError where two entries
    have one name."""
    sorted_entries = tuple(sorted(entries, key=lambda e: (e.model, e.scenario)))
    for entry, following in pairwise(sorted_entries):
        if (entry.model, entry.scenario) == (following.model, following.scenario):
            raise UsageError(f"two models are called {entry.title!r}", "give each its own `name:`")
    if old is None:
        return Baseline(sorted_entries)
    unchanged = replace(old, entries=sorted_entries)
    return unchanged if format_lock(unchanged) == format_lock(old) else replace(unchanged, version=__version__)


def read_lock(path: str | os.PathLike[str]) -> Baseline:
    """The baseline in a lock file. LoadError where there is none, or as in `parse_lock`."""
    return parse_lock(read_lock_bytes(path), os.fspath(path))


def read_lock_bytes(path: str | os.PathLike[str]) -> bytes:
    """What a lock file holds. LoadError where there is none, or it cannot be read."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise LoadError(f"there is no lock file {path}", "write it with `costcalc lock`") from None
    except OSError as error:
        raise LoadError(f"{path} cannot be read: {error.strerror}", "check the path and its permissions") from error


def read_entry(text: str) -> LockEntry | None:
    """The entry that a text names: FILE.json#MODEL@SCENARIO, also at a git revision (REV:FILE.json#MODEL). What is the
    only one in the file need not be named. None where the text names no lock file, LoadError where the file has no such
    entry."""
    file, _, entry_name = text.partition("#")
    if not file.endswith(".json") or ("#" in text and Path(text).is_file()):
        return None
    revision = None if Path(file).is_file() else revisions.split_revision(file)
    baseline = read_lock(file) if revision is None else parse_lock(revisions.read_file(*revision), file)
    names = {_entry_name(e): e for e in baseline.entries}
    chosen = [e for name, e in names.items() if entry_name in ("", name, e.model)]
    if len(chosen) == 1:
        return chosen[0]
    listed = ", ".join(f"{file}#{name}" for name in names if not chosen or names[name] in chosen)
    fact = f"{file} has several of that" if chosen else f"{file} has no model {entry_name!r}"
    raise LoadError(fact, f"name one: {listed[:400]}" if listed else "write it with `costcalc lock`")


def _entry_name(entry: LockEntry) -> str:
    return f"{entry.model}@{entry.scenario}" if entry.scenario else entry.model


def read_baseline(text: str, config: Config) -> Baseline:
    """The baseline in a lock file (`old.lock.json`), or in the config's lock file at a git revision (`main`,
    `main...HEAD` for where the branch began) or another one there (`main:old.lock.json`). An existing file wins.

    At a revision it is the lock file of the config as it is there. A revision without it has a baseline without
    entries. CostcalcError where there is no such file or revision.
    """
    revision_path = revisions.split_revision(text)
    if Path(text).is_file() or (revision_path is None and text.endswith(".json")):
        return read_lock(text)
    if revision_path:
        return parse_lock(_read_at(*revision_path, config.folder), text)
    revisions.resolve_commit(text, _git_folder(config.folder))
    locked = _config_at(config, text)
    path = locked.lock if Path(locked.lock).is_absolute() else f"./{locked.lock}"
    try:
        return parse_lock(_read_at(text, path, locked.folder), f"{text}:{locked.lock}")
    except LoadError:
        if _has_lock(text, path, locked.folder):
            raise
        return Baseline((), source=f"{text}:{locked.lock}", exists=False)


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
