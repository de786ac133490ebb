"""Files and a command line -> what costcalc does with them in a forked process with limits of time and memory.

A fork begins with everything imported: a run takes some 20 ms instead of 200. The process that forks must have one
thread only, so a test starts a program of its own for it (tests/every_command.py, tests/fuzz/campaign.py).
"""

from __future__ import annotations

import faulthandler
import gc
import io
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from costcalc.cli import app
from costcalc.cli.group import MODULES

from .paths import ROOT

SECONDS = 10
"""Processor time that a run may take."""
MEMORY = 500_000_000
"""Bytes that a run may hold at once."""
ADDRESS_SPACE = 4 << 30
"""Above MEMORY, for a process reserves more than it uses: the peak itself is measured."""
WALL_SECONDS = 120.0
"""The end of a run that waits: other programs may share the processors, so that time alone says little."""
FILE_SIZE = 200_000_000
CRASHED = 99
"""The exit code of a run whose exception passed costcalc's own handler."""


@dataclass(frozen=True)
class Run:
    """A run: its files (name -> bytes), its arguments, its variables, its encoding, and what it reads from stdin."""

    files: Mapping[str, bytes]
    arguments: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    stdin: bytes = b""


@dataclass(frozen=True)
class Outcome:
    """What a run did: exit code (negative: the signal that ended it), what it wrote, seconds of processor and clock,
    the peak of resident bytes."""

    code: int
    stdout: bytes
    stderr: bytes
    seconds: float
    clock: float
    memory: int
    files: Mapping[str, bytes]


def warm_up() -> None:
    """Imports what every run needs, before the first fork."""
    for module in sorted(set(MODULES.values())):
        import_module(f"costcalc.cli.commands.{module}")
    for module in ("numpy", "onnx", "matplotlib.figure", "matplotlib.backends.backend_svg"):
        import_module(module)
    for form in ("table", "html", "svg"):  # the rest of the imports
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            app.run(
                ["report", "lenet5", "--hardware", "t4"]
                if form == "html"
                else ["plot", "lenet5", "--format", form.replace("table", "text")]
            )
    gc.disable()
    gc.freeze()


def execute(run: Run, whole: bool = False, seconds: int = SECONDS) -> Outcome:
    """A run -> its outcome, in a directory of its own. whole: by `python -m costcalc`, as a user starts it. A run that
    takes longer than `seconds` of processor time is ended, and the line where it was stands in stderr."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder, "d")
        directory.mkdir()
        for name, content in run.files.items():
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        Path(folder, "in").write_bytes(run.stdin)
        start = time.monotonic()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            multiprocessing.current_process().daemon = False  # in a pool's worker, too, the command may start processes
            _child(run, Path(folder), whole, seconds)
        status, usage = _wait(pid, start)
        wrote = {p.name: p.read_bytes() for p in sorted(directory.iterdir()) if p.is_file()}
        return Outcome(
            os.waitstatus_to_exitcode(status),
            Path(folder, "out").read_bytes(),
            Path(folder, "err").read_bytes(),
            usage.ru_utime + usage.ru_stime,
            time.monotonic() - start,
            usage.ru_maxrss * 1024,
            {name: content for name, content in wrote.items() if content != run.files.get(name)},
        )


def _wait(pid: int, start: float) -> tuple[int, resource.struct_rusage]:
    """The status and the usage of a child; its group is killed when the clock runs out."""
    pause = 0.001
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return status, usage
        if time.monotonic() - start > WALL_SECONDS:
            os.killpg(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
            return status, usage
        time.sleep(pause)
        pause = min(pause * 1.3, 0.05)


def _child(run: Run, folder: Path, whole: bool, seconds: int) -> None:
    """Becomes the run; never returns."""
    code = CRASHED
    try:
        os.setsid()
        os.chdir(folder / "d")
        for number, name, mode in ((0, "in", os.O_RDONLY), (1, "out", os.O_WRONLY), (2, "err", os.O_WRONLY)):
            opened = os.open(folder / name, mode | os.O_CREAT, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        for limit, value in (
            (resource.RLIMIT_AS, ADDRESS_SPACE),
            (resource.RLIMIT_FSIZE, FILE_SIZE),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(limit, (value, value))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds + 1, seconds + 4))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        if whole:
            variables = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": run.encoding, **run.variables}
            os.execve(sys.executable, [sys.executable, "-m", "costcalc", *run.arguments], variables)
        os.environ.update(run.variables)
        sys.stdin = io.TextIOWrapper(open(0, "rb", closefd=False), "utf-8")  # noqa: SIM115
        sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), run.encoding)  # noqa: SIM115
        stderr = open(2, "wb", closefd=False)  # noqa: SIM115
        sys.stderr = io.TextIOWrapper(stderr, run.encoding, "backslashreplace", line_buffering=True)
        faulthandler.register(signal.SIGXCPU, sys.stderr, all_threads=False, chain=True)
        code = app.run(run.arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        import traceback

        os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))
    finally:
        os._exit(code)


def run_process(arguments: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """A program of the tests -> what it printed, in a process of its own with one thread."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=variables, check=False)
