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
from costcalc.studies.batch import Failure
from costcalc.studies.check.config_settings import KEYS
from costcalc.studies.check.evaluate import Evaluation, ModelFigures, evaluate_models
from costcalc.studies.check.wording import quantity_kind
from costcalc.studies.options import Settings

QUANTITIES = ("macs", "params", "weight_bytes", "peak_activation_bytes")
"""What a first config limits: work, size, and memory while it runs."""

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


def make_initial_config(
    models: Sequence[str], file: Path, slack: Fraction, settings: Settings, jobs: int = 1
) -> InitialConfig:
    """The config that `file` is to hold, for models as they are named from the working directory."""
    names = list(dict.fromkeys(models))
    lenient = len(names) > 1
    results = evaluate_models([Evaluation(name, settings, lenient=lenient) for name in names], jobs)
    lines = [*HEAD.format(slack=format_exact_share(slack).replace(".0%", "%")).splitlines(), "models:"]
    for name, result in zip(names, results, strict=True):
        lines += _format_entry(_config_path(name, file.parent), result, slack, settings)
    unreadable = [
        f"{name}: cannot be read: {a.text}" for name, a in zip(names, results, strict=True) if isinstance(a, Failure)
    ]
    return InitialConfig("\n".join([*lines, "", *TAIL.splitlines()]), len(names), tuple(unreadable))


def _config_path(name: str, folder: Path) -> str:
    """A model's path as the config names it; a built-in model's name."""
    return name if not Path(name).is_file() and find_builtin(name) else Path(os.path.relpath(name, folder)).as_posix()


def _format_entry(path: str, result: ModelFigures | Failure, slack: Fraction, settings: Settings) -> Iterator[str]:
    yield f"  - path: {_format_scalar(path)}"
    if isinstance(result, Failure):
        yield f"    # it cannot be read yet: {_format_comment(result.text)}"
        return
    unknown_names = {(e.argument, e.name) for e in result.unknown_names}
    for argument, value in _entry_settings(settings):
        bound = (
            {k: v for k, v in value.items() if (argument, k) not in unknown_names}
            if isinstance(value, Mapping)
            else value
        )
        if bound:
            yield f"    {KEYS.get(argument, argument)}: {_format_flow(bound)}"
    totals = result.snapshot.totals
    if result.snapshot.unknown:
        names = ", ".join(map(_format_scalar, result.snapshot.unknown))
        yield "    # These have no rule: the check exits 2 until they have one, or are allowed, that is taken as free"
        yield f"    # allow: [{_format_comment(names)}]"
    open_symbols = symbols(*[totals[q] for q in QUANTITIES if q in totals])
    if open_symbols or any(q not in totals for q in QUANTITIES):
        symbol = open_symbols[0] if open_symbols else "seq"
        yield f"    # Bind its symbols, so that all of it can be held: dims: {{{symbol}: 128}}"
    yield "    limits:"
    yield from _format_limits(totals, slack)
    yield "      unknown_ops: 0"


def _entry_settings(settings: Settings) -> Iterator[tuple[str, Any]]:
    """The settings that are no defaults, by the keys of an entry."""
    for name, value in settings.to_dict().items():
        yield from value.items() if name == "execution" else ((name, value),)


def _format_limits(totals: Mapping[str, Dim], slack: Fraction) -> Iterator[str]:
    for quantity in QUANTITIES:
        value = totals.get(quantity)
        if isinstance(value, int):
            limit = format_ceiling(value * (1 + slack), quantity_kind(quantity) == "bytes")
            yield f"      {quantity}: {limit}  # now {format_count(value)}"


def _format_scalar(text: str) -> str:
    """A word of YAML: plain where it is surely only that."""
    return (
        text if _PLAIN.fullmatch(text) and text.lower() not in ("null", "none", "true", "false") else json.dumps(text)
    )


def _format_flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_format_scalar(str(k))}: {_format_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_format_flow, value)) + "]"
    return str(value).lower() if isinstance(value, (bool, int, float)) else _format_scalar(str(value))


def _format_comment(text: str) -> str:
    """Text of others inside a comment: one line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
