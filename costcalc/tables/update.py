"""A Markdown file → the same file with its tables as they are now, byte for byte the same outside of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from costcalc.errors import CostcalcError, LoadError, UsageError
from costcalc.load.builtin import find
from costcalc.render import markdown
from costcalc.tables.build import Asked, build
from costcalc.tables.markers import Region, regions

Read = Callable[[Sequence[str]], Asked]
"""Reads the words of a marker, as the command line reads its own."""


class Stale(NamedTuple):
    """The first line of a table that differs: its number, what stands there, and what should ("" for nothing)."""

    line: int
    shown: str
    now: str


class Updated(NamedTuple):
    """A file's bytes as they are and as they should be, how many tables it has, and those that are stale."""

    path: Path
    before: bytes
    after: bytes
    tables: int
    stale: tuple[Stale, ...]


def updated(path: Path, read: Read) -> Updated:
    """What a file should hold. Models are built-in names or paths relative to the file. Errors name the marker's
    line."""
    before = _bytes(path)
    # Bytes that are not UTF-8 pass through as they are: only what stands between markers is ours.
    text = before.decode("utf-8", "surrogateescape")
    try:
        found = regions(text)
    except CostcalcError as error:
        raise type(error)(error.fact, error.remedy, f"{path}:{error.place}") from None
    parts: list[str] = []
    stale: list[Stale] = []
    done = 0
    for region in found:
        new = region.newline.join(["", *_table(path, region, read), ""])
        new = "".join(f"{region.indent if line.strip() else ''}{line}" for line in new.splitlines(keepends=True))
        new = f"{new}{region.newline}"
        old = text[region.start : region.end]
        if old != new:
            stale.append(_first(region, old, new))
        parts += [text[done : region.start], new]
        done = region.end
    after = "".join([*parts, text[done:]]).encode("utf-8", "surrogateescape")
    return Updated(path, before, after, len(found), tuple(stale))


def write(file: Updated) -> None:
    """Writes the file where it changes. UsageError where it cannot be written."""
    if file.before != file.after:
        try:
            file.path.write_bytes(file.after)
        except OSError as error:
            raise UsageError(f"{file.path} cannot be written: {error.strerror}", "check its permissions") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LoadError(f"{path} cannot be read: {error.strerror}", "name a Markdown file") from error


def _table(path: Path, region: Region, read: Read) -> list[str]:
    """The table's lines."""
    try:
        asked = read(region.words)
        return markdown.table(build(asked, partial(_path, path.parent)))
    except CostcalcError as error:
        raise error.at(f"{path}:{region.line - 1}") from error


def _path(folder: Path, model: str) -> str:
    """A file beside the Markdown file before a built-in name."""
    beside = folder / model
    return model if not beside.is_file() and find(model) else str(beside)


def _first(region: Region, old: str, new: str) -> Stale:
    """The first line that differs."""
    shown, now = old.splitlines(), new.splitlines()
    longest = max(len(shown), len(now))
    shown, now = ([*lines, *[""] * (longest - len(lines))] for lines in (shown, now))
    at = next((i for i, pair in enumerate(zip(shown, now, strict=True)) if pair[0] != pair[1]), 0)
    return Stale(region.line + at, shown[at] if shown else "", now[at] if now else "")
