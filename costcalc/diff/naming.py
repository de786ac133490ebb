"""Two names of a layer → whether only the numbers that a front end gives differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

NUMBER = re.compile(r"(?<![0-9])[0-9]+$")
PARTS = re.compile(r"[/.]")


@lru_cache(maxsize=65536)
def split(name: str) -> tuple[tuple[str, int | None], ...]:
    """The parts of a name (between / or .), each as its stem and its trailing number."""
    found: list[tuple[str, int | None]] = []
    for part in PARTS.split(name):
        number = NUMBER.search(part)
        # longer numbers are hashes or addresses, and int() of a hostile name is slow
        if number and len(number.group()) < 10:
            found.append((part[: number.start()], int(number.group())))
        else:
            found.append((part, None))
    return tuple(found)


@lru_cache(maxsize=65536)
def stem(name: str) -> tuple[str, ...]:
    """A name without the trailing numbers of its parts: separable3/batch_norm1 → separable, batch_norm."""
    return tuple([word for word, _ in split(name)])


@lru_cache(maxsize=65536)
def numbered(name: str) -> bool:
    """Whether a part ends in a number, so that the name may shift when a layer is inserted."""
    return any(number is not None for _, number in split(name))


Ordinals = Mapping[tuple[tuple[str, int | None], ...], int]


def ordinals(names: Iterable[str]) -> Ordinals:
    """For every path of parts: which of its like it is, from 1 (the 3rd conv of its block)."""
    places: dict[tuple[tuple[str, int | None], ...], int] = {}
    counts: dict[tuple[tuple[tuple[str, int | None], ...], str], int] = {}
    for name in names:
        parts = split(name)
        for end in range(1, len(parts) + 1):
            path = parts[:end]
            if path not in places:
                kind = (parts[: end - 1], parts[end - 1][0])
                counts[kind] = counts.get(kind, 0) + 1
                places[path] = counts[kind]
    return places


def same_name(before: str, after: str, old: Ordinals, new: Ordinals) -> bool:
    """Whether two names differ by automatic numbers alone.

    A number is automatic where it counts: it is in both versions the part's place among its like (YAML's conv3 is the
    3rd conv of its block; the only one has no number), or an exporter set it (`node_Conv_12`, `layer.3`).
    """
    if before == after:
        return True
    if stem(before) != stem(after):
        return False
    a, b = split(before), split(after)
    return all(
        x[1] == y[1] or _exported(x[0], at) or (_counts(a[: at + 1], old) and _counts(b[: at + 1], new))
        for at, (x, y) in enumerate(zip(a, b, strict=True))
    )


def _exported(word: str, at: int) -> bool:
    return word.endswith("_") or (not word and at > 0)


def _counts(path: tuple[tuple[str, int | None], ...], places: Ordinals) -> bool:
    number = path[-1][1]
    return (1 if number is None else number) == places.get(path)
