"""A Markdown file -> the same file with its tables of models as they are now, byte for byte the same outside of them
(`costcalc table --update`).

A table stands between markers. A marker is a comment alone on its line: `<!-- costcalc:table MODEL… [OPTION…] -->`, and
below the table `<!-- /costcalc:table -->`. Inside fenced code, and indented by four spaces or more, it is only an
example of one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from costcalc.core.errors import CostcalcError, LoadError, SpecError, UsageError
from costcalc.frontends.builtin import find_builtin
from costcalc.render import markdown
from costcalc.views.model_table import TableRequest, model_table

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")

_MARKER = re.compile(
    r"(?P<indent> {0,3})<!--[ \t]*(?P<close>/?)[ \t]*costcalc:(?P<word>[\w-]*)(?P<rest>.*?)-->[ \t]*\Z", re.S
)

_MARKER_START = re.compile(r" {0,3}(?:(?:>|[-*+] |\d+[.)] ) {0,3})*<!--[ \t]*/?[ \t]*costcalc:table\b")

_FENCE = re.compile(r"[ \t>]*(?P<mark>`{3,}|~{3,})(?P<info>.*)\Z", re.S)

CLOSE = "<!-- /costcalc:table -->"


class TableRegion(NamedTuple):
    """What stands between two markers: text[start:end], which begins on `line` (from 1). arguments are the words of the
    opening marker, which stands on the line before; indent and newline are that line's."""

    arguments: tuple[str, ...]
    start: int
    end: int
    line: int
    indent: str
    newline: str


def find_tables(text: str) -> tuple[TableRegion, ...]:
    """All tables of a file in their order. SpecError (place: the line's number) for a marker that is not closed, not
    opened, or not understood."""
    regions: list[TableRegion] = []
    opening: tuple[re.Match[str], int, int, str] | None = None
    fence = ""
    for number, line in enumerate(_LINE.finditer(text), 1):
        body = line[0].rstrip("\r\n")
        fence, is_code = _track_fence(body, fence)
        marker = None if is_code else _MARKER.match(body)
        if marker is None:
            if not is_code and _MARKER_START.match(body):
                fact = "the marker does not end on its line, or is not alone there"
                raise SpecError(fact, "write <!-- costcalc:table MODEL… --> on a line of its own", str(number))
            continue
        _check_marker_word(marker, number)
        if marker["close"]:
            if opening is None:
                raise SpecError("a table is closed that was not opened", f"remove {body.strip()}", str(number))
            start, marker_line = opening[1], opening[2]
            newline = opening[3]
            regions.append(
                TableRegion(
                    _split_marker(opening[0], marker_line),
                    start,
                    line.start(),
                    marker_line + 1,
                    opening[0]["indent"],
                    newline,
                )
            )
            opening = None
        elif opening is not None:
            raise _missing_end(opening[2])
        else:
            opening = (marker, line.end(), number, line[0][len(body) :] or "\n")
    if opening is not None:
        raise _missing_end(opening[2])
    return tuple(regions)


def _track_fence(line: str, fence: str) -> tuple[str, bool]:
    """The fence that is open behind a line ("" for none), and whether the line is inside of one."""
    match = _FENCE.match(line)
    if match is None:
        return fence, bool(fence)
    if not fence:
        return ("", False) if match["mark"][0] == "`" and "`" in match["info"] else (match["mark"], True)
    closes = match["mark"].startswith(fence) and not match["info"].strip()
    return ("" if closes else fence), True


def _check_marker_word(marker: re.Match[str], number: int) -> None:
    """SpecError where a marker names anything but a table: a typing error would leave the table stale."""
    if marker["word"] != "table":
        raise SpecError(f"there is no marker costcalc:{marker['word']}", "write costcalc:table", str(number))


def _split_marker(marker: re.Match[str], number: int) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(marker["rest"]))
    except ValueError as error:
        raise SpecError(f"the marker is not understood: {error}", "close what it quotes", str(number)) from error


def _missing_end(number: int) -> SpecError:
    return SpecError("the table has no end", f"write {CLOSE} on a line of its own below it", str(number))


MarkerReader = Callable[[Sequence[str]], TableRequest]
"""Reads the words of a marker, as the command line reads its own."""


class StaleTable(NamedTuple):
    """The first line of a table that differs: its number, what stands there, and what should ("" for nothing)."""

    line: int
    old: str
    new: str


class UpdatedFile(NamedTuple):
    """A file's bytes as they are and as they should be, how many tables it has, and those that are stale."""

    path: Path
    before: bytes
    after: bytes
    tables: int
    stale: tuple[StaleTable, ...]


def update_tables(path: Path, read: MarkerReader) -> UpdatedFile:
    """A Markdown file -> its bytes before and after the update of its tables. Models are built-in names or paths
    relative to the file. Errors name the marker's line."""
    before = _read_bytes(path)
    # Bytes that are not UTF-8 pass through as they are: only what stands between markers is ours.
    text = before.decode("utf-8", "surrogateescape")
    try:
        regions = find_tables(text)
    except CostcalcError as error:
        raise type(error)(error.fact, error.remedy, f"{path}:{error.place}") from None
    parts: list[str] = []
    stale: list[StaleTable] = []
    position = 0
    for region in regions:
        new = region.newline.join(["", *_table_lines(path, region, read), ""])
        new = "".join(f"{region.indent if line.strip() else ''}{line}" for line in new.splitlines(keepends=True))
        new = f"{new}{region.newline}"
        old = text[region.start : region.end]
        if old != new:
            stale.append(_first_difference(region, old, new))
        parts += [text[position : region.start], new]
        position = region.end
    after = "".join([*parts, text[position:]]).encode("utf-8", "surrogateescape")
    return UpdatedFile(path, before, after, len(regions), tuple(stale))


def write(file: UpdatedFile) -> None:
    """Writes the file where it changes. UsageError where it cannot be written."""
    if file.before != file.after:
        try:
            file.path.write_bytes(file.after)
        except OSError as error:
            raise UsageError(f"{file.path} cannot be written: {error.strerror}", "check its permissions") from error


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LoadError(f"{path} cannot be read: {error.strerror}", "name a Markdown file") from error


def _table_lines(path: Path, region: TableRegion, read: MarkerReader) -> list[str]:
    """The table's lines."""
    try:
        request = read(region.arguments)
        return markdown.table(model_table(request, partial(_model_path, path.parent)))
    except CostcalcError as error:
        raise error.at(f"{path}:{region.line - 1}") from error


def _model_path(folder: Path, model: str) -> str:
    """A file beside the Markdown file before a built-in name."""
    file = folder / model
    return model if not file.is_file() and find_builtin(model) else str(file)


def _first_difference(region: TableRegion, old: str, new: str) -> StaleTable:
    """The first line that differs."""
    old_lines, new_lines = old.splitlines(), new.splitlines()
    longest = max(len(old_lines), len(new_lines))
    old_lines, new_lines = ([*lines, *[""] * (longest - len(lines))] for lines in (old_lines, new_lines))
    index = next((i for i, pair in enumerate(zip(old_lines, new_lines, strict=True)) if pair[0] != pair[1]), 0)
    return StaleTable(region.line + index, old_lines[index] if old_lines else "", new_lines[index] if new_lines else "")
