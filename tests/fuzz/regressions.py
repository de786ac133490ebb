"""Runs each row of tests/cases/cases.tsv: files that once broke costcalc, with the command line that did.

    python -m fuzz.regressions [TEXT] [--update]

A row names a file, the arguments, what the output must have ("exit N", or a text without its spaces; more than one with
` & `), and what is open: a row with an open fault must still have one. Prints each row that is not as it says; exit 1
where there is one. TEXT runs the rows that hold it only. --update writes what is open as it is now.

The file is called m.onnx, m.yaml … as its name says behind the first point; o.onnx is the same file once more.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

from support.defects import find_defect
from support.paths import ROOT
from support.sandbox import Run, execute, warm_up

CASES = ROOT / "tests" / "cases"
TABLE = CASES / "cases.tsv"
COSTLY = ("hang", "memory")


class Row(NamedTuple):
    """A row of the table; each is text."""

    file: str
    arguments: str
    expected: str
    open: str


def rows() -> list[Row]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [Row(*row) for row in list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]]


def run_of(row: Row) -> Run:
    """A row -> its run."""
    ending = row.file.split(".", 1)[1]
    content = (CASES / row.file).read_bytes()
    name = ending if "." in ending else f"m.{ending}"
    files = {name: content, "o.onnx": content} if ending == "onnx" else {name: content}
    return Run(files, tuple(row.arguments.split()))


def fault(row: Row) -> str:
    """A row -> its defect, or what its output lacks; "" where it is as it must be."""
    run = run_of(row)
    outcome = execute(run)
    if defect := find_defect(run, outcome):
        return defect
    text = "".join((outcome.stdout + outcome.stderr).decode("utf-8", "replace").split())
    for wanted in filter(None, row.expected.split(" & ")):
        if wanted.startswith("exit "):
            if outcome.code != int(wanted[5:]):
                return f"exit {outcome.code} instead of {wanted[5:]}"
        elif wanted not in text:
            return f"without {wanted}"
    return ""


def problems(text: str, update: bool) -> Iterator[tuple[Row, str]]:
    """The rows that hold a text -> each with its fault. One that is known to hang, or to take all memory, is run for
    an update only."""
    chosen = [row for row in rows() if text in "\t".join(row) and (update or not row.open.startswith(COSTLY))]
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        yield from zip(chosen, pool.imap(fault, chosen), strict=True)


def main(arguments: list[str]) -> int:
    update = "--update" in arguments
    warm_up()
    bad = 0
    written = []
    for row, found in problems(next((a for a in arguments if not a.startswith("-")), ""), update):
        written.append(row._replace(open=found))
        if bool(found) != bool(row.open) and not update:
            bad += 1
            print(
                f"{row.file} {row.arguments}: {found or f'as it must be; it is no longer open: {row.open}'}", flush=True
            )
    if update and len(written) == len(rows()):
        lines = ["\t".join(row) for row in (Row(*Row._fields), *written)]
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(written)} cases, {sum(bool(row.open) for row in written)} open, {bad} not as the table says")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
