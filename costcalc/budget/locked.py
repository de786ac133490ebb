"""`costcalc.lock.json#net@batch8` → the entry of a lock file, as a side of a comparison."""

from __future__ import annotations

from pathlib import Path

from costcalc import revisions
from costcalc.budget import lock
from costcalc.errors import LoadError


def entry(text: str) -> lock.Entry | None:
    """The entry that a text names: FILE.json#MODEL@SCENARIO, also at a git revision (REV:FILE.json#MODEL). What is the
    only one in the file need not be named. None where the text names no lock file, LoadError where the file has no such
    entry."""
    file, _, wanted = text.partition("#")
    if not file.endswith(".json") or ("#" in text and Path(text).is_file()):
        return None
    named = None if Path(file).is_file() else revisions.parts(file)
    found = lock.read(file) if named is None else lock.parse(revisions.content(*named), file)
    names = {_name(e): e for e in found.entries}
    chosen = [e for name, e in names.items() if wanted in ("", name, e.model)]
    if len(chosen) == 1:
        return chosen[0]
    listed = ", ".join(f"{file}#{name}" for name in names if not chosen or names[name] in chosen)
    fact = f"{file} has several of that" if chosen else f"{file} has no model {wanted!r}"
    raise LoadError(fact, f"name one: {listed[:400]}" if listed else "write it with `costcalc lock`")


def _name(entry: lock.Entry) -> str:
    return f"{entry.model}@{entry.scenario}" if entry.scenario else entry.model
