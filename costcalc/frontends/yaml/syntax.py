"""Slips of layout that a YAML parser reports in words of its own → what is wrong and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

TOP_KEYS = ("name", "source", "description", "aliases", "config", "params", "input", "blocks", "layers", "output")
"""The keys of a model."""

PAIRS = {"[": "]", "{": "}"}

Slip = tuple[str, str]
"""What is wrong, and what to do."""


class Stop(NamedTuple):
    """The lines of a file that is no YAML, the indexes of the line and the column where its parser stops, and its
    words."""

    lines: list[str]
    number: int
    column: int
    problem: str

    @property
    def line(self) -> str:
        """The line where the parser stops."""
        return self.lines[self.number] if self.number < len(self.lines) else ""

    @property
    def above(self) -> list[str]:
        """The lines above it with content, the nearest first."""
        return [text for text in reversed(self.lines[: self.number]) if _plain(text).strip()]


def find_slip(stop: Stop) -> Slip:
    """Where a parser stops → what is wrong and what to do; ("", "") where no known slip is found."""
    return next((slip for find in SLIPS if (slip := find(stop))), ("", ""))


def _plain(line: str) -> str:
    """A line without its comment and with the signs in its quotes left out."""
    return re.sub(r"(?:^|\s)#.*", "", re.sub(r"'[^']*'|\"[^\"]*\"", '""', line)).rstrip()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _is_entry(line: str) -> bool:
    return re.match(r"\s*-(?:\s|$)", line) is not None


def _tab(stop: Stop) -> Slip | None:
    line = stop.line
    if "\t" in line[: max(stop.column, len(line) - len(line.lstrip())) + 1]:
        return "a tab stands where YAML takes spaces only", "indent with spaces"
    return None


def _blank(stop: Stop) -> Slip | None:
    """`- conv:{…}`, `-relu`: a blank is missing."""
    for line in (stop.line, *stop.above[:1]):
        if found := re.match(r"\s*(-\s+)?([\w.]+):([\[{\w])", _plain(line)):
            dash, word, sign = found.groups(default="")
            text = f"{sign}…{PAIRS[sign]}" if sign in PAIRS else "…"
            return f"a blank is missing behind the colon of {word!r}", f"write `{dash and '- '}{word}: {text}`"
        if found := re.match(r"\s*-([A-Za-z][\w.]*)", line):
            return f"a blank is missing between the dash and {found[1]!r}", f"write `- {found[1]}`"
    return None


def _entry_sign(stop: Stop) -> Slip | None:
    """`* relu`, `layers: - relu`."""
    if found := re.match(r"\s*[*+•]\s+([\w.]+)", stop.line):
        return f"{stop.line.strip()[0]!r} starts no layer", f"write `- {found[1]}`"
    if found := re.match(r"\s*([\w.]+):\s+-\s", _plain(stop.line)):
        return f"a list stands in the line of {found[1]!r}", "begin it in the line below, each entry with `- `"
    return None


def _colon(stop: Stop) -> Slip | None:
    """`input [N, 3]`, `- conv {filters: 3}`, `filters 3`: the colon is missing."""
    for number in range(min(stop.number, len(stop.lines) - 1), -1, -1):
        found = re.match(rf"({'|'.join(TOP_KEYS)})(?:\s*=\s*|\s+|$)(?!:)(.*)", _plain(stop.lines[number]))
        if found:
            text = f"{found[1]}: {found[2]}".strip()
            return f"the colon behind {found[1]!r} in line {number + 1} is missing", f"write `{text}`"
    flow = re.match(r"\s*-\s*(\w+)\s*([\[{])", stop.line)
    if flow:
        return f"the colon behind {flow[1]!r} is missing", f"write `- {flow[1]}: {flow[2]}…{PAIRS[flow[2]]}`"
    above = _plain(next(iter(stop.above), ""))
    word = re.match(r"\s*-\s+([\w.]+)$", above)
    if word and re.match(r"\s+[\w-]+\s*:", stop.line):
        return f"the colon behind {word[1]!r}, in the line above, is missing", f"write `- {word[1]}:`"
    pair = re.match(r"\s+([A-Za-z_]\w*)\s+([^\s:]+)$", above)
    if pair and re.match(r"\s+[\w-]+\s*:", stop.line):
        return f"the colon behind {pair[1]!r}, in the line above, is missing", f"write `{pair[1]}: {pair[2]}`"
    return None


def _two_colons(stop: Stop) -> Slip | None:
    """`- conv: filters: 3, kernel: 3`; `name: a: b`."""
    found = re.match(r"\s*(-\s+)?([\w.]+):\s+([^\[{\"'].*?:(?:\s.*|$))", _plain(stop.line))
    if not found or "mapping values" not in stop.problem:
        return None
    dash, word, rest = found.groups(default="")
    if dash:
        return f"the options of {word!r} stand without braces", f"write `- {word}: {{{rest}}}`"
    return f"{word!r} has a value with a colon in it", f"write `{word}: '{rest}'`"


def _bracket(stop: Stop) -> Slip | None:
    """A bracket that is not closed, or closes nothing."""
    opened: list[tuple[str, int]] = []
    for number, line in enumerate(stop.lines):
        for sign in _plain(line):
            if sign in PAIRS:
                opened.append((sign, number))
            elif sign in PAIRS.values():
                if not opened or PAIRS[opened[-1][0]] != sign:
                    fact = f"the {sign!r} in line {number + 1} closes nothing"
                    return fact, f"close {opened[-1][0]!r} first" if opened else "remove it"
                opened.pop()
    if not opened or not re.search("expected ','|stream|flow", stop.problem):
        return None
    sign, number = opened[-1]
    return f"the {sign!r} in line {number + 1} is not closed", f"add {PAIRS[sign]!r}"


def _braces_in_text(stop: Stop) -> Slip | None:
    """`{as: layers.{i}}`: a text with braces in it, inside of braces."""
    sign = stop.line[stop.column : stop.column + 1]
    found = re.search(r"[^\s,:{}\[\]]+$", stop.line[: stop.column])
    if "expected ','" not in stop.problem or sign not in PAIRS or not found:
        return None
    text = found[0] + stop.line[stop.column :].partition(PAIRS[sign])[0] + PAIRS[sign]
    return f"{text} stands without quotes inside of braces or brackets", f'write "{text}"'


def _quote(stop: Stop) -> Slip | None:
    for number, line in enumerate(stop.lines if "stream" in stop.problem or "quote" in stop.problem else ()):
        found = re.search(r"(?:^|[\s\[{,:])(['\"])", _plain(line).replace('""', ""))
        if found:
            return f"the quote {found[1]} in line {number + 1} is not closed", f"add {found[1]} at the end of the text"
    return None


def _first_sign(stop: Stop) -> Slip | None:
    if "cannot start any token" in stop.problem:
        sign = stop.line[stop.column : stop.column + 1]
        return f"a text begins with {sign!r}", "write it in quotes"
    return None


def _options_of_dash(stop: Stop) -> Slip | None:
    """Options at the level of their layer's dash."""
    above = _plain(next(iter(stop.above), ""))
    found = re.match(r"(\s*)-\s+([\w.]+):$", above)
    if found and not _is_entry(stop.line) and _indent(stop.line) <= len(found[1]):
        depth = len(found[1]) + 4
        return f"the options of {found[2]!r} stand at the level of its dash", f"indent them by {depth} spaces"
    return None


def _uneven(stop: Stop) -> Slip | None:
    """An entry, or a key, that is indented otherwise than those above it."""
    depth = _indent(stop.line)
    if not stop.line.strip() or not re.search("expected|mapping values|block", stop.problem):
        return None
    if _is_entry(stop.line):
        depths = [_indent(line) for line in _list_above(stop) if _is_entry(line)]
        what = "this entry"
    else:
        depths = [_indent(line) for line in stop.above[:1] if not _is_entry(line)]
        what = "this line"
    wanted = min(depths, key=lambda d: abs(d - depth), default=depth)
    if wanted == depth:
        return None
    return f"{what} is indented by {depth}, the one above by {wanted}", "indent both alike"


def _list_above(stop: Stop) -> Iterator[str]:
    """The lines above, up to the one that begins in the first column and is no entry."""
    for line in stop.above:
        if not _indent(line) and not _is_entry(line):
            return
        yield line


SLIPS: tuple[Callable[[Stop], Slip | None], ...] = (
    _tab,
    _blank,
    _colon,
    _entry_sign,
    _two_colons,
    _bracket,
    _braces_in_text,
    _quote,
    _first_sign,
    _options_of_dash,
    _uneven,
)
"""What is looked for, in this order."""
