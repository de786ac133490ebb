"""Numbers of combinations -> their rows, in a process that works for another one, perhaps on another machine.

A worker is given the recipe as bytes, with every chunk where it is small (MAX_INLINE_BYTES), else once, and holds it
by its key. Before it computes it makes sure that its rows are those of the sender: the same versions of costcalc,
Python and the plugins, the same files, and for one combination the same row. What goes wrong here is a part of the
answer, so that an exception that comes out of an executor is always one of the executor.
"""

from __future__ import annotations

import os
import pickle
import platform
import socket
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any, NamedTuple

from costcalc.analysis.hardware.catalogue import described_devices, find_profile, is_profile_path
from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.core.entry_points import find_entry_points
from costcalc.core.errors import CostcalcError, UsageError, crash_message
from costcalc.core.version import __version__
from costcalc.frontends.source import Source
from costcalc.frontends.table import GROUP as FRONTENDS_GROUP
from costcalc.frontends.table import YAML
from costcalc.ops.plugins import GROUP as RULES_GROUP
from costcalc.ops.plugins import RULE_FILES, load_rules
from costcalc.studies.sweep import point
from costcalc.studies.sweep.axes import describe_point
from costcalc.studies.sweep.batches import compute_batches, limit_collections
from costcalc.studies.sweep.columns import Row, SweepColumns
from costcalc.studies.sweep.point import SweepRecipe


class FileState(NamedTuple):
    """A file that rows depend on, as the sender has it: its absolute path, its size, and a hash of its two ends.
    A directory has the size -1 and no hash."""

    path: str
    size: int
    digest: str


class WorkerRecipe(NamedTuple):
    """What a worker computes rows with: the recipe, the files that it reads, those of the rules, the devices that are
    described by files, by the names that the recipe has for them, and the row of one combination, by its number."""

    recipe: SweepRecipe
    files: tuple[FileState, ...] = ()
    rules: tuple[FileState, ...] = ()
    profiles: tuple[tuple[str, HardwareProfile], ...] = ()
    number: int = 0
    row: Row = ()


class ChunkResult(NamedTuple):
    """The rows of a chunk and the seconds that they took; or error, why there are none; or is_unknown, where the worker
    does not hold the recipe."""

    rows: list[Row]
    seconds: float = 0.0
    error: CostcalcError | None = None
    is_unknown: bool = False


MAX_RECIPES = 4
"""Recipes that a worker holds: several sweeps may share a cluster."""

_recipes: OrderedDict[str, WorkerRecipe] = OrderedDict()

_rules: list[FileState] = []
"""The rule files that this process has run for others."""

_lock = Lock()
"""One computation at a time in a process: Python code does not run faster in several threads, and the settings of the
garbage collector are the process's."""


def compute_chunk(
    environment: Mapping[str, str] | None, key: str, payload: bytes | None, numbers: Sequence[int]
) -> ChunkResult:
    """The rows of the combinations of these numbers, by the recipe of a key; payload is the pickled WorkerRecipe, None
    where the worker should hold it. environment is the sender's `describe_environment()`, None of a process that is a
    part of it."""
    with _lock:
        try:
            if environment is not None:
                compare_environments(environment, describe_environment(), worker_name())
            if key not in _recipes and payload is None:
                return ChunkResult([], is_unknown=True)
            held = _recipes.get(key) or _open_recipe(payload or b"")
            hold_recipe(key, held)
            start = perf_counter()
            with limit_collections(), described_devices(dict(held.profiles)):
                rows = compute_batches(held.recipe, numbers)
            return ChunkResult(rows, perf_counter() - start)
        except CostcalcError as error:
            return ChunkResult([], error=error.without_origin())
        except Exception as error:
            text = crash_message(error).removeprefix("costcalc: ")
            return ChunkResult([], error=CostcalcError(f"{worker_name()}: {text}"))


def worker_name() -> str:
    """The process by its machine and number: `node7, process 4711`."""
    return f"{socket.gethostname()}, process {os.getpid()}"


@lru_cache(maxsize=1)
def describe_environment() -> dict[str, str]:
    """What decides about figures beside the recipe: name -> version of costcalc, Python (without its last number) and
    the installed packages that bring rules or front ends."""
    entries = [entry for group in (RULES_GROUP, FRONTENDS_GROUP) for entry in find_entry_points(group)]
    packages = {entry.dist for entry in entries if entry.dist is not None}
    plugins = {package.name: package.version for package in sorted(packages, key=lambda package: package.name)}
    return {"costcalc": __version__, "Python": ".".join(platform.python_version_tuple()[:2]), **plugins}


def compare_environments(sender: Mapping[str, str], worker: Mapping[str, str], place: str) -> None:
    """UsageError where a version of the worker at a place is not the sender's."""
    for name in dict.fromkeys((*sender, *worker)):
        here, there = sender.get(name), worker.get(name)
        if here != there:
            text = f"has {name} {there}" if there else f"does not have {name}"
            fact = f"a worker ({place}) {text}, and the sweep was started {_with_version(name, here)}"
            remedy = "start the workers with the same versions" + (f": pip install {name}=={here}" if here else "")
            if name == "Python":
                remedy = f"start the workers, and the scheduler, with Python {here}"
            raise UsageError(fact, remedy)


