"""Config and a tree of files (on disk, or of a git revision) -> the models that it names, in its order: globs are
opened, built-in names found, no two have one name.

A glob fits paths as glob finds files on disk: `*` within a folder, `**` through folders.
"""

from __future__ import annotations

import glob
import os
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from costcalc.core.errors import ConfigError, UsageError, did_you_mean
from costcalc.frontends import git as revisions
from costcalc.frontends.builtin import find_builtin
from costcalc.frontends.module import NamedModel
from costcalc.frontends.source import REMOTE, Source
from costcalc.frontends.table import SHARED_SUFFIXES, is_model_file, is_model_path, suffixes
from costcalc.studies.check.budget import Config, ConfigEntry
from costcalc.studies.check.config import is_glob
from costcalc.studies.check.config_file import NAMES, TABLE, parse_config
from costcalc.studies.check.wording import format_place
from costcalc.studies.options import Settings


class Target(NamedTuple):
    """One model in one scenario: how it is called, what is read (a file as seen from the working directory, or a
    built-in name), and the entry that asks for it. group counts the entries: the models of a glob, and those of a
    command line, share one. error says that there is nothing to read."""

    name: str
    source: str
    entry: ConfigEntry
    group: int
    error: str = ""


def find_targets(config: Config, model_names: Collection[str] = (), groups: Collection[str] = ()) -> tuple[Target, ...]:
    """The models of a config; of them only those of some groups, where groups names them, and those that are named so,
    or whose file or glob is, where model_names says which. ConfigError where two have one name, UsageError for a name
    that is none."""
    for group in groups:
        if group not in config.groups:
            remedy = did_you_mean(group, config.groups) or f"there are {', '.join(config.groups) or 'none'}"
            raise UsageError(f"{config.file} has no group {group!r}", remedy)
    targets = list_targets(config)
    first_of_key: dict[tuple[str, str], Target] = {}
    for target in targets:
        key = target.name, target.entry.scenario
        if key in first_of_key:
            first_place = format_place(first_of_key[key].entry.place)
            raise ConfigError(
                f"the model {target.name!r} is named twice (first at {first_place})",
                "leave one out, or give each its own `name:`",
                format_place(target.entry.place),
            )
        first_of_key[key] = target
    if groups:
        targets = [target for target in targets if target.entry.group in groups]
    if not model_names:
        return tuple(targets)
    paths_of_name = {name: {name, os.path.normpath(name)} for name in model_names}
    for name, paths in paths_of_name.items():
        if not any(paths & _target_names(t) for t in targets):
            names = ", ".join(dict.fromkeys(t.name for t in targets if not t.error))
            raise UsageError(
                f"{config.file} has no model {name!r}",
                f"there are {names[:300] or 'none'}; with --max a model is checked without the config",
            )
    chosen_paths = set().union(*paths_of_name.values())
    return tuple([t for t in targets if chosen_paths & _target_names(t)])


def list_targets(config: Config) -> list[Target]:
    """All models of a config; two may have one name. A file that an entry names by its path is no pattern's."""
    named = named_paths(config)
    return [
        target
        for i, entry in enumerate(config.entries)
        for target in _expand_targets(config, entry, i if config.file else 0)
        if target.error or target.name not in named or not _is_pattern(config.folder, entry.path)
    ]


def named_paths(config: Config) -> set[str]:
    """The paths from a config's folder that entries name, and no pattern."""
    return {_normalise(entry.path) for entry in config.entries if not _is_pattern(config.folder, entry.path)}


def _normalise(path: str) -> str:
    return posixpath.normpath(path.replace(os.sep, "/"))


def holding_entries(config: Config, path: str) -> list[tuple[int, ConfigEntry, bool]]:
    """A path from a config's folder → the number of each entry that holds it, the entry, and whether that is a pattern;
    the patterns where no entry names the path. The tree of files need not have it."""
    numbered = list(enumerate(config.entries))
    exact = [
        (i, entry, False)
        for i, entry in numbered
        if path in (entry.path, _normalise(entry.path))
        or (Path(entry.path).is_absolute() and os.path.normpath(entry.path) == os.path.normpath(config.folder / path))
    ]
    if exact or any(match_paths(excluded, [path]) for excluded in config.exclude):
        return exact
    return [(i, entry, True) for i, entry in numbered if _fits_pattern(config.folder, entry.path.rstrip("/"), path)]


def _fits_pattern(folder: Path, pattern: str, path: str) -> bool:
    if (folder / pattern).is_dir():
        return path.rpartition("/")[0] == pattern.removeprefix("./")
    return is_glob(pattern) and bool(match_paths(pattern, [path]))


def _target_names(target: Target) -> set[str]:
    """The words that name a target on the command line."""
    return {target.name, target.source, target.entry.path, os.path.normpath(target.source)}


