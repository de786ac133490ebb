"""Lock files: a Baseline to a file's text and back, and the one that a path or an entry's name names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from costcalc.core.errors import LoadError, UsageError
from costcalc.core.version import __version__
from costcalc.frontends import git as revisions
from costcalc.studies.check.baseline import Baseline, LockEntry
from costcalc.studies.check.lock_reader import parse_lock
from costcalc.studies.check.lock_writer import format_lock

__all__ = ["format_lock", "make_baseline", "parse_lock", "read_entry", "read_lock", "read_lock_bytes"]


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
