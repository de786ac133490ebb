"""Runs the fuzzer for a number of runs or minutes; each kind of defect is shrunk and kept as files once.

    python -m fuzz.campaign --runs 300 --seed 1
    python -m fuzz.campaign --minutes 60 --jobs 2 --output defects/ [--models FOLDER] [--kinds yaml,config]
    python -m fuzz.campaign --replay SEED

Prints each defect with its seed, and counts at the end; exit 1 where there is one. A kind of defect is what it is and
where in costcalc it happened.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import pickle
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from support.defects import find_defect
from support.sandbox import ADDRESS_SPACE, Run, execute, warm_up

from .cases import KINDS, corpus, make_run
from .shrink import shrink


class Found(NamedTuple):
    """What a seed showed: its defect or "", the exit code, seconds of processor time, peak bytes, the command."""

    seed: int
    defect: str
    code: int
    seconds: float
    memory: int
    command: str


NO_RUN = -999
"""In the place of an exit code: the seed gives no run."""
MODELS: list[bytes] = []
CHOSEN: list[str] = list(KINDS)


MAKE_SECONDS = 10
"""Processor time in which a run is made: of the child alone, which begins at 0."""


def judge(run: Run) -> str:
    return find_defect(run, execute(run))


def make_run_apart(seed: int) -> Run | None:
    """A seed -> its run, made in a process of its own; None where that dies, or takes more than MAKE_SECONDS of
    processor time: ONNX's inference, which generated graphs are tried with, crashes at some of them, and never ends at
    others."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (MAKE_SECONDS, MAKE_SECONDS))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            with os.fdopen(writer, "wb") as pipe:
                pickle.dump(make_run(seed, MODELS, CHOSEN), pipe)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        content = pipe.read()
    os.waitpid(pid, 0)
    return pickle.loads(content) if content else None


def try_seed(seed: int) -> Found:
    run = make_run_apart(seed)
    if run is None:
        return Found(seed, "", NO_RUN, 0.0, 0, "")
    outcome = execute(run)
    return Found(seed, find_defect(run, outcome), outcome.code, outcome.seconds, outcome.memory, run.arguments[0])


def keep(run: Run, defect: str, seed: int, output: Path) -> Path:
    """Writes the files of a run, its command line and its seed to a folder of its own."""
    folder = output / hashlib.sha256(defect.encode()).hexdigest()[:10]
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in run.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    record = {"defect": defect, "seed": seed, "arguments": list(run.arguments), "variables": dict(run.variables)}
    (folder / "case.json").write_text(json.dumps({**record, "encoding": run.encoding}, indent=1), encoding="utf-8")
    return folder


def seeds(first: int, count: int, minutes: float) -> Iterator[int]:
    """Seeds one after another, until so many or so many minutes."""
    end = time.monotonic() + 60 * minutes
    seed = first
    while seed < first + count if count else time.monotonic() < end:
        yield seed
        seed += 1


def paced(pool: Any, source: Iterator[int], jobs: int) -> Iterator[Found]:
    """What each seed shows, a few seeds at a time: a pool by itself would take all of them at once."""
    while batch := list(islice(source, 25 * jobs)):
        yield from pool.imap_unordered(try_seed, batch)


def main() -> int:
    arguments = _parse()
    more = (
        sorted(str(p) for p in Path(arguments.models).glob("*.onnx") if p.stat().st_size < 60_000)
        if arguments.models
        else []
    )
    MODELS[:] = corpus(more)
    CHOSEN[:] = arguments.kinds.split(",")
    warm_up()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))  # for the generator: inference allocates
    if arguments.replay is not None:
        run = make_run(arguments.replay, MODELS, CHOSEN)
        print(" ".join(run.arguments), judge(run), keep(run, "replay", arguments.replay, arguments.output), sep="\n")
        return 0
    kinds: Counter[str] = Counter()
    codes: Counter[int] = Counter()
    slowest: list[Found] = []
    with multiprocessing.get_context("fork").Pool(arguments.jobs) as pool:
        source = seeds(arguments.seed, arguments.runs, arguments.minutes)
        for found in paced(pool, source, arguments.jobs):
            codes[found.code] += 1
            slowest = sorted([*slowest, found], key=lambda f: -f.seconds)[:5]
            if not found.defect:
                continue
            kinds[found.defect] += 1
            if kinds[found.defect] == 1:
                _report(found, arguments.output, 0.0 if arguments.keep else 60.0)
    print(f"{codes.total()} runs, exit codes {dict(sorted(codes.items()))}, {len(kinds)} kinds of defects")
    for defect, count in kinds.most_common():
        print(f"{count:6d}  {defect}")
    for found in slowest:
        print(f"{found.seconds:5.1f} s  {found.memory / 1e6:4.0f} MB  seed {found.seed}  {found.command}")
    return int(bool(kinds))


def _report(found: Found, output: Path, seconds: float) -> None:
    run = make_run(found.seed, MODELS, CHOSEN)
    if seconds:
        run = shrink(run, lambda candidate: judge(candidate) == found.defect, seconds)
    folder = keep(run, found.defect, found.seed, output)
    size = sum(len(content) for content in run.files.values())
    line = " ".join(word if len(word) < 200 else f"{word[:20]}…({len(word)})" for word in run.arguments)
    print(f"seed {found.seed}: {found.defect}\n    costcalc {line!r}   {folder} ({size} bytes)", flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--models", default="", help="a folder of further models to mutate")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--output", type=Path, default=Path("fuzz-defects"))
    parser.add_argument("--replay", type=int, default=None, help="makes and judges the case of one seed")
    parser.add_argument("--keep", action="store_true", help="keep cases as they are, without shrinking")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = int.from_bytes(os.urandom(4), "big")
        print(f"--seed {arguments.seed}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
