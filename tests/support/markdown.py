"""Markdown documents of the project -> their links and the anchors of their headings, as GitHub makes them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from support.paths import ROOT

_FENCE = re.compile(r"^( *)(`{3,}|~{3,})[^\n]*\n.*?^\1\2 *$", re.M | re.S)
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_LINK = re.compile(
    r"!?\[[^\]]*\]\(<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]: *(\S+)|<(?:img|a|source)\b[^>]*?\b(?:src|href|srcset)=\"([^\"]+)\"",
    re.M,
)
_NESTED = re.compile(r"\[!\[[^\]]*\]\([^)]*\)\]\(([^)\s]+)\)")
_ANCHOR = re.compile(r"^#{1,6} +(?P<heading>.+?) *#*$|<a (?:id|name)=\"(?P<name>[^\"]+)\"", re.M)


class Link(NamedTuple):
    """A link as it stands in a document, and where it leads: a file of the project and an anchor ("" without one)."""

    text: str
    file: Path
    anchor: str


def documents() -> list[Path]:
    """The documents at the root of the project, and the pages of docs/."""
    return [
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
        *sorted((ROOT / ".github").rglob("*.md")),
    ]


@cache
def prose(path: Path) -> str:
    """A document without fenced blocks and comments."""
    return _COMMENT.sub("", _FENCE.sub("", path.read_text(encoding="utf-8")))


def slug(heading: str) -> str:
    """The text of a heading -> GitHub's anchor: without punctuation, in small letters, blanks as `-`."""
    plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")


@cache
def anchors(path: Path) -> tuple[str, ...]:
    """The anchors of a document's headings, and those that it sets itself (`<a id="…">`), in their order."""
    return tuple(found["name"] or slug(found["heading"]) for found in _ANCHOR.finditer(prose(path)))


def links(path: Path) -> list[Link]:
    """The links and images of a document to files of the project and to its own headings."""
    text = _CODE.sub("", prose(path))
    targets = [*_NESTED.findall(text), *("".join(groups) for groups in _LINK.findall(text))]
    relative = [target for target in targets if not re.match(r"[a-z][a-z+.-]*:|//", target)]
    parts = [(target, *target.partition("#")[::2]) for target in relative]
    return [Link(target, (path.parent / file).resolve() if file else path, anchor) for target, file, anchor in parts]