def _with_version(name: str, version: str | None) -> str:
    return f"with {version}" if version else f"without {name}"


def pack_recipe(recipe: SweepRecipe, number: int) -> bytes:
    """A recipe, and the number of a combination by which workers compare -> the pickled WorkerRecipe. UsageError where
    the model is an object that cannot be sent."""
    row = point.compute_row(recipe, recipe.space.grid.point(number))
    source, files = _portable_source(recipe.source)
    rules = tuple([file_state(Path(path).absolute()) for path in RULE_FILES])
    names = (*recipe.settings.devices, *[ref.device for ref in recipe.quantities if ref.device])
    profiles = tuple([(name, find_profile(name)) for name in dict.fromkeys(names) if is_profile_path(name)])
    packed = WorkerRecipe(recipe._replace(source=source), files, rules, profiles, number, row)
    try:
        return pickle.dumps(packed, protocol=4)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise UsageError(f"the model cannot be sent to workers: {error}", "save it to a file, and name that") from error


MAX_SENT_BYTES = 1 << 20
"""Bytes of a YAML model that is sent with its recipe; what is larger, and every other format, is read by its path."""


def _portable_source(source: Any) -> tuple[Any, tuple[FileState, ...]]:
    """A model -> the same for any working directory, and the files that it reads. The text of a YAML model goes with
    it, for it is small and reads no other file; other files are named by their absolute paths."""
    if not isinstance(source, Source) or source.path is None or source.object is not None:
        return source, ()
    if source.kind in YAML.suffixes and not source.is_directory and source.size <= MAX_SENT_BYTES:
        return replace(source, data=source.content(), path=None), ()
    path = source.path.absolute()
    return replace(source, path=path), (file_state(path),)


END_BYTES = 1 << 20
"""Bytes of a file's beginning and of its end that are compared: a model of many gigabytes is not read whole."""


def file_state(path: Path) -> FileState:
    """An absolute path -> the state of its file. LoadError where it cannot be read."""
    if path.is_dir():
        return FileState(str(path), -1, "")
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        digest = sha256(stream.read(END_BYTES))
        stream.seek(max(END_BYTES, size - END_BYTES))
        digest.update(stream.read())
    return FileState(str(path), size, digest.hexdigest())


def hold_recipe(key: str, held: WorkerRecipe) -> None:
    """Keeps a recipe as the last used one of MAX_RECIPES."""
    _recipes[key] = held
    _recipes.move_to_end(key)
    while len(_recipes) > MAX_RECIPES:
        _recipes.popitem(last=False)


def _open_recipe(payload: bytes) -> WorkerRecipe:
    """Unpickles a recipe and makes sure that it gives the sender's rows here. UsageError where it does not."""
    held: WorkerRecipe = pickle.loads(payload)
    for state in (*held.files, *held.rules):
        _check_file(state)
    _load_rules(held.rules)
    recipe = held.recipe
    values = recipe.space.grid.point(held.number)
    with described_devices(dict(held.profiles)):
        row = point.compute_row(recipe, values)
    difference = _first_difference(recipe.columns, held.row, row)
    if difference:
        place = describe_point(recipe.space.grid.axes, values)
        remedy = "install the same packages where the workers run, and restart the workers"
        raise UsageError(f"a worker ({worker_name()}) gives other figures for {place}: {difference}", remedy)
    return held


def _check_file(state: FileState) -> None:
    path = Path(state.path)
    try:
        found = file_state(path)
    except OSError as error:
        fact = f"a worker ({worker_name()}) cannot read {path}: {error.strerror}"
        raise UsageError(fact, "put the file where every worker has it at this path") from error
    if found != state:
        fact = f"a worker ({worker_name()}) has another file {path}: {found.size:,} bytes instead of {state.size:,}"
        if found.size == state.size:
            fact = f"a worker ({worker_name()}) has another file {path}, of the same size"
        raise UsageError(fact, "give every worker the same file")


def _load_rules(rules: Sequence[FileState]) -> None:
    """Runs the rule files of a sweep. UsageError where this process has run others: rules stay until it ends."""
    paths = [state.path for state in rules]
    held = [str(Path(path).absolute()) for path in RULE_FILES]
    is_changed = any(state not in rules for state in _rules)
    if held != paths[: len(held)] or is_changed:
        fact = f"a worker ({worker_name()}) has run other rule files for an earlier sweep: {', '.join(held)}"
        raise UsageError(fact, "restart the workers: client.restart() in Dask")
    for state in rules[len(held) :]:
        load_rules(state.path)
        _rules.append(state)


def _first_difference(columns: SweepColumns, expected: Row, row: Row) -> str:
    """Two rows of a combination -> the first figure that differs, in words; "" where none does. Messages of errors may
    name files by other paths."""
    for position in range(len(columns.axes), len(columns.names)):
        if columns.quantity(position) is not None and expected[position] != row[position]:
            reason = f" ({row[-1]})" if row[-1] else ""
            return f"{columns.names[position]} is {row[position]} instead of {expected[position]}{reason}"
    return ""