def _expand_targets(config: Config, entry: ConfigEntry, group: int) -> Iterator[Target]:
    if isinstance(entry.path, NamedModel):
        yield Target(entry.path, entry.path, entry, group)
        return
    if entry.path.startswith(REMOTE):
        if not config.remote:
            fact = f"{entry.path} is on a server, and a check downloads nothing"
            raise ConfigError(fact, "allow it in the config: remote: true", format_place(entry.place))
        yield Target(entry.name or entry.path, entry.path, entry, group)
        return
    if not _is_pattern(config.folder, entry.path):
        source = locate(config.folder, entry.path)
        is_file = entry.path.endswith((*suffixes(), *SHARED_SUFFIXES))
        is_gone = config.file and is_file and not Path(source).exists()
        error = f"there is no file {entry.path}: correct the path, or take the entry out" if is_gone else ""
        yield Target(entry.name or entry.path, source, entry, group, error)
        return
    pattern = f"{glob.escape(entry.path.rstrip('/'))}/*" if (config.folder / entry.path).is_dir() else entry.path
    config_name = Path(config.file).name if config.file else ""
    names = sorted(
        path.replace(os.sep, "/")
        for path in glob.glob(pattern, root_dir=config.folder, recursive=True)  # noqa: PTH207
        if path != config_name and (config.folder / path).is_file() and is_model_path(config.folder / path)
    )
    excluded = {name for pattern in config.exclude for name in match_paths(pattern, names)}
    names = [name for name in names if name not in excluded]
    for name in names:
        yield Target(name, locate(config.folder, name), entry, group)
    if not names:
        yield Target(entry.path, entry.path, entry, group, f"no model fits the pattern {entry.path!r}")


def _is_pattern(folder: Path, path: str) -> bool:
    """Whether a path stands for all models of a folder, or is a glob; a file may have the signs of one in its name."""
    return (is_glob(path) and not (folder / path).is_file()) or ((folder / path).is_dir() and not find_builtin(path))


def locate(folder: Path, path: str) -> str:
    """A file as seen from the working directory; what is no file beside the config is left for the reader to know (a
    built-in name)."""
    file = folder / path
    if not file.is_file() and (find_builtin(path) or "/" not in path):
        return path
    if file.is_absolute() and not file.is_relative_to(Path.cwd()):
        return os.path.normpath(file)
    return os.path.relpath(file)


_VISIBLE = r"(?!\.)"
"""A pattern that does not begin with a dot finds nothing hidden."""


def match_paths(pattern: str, paths: Iterable[str]) -> list[str]:
    """The paths, with forward slashes, that fit, in alphabetical order."""
    expression = re.compile(_path_regex(pattern.removeprefix("./")))
    return sorted(path for path in paths if expression.fullmatch(path))


def _path_regex(pattern: str) -> str:
    *folders, last = pattern.split("/")
    folders_regex = "".join(
        rf"(?:{_VISIBLE}[^/]+/)*" if segment == "**" else f"{_segment_regex(segment)}/" for segment in folders
    )
    return folders_regex + (rf"(?:{_VISIBLE}[^/]+/)*{_VISIBLE}[^/]+" if last == "**" else _segment_regex(last))


_WILDCARD = re.compile(r"\*+|\?|\[(!?)(\]?[^\]]*)\]")


def _segment_regex(segment: str) -> str:
    """A segment of a glob → the regular expression that it stands for."""
    regex_parts, end = ["" if segment.startswith(".") else _VISIBLE if _WILDCARD.match(segment) else ""], 0
    for wildcard in _WILDCARD.finditer(segment):
        regex_parts.append(re.escape(segment[end : wildcard.start()]))
        end = wildcard.end()
        if wildcard[0] == "?":
            regex_parts.append("[^/]")
        elif wildcard[0][0] == "*":
            regex_parts.append("[^/]*")
        else:
            members = re.sub(r"([\\\[\]^&~|])", r"\\\1", wildcard[2])
            regex_parts.append(f"[{'^' if wildcard[1] else ''}{members}]")
    return "".join([*regex_parts, re.escape(segment[end:])])


Models = dict[tuple[str, str], "ModelVersion"]
"""(name, scenario) → the model's version."""


class ModelVersion(NamedTuple):
    """Where a model is read, how it is bound, and what its file holds; None for a built-in model."""

    source: str
    settings: Settings
    content: bytes | None


def models_on_disk(configs: Sequence[Config]) -> Models:
    """The models of the working tree. Where two configs name one, the first holds."""
    models: Models = {}
    for target in (target for config in configs for target in find_targets(config)):
        file = Path(target.source)
        key = target.name, target.entry.scenario
        if not target.error and key not in models and (file.is_file() or find_builtin(target.source)):
            content = _normalise_line_ends(file.read_bytes()) if file.is_file() else None
            models[key] = ModelVersion(target.source, target.entry.settings, content)
    return models


