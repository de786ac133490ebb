"""Names with `…`, as tables print those that are too long, to the whole names that they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from costcalc.core.errors import UsageError

ELISION = "…"
"""What a table prints for the part of a name that it leaves out."""

LEAST_ELIDED = 2
"""Signs that ELISION stands for, at the least."""

_SIGNS = "…|~"
"""Where a terminal knows no Unicode, a table prints `~` for `…`."""


def match_elided(text: str, names: Iterable[str]) -> list[str]:
    """A name with parts left out → the names that it may stand for, in order; none where nothing is left out."""
    pieces = re.split(_SIGNS, text.strip())
    if len(pieces) == 1 or not any(pieces):
        return []
    pattern = re.compile(f".{{{LEAST_ELIDED},}}".join(map(re.escape, pieces)), re.DOTALL)
    return [name for name in dict.fromkeys(names) if pattern.fullmatch(name)]


def match_pattern(pattern: str, names: Iterable[str], what: str) -> list[str]:
    """A name, a name with parts left out or a glob → the names that it stands for: the one that is written so, the only
    one that was shortened to it, or all that the glob matches. UsageError where several were shortened to it; what
    names the things: `layers`."""
    all_names = list(names)
    if pattern in all_names:
        return [pattern]
    globbed = [name for name in all_names if fnmatchcase(name, pattern)]
    elided = [] if globbed else match_elided(pattern, all_names)
    if len(elided) > 1:
        raise UsageError(f"{pattern!r} fits {len(elided)} {what}", f"which one of {list_names(elided)}?")
    return globbed or elided


def module_labels(name: str, tensors: Iterable[str] = ()) -> frozenset[str]:
    """A layer that is called after its module (`layer1.0.conv1`, `layer1.0/add`), and its stored tensors -> the names
    of the modules around it, its own included, and of the tensors: layer1, layer1.0, layer1.0.conv1,
    layer1.0.conv1.weight."""
    labels = set(tensors)
    path = name.partition("/")[0]
    while path:
        labels.add(path)
        path = path.rpartition(".")[0]
    return frozenset(labels)


def natural_key(name: str) -> tuple[tuple[bool, int, str], ...]:
    """A name → the key by which names are put in order, their numbers as numbers: nonzero2 before nonzero10. Numbers
    may have any length, so they are compared as digits: the longer one is the larger."""
    parts = re.findall(r"(0*)([0-9]+)|([^0-9]+)", name)
    return tuple([(False, 0, text) if text else (True, len(digits), digits) for _, digits, text in parts])


def list_symbols(names: Iterable[str], most: int = 6) -> str:
    """Names of symbols, or texts that begin with one → the first few of them in the names' order, and how many more
    there are."""
    listed = sorted(names, key=lambda text: natural_key(text.partition(" ")[0]))
    more = f" and {len(listed) - most + 1:,} more" if len(listed) > most else ""
    return ", ".join(listed[: most - 1] if more else listed) + more


def bind_options(names: Iterable[str], most: int = 4) -> str:
    """Symbols → the options that bind them, one for all where there are many: `--dim boxes=… --dim nonzero=…`."""
    listed = sorted(names, key=natural_key)
    if len(listed) > most:
        return f"--dim {listed[0]}=… and so on, or all {len(listed):,} with --dim '*=…'"
    return " ".join(f"--dim {name}=…" for name in listed)


def list_first(names: Sequence[str], most: int) -> str:
    """Names → the first few of them as text, and how many more there are: `a, b, c and 4 more`."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def list_names(names: Iterable[str], most: int = 6) -> str:
    """Names → the first few of them as text, and `…` where there are more."""
    listed = list(names)
    return ", ".join(listed[:most]) + (", …" if len(listed) > most else "")
