"""Fixed-width layout: which columns fit a line and how wide each is, padding, shortening, wrapping.

A rich.table row costs some 0.7 ms, which is seven times what a layer may cost altogether; hence this one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from costcalc.render.terminal import PIPE_WIDTH
from costcalc.views.table import Column

GAP = "  "

LOG_COMMANDS = ("::", "##")
"""What the log of a CI takes for a command where a line begins with it."""

MIN_ROOM = 20
"""Text is not wrapped in less than this."""

BAR_WIDTHS = (5, 16)
"""The narrowest and the widest bar."""

FIRST_WIDTHS = (
    ("change", 24),
    ("number", 24),
    ("bytes", 24),
    ("short", 24),
    ("prose", 24),
    ("name", 30),
    ("text", 16),
    ("working", 30),
    ("shape", 18),
    ("name", 22),
)
"""What is shortened first, and down to where, before a column of little importance is left out."""

LOW_IMPORTANCE = 50

NARROW_WIDTHS = (
    *FIRST_WIDTHS,
    ("text", 11),
    ("shape", 13),
    ("name", 13),
    ("text", 9),
    ("working", 9),
    ("change", 12),
    ("number", 12),
    ("bytes", 12),
    ("short", 12),
)
"""What is shortened before any other column is left out."""

MIN_WIDTHS = (
    *NARROW_WIDTHS,
    ("change", 8),
    ("number", 8),
    ("short", 8),
    ("bytes", 8),
    ("name", 8),
    ("text", 4),
    ("working", 7),
    ("shape", 5),
)
"""How far columns shrink that may not be left out."""

MAX_WIDTHS = {
    "name": 64,
    "text": 28,
    "shape": 28,
    "working": 48,
    "number": 48,
    "bytes": 48,
    "short": 48,
    "change": 48,
    "prose": 60,
}
"""No column of a terminal is wider than this, whatever the line's width."""

MAX_PIPE_WIDTH = 200
"""No column that goes to no terminal is wider than this; prose is wrapped there as in a terminal."""

SINGLE_CELL_SIGNS = frozenset("×≥…–·²³⁴⁵⁶⁷⁸⁹▁▂▃▄▅▆▇█▏▎▍▌▋▊▉")
"""Signs of one cell that tables are full of."""

TERM_SIGN, FACTOR_END = re.compile(r" [+-] "), re.compile(r"[·(]| × ")
"""What stands between the terms of a formula, and behind what a product may be cut."""

OPENING, CLOSING = "(⌊⌈", ")⌋⌉"
"""The parentheses of formulas."""

BREAK = re.compile(r"(?<! [×/]) (?!(?:[×/=]|[kMGTPE]|[KMGTPE]iB|B)(?:[ ,;)]|$))")


def text_width(text: str) -> int:
    """Text -> cells of a terminal that it takes."""
    if text.isascii() or max(text.replace("…", ".")) < "\u0300":
        return len(text)
    import unicodedata  # a shared library that most tables do without

    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def column_width(texts: Sequence[str]) -> int:
    """Texts -> the width of the widest one in cells."""
    if _is_single_cell(texts):
        return max(map(len, texts), default=0)
    return max(map(text_width, texts), default=0)


def _is_single_cell(texts: Sequence[str]) -> bool:
    """Whether every character surely takes one cell: nothing combines, and no East Asian letter is there."""
    if "".join(texts).isascii():
        return True
    letters = set("".join(set(texts))) - SINGLE_CELL_SIGNS
    return not any("\u0300" <= c < "\u0370" or c >= "\u1100" for c in letters)