def models_at_revision(configs: Sequence[Config], revision: str) -> Models:
    """The models of a revision. Where two configs name one, the first holds."""
    files = revisions.list_files(revision)
    sources: dict[tuple[str, str], tuple[str, Settings]] = {}
    for config in configs:
        folder = config_folder(config)
        path_of = {posixpath.relpath(name, folder or "."): name for name in files}
        for entry in config.entries:
            for path in _expand_paths(config, entry, path_of, revision):
                repository_path = path_of.get(_relative_path(path, config.folder))
                if repository_path is None:
                    _refuse_missing_submodule(path, path_of, revision)
                if repository_path is not None or find_builtin(path):
                    sources.setdefault((entry.name or path, entry.scenario), (repository_path or path, entry.settings))
    contents = revisions.read_files(revision, {name for name, _ in sources.values()})
    return {
        key: ModelVersion(f"{revision}:{name}", settings, _normalise_line_ends(contents[name]))
        if name in contents
        else ModelVersion(name, settings, None)
        for key, (name, settings) in sources.items()
    }


def _relative_path(path: str, folder: Path) -> str:
    return posixpath.normpath(os.path.relpath(path, folder).replace(os.sep, "/") if Path(path).is_absolute() else path)


def _refuse_missing_submodule(path: str, paths: Collection[str], revision: str) -> None:
    """UsageError where a path leads into a submodule whose commit is not here: nobody knows whether it is there."""
    module = next((str(parent) for parent in PurePosixPath(path).parents if str(parent) in paths), None)
    if module is not None:
        fact = f"{path}: the submodule {module} is not here as it is at {revision}"
        raise UsageError(fact, f"git submodule update --init {module}; git -C {module} fetch --unshallow")


def _expand_paths(config: Config, entry: ConfigEntry, paths: dict[str, str], revision: str) -> Iterator[str]:
    pattern = entry.path
    if pattern not in paths and any(path.startswith(f"{_normalise(pattern)}/") for path in paths):
        pattern = f"{glob.escape(_normalise(pattern))}/*"  # a folder stands for the models in it
    if not is_glob(pattern) or pattern in paths:
        yield pattern
        return
    config_name = Path(config.file).name

    def is_model(path: str) -> bool:
        return is_model_file(path, lambda: Source(path, data=revisions.read_file(revision, paths[path]), file=path))

    named = {_normalise(other.path) for other in config.entries if not is_glob(other.path)}
    excluded = {path for one in config.exclude for path in match_paths(one, paths)} | {config_name} | named
    yield from (path for path in match_paths(pattern, paths) if path not in excluded and is_model(path))


def find_config_at(config: Config, revision: str) -> Config | None:
    """The config that holds what a config does now, as it is at a revision: the same file; where that is not there,
    what it was renamed from, or the nearest one from its folder upward. None where there is none. ConfigError where it
    breaks its form. Its folder is that of today's tree."""
    name = posixpath.join(config_folder(config), Path(config.file).name)
    files = revisions.list_files(revision)
    folders = [posixpath.dirname(name), *map(str, PurePosixPath(posixpath.dirname(name)).parents)]
    folders = list(dict.fromkeys("" if folder == "." else folder for folder in folders))
    names = [name, revisions.find_old_path(revision, os.path.relpath(config.folder / Path(config.file).name))]
    for path in [*names, *(posixpath.join(folder, one) for folder in folders for one in NAMES)]:
        content = revisions.read_file(revision, path) if path in files else b""
        if path is None or path not in files or (path.endswith(".toml") and TABLE not in content):
            continue
        folder = config.folder / posixpath.relpath(posixpath.dirname(path) or ".", posixpath.dirname(name) or ".")
        return parse_config(content, f"{revision}:{path}", Path(os.path.normpath(folder)))
    return None


def read_config_at(config: Config, revision: str) -> Config | None:
    """The same config as it is at a revision; None where it is not there."""
    name = posixpath.join(config_folder(config), Path(config.file).name)
    if name not in revisions.list_files(revision):
        return None
    content = revisions.read_file(revision, name)
    if name.endswith(".toml") and TABLE not in content:
        return None
    return replace(parse_config(content, f"{revision}:{name}", config.folder), file=config.file)


def config_folder(config: Config) -> str:
    """The config's folder from the top of its repository, which is that of the working directory."""
    repository_path = revisions.repository_path(config.folder / (Path(config.file).name or NAMES[0]))
    if repository_path is None:
        raise UsageError(f"{config.file} is in no repository, or not in this one", "go to its repository")
    return posixpath.dirname(repository_path)


def _normalise_line_ends(content: bytes) -> bytes:
    """The content as git keeps text: how a checkout ends lines is no difference."""
    return content if b"\0" in content else content.replace(b"\r\n", b"\n")
