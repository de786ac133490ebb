"""A command line with --watch -> the command again whenever a file that it read is saved, until Ctrl-C.

Each run is a process of its own: rules and modules are imported anew, and what breaks in one ends no watch. It tells
which files it opened and which folders it listed (`record_inputs`), as they were then, so that a change during the run
counts too. They are polled: that finds changes on network drives and in containers, which tell of none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from costcalc.cli.output import INPUTS_VARIABLE, PIPE_CLOSED, print_error
from costcalc.core.errors import UsageError

INTERVAL = 0.25
"""Seconds between two looks at the files, unless a look takes more than a twentieth of them."""

INTERRUPTED = 130

TEMPORARY_ENDINGS = ("~", ".swp", ".swx", ".tmp", ".part")
"""Names that editors and downloads use while they write; a name that begins with a dot or `#` is one too."""

FileState = Any
"""A file's (modification time in ns, bytes), the sorted names in a folder, None where there is neither."""

Inputs = dict[str, FileState]
"""Absolute path -> its state when it was read."""


def watch(args: Sequence[str]) -> int:
    """The arguments of this Python process -> the exit code of the last run that was not interrupted. UsageError for
    what cannot be run again."""
    facts = {option: f"{option} writes a config once" for option in ("--init", "--add-ignores")}
    for option, fact in {"-": "standard input can be read once", **facts}.items():
        if option in args and (option != "-" or args[list(args).index(option) - 1] not in ("-o", "--output")):
            raise UsageError(fact, "leave --watch out")
    command = [sys.executable, *(arg for arg in args if arg != "--watch")]
    code, inputs = INTERRUPTED, Inputs()
    try:
        while True:
            code, new_inputs = _run_once(command)
            inputs = new_inputs if code in (0, 1) else {**inputs, **new_inputs}  # what broke may have read too little
            if code in (0, 1) and not inputs:
                print_error("costcalc: it reads no file, so there is nothing to watch")
            if not inputs or code == PIPE_CLOSED:
                return code
            print_error(f"costcalc: exit code {code}; watching {_describe_inputs(inputs)}; Ctrl-C ends")
            changed = _wait_for_change(inputs)
            if sys.stdout is not None and sys.stdout.isatty():
                click.clear()
            print_error(f"costcalc: {time.strftime('%H:%M:%S')} {_describe_change(inputs, changed)}")
    except KeyboardInterrupt:
        return code


def _run_once(command: Sequence[str]) -> tuple[int, Inputs]:
    """Runs a command to its end -> its exit code, and what it read."""
    with tempfile.TemporaryDirectory(prefix="costcalc-watch-") as folder:
        file = Path(folder, "inputs")
        with subprocess.Popen(command, env={**os.environ, INPUTS_VARIABLE: str(file)}) as process:
            try:
                code = process.wait()
            except KeyboardInterrupt:
                process.terminate()
                raise
        if code in (INTERRUPTED, -2):
            raise KeyboardInterrupt
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return code, _merge_inputs([json.loads(line) for line in lines])


def _merge_inputs(records: Iterable[tuple[str, str, Any]]) -> Inputs:
    """What a run read, in its order -> the state of each input when it was read first; what it wrote is none, nor is it
    one of the names in a folder. The folders of the files are inputs: a lock file may come to be there."""
    inputs, written = Inputs(), set[str]()
    for kind, path, state in records:
        if kind == "write":
            written.add(path)
        elif path not in written:
            inputs.setdefault(path, state if state is None else tuple(state))
    inputs = {path: state for path, state in inputs.items() if path not in written}
    for folder in {str(Path(path).parent) for path in inputs}:
        inputs.setdefault(folder, input_state(folder))
    names = {str(Path(path).parent): Path(path).name for path in written}
    return {
        path: tuple(sorted({*state, names[path]})) if path in names and _is_folder(state) else state
        for path, state in inputs.items()
    }


def input_state(path: str) -> FileState:
    """A path -> its state now. A file that cannot be looked at is taken as one that is not there."""
    try:
        status = os.stat(path)  # noqa: PTH116
        if os.path.isdir(path):  # noqa: PTH112
            return tuple(sorted(filter(_is_lasting, os.listdir(path))))  # noqa: PTH208
        return status.st_mtime_ns, status.st_size
    except (OSError, ValueError):  # a name with a zero byte, which its reader refuses
        return None


