"""Two checkouts of costcalc → the ratios NEW / BASE of CPU and wall time, medians of whole processes that take turns.

Usage: python bench/compare.py BASE NEW [--runs 9] [--only WORD] [--models FILE …] [--chain NODES]

BASE and NEW are directories that hold the package `costcalc`. Both are run as `python -m costcalc` by the interpreter
that runs this script, with PYTHONPATH set to the checkout and an empty directory as the current one, so that only the
code differs. CPU time is user + system time of the process and its children. Each round runs every command once in
each checkout, and the order of the two alternates, so that a slow minute of the machine hits both; a first round fills
the caches of bytecode and is not counted. The outputs of both are compared too: a difference is named below the table.
Exit 1 where a command fails.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models import onnx_chain, yaml_chain
from process import Run, run_process

SWEEP = ("sweep", "mobilenet_v2", "--set", "alpha=0.25:1.4:0.05", "--set", "resolution=96:224:16", "--jobs", "1")
"""216 configurations, each a model built anew."""


@dataclass(frozen=True)
class Pair:
    """The runs of one command: first those of BASE, then those of NEW."""

    base: tuple[Run, ...]
    new: tuple[Run, ...]


def benchmark_commands(folder: Path, models: Sequence[Path], nodes: int) -> dict[str, tuple[str, ...]]:
    """The commands that are compared: name → arguments of costcalc. Writes the chains to the folder."""
    chain = onnx_chain(folder / "chain.onnx", nodes)
    layers = yaml_chain(folder / "chain.yaml", nodes // 10)
    return {
        "--version": ("--version",),
        "--help": ("--help",),
        "analyze --help": ("analyze", "--help"),
        "analyze lenet5": ("analyze", "lenet5"),
        "analyze resnet152": ("analyze", "resnet152"),
        **{f"analyze {model.name}": ("analyze", str(model.resolve())) for model in models},
        "compare mobilenet vgg16": ("compare", "mobilenet", "vgg16"),
        f"ONNX chain, {nodes:,} nodes": ("analyze", str(chain)),
        f"YAML chain, {nodes // 10:,} layers": ("analyze", str(layers)),
        "sweep mobilenet_v2": SWEEP,
    }


def run_pairs(commands: Mapping[str, Sequence[str]], base: Path, new: Path, folder: Path, runs: int) -> dict[str, Pair]:
    """Commands → their runs in both checkouts, `runs` of each."""
    records: dict[str, tuple[list[Run], list[Run]]] = {name: ([], []) for name in commands}
    for turn in range(runs + 1):
        for name, arguments in commands.items():
            for side in (0, 1) if turn % 2 else (1, 0):
                environment = {"PYTHONPATH": str((base, new)[side].resolve())}
                run = run_process([sys.executable, "-m", "costcalc", *arguments], environment, folder)
                if turn:
                    records[name][side].append(run)
    return {name: Pair(tuple(first), tuple(second)) for name, (first, second) in records.items()}


def print_ratios(pairs: Mapping[str, Pair]) -> bool:
    """Prints a line for each command; returns whether every run ended with exit code 0."""
    print(
        f"{'command':44} {'CPU base':>9} {'new':>9} {'ratio':>6} {'wall base':>9} {'new':>9} {'ratio':>6} {'peak':>6}"
    )
    for name, pair in pairs.items():
        cpu = [statistics.median(run.cpu_seconds for run in side) * 1000 for side in (pair.base, pair.new)]
        wall = [statistics.median(run.seconds for run in side) * 1000 for side in (pair.base, pair.new)]
        peak = [statistics.median(run.peak_bytes for run in side) for side in (pair.base, pair.new)]
        print(
            f"{name:44} {cpu[0]:6.0f} ms {cpu[1]:6.0f} ms {cpu[1] / cpu[0]:6.2f} "
            f"{wall[0]:6.0f} ms {wall[1]:6.0f} ms {wall[1] / wall[0]:6.2f} {peak[1] / peak[0]:6.2f}"
        )
    failures = {run.error for pair in pairs.values() for run in (*pair.base, *pair.new)} - {""}
    for failure in sorted(failures):
        print(failure)
    for name, pair in pairs.items():
        if {run.output for run in pair.base} != {run.output for run in pair.new}:
            print(f"{name}: the outputs differ")
    return not failures


def main() -> int:
    """Runs the commands in both checkouts; exit 1 where one fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--only", default="", help="part of a command's name")
    parser.add_argument("--models", type=Path, nargs="*", default=[], help="model files to analyze, too")
    parser.add_argument(
        "--chain", type=int, default=100_000, help="nodes of the ONNX chain; the YAML chain has a tenth"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as files, tempfile.TemporaryDirectory() as empty:
        commands = benchmark_commands(Path(files), options.models, options.chain)
        selected = {name: arguments for name, arguments in commands.items() if options.only in name}
        return int(not print_ratios(run_pairs(selected, options.base, options.new, Path(empty), options.runs)))


if __name__ == "__main__":
    raise SystemExit(main())