def pad(texts: Sequence[str], width: int, right: bool, shorten: Callable[[str, int], str]) -> list[str]:
    """Texts and a width in cells -> the same padded to it; those that are longer are shortened."""
    if _is_single_cell(texts):
        if max(map(len, texts), default=0) > width:
            texts = [t if len(t) <= width else shorten(t, width) for t in texts]
        return [t.rjust(width) for t in texts] if right else [t.ljust(width) for t in texts]
    texts = [t if text_width(t) <= width else shorten(t, width) for t in texts]
    spaces = [" " * (width - text_width(t)) for t in texts]
    return [s + t if right else t + s for s, t in zip(spaces, texts, strict=True)]


def shorten_middle(text: str, width: int) -> str:
    """Text and a width -> the text with its middle left out, for names differ at their ends: `layer1…conv2`. An indent
    stays."""
    if text_width(text) <= width:
        return text
    indent = len(text) - len(text.lstrip(" "))
    indent = min(indent, max(0, width - 6))
    body, room = text.lstrip(" "), width - indent - 1
    if room < 1:
        return "…"[:width]
    head = room * 2 // 5
    left, right = body[:head], body[len(body) - (room - head) :]
    while text_width(left) + text_width(right) > room and (left or right):
        left, right = (left[:-1], right) if len(left) > len(right) else (left, right[1:])
    return f"{' ' * indent}{left}…{right}"


def shorten_shape(text: str, width: int) -> str:
    """Shape and a width -> the shape without axes in its middle: `1×…×224`; no extent is cut where the last one
    fits."""
    axes = text.split("×")
    for count in range(len(axes) - 1, 1, -1):
        head = (count + 1) // 2
        shorter = "×".join([*axes[:head], "…", *axes[len(axes) - count + head :]])
        if text_width(shorter) <= width:
            return shorter
    last = f"…×{axes[-1]}"
    return last if len(axes) > 1 and text_width(last) <= width else shorten_middle(text, width)


def shorten_end(text: str, width: int) -> str:
    """Text and a width -> the text without its end, which is never behind a digit: the number might go on."""
    return text if len(text) <= width else text[: width - 1].rstrip("0123456789,.") + "…"


def shorten_formula(text: str, width: int) -> str:
    """Formula and a width -> the formula without its end, for it begins with its largest term: a sum is cut behind a
    term (`9·H² + …`), or within its first one (`9·… + …`), a product behind a factor (`9·…`). No number is cut, and no
    sum looks like a product."""
    if len(text) <= width:
        return text
    first = last = None
    for sign in _term_signs(text):
        first = first or sign
        if sign.end() >= width:
            break
        last = sign
    if first is None or last is not None:
        return _shorten_product(text, width) if last is None else f"{text[: last.end()]}…"
    rest = f"{first[0]}…"
    return _shorten_product(text[: first.start()], width - len(rest)) + rest if width > len(rest) else "…"


def _term_signs(text: str) -> Iterator[re.Match[str]]:
    """Formula → the signs between its terms, not those within parentheses."""
    depth = start = 0
    for match in TERM_SIGN.finditer(text):
        depth += sum((c in OPENING) - (c in CLOSING) for c in text[start : match.start()])
        start = match.start()
        if depth == 0:
            yield match


def _shorten_product(text: str, width: int) -> str:
    """Product and a width → its first factors and `…`."""
    ends = [match.end() for match in FACTOR_END.finditer(text, 0, max(0, width - 1))]
    return f"{text[: ends[-1] if ends else 0]}…"


def fit_columns(
    columns: Sequence[Column], natural: Sequence[int], floors: Sequence[int], width: int, keep_all: bool
) -> dict[int, int]:
    """Columns with their natural and least widths -> widths by column index; a column that is not there is left out,
    unless all are to be kept. The first stays: it says what a row is; of equally important ones the last goes. No
    column shrinks below its floor: a figure is never cut."""
    indexes = list(range(len(columns)))
    while True:
        # Left out, a column gives its room back: the others start again from their natural widths.
        widths = {i: _initial_width(columns[i].kind, natural[i], width) for i in indexes}
        if _shrink_columns(columns, widths, floors, width, FIRST_WIDTHS):
            break
        least = min(indexes[:0:-1] or indexes, key=lambda i: columns[i].importance)
        if keep_all or columns[least].importance > LOW_IMPORTANCE:
            if _shrink_columns(columns, widths, floors, width, NARROW_WIDTHS):
                break
            if keep_all or len(indexes) == 1:
                _shrink_columns(columns, widths, floors, width, MIN_WIDTHS)
                break
        indexes.remove(least)
    spare = -excess_width(widths, width)
    for i in widths:
        if columns[i].kind == "bar" and spare > 0:
            widths[i] = min(BAR_WIDTHS[1], BAR_WIDTHS[0] + spare)
    return widths


