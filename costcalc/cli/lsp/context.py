"""A text, which may be broken, and a position -> the path of YAML keys down to it, and what may be written there.

The text is read line by line as far as the position, so that what stands behind it, or an error, changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from costcalc.cli.lsp.text import TextPosition, TextRange

Role = Literal["key", "item", "value", "none"]

ITEM = "[]"
"""What stands in a path for an entry of a list."""


class CursorContext(NamedTuple):
    """The keys down to a position, ITEM for an entry of a list; what is written there: a key of the mapping at the
    path, an item of the list at the path, or the value of its last key; the beginning of the word and its range; and
    whether the word is a key already, with its colon."""

    path: tuple[str, ...]
    role: Role
    word: str
    range: TextRange
    has_colon: bool = False


class _Frame:
    """A collection that is open: the column of its entries (-1: in brackets), its sign (`{`, `[`, or "-" and ":" for
    lists and mappings of lines), and the key whose value comes next."""

    __slots__ = ("column", "key", "sign")

    def __init__(self, sign: str, column: int, key: str | None = None) -> None:
        self.sign, self.column, self.key = sign, column, key


_ENTRY = re.compile(r"(-)(\s+|$)")

_KEY = re.compile(r"""("[^"]*"|'[^']*'|[^\s#\[\]{},&*!|>'"%@`][^#\[\]{},]*?)\s*:(?=\s|$)""")

_QUOTED = re.compile(r"'(?:[^']|'')*'?|\"(?:[^\"\\]|\\.)*\"?")

WORD = re.compile(r"[\w.]*$")


def cursor_context(lines: Sequence[str], position: TextPosition) -> CursorContext:
    """The lines of a text and a position -> its CursorContext."""
    reader = _LineReader()
    start = position.line
    while start > 0 and not re.match(r"[^\s#\-]", lines[start] if start < len(lines) else ""):
        start -= 1
    for line in lines[start : position.line]:
        reader.read(line)
    line = lines[position.line] if position.line < len(lines) else ""
    head = line[: position.column]
    found = WORD.search(head)
    word = found[0] if found else ""
    role = reader.read(head[: len(head) - len(word)], is_last=True)
    end = position.column
    while end < len(line) and (line[end].isalnum() or line[end] in "_."):
        end += 1
    word_range = TextRange(TextPosition(position.line, len(head) - len(word)), TextPosition(position.line, end))
    has_colon = line[end:].lstrip().startswith(":")
    return CursorContext(reader.path(), role, word, word_range, has_colon)


class _LineReader:
    """Reads lines in their order and holds the collections that are open behind the last one."""

    def __init__(self) -> None:
        self.frames: list[_Frame] = []

    def path(self) -> tuple[str, ...]:
        """The keys of the open collections."""
        keys: list[str] = []
        for frame in self.frames:
            keys += [ITEM] if frame.sign in "-[" else []
            keys += [] if frame.key is None else [frame.key]
        return tuple(keys)

    def read(self, line: str, is_last: bool = False) -> Role:
        """A line, or what stands before the cursor -> what may stand behind it."""
        if self.frames and self.frames[-1].column < 0:
            return self._read_flow(line)
        content = line.lstrip(" ")
        if not is_last and (not content or content.startswith("#")):
            return "none"
        column = len(line) - len(content)
        if is_last and content.startswith("#"):
            return "none"
        self._close_deeper(column, content.startswith("-"))
        while found := _ENTRY.match(content):
            self._enter_item(column)
            column += found.end()
            content = content[found.end() :]
        key = _KEY.match(content)
        if key is None:
            return self._read_rest(content, column, is_last)
        self._enter_key(column, key[1].strip("\"'"))
        rest = content[key.end() :]
        if rest.strip()[:1] in ("{", "["):
            return self._read_flow(rest)
        return "none" if " #" in rest else "value"

    def _close_deeper(self, column: int, is_entry: bool) -> None:
        """Closes what a line at this column cannot be part of."""
        while self.frames and (
            self.frames[-1].column > column
            or (self.frames[-1].column == column and self.frames[-1].sign == "-" and not is_entry)
        ):
            self.frames.pop()

    def _enter_item(self, column: int) -> None:
        while self.frames and self.frames[-1].column == column and self.frames[-1].sign == ":" and len(self.frames) > 1:
            if self.frames[-2].column == column and self.frames[-2].sign == "-":
                self.frames.pop()
            else:
                break
        if not (self.frames and self.frames[-1].column == column and self.frames[-1].sign == "-"):
            self.frames.append(_Frame("-", column))

    def _enter_key(self, column: int, key: str) -> None:
        if self.frames and self.frames[-1].column == column and self.frames[-1].sign == ":":
            self.frames[-1].key = key
        else:
            self.frames.append(_Frame(":", column, key))

    def _read_rest(self, content: str, column: int, is_last: bool) -> Role:
        if content.lstrip()[:1] in ("{", "["):
            return self._read_flow(content)
        if not is_last or content.strip():
            return "none"
        if self.frames and self.frames[-1].column == column and self.frames[-1].sign == ":":
            self.frames.pop()
            return "key"
        return "item" if self.frames and self.frames[-1].sign == "-" else "key"

    def _read_flow(self, text: str) -> Role:
        """Reads brackets; they may span lines."""
        i, word, role = 0, "", "none"
        while i < len(text):
            sign = text[i]
            if sign == "#" and (i == 0 or text[i - 1].isspace()):
                return "none"
            if quoted := _QUOTED.match(text, i):
                word, i = quoted[0].strip("\"'"), quoted.end()
                continue
            if sign in "{[":
                self.frames.append(_Frame(sign, -1))
            elif sign in "}]":
                if self.frames and self.frames[-1].column < 0:
                    self.frames.pop()
                if not self.frames or self.frames[-1].column >= 0:
                    return "none"
            elif sign == "," and self.frames and self.frames[-1].column < 0:
                self.frames[-1].key = None
            elif sign == ":" and self.frames and self.frames[-1].column < 0:
                self.frames[-1].key = word  # in a list, that of a mapping of one pair
            word = word + sign if sign.isalnum() or sign in "_.-" else word if sign.isspace() else ""
            i += 1
        frame = self.frames[-1] if self.frames else None
        if frame is not None and frame.column < 0:
            role = "value" if frame.key is not None else "item" if frame.sign == "[" else "key"
        return role  # type: ignore[return-value]  # one of the words above
