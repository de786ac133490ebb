"""Models → a first config with limits at what they cost now, and a slack: figures in human units, rounded up, so that
the models as they are always keep to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from costcalc.core.dim import Dim, symbols
from costcalc.core.elision import list_first
from costcalc.core.units import format_ceiling, format_count, format_exact_share
from costcalc.frontends.builtin import find_builtin
from costcalc.studies.batch import Failure
from costcalc.studies.check.budget import Config, ConfigEntry
from costcalc.studies.check.config_settings import config_settings
from costcalc.studies.check.config_writer import format_flow, format_scalar
from costcalc.studies.check.evaluate import Evaluation, ModelFigures, evaluate_models
from costcalc.studies.check.model_files import MAX_NAMED
from costcalc.studies.check.targets import find_targets
from costcalc.studies.check.wording import quantity_kind
from costcalc.studies.options import Settings

QUANTITIES = ("macs", "params", "weight_bytes", "peak_activation_bytes")
"""What a first config limits: work, size, and memory while it runs."""

MANY = 5
"""Models of a folder from which on one glob stands for them."""

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
    """The config's text, how many models it holds and how many of these have limits, a line for each that cannot be
    read, and a sentence for each reason why models have no limits, or not all of them."""

    text: str
    models: int
    limited: int
    unreadable: tuple[str, ...]
    gaps: tuple[str, ...]


GAPS = (
    "without limits, for they cannot be read (until then the check exits 2)",
    "without some limits, for symbols are open (bind them with `dims:`)",
    "with lower bounds only, for operators have no rule (until `allow:` names them the check exits 2)",
)
"""Why models have no limits, not all of them, or limits that cannot be told."""


def make_initial_config(
    models: Sequence[str], file: Path, slack: Fraction, settings: Settings, jobs: int = 1
) -> InitialConfig:
    """The config that `file` is to hold, for models as they are named from the working directory."""
    names = list(dict.fromkeys(models))
    lenient = len(names) > 1
    results = evaluate_models([Evaluation(name, settings, lenient=lenient) for name in names], jobs)
    lines = [*HEAD.format(slack=format_exact_share(slack).replace(".0%", "%")).splitlines(), "models:"]
    paths = {_config_path(name, file.parent): result for name, result in zip(names, results, strict=True)}
    for path, members in _group_by_glob(paths, file.parent).items():
        lines += _format_entry(path, members, slack, settings)
    unreadable = [
        f"{name}: cannot be read: {a.text}" for name, a in zip(names, results, strict=True) if isinstance(a, Failure)
    ]
    text = "\n".join([*lines, "", *TAIL.splitlines()])
    limited = sum(bool(_closed_quantities(result)) for result in paths.values())
    return InitialConfig(text, len(paths), limited, tuple(unreadable), tuple(_describe_gaps(paths)))


def _describe_gaps(results: Mapping[str, ModelFigures | Failure]) -> Iterator[str]:
    """Models by their paths → for each reason why some lack limits a sentence that names them."""
    read = {path: result for path, result in results.items() if isinstance(result, ModelFigures)}
    members = (
        [path for path in results if path not in read],
        [path for path, result in read.items() if not _is_closed(result)],
        [path for path, result in read.items() if result.snapshot.unknown],
    )
    for gap, paths in zip(GAPS, members, strict=True):
        if paths:
            yield f"{gap}: {list_first(paths, MAX_NAMED)}"


def _group_by_glob(
    results: Mapping[str, ModelFigures | Failure], folder: Path
) -> dict[str, Mapping[str, ModelFigures | Failure]]:
    """Models by their paths from a config's folder → the same by the paths of its entries: a glob for the many models
    of one suffix that a folder has, if it fits no other file, so that a new one is held at once. One that cannot be
    held yet (open, or unreadable) has an entry of its own beside it, which is then the glob's exception."""
    members: dict[str, list[str]] = {}
    for path in results:
        pattern = f"{PurePosixPath(path).parent}/*{PurePosixPath(path).suffix}".removeprefix("./")
        members.setdefault(pattern, []).append(path)
    globs = {
        pattern
        for pattern, paths in members.items()
        if sum(_is_closed(results[path]) for path in paths) >= MANY and sorted(paths) == _find_by_glob(folder, pattern)
    }
    grouped: dict[str, dict[str, ModelFigures | Failure]] = {}
    for pattern, paths in members.items():
        for path in paths:
            is_fitting = pattern in globs and _is_closed(results[path])
            grouped.setdefault(pattern if is_fitting else path, {})[path] = results[path]
    return dict(sorted(grouped.items(), key=lambda item: list(results).index(next(iter(item[1])))))


