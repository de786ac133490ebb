"""Two names of a layer → whether only the numbers that a front end gives differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

NUMBER = re.compile(r"(_?)(?<![0-9])([0-9]{1,9})$")

PART_SEPARATOR = re.compile(r"[/.]")


class NamePart(NamedTuple):
    """A part of a name (between / or .): its word, its trailing number, and whether a _ stands between."""

    word: str
    number: int | None
    has_underscore: bool = False


Path = tuple[NamePart, ...]

Ordinals = Mapping[Path, int]


@lru_cache(maxsize=65536)
def split_name(name: str) -> Path:
    """The parts of a name. Numbers of ten digits and more are no numbers here, but hashes or addresses."""
    found: list[NamePart] = []
    for part in PART_SEPARATOR.split(name):
        number = NUMBER.search(part)
        if number:
            found.append(NamePart(part[: number.start()], int(number.group(2)), bool(number.group(1))))
        else:
            found.append(NamePart(part, None))
    return tuple(found)


@lru_cache(maxsize=65536)
def stem(name: str) -> tuple[str, ...]:
    """A name without the trailing numbers of its parts: separable3/batch_norm1 → separable, batch_norm."""
    return tuple([part.word for part in split_name(name)])


@lru_cache(maxsize=65536)
def is_numbered(name: str) -> bool:
    """Whether a part ends in a number, so that the name may shift when a layer is inserted."""
    return any(part.number is not None for part in split_name(name))


def ordinals(names: Iterable[str]) -> Ordinals:
    """For every path of parts: which of its like it is, from 1 (the 3rd conv of its block)."""
    places: dict[Path, int] = {}
    counts: dict[tuple[Path, str], int] = {}
    for name in names:
        parts = split_name(name)
        for end in range(1, len(parts) + 1):
            path = parts[:end]
            if path not in places:
                kind = (parts[: end - 1], parts[end - 1].word)
                counts[kind] = counts.get(kind, 0) + 1
                places[path] = counts[kind]
    return places


def is_same_name(before: str, after: str, old: Ordinals, new: Ordinals, exported: bool = True) -> bool:
    """Whether two names differ by automatic numbers alone.

    A number is automatic where it counts: it is in both versions the part's place among its like (YAML's conv3 is the
    3rd conv of its block; the only one has no number, and relu6's are relu6_1 and relu6_2). So is, in exported graphs,
    one behind a _ or alone (`node_Conv_12`, `Add` and `Add_1`, `layer.3`).
    """
    if before == after:
        return True
    a, b = split_name(before), split_name(after)
    return len(a) == len(b) and all(
        x == y
        or (x.word == y.word and exported and _set(x) and _set(y))
        or (x.word == y.word and _counts(a[: at + 1], old) and _counts(b[: at + 1], new))
        or (_alone(x, y) and _counts(b[: at + 1], new))
        or (_alone(y, x) and _counts(a[: at + 1], old))
        for at, (x, y) in enumerate(zip(a, b, strict=True))
    )


def _set(part: NamePart) -> bool:
    """Whether an exporter may have set a part's number."""
    return part.has_underscore or part.number is None or not part.word


def _counts(path: Path, places: Ordinals) -> bool:
    part = path[-1]
    ours = not part.has_underscore or part.word[-1:].isdigit()
    return ours and (1 if part.number is None else part.number) == places.get(path)


def _alone(only: NamePart, counted: NamePart) -> bool:
    """Whether a kind that ends in a digit stood alone, and is one of several now: relu6 and relu6_1."""
    return counted.has_underscore and not only.has_underscore and f"{only.word}{only.number}" == counted.word
