"""A text and a place in it -> ranges of words and nodes; the lines of an older text -> those of a newer one.

Lines and columns count from 0, columns in characters; `costcalc.cli.lsp.server` turns them into the client's units.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from costcalc.studies.check.verdict import SourcePlace


class TextPosition(NamedTuple):
    """A line and a column from 0."""

    line: int
    column: int


class TextRange(NamedTuple):
    """From a position up to another, which is left out."""

    start: TextPosition
    end: TextPosition


class SourceText:
    """A text with its lines, which end as YAML's do."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def lines(self) -> Sequence[str]:
        """The lines without their ends, as YAML counts them."""
        return re.split(r"\r\n|[\n\r\x85\u2028\u2029]", self.text)

    def line(self, number: int) -> str:
        """A line, "" behind the last one."""
        return self.lines[number] if 0 <= number < len(self.lines) else ""

    def range_at(self, line: int, column: int) -> TextRange:
        """A place where a node begins -> the range of its text in that line: a collection in brackets up to its end, a
        key without its colon, a value without its comment."""
        line = min(max(line, 0), max(len(self.lines) - 1, 0))
        text = self.line(line)
        column = min(max(column, 0), len(text))
        end = column + _token_length(text[column:])
        if end == column:
            column, end = len(text) - len(text.lstrip()), len(text.rstrip())
        return TextRange(TextPosition(line, column), TextPosition(line, end))

    def range_of(self, place: SourcePlace) -> TextRange:
        """A place of a diagnostic -> its range: the node's, or the first line with a word where there is no line."""
        if place.line:
            return self.range_at(place.line - 1, place.column - 1 if place.column else len(self.line(place.line - 1)))
        first = next((i for i, line in enumerate(self.lines) if line.strip() and not line.lstrip().startswith("#")), 0)
        return self.range_at(first, len(self.line(first)) - len(self.line(first).lstrip()))

    def word_at(self, position: TextPosition) -> tuple[str, TextRange]:
        """The word around a position, "" where there is none, and its range."""
        line = self.line(position.line)
        start = end = min(position.column, len(line))
        while start > 0 and _in_word(line[start - 1]):
            start -= 1
        while end < len(line) and _in_word(line[end]):
            end += 1
        return line[start:end], TextRange(TextPosition(position.line, start), TextPosition(position.line, end))

    def find_word(self, word: str, inside: TextRange) -> TextRange | None:
        """The range of a word inside a range of one line; None where it does not stand there."""
        line = self.line(inside.start.line)
        found = re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", line[inside.start.column : inside.end.column])
        if found is None:
            return None
        start, end = inside.start.column + found.start(), inside.start.column + found.end()
        return TextRange(TextPosition(inside.start.line, start), TextPosition(inside.start.line, end))

    def range_of_indexes(self, start: int, end: int) -> TextRange:
        """Two indexes of the text -> the range between them."""
        return TextRange(self._position(start), self._position(end))

    def _position(self, index: int) -> TextPosition:
        before = SourceText(self.text[:index]).lines
        return TextPosition(len(before) - 1, len(before[-1]))


def _in_word(sign: str) -> bool:
    return sign.isalnum() or sign in "_"


BRACKETS = {"{": "}", "[": "]"}

_PLAIN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^,\[\]{}]*?(?=\s*(?:,|\]|\}|:\s|:$|\s#|$))""")


def _token_length(text: str) -> int:
    """The characters of the node that a text begins with."""
    if text[:1] in BRACKETS:
        depth = 0
        for i, sign in enumerate(text):
            depth += (sign in BRACKETS) - (sign in BRACKETS.values())
            if not depth:
                return i + 1
        return len(text.rstrip())
    found = _PLAIN.match(text)
    return found.end() if found else 0


def map_line(line: int, newer: Sequence[str], older: Sequence[str]) -> int | None:
    """A line of a newer text -> the same line of an older one: above the first difference the same number, below the
    last one as many lines before the end; None between them."""
    shortest = min(len(newer), len(older))
    if line < shortest and newer[: line + 1] == older[: line + 1]:
        return line
    from_end = len(newer) - line
    if from_end <= shortest and newer[line:] == older[len(older) - from_end :]:
        return len(older) - from_end
    return None
