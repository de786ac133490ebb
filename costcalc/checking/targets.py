"""Config → the models that it names, in its order: globs are opened, built-in names found, no two have one name."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from costcalc.budget.config import is_glob
from costcalc.budget.limits import Config, Entry
from costcalc.budget.words import place
from costcalc.errors import ConfigError, UsageError
from costcalc.frontends import suffixes


class Target(NamedTuple):
    """One model in one scenario: how it is called, what is read (a file as seen from the working directory, or a
    built-in name), and the entry that asks for it. group counts the entries: the models of a glob, and those of a
    command line, share one. error says that there is nothing to read."""

    name: str
    source: str
    entry: Entry
    group: int
    error: str = ""


def targets(config: Config, only: Collection[str] = ()) -> tuple[Target, ...]:
    """The models of a config; of them only those that are named so, or whose file or glob is, where only says which.
    ConfigError where two have one name, UsageError for a name in only that is none."""
    found = [t for i, entry in enumerate(config.entries) for t in _of(config, entry, i if config.file else 0)]
    seen: dict[tuple[str, str], Target] = {}
    for target in found:
        key = target.name, target.entry.scenario
        if key in seen:
            first = place(seen[key].entry.place)
            raise ConfigError(f"the model {target.name!r} is named twice (first at {first})",
                              "leave one out, or give each its own `name:`", place(target.entry.place))  # fmt: skip
        seen[key] = target
    if not only:
        return tuple(found)
    asked = {word: {word, os.path.normpath(word)} for word in only}
    for word, ways in asked.items():
        if not any(ways & _ways(t) for t in found):
            names = ", ".join(dict.fromkeys(t.name for t in found if not t.error))
            raise UsageError(f"{config.file} has no model {word!r}",
                             f"there are {names[:300]}; with --max a model is checked without the config")  # fmt: skip
    wanted = set().union(*asked.values())
    return tuple([t for t in found if wanted & _ways(t)])


def _ways(target: Target) -> set[str]:
    """The words that name a target on the command line."""
    return {target.name, target.source, target.entry.path, os.path.normpath(target.source)}


def _of(config: Config, entry: Entry, group: int) -> Iterator[Target]:
    if not _several(config.folder, entry.path):
        source = located(config.folder, entry.path)
        yield Target(entry.name or entry.path, source, entry, group)
        return
    pattern = f"{glob.escape(entry.path.rstrip('/'))}/*" if (config.folder / entry.path).is_dir() else entry.path
    own = Path(config.file).name if config.file else ""
    names = sorted(
        path.replace(os.sep, "/")
        for path in glob.glob(pattern, root_dir=config.folder, recursive=True)  # noqa: PTH207
        if path != own and path.endswith(suffixes()) and (config.folder / path).is_file()
    )
    for name in names:
        yield Target(name, located(config.folder, name), entry, group)
    if not names:
        yield Target(entry.path, entry.path, entry, group, f"no model fits the pattern {entry.path!r}")


def _several(folder: Path, path: str) -> bool:
    """Whether a path stands for all models of a folder, or is a glob; a file may have the signs of one in its name."""
    from costcalc.load.builtin import find

    return (is_glob(path) and not (folder / path).is_file()) or ((folder / path).is_dir() and not find(path))


def located(folder: Path, path: str) -> str:
    """A file as seen from the working directory; what is no file beside the config is left for the reader to know (a
    built-in name)."""
    file = folder / path
    if not file.is_file():
        from costcalc.load.builtin import find

        if find(path) or "/" not in path:
            return path
    if file.is_absolute() and not file.is_relative_to(Path.cwd()):
        return os.path.normpath(file)
    return os.path.relpath(file)
