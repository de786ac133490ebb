"""Runs whole processes, several times in turn, and tells their wall time, CPU time and peak memory."""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""An installed package has its bytecode: where writing it is switched off, a checkout would compile at every start."""


@dataclass(frozen=True)
class Run:
    """One run of a process: seconds of wall time, seconds of user and system time, the largest resident set in bytes,
    the SHA-256 of its standard output; error of a run that failed."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str
    error: str = ""


@dataclass(frozen=True)
class Measured:
    """Medians of several runs: seconds of wall time, the largest resident set in bytes; error of a run that failed."""

    seconds: float
    peak_bytes: int
    error: str = ""


def python(code: str) -> list[str]:
    """The command that runs a line of Python."""
    return [sys.executable, "-c", code]


def costcalc(*arguments: str) -> list[str]:
    """The installed console script."""
    return [str(Path(sys.executable).parent / "costcalc"), *arguments]


SPAWN = """
import os, sys, time
start = time.perf_counter()
child = os.fork()
if not child:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - start
cpu = usage.ru_utime + usage.ru_stime
print(seconds, cpu, usage.ru_maxrss, os.waitstatus_to_exitcode(status), file=sys.stderr)
"""
"""A small process between this one and the measured one: Linux counts to a process's largest resident set that of the
one that it was forked from, and this one has built models."""


def run_process(
    command: Sequence[str], variables: Mapping[str, str] | None = None, folder: Path | None = None, timeout: float = 300
) -> Run:
    """A command, environment variables beside this process's own and a current directory → one run of it."""
    spawn = [sys.executable, "-S", "-c", SPAWN, *command]
    environment = {**ENVIRONMENT, **(variables or {})}
    done = subprocess.run(spawn, capture_output=True, env=environment, cwd=folder, timeout=timeout)
    *complaints, last = done.stderr.decode(errors="replace").strip().splitlines()
    seconds, cpu, kilobytes, code = last.split()
    error = f"{' '.join(command)}: exit {code}: {''.join(complaints[-1:])}" if int(code) else ""
    digest = hashlib.sha256(done.stdout).hexdigest()
    return Run(float(seconds), float(cpu), int(kilobytes) * 1024, digest, error)


def measure(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, Measured]:
    """All commands `runs` times, taking turns so that a slow minute hits all alike; a first round warms the caches."""
    records: dict[str, list[Run]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            record = records[name]
            if record and record[0].error:
                continue
            run = run_process(command)
            if turn or run.error:
                record.append(run)
    return {
        name: Measured(statistics.median(r.seconds for r in runs_), max(r.peak_bytes for r in runs_), runs_[0].error)
        for name, runs_ in records.items()
    }
