"""Runs whole processes, several times in turn, and tells their wall time and peak memory."""

from __future__ import annotations

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
print(time.perf_counter() - start, usage.ru_maxrss, os.waitstatus_to_exitcode(status), file=sys.stderr)
"""
"""A small process between this one and the measured one: Linux counts to a process's largest resident set that of the
one that it was forked from, and this one has built models."""


def run_once(command: Sequence[str], timeout: float = 300) -> Measured:
    """One run, its output thrown away."""
    spawn = [sys.executable, "-S", "-c", SPAWN, *command]
    done = subprocess.run(
        spawn, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=timeout, text=True
    )
    *said, last = done.stderr.strip().splitlines()
    seconds, kilobytes, code = last.split()
    failed = f"exit {code}: {''.join(said[-1:])}" if int(code) else ""
    return Measured(float(seconds), int(kilobytes) * 1024, failed)


def measure(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, Measured]:
    """All commands `runs` times, taking turns so that a slow minute hits all alike; a first round warms the caches."""
    found: dict[str, list[Measured]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            have = found[name]
            if have and have[0].error:
                continue
            measured = run_once(command)
            if turn or measured.error:
                have.append(measured)
    return {
        name: Measured(statistics.median(m.seconds for m in all_), max(m.peak_bytes for m in all_), all_[0].error)
        for name, all_ in found.items()
    }
