"""Runs every command on every model of folders: an answer or a refusal that says what to do, within the limits.

    python every_command.py FOLDER… [--jobs N] [--only TEXT] [--whole N]

Beside each folder `truth/onnx/NAME.json`, or in it `figures.json`, may say with which shapes a model was run: then the
commands are asked twice, with open and with bound extents. Prints each defect, then the slowest and the largest runs;
exit 1 where there is a defect.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from support.command_table import COMMANDS
from support.defects import find_defect
from support.sandbox import Run, execute, warm_up

from costcalc.frontends.builtin import builtin_names

OTHER = "lenet5"

MODEL_SUFFIXES = (".onnx", ".pt2", ".tflite")


class Case(NamedTuple):
    """A model (its file, or a built-in name), the shapes that bind it, a line of the table, and whether it is run as a
    process of its own."""

    model: str
    bindings: tuple[str, ...]
    command: str
    whole: bool


class Result(NamedTuple):
    """A case, its defect or "", its exit code, seconds of processor time and peak bytes."""

    case: Case
    defect: str
    code: int
    seconds: float
    memory: int


def main() -> int:
    arguments = _parse()
    warm_up()
    cases = [
        Case(model, bindings, command, arguments.whole > 0 and i % arguments.whole == 0)
        for model in _models(arguments.folders)
        if arguments.only in model
        for bindings in find_bindings(model)
        for i, command in enumerate(COMMANDS)
    ]
    with multiprocessing.get_context("fork").Pool(arguments.jobs) as pool:
        results = []
        for result in pool.imap_unordered(run_case, cases):
            results.append(result)
            if result.defect:
                print(f"{command_line(result.case)}: {result.defect}", flush=True)
    _print_largest(results)
    return int(any(result.defect for result in results))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "folders", nargs="*", help="folders of ONNX and PT2 files; `specs` stands for the built-in models"
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="only models whose path has this text")
    parser.add_argument("--whole", type=int, default=10, help="each Nth run as a process of its own; 0 for none")
    return parser.parse_args()


def _models(folders: list[str]) -> Iterator[str]:
    for folder in folders:
        if folder == "specs":
            yield from sorted(builtin_names())
        elif Path(folder).is_dir():
            yield from sorted(str(path) for path in Path(folder).iterdir() if path.suffix in MODEL_SUFFIXES)
        else:
            yield folder


def find_bindings(model: str) -> list[tuple[str, ...]]:
    """A model -> the bindings to run it with: none, and the shapes and values that its truth names, if it does."""
    path = Path(model)
    truth = path.parent.parent / "truth" / "onnx" / f"{path.stem}.json"
    figures = path.parent / "figures.json"
    entry = {}
    if truth.is_file():
        entry = json.loads(truth.read_text())
    elif figures.is_file():
        entry = json.loads(figures.read_text()).get(path.stem, {})
    declared = entry.get("inputs_declared") or {}
    bound: tuple[str, ...] = ()
    for name, shape in (entry.get("inputs") or {}).items():
        if shape and shape != declared.get(name):
            bound += ("--shape", f"{name}={','.join(map(str, shape))}")
    for name, size in (entry.get("dims") or {}).items():
        bound += ("--dim", f"{name}={size}")
    for name, value in (entry.get("values") or {}).items():
        bound += ("--value", f"{name}={value}")
    return [(), bound] if bound else [()]


def run_case(case: Case) -> Result:
    is_file = Path(case.model).is_file()
    model = f"m{Path(case.model).suffix}" if is_file else case.model
    files = {model: Path(case.model).read_bytes()} if is_file else {}
    words = tuple({"MODEL": model, "OTHER": OTHER}.get(word, word) for word in case.command.split())
    run = Run(files, (*words, *case.bindings))
    outcome = execute(run, case.whole)
    defect = find_defect(run, outcome)
    if outcome.code == 2 and b";" not in outcome.stderr and not defect and case.command.split()[0] != "check":
        defect = f"no remedy: {outcome.stderr.decode()[:200].strip()}"
    return Result(case, defect, outcome.code, outcome.seconds, outcome.memory)


def command_line(case: Case) -> str:
    return " ".join((case.command.replace("MODEL", case.model), *case.bindings))


def _print_largest(results: list[Result], count: int = 10) -> None:
    codes = [result.code for result in results]
    print(f"{len(results)} runs: {codes.count(0)} answers, {codes.count(1)} verdicts, {codes.count(2)} refusals")
    print("the slowest:")
    for result in sorted(results, key=lambda r: -r.seconds)[:count]:
        print(f"{result.seconds:6.1f} s  {result.memory / 1e6:5.0f} MB  {command_line(result.case)}")
    print("the largest:")
    for result in sorted(results, key=lambda r: -r.memory)[:count]:
        print(f"{result.seconds:6.1f} s  {result.memory / 1e6:5.0f} MB  {command_line(result.case)}")


if __name__ == "__main__":
    sys.exit(main())
