"""Names of layers made short: what says least goes first, numbers stay, and names that differ stay different."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from costcalc.render.layout import middle, text_width

MANY = 2_000
"""Of more names than this it is not asked whether they stay different."""
ROOM = 12
"""Before less than this is left of the last part, the parts before it are abbreviated."""
LEAST = 3
"""Where even less is left, the whole name loses its middle."""

Way = Callable[[list[str], int], str]


def shortened(texts: Sequence[str], ops: Sequence[str], width: int) -> list[str]:
    """Each name within a width; those that would look alike are shortened in another way."""
    found = [path(t, width, op) for t, op in zip(texts, ops, strict=True)]
    if len(texts) > MANY:
        return found
    for way, without_op in WAYS[1:]:
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


def path(text: str, width: int, op: str = "") -> str:
    """A name shortened part by part: a last part that repeats the operator goes first, then parents that their children
    repeat (`/layer1/layer1.0`), then parts without a number; what is still too long is abbreviated to `d12/r1/norm`."""
    return text if text_width(text) <= width else _by(_without_numberless, text, width, op)


def _by(way: Way, text: str, width: int, op: str) -> str:
    if text_width(text) <= width:
        return text
    parts = text.split("/")
    if op and len(parts) > 1 and parts[-2] and parts[-1].lower() == op.lower():
        parts.pop()
    for i in range(len(parts) - 1):
        if parts[i + 1].startswith(f"{parts[i]}."):
            parts[i] = ""
    text = _joined(parts)
    return text if text_width(text) <= width else way(parts, width)


def _without_numberless(parts: list[str], width: int) -> str:
    return _dropped(parts, width, len(parts) - 1)


def _with_parent(parts: list[str], width: int) -> str:
    """As before, but the last part's parent stays."""
    return _dropped(parts, width, len(parts) - 2)


def _dropped(parts: list[str], width: int, stop: int) -> str:
    for i in range(stop):
        if not any(c.isdigit() for c in parts[i]):
            parts[i] = ""
            if text_width(_joined(parts)) <= width:
                return _joined(parts)
    return _abbreviated(parts, width)


def _abbreviated(parts: list[str], width: int) -> str:
    """The parts before the last two by their initials, then the last but one, then the last without its middle."""
    for few in (slice(0, -2), slice(-2, -1)):
        if width - text_width(_head(parts)) < min(ROOM, text_width(parts[-1])):
            parts[few] = [re.sub(r"[^\W\d_]+_*", lambda m: m[0][0], part) for part in parts[few]]
    head, last = _head(parts), parts[-1]
    room = width - text_width(head)
    return middle(head + last, width) if room < min(LEAST, text_width(last)) else head + middle(last, room)


def _head(parts: Sequence[str]) -> str:
    """What stands before the last part."""
    return _joined([*parts[:-1], "x"])[:-1]


WAYS: tuple[tuple[Way, bool], ...] = (
    (_without_numberless, True),
    (_with_parent, True),
    (_abbreviated, True),
    (_without_numberless, False),
    (_abbreviated, False),
)
"""How a name is shortened, and whether a last part that repeats the operator goes; in the order they are tried."""


def _joined(parts: Sequence[str]) -> str:
    """The parts with `…` for those that were left out."""
    text = "/".join(part or "…" for part in parts)
    return re.sub(r"(?:/?…)+/?", "…", text)
