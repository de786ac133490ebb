"""Names of layers made short: what says least goes first, numbers stay, and names that differ stay different."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from costcalc.render.layout import shorten_middle, text_width

MAX_COMPARED = 2_000
"""Of more names than this it is not asked whether they stay different."""

MAX_PARTS = 64
"""Parts of the longest path that is shortened part by part."""

MIN_LAST_PART = 12
"""Before less than this is left of the last part, the parts before it are abbreviated."""

MIN_ENDS = 3
"""Where even less is left, the whole name loses its middle."""

Shortening = Callable[[list[str], int], str]


def shorten_names(texts: Sequence[str], ops: Sequence[str], width: int) -> list[str]:
    """Names, their operators and a width -> each name within it; those that would look alike are shortened in another
    way."""
    names = [shorten_path(t, width, op) for t, op in zip(texts, ops, strict=True)]
    if len(texts) > MAX_COMPARED:
        return names
    for shortening, without_op in SHORTENINGS[1:]:
        alike = _find_ambiguous(texts, names)
        if not alike:
            break
        alternatives = {i: _shorten_by(shortening, texts[i], width, ops[i] if without_op else "") for i in alike}
        candidates = [alternatives.get(i, text) for i, text in enumerate(names)]
        if len(set(candidates)) > len(set(names)):
            names = candidates
    return names


def _find_ambiguous(texts: Sequence[str], names: Sequence[str]) -> list[int]:
    """Names and their short forms -> indexes of those that look like another one."""
    texts_by_name: dict[str, set[str]] = {}
    for text, short in zip(texts, names, strict=True):
        texts_by_name.setdefault(short, set()).add(text)
    return [i for i, short in enumerate(names) if len(texts_by_name[short]) > 1]


def shorten_path(text: str, width: int, op: str = "") -> str:
    """Name -> the same shortened part by part: a last part that repeats the operator goes first, then parents that
    their children repeat (`/layer1/layer1.0`), then parts without a number; what is still too long is abbreviated to
    `d12/r1/norm`."""
    return text if text_width(text) <= width else _shorten_by(_drop_numberless, text, width, op)


def _shorten_by(shortening: Shortening, text: str, width: int, op: str) -> str:
    if text_width(text) <= width:
        return text
    parts = text.split("/")
    if len(parts) > MAX_PARTS:
        return shorten_middle(text, width)
    if op and len(parts) > 1 and parts[-2] and parts[-1].lower() == op.lower():
        parts.pop()
    for i in range(len(parts) - 1):
        if parts[i + 1].startswith(f"{parts[i]}."):
            parts[i] = ""
    text = _join_parts(parts)
    return text if text_width(text) <= width or not parts[-1] else shortening(parts, width)


def _drop_numberless(parts: list[str], width: int) -> str:
    return _drop_parts(parts, width, len(parts) - 1)


def _drop_before_parent(parts: list[str], width: int) -> str:
    """Parts -> the name as _drop_numberless shortens it, but the last part's parent stays."""
    return _drop_parts(parts, width, len(parts) - 2)


def _drop_parts(parts: list[str], width: int, stop: int) -> str:
    for i in range(stop):
        if parts[i] and not _has_digit(parts[i]):
            parts[i] = ""
            text = _join_parts(parts)
            if text_width(text) <= width:
                return text
    return _abbreviate_parts(parts, width)


def _abbreviate_parts(parts: list[str], width: int) -> str:
    """Parts -> the name with the parts before the last two by their initials, then the last but one, then the last
    without its middle."""
    last = parts[-1]
    size = text_width(last)
    head = _join_parts(parts)[: -len(last)]
    for few in (slice(0, -2), slice(-2, -1)):
        if width - text_width(head) < min(MIN_LAST_PART, size):
            parts[few] = map(_initials, parts[few])
            head = _join_parts(parts)[: -len(last)]
    room = width - text_width(head)
    return shorten_middle(head + last, width) if room < min(MIN_ENDS, size) else head + shorten_middle(last, room)


@lru_cache(4096)
def _has_digit(part: str) -> bool:
    return any(c.isdigit() for c in part)


@lru_cache(4096)
def _initials(part: str) -> str:
    """conv_bn1 -> cb1."""
    return re.sub(r"[^\W\d_]+_*", lambda m: m[0][0], part)


SHORTENINGS: tuple[tuple[Shortening, bool], ...] = (
    (_drop_numberless, True),
    (_drop_before_parent, True),
    (_abbreviate_parts, True),
    (_drop_numberless, False),
    (_abbreviate_parts, False),
)
"""How a name is shortened, and whether a last part that repeats the operator goes; in the order they are tried."""


def _join_parts(parts: Sequence[str]) -> str:
    """Parts -> the name, with `…` for those that were left out."""
    if "" not in parts:
        return "/".join(parts)
    pieces: list[str] = []
    for part in parts:
        if part:
            pieces += ("/", part) if pieces and pieces[-1] != "…" else (part,)
        elif not pieces or pieces[-1] != "…":
            pieces.append("…")
    return "".join(pieces)
