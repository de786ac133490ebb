"""Markdown text → the tables that stand between markers in it, with their places.

A marker is a comment alone on its line: `<!-- costcalc:table MODEL… [OPTION…] -->`, and below the table
`<!-- /costcalc:table -->`. Inside fenced code, and indented by four spaces or more, it is only an example of one.
"""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from costcalc.errors import SpecError

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_MARKER = re.compile(
    r"(?P<indent> {0,3})<!--[ \t]*(?P<close>/?)[ \t]*costcalc:(?P<word>[\w-]*)(?P<rest>.*?)-->[ \t]*\Z", re.S
)
_BEGUN = re.compile(r" {0,3}(?:(?:>|[-*+] |\d+[.)] ) {0,3})*<!--[ \t]*/?[ \t]*costcalc:table\b")
_FENCE = re.compile(r"[ \t>]*(?P<mark>`{3,}|~{3,})(?P<info>.*)\Z", re.S)
CLOSE = "<!-- /costcalc:table -->"


class Region(NamedTuple):
    """What stands between two markers: text[start:end], which begins on `line` (from 1). words are those of the opening
    marker, which stands on the line before; indent and newline are that line's."""

    words: tuple[str, ...]
    start: int
    end: int
    line: int
    indent: str
    newline: str


def regions(text: str) -> tuple[Region, ...]:
    """All tables of a file in their order. SpecError (place: the line's number) for a marker that is not closed, not
    opened, or not understood."""
    found: list[Region] = []
    opened: tuple[re.Match[str], int, int, str] | None = None
    fence = ""
    for number, line in enumerate(_LINE.finditer(text), 1):
        body = line[0].rstrip("\r\n")
        fence, inside = _fenced(body, fence)
        marker = None if inside else _MARKER.match(body)
        if marker is None:
            if not inside and _BEGUN.match(body):
                fact = "the marker does not end on its line, or is not alone there"
                raise SpecError(fact, "write <!-- costcalc:table MODEL… --> on a line of its own", str(number))
            continue
        _known(marker, number)
        if marker["close"]:
            if opened is None:
                raise SpecError("a table is closed that was not opened", f"remove {body.strip()}", str(number))
            start, at = opened[1], opened[2]
            newline = opened[3]
            found.append(Region(_words(opened[0], at), start, line.start(), at + 1, opened[0]["indent"], newline))
            opened = None
        elif opened is not None:
            raise _unclosed(opened[2])
        else:
            opened = (marker, line.end(), number, line[0][len(body) :] or "\n")
    if opened is not None:
        raise _unclosed(opened[2])
    return tuple(found)


def _fenced(line: str, fence: str) -> tuple[str, bool]:
    """The fence that is open behind a line ("" for none), and whether the line is inside of one."""
    match = _FENCE.match(line)
    if match is None:
        return fence, bool(fence)
    if not fence:
        return ("", False) if match["mark"][0] == "`" and "`" in match["info"] else (match["mark"], True)
    closes = match["mark"].startswith(fence) and not match["info"].strip()
    return ("" if closes else fence), True


def _known(marker: re.Match[str], number: int) -> None:
    """A slip in the marker's word would leave a table stale for ever."""
    if marker["word"] != "table":
        raise SpecError(f"there is no marker costcalc:{marker['word']}", "write costcalc:table", str(number))


def _words(marker: re.Match[str], number: int) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(marker["rest"]))
    except ValueError as error:
        raise SpecError(f"the marker is not understood: {error}", "close what it quotes", str(number)) from error


def _unclosed(number: int) -> SpecError:
    return SpecError("the table has no end", f"write {CLOSE} on a line of its own below it", str(number))
