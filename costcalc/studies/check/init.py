"""Models → a first config with limits at what they cost now, and a slack: figures in human units, rounded up, so that
the models as they are always keep to it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.core.dim import Dim, symbols
from costcalc.core.units import format_ceiling, format_count, format_exact_share
from costcalc.frontends.builtin import find_builtin
from costcalc.frontends.table import YAML, suffixes
from costcalc.studies.batch import Failure
from costcalc.studies.check.config_settings import KEYS
from costcalc.studies.check.evaluate import Evaluation, ModelFigures, evaluate_models
from costcalc.studies.check.wording import kind
from costcalc.studies.options import Settings

QUANTITIES = ("macs", "params", "weight_bytes", "peak_activation_bytes")
"""What a first config limits: work, size, and memory while it runs."""

SKIPPED = frozenset(("node_modules", "__pycache__", "site-packages", "build", "dist"))

_MODEL = re.compile(rb"^(input|layers):", re.M)

_PLAIN = re.compile(r"[A-Za-z0-9_][\w./+-]*", re.A)

HEAD = """\
# What `costcalc check` holds the models to; `costcalc rule` explains each limit.
# The limits are what the models cost when this was written, and {slack} more, rounded up.
"""

TAIL = """\
# Hold the models to the last state as well: `costcalc lock` writes costcalc.lock.json, then uncomment
# max_increase: 5%
# min_delta: {macs: 1M}
"""


class InitialConfig(NamedTuple):
    """The config's text, how many models it holds, and a line for each that cannot be read."""

    text: str
    models: int
    unreadable: tuple[str, ...]


def models_in(folder: Path) -> list[str]:
    """The files with a model's suffix under a folder, YAML only where it is a model; hidden folders and those of
    tools are left out."""
    found: list[str] = []
    for here, inside, files in os.walk(folder):
        inside[:] = sorted(d for d in inside if d not in SKIPPED and not d.startswith("."))
        found += [str(Path(here) / name) for name in sorted(files) if _is_model(Path(here) / name)]
    return found


def _is_model(file: Path) -> bool:
    if file.suffix not in YAML.suffixes:
        return file.suffix in suffixes()
    try:
        with file.open("rb") as stream:
            return len(set(_MODEL.findall(stream.read(1 << 20)))) == 2
    except OSError:
        return False


def make_initial_config(
    models: Sequence[str], file: Path, slack: Fraction, settings: Settings, jobs: int = 1
) -> InitialConfig:
    """The config that `file` is to hold, for models as they are named from the working directory."""
    names = list(dict.fromkeys(models))
    lenient = len(names) > 1
    found = evaluate_models([Evaluation(name, settings, lenient=lenient) for name in names], jobs)
    lines = [*HEAD.format(slack=format_exact_share(slack).replace(".0%", "%")).splitlines(), "models:"]
    for name, answer in zip(names, found, strict=True):
        lines += _entry(_path(name, file.parent), answer, slack, settings)
    unread = [
        f"{name}: cannot be read: {a.text}" for name, a in zip(names, found, strict=True) if isinstance(a, Failure)
    ]
    return InitialConfig("\n".join([*lines, "", *TAIL.splitlines()]), len(names), tuple(unread))


def _path(name: str, folder: Path) -> str:
    """A model's path as the config names it; a built-in model's name."""
    return name if not Path(name).is_file() and find_builtin(name) else Path(os.path.relpath(name, folder)).as_posix()


def _entry(path: str, answer: ModelFigures | Failure, slack: Fraction, settings: Settings) -> Iterator[str]:
    yield f"  - path: {_scalar(path)}"
    if isinstance(answer, Failure):
        yield f"    # it cannot be read yet: {_comment(answer.text)}"
        return
    lacks = {(e.argument, e.name) for e in answer.unknown_names}
    for argument, value in _settings(settings):
        kept = {k: v for k, v in value.items() if (argument, k) not in lacks} if isinstance(value, Mapping) else value
        if kept:
            yield f"    {KEYS.get(argument, argument)}: {_flow(kept)}"
    totals = answer.snapshot.totals
    if answer.snapshot.unknown:
        names = ", ".join(map(_scalar, answer.snapshot.unknown))
        yield "    # These have no rule: the check exits 2 until they have one, or are allowed, that is taken as free"
        yield f"    # allow: [{_comment(names)}]"
    open_ = symbols(*[totals[q] for q in QUANTITIES if q in totals])
    if open_ or any(q not in totals for q in QUANTITIES):
        yield f"    # Bind its symbols, so that all of it can be held: dims: {{{open_[0] if open_ else 'seq'}: 128}}"
    yield "    limits:"
    yield from _limits(totals, slack)
    yield "      unknown_ops: 0"


def _settings(settings: Settings) -> Iterator[tuple[str, Any]]:
    """The settings that are no defaults, by the keys of an entry."""
    for name, value in settings.to_dict().items():
        yield from value.items() if name == "execution" else ((name, value),)


def _limits(totals: Mapping[str, Dim], slack: Fraction) -> Iterator[str]:
    for quantity in QUANTITIES:
        value = totals.get(quantity)
        if isinstance(value, int):
            most = format_ceiling(value * (1 + slack), kind(quantity) == "bytes")
            yield f"      {quantity}: {most}  # now {format_count(value)}"


def _scalar(text: str) -> str:
    """A word of YAML: plain where it is surely only that."""
    return (
        text if _PLAIN.fullmatch(text) and text.lower() not in ("null", "none", "true", "false") else json.dumps(text)
    )


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(str(k))}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value).lower() if isinstance(value, (bool, int, float)) else _scalar(str(value))


def _comment(text: str) -> str:
    """Text of others inside a comment: one line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