def _initial_width(kind: str, natural: int, line: int) -> int:
    if kind == "bar":
        return BAR_WIDTHS[0]
    return min(natural, MAX_WIDTHS.get(kind, natural) if line < PIPE_WIDTH or kind == "prose" else MAX_PIPE_WIDTH)


def excess_width(widths: dict[int, int], width: int) -> int:
    """Widths by column index and the line's width -> by how many cells they exceed it."""
    return sum(widths.values()) + len(GAP) * (len(widths) - 1) - width


def _shrink_columns(
    columns: Sequence[Column],
    widths: dict[int, int],
    floors: Sequence[int],
    width: int,
    steps: Sequence[tuple[str, int]],
) -> bool:
    """Widths of columns -> whether they fit the line; takes width from the columns, step by step, until it does."""
    for kind, least in steps:
        for i in widths:
            excess = excess_width(widths, width)
            if excess <= 0:
                return True
            if columns[i].kind == kind:
                widths[i] = max(floors[i], min(widths[i], least), widths[i] - excess)
    return excess_width(widths, width) <= 0


def wrap_formula(text: str, width: int, indent: int) -> list[str]:
    """Formula -> lines of whole terms, or of terms of the arguments of `max(…)` where those are too long; all but the
    first are indented."""
    return _fill_lines(list(_formula_terms(text, max(MIN_ROOM, width - indent))), width, indent)


def _formula_terms(text: str, room: int, within: int = 0) -> Iterator[str]:
    """Formula and a width -> its terms; those that are wider in their own terms, down to the innermost parentheses."""
    terms, depth, start, deepest = [], 0, 0, 0
    for i, c in enumerate(text):
        depth += (c in OPENING) - (c in CLOSING)
        deepest = max(deepest, depth)
        if c == " " and depth == within and (text[i + 1] in "+-" or text[i - 1] == ","):
            terms.append(text[start:i])
            start = i + 1
    for term in (*terms, text[start:]):
        if text_width(term) > room and within < deepest:
            yield from _formula_terms(term, room, within + 1)
        else:
            yield term


def wrap(text: str, width: int, indent: int) -> list[str]:
    """Formula or remark -> lines; all but the first are indented. No line breaks inside a product, or between a
    number and its unit."""
    return _fill_lines(BREAK.split(text), width, indent)


def break_words(words: Sequence[str], room: int) -> Iterator[str]:
    """Words and a width -> the same; one that is wider is cut, behind a `/` or an operator where there is one."""
    for word in words:
        while text_width(word) > room:
            end = room
            while text_width(word[:end]) > room:
                end -= 1
            end = max((i + 1 for i in range(end // 2, end) if word[i] in "/·,)"), default=max(1, end))
            while end > 1 and word.startswith(LOG_COMMANDS, end):  # at the start of a line, a CI would obey it
                end -= 1
            yield word[:end]
            word = word[end:]
        yield word


def _fill_lines(words: Sequence[str], width: int, indent: int) -> list[str]:
    lines, line = [], ""
    room = max(MIN_ROOM, width - indent)
    for word in break_words(words, room):
        if line and text_width(line) + 1 + text_width(word) > room:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    lines.append(line)
    return [lines[0], *(" " * indent + rest for rest in lines[1:])]