def _is_closed(result: ModelFigures | Failure) -> bool:
    """Whether a model was read, and all that a first config limits is a number."""
    return len(_closed_quantities(result)) == len(QUANTITIES)


def _closed_quantities(result: ModelFigures | Failure) -> list[str]:
    """What a first config limits and a model has as a number."""
    totals = result.snapshot.totals if isinstance(result, ModelFigures) else {}
    return [quantity for quantity in QUANTITIES if isinstance(totals.get(quantity), int)]


def _find_by_glob(folder: Path, pattern: str) -> list[str]:
    """The models that an entry with a glob holds, by their paths."""
    return [target.name for target in find_targets(Config("costcalc.yaml", folder, (ConfigEntry(pattern),)))]


def _config_path(name: str, folder: Path) -> str:
    """A model's path as the config names it; a built-in model's name."""
    return name if not Path(name).is_file() and find_builtin(name) else Path(os.path.relpath(name, folder)).as_posix()


def _format_entry(
    path: str, results: Mapping[str, ModelFigures | Failure], slack: Fraction, settings: Settings
) -> Iterator[str]:
    """The lines of an entry; of a glob, with what the largest of its models costs."""
    yield f"  - path: {format_scalar(path)}"
    if len(results) > 1:
        yield "    # One limit for all of them; max_increase below holds each of them to its own last state"
    readable = {name: result for name, result in results.items() if isinstance(result, ModelFigures)}
    for name, result in results.items():
        if isinstance(result, Failure):
            subject = "it" if name == path else _format_comment(name)
            yield f"    # {subject} cannot be read yet: {_format_comment(result.text)}"
    if not readable:
        return
    unknown_names = set.intersection(*({(e.argument, e.name) for e in r.unknown_names} for r in readable.values()))
    for key, value in config_settings(settings).items():
        bound = (
            {k: v for k, v in value.items() if ({"set": "params"}.get(key, key), k) not in unknown_names}
            if isinstance(value, Mapping)
            else value
        )
        if bound:
            yield f"    {key}: {format_flow(bound)}"
    totals = {name: result.snapshot.totals for name, result in readable.items()}
    unknown = dict.fromkeys(op for result in readable.values() for op in result.snapshot.unknown)
    if unknown:
        names = ", ".join(map(format_scalar, unknown))
        yield "    # These have no rule: the check exits 2 until they have one, or are allowed, that is taken as free"
        yield f"    # allow: [{_format_comment(names)}]"
    open_symbols = symbols(*[figures[q] for figures in totals.values() for q in QUANTITIES if q in figures])
    if open_symbols or any(q not in figures for figures in totals.values() for q in QUANTITIES):
        bindings = ", ".join(f"{format_scalar(symbol)}: 128" for symbol in open_symbols or ("seq",))
        yield f"    # Bind its symbols, so that all of it can be held: dims: {{{_format_comment(bindings)}}}"
    yield "    limits:"
    yield from _format_limits(totals, slack)
    yield "      unknown_ops: 0"


def _format_limits(totals: Mapping[str, Mapping[str, Dim]], slack: Fraction) -> Iterator[str]:
    """The totals of the models of an entry → a limit at the largest of each that is a number for all."""
    for quantity in QUANTITIES:
        values = {name: value for name, figures in totals.items() if isinstance(value := figures.get(quantity), int)}
        if len(values) < len(totals):
            continue
        name = max(values, key=lambda one: values[one])
        limit = format_ceiling(values[name] * (1 + slack), quantity_kind(quantity) == "bytes")
        owner = f", {_format_comment(PurePosixPath(name).name)}" if len(totals) > 1 else ""
        yield f"      {quantity}: {limit}  # now {format_count(values[name])}{owner}"


def _format_comment(text: str) -> str:
    """Text of others inside a comment: one line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
