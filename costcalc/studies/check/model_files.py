"""A folder → the model files in it and below; a config and its models → those that no entry holds.

Files of hidden folders and of tools are left out. Of those that no entry holds, in a git repository, those too that git
ignores: they are in nobody's pull request.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from costcalc.core.elision import list_first
from costcalc.core.errors import UsageError
from costcalc.frontends import git as revisions
from costcalc.frontends.table import YAML, is_model_path
from costcalc.studies.check.budget import Config
from costcalc.studies.check.config_file import NAMES, TABLE
from costcalc.studies.check.targets import Target, match_paths

SKIPPED = frozenset(("node_modules", "__pycache__", "site-packages", "build", "dist"))

_MODEL_KEY = re.compile(r"^\ufeff?[\"']?(input|layers)[\"']?\s*:", re.M)

MAX_READ = 1 << 20
"""Bytes of a YAML file that are looked through for the keys of a model."""

MAX_NAMED = 5
"""Files that a note names; the others are counted."""


def find_models(folder: Path) -> list[str]:
    """The model files under a folder, in alphabetical order, YAML only where it is a model; those below another config
    further down are that one's."""
    files = sorted(walk_files(folder))
    inner = _inner_folders(folder, files)
    return [str(folder / name) for name in files if not _is_below(name, inner) and _is_model(folder / name)]


def _inner_folders(folder: Path, names: Iterable[str]) -> set[str]:
    """The folders below a folder that have a config of their own."""
    return {str(PurePosixPath(name).parent) for name in names if "/" in name and _is_config(folder, name)}


def _is_below(name: str, folders: set[str]) -> bool:
    return not folders.isdisjoint(map(str, PurePosixPath(name).parents))


def _list_files(folder: Path) -> Iterator[str]:
    """The files under a folder, from there and with forward slashes, that git knows or would add; all where there is no
    repository, or no git."""
    try:
        names: Iterable[str] = revisions.run_git_list(
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            folder="" if folder == Path() else str(folder),
        )
    except UsageError:
        names = walk_files(folder)
    for name in dict.fromkeys(names):
        if not any(part in SKIPPED or part.startswith(".") for part in PurePosixPath(name).parts[:-1]):
            yield name


def walk_files(folder: Path) -> Iterator[str]:
    """The files under a folder, from there and with forward slashes, without hidden folders and those of tools."""
    for directory, subdirectories, files in os.walk(folder):
        subdirectories[:] = [d for d in subdirectories if d not in SKIPPED and not d.startswith(".")]
        yield from ((Path(directory) / name).relative_to(folder).as_posix() for name in files)


def _is_model(file: Path) -> bool:
    if not file.is_file():
        return False
    if file.suffix not in YAML.suffixes:
        return is_model_path(file)
    try:
        with file.open("rb") as stream:
            return is_model_text(stream.read(MAX_READ).decode("utf-8", "replace"))
    except OSError:
        return False


def is_model_text(text: str) -> bool:
    """Whether a YAML text is a model: it has both an input and layers."""
    return len(set(_MODEL_KEY.findall(text))) == 2


def find_unheld_models(config: Config, targets: Sequence[Target]) -> list[str]:
    """The model files in a config's folder and below that none of its targets is, from that folder; without those of
    `exclude:`, those below another config, which holds them, and links to files elsewhere."""
    held = {os.path.realpath(target.source) for target in targets}
    files = sorted(name for name in _list_files(config.folder) if not _leads_outside(config.folder, name))
    inner = _inner_folders(config.folder, files)
    excluded = {path for pattern in config.exclude for path in match_paths(pattern, files)}
    return [
        name
        for name in files
        if name not in excluded
        and not _is_below(name, inner)
        and os.path.realpath(config.folder / name) not in held
        and _is_model(config.folder / name)
    ]


def _leads_outside(folder: Path, name: str) -> bool:
    """Whether a file under a folder is a link to one that is not."""
    file = folder / name
    return file.is_symlink() and not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(folder))


def _is_config(folder: Path, name: str) -> bool:
    file = folder / name
    return file.name in NAMES and file.is_file() and (file.suffix != ".toml" or TABLE in file.read_bytes())


def describe_unheld_models(folder: Path, names: Sequence[str]) -> str:
    """Model files that no entry holds, from the config's folder → a sentence, with the glob that fits them and no other
    file where there is one."""
    listed = list_first(names, MAX_NAMED)
    patterns = {f"{PurePosixPath(name).parent}/*{PurePosixPath(name).suffix}".removeprefix("./") for name in names}
    verb = "is" if len(names) == 1 else "are"
    it, name = ("it", "it") if len(names) == 1 else ("them", "each")
    fits = len(names) > 1 and sorted(glob.glob(min(patterns), root_dir=folder)) == list(names)  # noqa: PTH207
    remedy = f"add `- path: {min(patterns)}`" if fits else f"name {it} in `models:`"
    return f"{listed} {verb} held by no entry: {remedy}, or leave {name if len(names) > 1 else it} out with `exclude:`"
