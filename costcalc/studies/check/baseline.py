"""Baseline and its entries: what later versions of the models are held to, as costcalc.lock.json has it.

The same figures give the same bytes on every machine: entries are sorted, paths are relative to the config's folder
with forward slashes, lines of the models' files and remarks in words are left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from costcalc.core.quantity import Figure
from costcalc.core.version import __version__
from costcalc.studies.check.verdict import title_of
from costcalc.studies.diff.snapshot import Snapshot
from costcalc.studies.options import Settings

FORMAT_VERSION = 2

NAME = "costcalc.lock.json"

REWRITE_REMEDY = "write it anew with `costcalc lock`"


@dataclass(frozen=True, slots=True)
class LockEntry:
    """One model in one scenario ("" where it has none): where it came from, what was set, and its figures. settings are
    those that are no defaults, as `Settings.of` takes them; figures are the quantities beside the totals, by key."""

    model: str
    scenario: str
    source: str
    settings: Mapping[str, Any]
    snapshot: Snapshot
    figures: Mapping[str, Figure] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """model, or model (scenario)."""
        return title_of(self.model, self.scenario)


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries of a lock file in its order. version is the costcalc that last changed a figure; source is what
    messages call the file, format_version that of its text. revision is the git revision that it is of, "" for a file
    on disk. unread says of models that are there why they could not be measured, remarks are told with every
    comparison."""

    entries: tuple[LockEntry, ...] = ()
    version: str = __version__
    source: str = NAME
    format_version: int = FORMAT_VERSION
    revision: str = ""
    unread: Mapping[tuple[str, str], str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def find(self, model: str, scenario: str = "") -> LockEntry | None:
        """The entry of a model in a scenario."""
        return next((e for e in self.entries if (e.model, e.scenario) == (model, scenario)), None)


def make_entry(
    model: str,
    scenario: str,
    snapshot: Snapshot,
    settings: Settings,
    folder: str | os.PathLike[str],
    figures: Mapping[str, Figure] | None = None,
) -> LockEntry:
    """Snapshot, settings and figures of a model → its entry; folder is the config's, that the source is told from."""
    source = relative_path(snapshot.source, folder)
    layers = tuple([replace(layer, place="") for layer in snapshot.layers])
    locked = replace(snapshot, source=source, layers=layers, notes=())
    return LockEntry(model, scenario, source, settings_to_lock(settings), locked, dict(sorted((figures or {}).items())))


def settings_to_lock(settings: Settings) -> dict[str, Any]:
    """The settings that are no defaults, as the lock file gives them back."""
    return {name: _sort_setting(value) for name, value in sorted(settings.to_dict().items())}


def _sort_setting(value: Any) -> Any:
    """A setting with its names sorted and its lists as tuples, as the lock file gives it back."""
    if isinstance(value, Mapping):
        return {str(name): _sort_setting(inner) for name, inner in sorted(value.items())}
    return tuple(map(_sort_setting, value)) if isinstance(value, (list, tuple)) else value


def relative_path(source: str, folder: str | os.PathLike[str]) -> str:
    """A file's path from a folder, with forward slashes; any other source (a built-in name) as it stands."""
    if not Path(source).is_file():
        return source
    try:
        return Path(os.path.relpath(source, folder)).as_posix()
    except ValueError:  # on another drive of Windows
        return Path(source).as_posix()
