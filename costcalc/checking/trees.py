"""Configs and a tree of files (a git revision, or what is on disk) → the models in it."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from costcalc import revisions
from costcalc.budget.config import is_glob
from costcalc.budget.config_find import TABLE, of_content
from costcalc.budget.limits import Config, Entry
from costcalc.checking.patterns import fitting
from costcalc.checking.targets import targets
from costcalc.errors import UsageError
from costcalc.frontends import suffixes
from costcalc.load.builtin import find
from costcalc.studies.options import Settings

Models = dict[tuple[str, str], "Version"]
"""(name, scenario) → where it is read."""


class Version(NamedTuple):
    """Where a model is read, how it is bound, and what its file holds; None for a built-in model."""

    source: str
    settings: Settings
    content: bytes | None


def on_disk(configs: Sequence[Config]) -> Models:
    """The models of the working tree. Where two configs name one, the first holds."""
    found: Models = {}
    for target in (target for config in configs for target in targets(config)):
        file = Path(target.source)
        key = target.name, target.entry.scenario
        if not target.error and key not in found and (file.is_file() or find(target.source)):
            content = _lines(file.read_bytes()) if file.is_file() else None
            found[key] = Version(target.source, target.entry.settings, content)
    return found


def at_revision(configs: Sequence[Config], revision: str) -> Models:
    """The models of a revision. Where two configs name one, the first holds."""
    files = revisions.files(revision)
    wanted: dict[tuple[str, str], tuple[str, Settings]] = {}
    for config in configs:
        folder = folder_of(config)
        inside = {posixpath.relpath(name, folder or "."): name for name in files}
        for entry in config.entries:
            for path in _opened(config, entry, inside):
                whole = inside.get(posixpath.normpath(path))
                if whole is None:
                    _reachable(path, inside, revision)
                if whole is not None or find(path):
                    wanted.setdefault((entry.name or path, entry.scenario), (whole or path, entry.settings))
    held = revisions.contents(revision, {name for name, _ in wanted.values()})
    return {
        key: Version(f"{revision}:{name}", settings, _lines(held[name]))
        if name in held
        else Version(name, settings, None)
        for key, (name, settings) in wanted.items()
    }


def _reachable(path: str, inside: Collection[str], revision: str) -> None:
    """UsageError where a path leads into a submodule whose commit is not here: nobody knows whether it is there."""
    module = next((str(parent) for parent in PurePosixPath(path).parents if str(parent) in inside), None)
    if module is not None:
        fact = f"{path}: the submodule {module} is not here as it is at {revision}"
        raise UsageError(fact, f"git submodule update --init {module}; git -C {module} fetch --unshallow")


def _opened(config: Config, entry: Entry, inside: dict[str, str]) -> Iterator[str]:
    if not is_glob(entry.path) or entry.path in inside:
        yield entry.path
        return
    own, known = Path(config.file).name, suffixes()
    yield from (path for path in fitting(entry.path, inside) if path != own and path.endswith(known))


def config_at(config: Config, revision: str) -> Config | None:
    """The same config as it is at a revision; None where it is not there."""
    name = posixpath.join(folder_of(config), Path(config.file).name)
    if name not in revisions.files(revision):
        return None
    content = revisions.content(revision, name)
    if name.endswith(".toml") and TABLE not in content:
        return None
    return replace(of_content(content, f"{revision}:{name}", config.folder), file=config.file)


def folder_of(config: Config) -> str:
    """The config's folder from the top of its repository, which is that of the working directory."""
    found = revisions.tracked(config.folder / Path(config.file).name)
    if found is None:
        raise UsageError(f"{config.file} is in no repository, or not in this one", "go to its repository")
    return posixpath.dirname(found)


def _lines(content: bytes) -> bytes:
    """The content as git keeps text: how a checkout ends lines is no difference."""
    return content if b"\0" in content else content.replace(b"\r\n", b"\n")
