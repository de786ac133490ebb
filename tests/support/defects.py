"""A run and its outcome -> what is wrong with it: a crash, a hang, memory, an exit code without a word, output that
programs cannot read."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

from .sandbox import MEMORY, SECONDS, Outcome, Run, execute

VERDICTS = {"check": "", "diff": "--fail-on", "lock": "--check", "table": "--check"}
"""Commands that may end with 1, and the option that asks for a verdict."""
OF_ONE_FORMAT = frozenset(("schema", "report"))
"""Commands that write the same whatever the file is called."""
LONGEST_OUTPUT = 40_000_000
LONGEST_ERROR = 20_000
"""Bytes. A page about a real model has some megabytes; a complaint is a sentence for each model."""
COUNTS = frozenset(
    [
        "macs",
        "flops",
        "params",
        "buffers",
        "weight_bytes",
        "activation_bytes",
        "peak_activation_bytes",
        "traffic_bytes",
        "arena_bytes",
        "backward_macs",
        "training_bytes",
        "count",
        "operations",
        "time",
        "energy",
        "offset",
        "bytes",
    ]
)
"""Keys of figures that are never below 0; in documents of diff they are changes, which may be."""


def find_defect(run: Run, outcome: Outcome) -> str:
    """A run and its outcome -> its defect in one line, the same for the same cause; "" where there is none."""
    stderr = outcome.stderr.decode("utf-8", "replace")
    text = stderr + outcome.stdout[:100_000].decode("utf-8", "replace")
    if outcome.code < 0 or outcome.seconds > SECONDS:
        return f"hang: {outcome.code} {innermost(stderr)}"
    if "bug in costcalc" in text or "Traceback" in text or "cannot start" in text:
        return f"crash: {crash_place(run, text)}"
    if "out of memory" in text or outcome.memory > MEMORY:
        return f"memory: {'MemoryError' if 'out of memory' in text else 'peak'} {crash_place(run, text)}"
    if "rule fails with" in text:
        return f"crash: {crash_place(run, text)}"
    return _wrong_code(run, outcome, stderr) or _wrong_output(run, outcome, stderr)


def _wrong_code(run: Run, outcome: Outcome, stderr: str) -> str:
    command = run.arguments[0] if run.arguments else ""
    verdict = command in VERDICTS and (not VERDICTS[command] or VERDICTS[command] in run.arguments)
    empty = (3,) if command == "check" and "--allow-empty" not in run.arguments else ()
    if outcome.code not in ((0, 1, 2, *empty) if verdict else (0, 2)):
        return f"code: {command} exits {outcome.code}"
    wrote_verdicts = command == "check" and outcome.files
    if outcome.code == 2 and not (stderr.strip() or outcome.stdout.strip() or wrote_verdicts):
        return f"silent: {command} exits 2 without a word"
    if outcome.code == 2 and command != "check" and not stderr.strip() and b"rror" not in outcome.stdout:
        return f"silent: {command} exits 2 and says nothing on stderr"
    wrote = outcome.stdout.strip() or outcome.files or stderr.strip()
    if outcome.code == 0 and not wrote and "--check" not in run.arguments and command not in ("table", "lock"):
        return f"silent: {command} exits 0 and writes nothing"
    return ""


def _wrong_output(run: Run, outcome: Outcome, stderr: str) -> str:
    command = run.arguments[0] if run.arguments else ""
    if len(outcome.stderr) > LONGEST_ERROR:
        return f"long: {command} complains in {len(outcome.stderr) // 1000} kB"
    streams = [("stdout", outcome.stdout), ("stderr", outcome.stderr), *outcome.files.items()]
    for name, content in streams:
        if len(content) > LONGEST_OUTPUT and not name.endswith(".onnx"):
            return f"long: {command} writes {len(content) // 1_000_000} MB"
        if name.endswith((".png", ".onnx")) or content.startswith(b"\x89PNG") or command == "export":
            continue
        if problem := _steering(
            re.sub(rb"<script.*?</script>", b"", content, flags=re.S), "FORCE_COLOR" in run.variables
        ):
            return f"control: {command} writes {problem}"
    form = written_format(run.arguments)
    contents = list(outcome.files.values()) if "-o" in run.arguments else [outcome.stdout]
    for content in contents:
        if (
            command not in OF_ONE_FORMAT
            and content.strip()
            and outcome.code in (0, 1)
            and (problem := unreadable(form, command, content))
        ):
            return f"output: {command} {form}: {problem}"
    return ""


def _steering(content: bytes, colours: bool) -> str:
    """A byte string that is text -> its first character that steers a terminal, or ""."""
    text = (
        re.sub("\x1b\\[[0-9;]*m", "", content.decode("utf-8", "replace"))
        if colours
        else content.decode("utf-8", "replace")
    )
    if text.isascii() and text.replace("\n", "").isprintable():
        return ""
    for character in text:
        if not character.isprintable() and character not in "\n\ufffd":
            return repr(character)
    return ""


def written_format(arguments: tuple[str, ...]) -> str:
    """A command line -> the format that it asks for, by --format or by the ending of the last file that it names."""
    form = ending = ""
    for word, value in pairwise(arguments):
        if word in ("-o", "--output") and "." in value:
            ending = value.rpartition(".")[2]
        if word == "--format":
            form = value
    return {"md": "markdown", "htm": "html"}.get(form or ending, form or ending)


def unreadable(form: str, command: str, content: bytes) -> str:
    """What a program that reads the format would stumble over, or ""."""
    text = content.decode("utf-8", "replace")
    try:
        if form in ("json", "sarif", "gitlab"):
            return next(_wrong_figures(read_json(text), command), "")
        if form == "jsonl":
            return next((w for line in text.splitlines() for w in _wrong_figures(read_json(line), command)), "")
        if form in ("svg", "junit"):
            ElementTree.fromstring(text)
        elif form == "csv":
            widths = {len(row) for row in csv.reader(io.StringIO(text), strict=True)}
            return f"rows of {sorted(widths)[:5]} cells" if len(widths - {0}) > 1 and command != "table" else ""
        elif form == "png" and not content.startswith(b"\x89PNG"):
            return "no picture"
    except (ValueError, ElementTree.ParseError, csv.Error) as error:
        return f"{type(error).__name__}: {re.sub('[0-9]+', 'N', str(error))[:80]}"
    return ""


def read_json(text: str) -> Any:
    """A JSON document -> its value. ValueError for NaN, Infinity and keys that stand twice."""

    def constant(word: str) -> None:
        raise ValueError(f"constant {word}")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key stands twice")
        return dict(pairs)

    return json.loads(text, parse_constant=constant, object_pairs_hook=unique)


def _wrong_figures(value: Any, command: str, key: str = "") -> Iterator[str]:
    """Counts below 0 and counts that are no integers, and extents below 0, in a document."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _wrong_figures(item, command, name)
    elif isinstance(value, list):
        for item in value:
            yield from _wrong_figures(item, command, key)
    elif (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or command in ("diff", "suggest", "reconcile", "check")
    ):
        return
    elif key in COUNTS and (value < 0 or (isinstance(value, float) and key not in ("time", "energy"))):
        yield f"{key} is {'negative' if value < 0 else 'no integer'}"
    elif key == "shape" and value < 0:
        yield "an extent is negative"


def innermost(text: str) -> str:
    """A traceback -> file and function of its innermost line in costcalc."""
    lines = re.findall(r'File "[^"]*?(costcalc/[^"]+)", line \d+,? in (\S+)', text)
    if "most recent call first" in text.lower():
        lines = lines[:1]
    return ":".join(lines[-1]) if lines else "?"


def crash_place(run: Run, text: str) -> str:
    """The exception of a run that crashed and its place; the run is repeated with --debug where it hides them."""
    if "Traceback" not in text:
        again = execute(Run(run.files, (*run.arguments, "--debug"), run.variables, run.encoding, run.stdin))
        text = again.stderr.decode("utf-8", "replace")
    text = re.split("The above exception|During handling", text)[0]
    kinds = re.findall(r"^(?:[a-z_.]+\.)?([A-Z]\w*(?:Error|Exception|Interrupt|Exit))\b", text, re.M)
    hidden = re.findall(r"bug in costcalc \((\w+)", text)
    return f"{(kinds or hidden or ['?'])[-1]} {innermost(text)}"
