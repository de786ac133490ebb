"""Networks of micro_networks.py -> tests/data/tflm/*.tflite and figures.json: what the interpreter of the tflite-micro
package has allocated for each, and the smallest arena that it takes.

    python tests/tflite_models/make_micro.py [NETWORK ...]

Needs tflite-micro, ai-edge-litert and flatbuffers.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from builder import ModelBuilder
from micro_networks import MICRO_NETWORKS

OUTPUT = Path(__file__).parents[1] / "data" / "tflm"

RUN = """
import sys
from tflite_micro import runtime
runtime.Interpreter.from_file(sys.argv[1], arena_size=int(sys.argv[2])).print_allocations()
"""


def allocate(path: Path, arena: int) -> dict[str, int] | None:
    """A file and the bytes of an arena -> head, tail and total; None where the interpreter refuses it, which ends the
    process."""
    result = subprocess.run([sys.executable, "-c", RUN, str(path), str(arena)], capture_output=True, text=True)
    if result.returncode:
        if arena > 1 << 20:
            print(path.name, result.stderr[-400:])
        return None
    return {m[1]: int(m[2]) for m in re.finditer(r"allocation (\w+) (\d+) bytes", result.stdout + result.stderr)}


def smallest_arena(path: Path, low: int) -> int:
    """The bytes of the smallest arena, a multiple of 16, that a file is allocated in; low is at least what it uses."""
    low, high = -(-low // 16) * 16, 2 * low + 16384
    while low < high:
        middle = (low + high) // 32 * 16
        if allocate(path, middle) is None:
            low = middle + 16
        else:
            high = middle
    return low


def main() -> None:
    """Writes all files."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    record = OUTPUT / "figures.json"
    figures = json.loads(record.read_text(encoding="utf-8")) if sys.argv[1:] else {}
    names = sys.argv[1:] or list(MICRO_NETWORKS)
    for name in names:
        builder = ModelBuilder()
        MICRO_NETWORKS[name](builder)
        path = OUTPUT / f"{name}.tflite"
        path.write_bytes(builder.content())
        found = allocate(path, 1 << 22)
        if found is not None:
            figures[name] = {**found, "smallest": smallest_arena(path, found["total"])}
        print(name, path.stat().st_size, figures.get(name))
    record.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