PASSING_NAMES = ("4913", "__pycache__")
"""What Vim writes to see whether it may, and Python's cache."""


def _is_lasting(name: str) -> bool:
    return not name.startswith((".", "#")) and not name.endswith(TEMPORARY_ENDINGS) and name not in PASSING_NAMES


def _wait_for_change(inputs: Inputs) -> Inputs:
    """Inputs -> those that differ, as they are now, once that stays so for an interval: an editor may write in several
    steps."""
    before: Inputs = {}
    while True:
        start = time.monotonic()
        now = {path: state for path, old in inputs.items() if (state := input_state(path)) != old}
        if now and now == before:
            return now
        before = now
        time.sleep(max(INTERVAL, 20 * (time.monotonic() - start)))


def _describe_inputs(inputs: Inputs) -> str:
    """Inputs -> `costcalc.yaml, net.yaml`, of many their number."""
    files = sorted({os.path.relpath(path) for path, state in inputs.items() if not _is_folder(state)})
    return ", ".join(files) if len(files) < 5 else f"{len(files):,} files"


def _is_folder(state: FileState) -> bool:
    return state is not None and (not state or isinstance(state[0], str))


def _describe_change(inputs: Inputs, changed: Inputs) -> str:
    """Inputs and those that differ -> `net.yaml changed`, `models/new.onnx and 2 more changed`."""
    paths = {os.path.relpath(path) for path, state in changed.items() if not _is_folder(state)}
    for folder, names in changed.items():
        if _is_folder(names):
            paths |= {os.path.relpath(Path(folder, name)) for name in {*names} ^ {*(inputs[folder] or ())}}
    first, *others = sorted(paths)
    return f"{first} and {len(others):,} more changed" if others else f"{first} changed"


def record_inputs(file: str) -> None:
    """Lets this process write to a file what it opens and lists from now on, one JSON list a line: `read`, `list` or
    `write`, the absolute path, and the state before. Files of Python's installation and of costcalc are left out."""
    import sysconfig

    from costcalc.frontends.builtin import specs_folder

    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    except OSError as error:
        raise UsageError(f"{INPUTS_VARIABLE} names {file}: {error.strerror}", f"unset {INPUTS_VARIABLE}") from error
    places = {os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    archives = [path for path in sys.path if path.endswith(".zip")]
    excluded = (
        *places,
        *archives,
        str(Path(__file__).resolve().parents[1]),
        str(specs_folder()),
        file,
        os.devnull,
        "/proc/",
        "/sys/",
        "/dev/",
    )
    is_recording = False

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal is_recording
        if event not in ("open", "os.listdir", "os.scandir") or is_recording:
            return
        path = args[0] if event == "open" or args[0] is not None else "."
        if not isinstance(path, (str, bytes, os.PathLike)):  # a descriptor that is open already
            return
        is_recording = True
        try:
            if event == "open" or path not in sys.path:  # which imports list
                _record(descriptor, os.fsdecode(path), "list" if event != "open" else _access(args), excluded)
        finally:
            is_recording = False

    sys.addaudithook(hook)


def _access(args: tuple[Any, ...]) -> str:
    flags = args[2] if isinstance(args[2], int) else 0
    return "write" if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else "read"


def _record(descriptor: int, path: str, kind: str, excluded: tuple[str, ...]) -> None:
    path = os.path.abspath(path)  # noqa: PTH100  # links stay, for they may be changed too
    folder, name = os.path.split(path)
    if name == "__pycache__":
        return
    if os.path.basename(folder) == "__pycache__":  # noqa: PTH119
        if kind == "write":  # Python's own cache, under a name for a moment
            return
        path = os.path.join(os.path.dirname(folder), f"{name.partition('.')[0]}.py")  # noqa: PTH118, PTH120
    if not os.path.realpath(path).startswith(excluded):
        line = json.dumps([kind, path, None if kind == "write" else input_state(path)])
        os.write(descriptor, f"{line}\n".encode())
