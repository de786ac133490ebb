"""Mutates real models and analyses what comes out: a report or a refusal, in bounded time and memory.

    python fuzz.py SECONDS SEED FILE...

prints how many were analysed and refused; a case that crashes or takes too long is kept beside and named, exit 1.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from costcalc.analysis.report import analyze_graph
from costcalc.core.errors import CostcalcError
from costcalc.frontends.onnx.reader import load_onnx

MEMORY = 1 << 30
"""Bytes of address space that a run may take in addition to what it starts with."""
SLOWEST = 10.0
"""Seconds that one case may take; most take milliseconds."""

Mutation = Callable[[random.Random, bytearray, bytes], None]


def flip(r: random.Random, data: bytearray, other: bytes) -> None:
    for _ in range(r.choice((1, 1, 2, 5, 20))):
        data[r.randrange(len(data))] = r.randrange(256)


def near(r: random.Random, data: bytearray, other: bytes) -> None:
    """A byte a little larger or smaller: another field, another length, another extent."""
    at = r.randrange(len(data))
    data[at] = (data[at] + r.choice((-8, -1, 1, 8))) % 256


def cut(r: random.Random, data: bytearray, other: bytes) -> None:
    del data[r.randrange(len(data)) :]


def drop(r: random.Random, data: bytearray, other: bytes) -> None:
    at = r.randrange(len(data))
    del data[at : at + r.choice((1, 2, 8, 100))]


def repeat(r: random.Random, data: bytearray, other: bytes) -> None:
    at = r.randrange(len(data))
    data[at:at] = data[at : at + r.choice((1, 4, 50, 400))]


def splice(r: random.Random, data: bytearray, other: bytes) -> None:
    at, n = r.randrange(len(other)), r.choice((1, 10, 200))
    where = r.randrange(len(data))
    data[where : where + r.choice((0, n))] = other[at : at + n]


def huge(r: random.Random, data: bytearray, other: bytes) -> None:
    """A long varint: an enormous extent, length or number."""
    at = r.randrange(len(data))
    data[at : at + 1] = b"\xff" * r.choice((1, 4, 8, 9, 20)) + bytes([r.randrange(128)])


MUTATIONS: tuple[Mutation, ...] = (flip, near, near, near, cut, drop, repeat, splice, huge)


def analyse(data: bytes) -> bool:
    """Whether there is a report; False where the file is refused."""
    try:
        analyze_graph(load_onnx(data)).to_dict()
    except CostcalcError:
        return False
    return True


def main(seconds: float, seed: int, files: Sequence[str]) -> int:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    r = random.Random(seed)
    models = [Path(name).read_bytes() for name in files]
    end = time.monotonic() + seconds
    counts = {True: 0, False: 0}
    bad = 0
    while time.monotonic() < end and bad < 10:
        data = bytearray(r.choice(models))
        for _ in range(r.choice((1, 1, 1, 2, 4))):
            if data:
                r.choice(MUTATIONS)(r, data, r.choice(models))
        start, failure = time.monotonic(), ""
        try:
            counts[analyse(bytes(data))] += 1
        except BaseException:
            failure = traceback.format_exc()
        if time.monotonic() - start > SLOWEST:
            failure += f"it takes {time.monotonic() - start:.1f} s"
        if failure:
            bad += 1
            path = Path(tempfile.mkstemp(suffix=".onnx")[1])
            path.write_bytes(data)
            print(f"{path}:\n{failure[-1500:]}")
    print(f"{counts[True]} analysed, {counts[False]} refused, {bad} bad")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
