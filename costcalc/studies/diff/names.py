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
    parts: list[NamePart] = []
    for part in PART_SEPARATOR.split(name):
        number = NUMBER.search(part)
        if number:
            parts.append(NamePart(part[: number.start()], int(number.group(2)), bool(number.group(1))))
        else:
            parts.append(NamePart(part, None))
    return tuple(parts)


@lru_cache(maxsize=65536)
def stem(name: str) -> tuple[str, ...]:
    """A name without the trailing numbers of its parts: separable3/batch_norm1 → separable, batch_norm."""
    return tuple([part.word for part in split_name(name)])


@lru_cache(maxsize=65536)
def is_numbered(name: str) -> bool:
    """Whether a part ends in a number, so that the name may shift when a layer is inserted."""
    return any(part.number is not None for part in split_name(name))


_RUN = re.compile(r"_[0-9]{1,9}$")


def _is_module(before: str, after: str) -> bool:
    """Whether a layer of a PyTorch program and one of its ONNX export are calls of one module, or of one operator
    beside modules."""
    (path, operator), (other_path, other_operator) = module_name(before), module_name(after)
    return path == other_path and (operator == other_operator or "" in (operator, other_operator))


@lru_cache(maxsize=65536)
def module_name(name: str) -> tuple[str, str]:
    """A layer's name in a PyTorch program, or in its ONNX export -> the path of its module and its operator, without
    the numbers of runs: `layer1.0/add_2` and `/layer1/layer1.0/Add_1` -> (layer1.0, add); `layer1.0.conv1`, which is
    one operator -> (layer1.0.conv1, ""), its export `/layer1/layer1.0/conv1/Conv` -> (layer1.0.conv1, conv)."""
    if not name.startswith("/"):
        path, _, operator = _RUN.sub("", name).partition("/")
        return path, operator.lower()
    *modules, operator = name[1:].split("/")
    path = ""
    for module in modules:
        path = module if not path or module.startswith(f"{path}.") else f"{path}.{module}"
    return _RUN.sub("", path), _RUN.sub("", operator).lower()


def count_ordinals(names: Iterable[str]) -> Ordinals:
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
    one behind a _ or alone (`node_Conv_12`, `Add` and `Add_1`, `layer.3`). A PyTorch module has one name in a program
    (`layer1.0.conv1`) and another one in its ONNX export (`/layer1/layer1.0/conv1/Conv`).
    """
    if before == after or (exported and before.startswith("/") != after.startswith("/") and _is_module(before, after)):
        return True
    a, b = split_name(before), split_name(after)
    return len(a) == len(b) and all(
        x == y
        or (x.word == y.word and exported and _may_be_automatic(x) and _may_be_automatic(y))
        or (x.word == y.word and _is_ordinal(a[: position + 1], old) and _is_ordinal(b[: position + 1], new))
        or (_became_numbered(x, y) and _is_ordinal(b[: position + 1], new))
        or (_became_numbered(y, x) and _is_ordinal(a[: position + 1], old))
        for position, (x, y) in enumerate(zip(a, b, strict=True))
    )


def _may_be_automatic(part: NamePart) -> bool:
    """Whether an exporter may have set a part's number."""
    return part.has_underscore or part.number is None or not part.word


def _is_ordinal(path: Path, ordinals_of: Ordinals) -> bool:
    part = path[-1]
    is_ours = not part.has_underscore or part.word[-1:].isdigit()
    return is_ours and (1 if part.number is None else part.number) == ordinals_of.get(path)


def _became_numbered(single: NamePart, numbered: NamePart) -> bool:
    """Whether a kind that ends in a digit stood alone, and is one of several now: relu6 and relu6_1."""
    return numbered.has_underscore and not single.has_underscore and f"{single.word}{single.number}" == numbered.word
