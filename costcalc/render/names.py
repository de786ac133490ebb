"""Names of layers made short: what says least goes first, numbers stay, and names that differ stay different."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from costcalc.render.layout import shorten_middle, text_width

MAX_COMPARED = 2_000
"""Of more names than this it is not asked whether they stay different."""

MIN_LAST_PART = 12
"""Before less than this is left of the last part, the parts before it are abbreviated."""

MIN_ENDS = 3
"""Where even less is left, the whole name loses its middle."""

Shortening = Callable[[list[str], int], str]


def shorten_names(texts: Sequence[str], ops: Sequence[str], width: int) -> list[str]:
    """Each name within a width; those that would look alike are shortened in another way."""
    found = [shorten_path(t, width, op) for t, op in zip(texts, ops, strict=True)]
    if len(texts) > MAX_COMPARED:
        return found
    for way, without_op in SHORTENINGS[1:]:
        alike = _alike(texts, found)
        if not alike:
            break
        other = {i: _by(way, texts[i], width, ops[i] if without_op else "") for i in alike}
        tried = [other.get(i, text) for i, text in enumerate(found)]
        if len(set(tried)) > len(set(found)):
            found = tried
    return found


def _alike(texts: Sequence[str], found: Sequence[str]) -> list[int]:
    """The names that look like another one."""
    meant: dict[str, set[str]] = {}
    for text, short in zip(texts, found, strict=True):
        meant.setdefault(short, set()).add(text)
    return [i for i, short in enumerate(found) if len(meant[short]) > 1]


def shorten_path(text: str, width: int, op: str = "") -> str:
    """A name shortened part by part: a last part that repeats the operator goes first, then parents that their children
    repeat (`/layer1/layer1.0`), then parts without a number; what is still too long is abbreviated to `d12/r1/norm`."""
    return text if text_width(text) <= width else _by(_without_numberless, text, width, op)


def _by(way: Shortening, text: str, width: int, op: str) -> str:
    if text_width(text) <= width:
        return text
    parts = text.split("/")
    if op and len(parts) > 1 and parts[-2] and parts[-1].lower() == op.lower():
        parts.pop()
    for i in range(len(parts) - 1):
        if parts[i + 1].startswith(f"{parts[i]}."):
            parts[i] = ""
    text = _joined(parts)
    return text if text_width(text) <= width or not parts[-1] else way(parts, width)


def _without_numberless(parts: list[str], width: int) -> str:
    return _dropped(parts, width, len(parts) - 1)


def _with_parent(parts: list[str], width: int) -> str:
    """As before, but the last part's parent stays."""
    return _dropped(parts, width, len(parts) - 2)


def _dropped(parts: list[str], width: int, stop: int) -> str:
    for i in range(stop):
        if parts[i] and not _numbered(parts[i]):
            parts[i] = ""
            text = _joined(parts)
            if text_width(text) <= width:
                return text
    return _abbreviated(parts, width)


def _abbreviated(parts: list[str], width: int) -> str:
    """The parts before the last two by their initials, then the last but one, then the last without its middle."""
    last = parts[-1]
    size = text_width(last)
    head = _joined(parts)[: -len(last)]
    for few in (slice(0, -2), slice(-2, -1)):
        if width - text_width(head) < min(MIN_LAST_PART, size):
            parts[few] = map(_initials, parts[few])
            head = _joined(parts)[: -len(last)]
    room = width - text_width(head)
    return shorten_middle(head + last, width) if room < min(MIN_ENDS, size) else head + shorten_middle(last, room)


@lru_cache(4096)
def _numbered(part: str) -> bool:
    return any(c.isdigit() for c in part)


@lru_cache(4096)
def _initials(part: str) -> str:
    """conv_bn1 → cb1."""
    return re.sub(r"[^\W\d_]+_*", lambda m: m[0][0], part)


SHORTENINGS: tuple[tuple[Shortening, bool], ...] = (
    (_without_numberless, True),
    (_with_parent, True),
    (_abbreviated, True),
    (_without_numberless, False),
    (_abbreviated, False),
)
"""How a name is shortened, and whether a last part that repeats the operator goes; in the order they are tried."""


def _joined(parts: Sequence[str]) -> str:
    """The parts with `…` for those that were left out."""
    if "" not in parts:
        return "/".join(parts)
    found: list[str] = []
    for part in parts:
        if part:
            found += ("/", part) if found and found[-1] != "…" else (part,)
        elif not found or found[-1] != "…":
            found.append("…")
    return "".join(found)
