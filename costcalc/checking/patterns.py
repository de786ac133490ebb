"""A glob → the paths of a list that it fits, as glob finds files on disk: `*` within a folder, `**` through folders."""

from __future__ import annotations

import re
from collections.abc import Iterable

_VISIBLE = r"(?!\.)"
"""A pattern that does not begin with a dot finds nothing hidden."""


def fitting(pattern: str, paths: Iterable[str]) -> list[str]:
    """The paths, with forward slashes, that fit, in alphabetical order."""
    expression = re.compile(_expression(pattern.removeprefix("./")))
    return sorted(path for path in paths if expression.fullmatch(path))


def _expression(pattern: str) -> str:
    *folders, last = pattern.split("/")
    through = "".join(rf"(?:{_VISIBLE}[^/]+/)*" if part == "**" else f"{_part(part)}/" for part in folders)
    return through + (rf"(?:{_VISIBLE}[^/]+/)*{_VISIBLE}[^/]+" if last == "**" else _part(last))


_SIGN = re.compile(r"\*+|\?|\[(!?)(\]?[^\]]*)\]")


def _part(part: str) -> str:
    """One name of a path."""
    found, at = ["" if part.startswith(".") else _VISIBLE if _SIGN.match(part) else ""], 0
    for sign in _SIGN.finditer(part):
        found.append(re.escape(part[at : sign.start()]))
        at = sign.end()
        if sign[0] == "?":
            found.append("[^/]")
        elif sign[0][0] == "*":
            found.append("[^/]*")
        else:
            members = re.sub(r"([\\\[\]^&~|])", r"\\\1", sign[2])
            found.append(f"[{'^' if sign[1] else ''}{members}]")
    return "".join([*found, re.escape(part[at:])])
