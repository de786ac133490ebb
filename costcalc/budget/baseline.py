"""`--baseline FILE` or `--baseline REV` → the Baseline that models are held to, whatever their branch has locked."""

from __future__ import annotations

import os
from pathlib import Path

from costcalc import revisions
from costcalc.budget import lock
from costcalc.budget.limits import Config
from costcalc.errors import LoadError


def baseline(text: str, config: Config) -> lock.Baseline:
    """The baseline in a lock file (`old.lock.json`), or in the config's lock file at a git revision (`main`,
    `main...HEAD` for where the branch began) or another one there (`main:old.lock.json`). An existing file wins.

    CostcalcError where there is no such file or revision, or the revision has no lock file.
    """
    named = revisions.parts(text)
    if Path(text).is_file() or (named is None and text.endswith(".json")):
        return lock.read(text)
    folder = "" if config.folder == Path() else os.fspath(config.folder)
    revision, path = named or (text, config.lock if Path(config.lock).is_absolute() else f"./{config.lock}")
    shown = text if named else f"{text}:{config.lock}"
    try:
        content = revisions.content(revision, path, folder)
    except LoadError as error:
        remedy = "write it there with `costcalc lock` and commit it"
        raise LoadError(f"{revision} has no lock file {path.removeprefix('./')}", remedy) from error
    return lock.parse(content, shown)
