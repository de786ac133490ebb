"""Rules from outside the package: files that a user names, and installed packages that offer some under the entry-point
group `costcalc.rules`. A model never brings rules with it.

Such a file or module uses the decorators of costcalc.core.registry as the families here do.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from costcalc import ops
from costcalc.core.errors import UsageError

GROUP = "costcalc.rules"

LOADED: list[str] = []
"""The files that have been run, in order: other processes run them too."""


def load_rules(path: str) -> None:
    """Runs a Python file that registers rules; one for an operator that is known here replaces the rule here.
    UsageError where the file cannot be run."""
    if path in LOADED:
        return
    ops.load()
    file = Path(path)
    spec = importlib.util.spec_from_file_location(f"costcalc_rules_{len(LOADED)}_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise UsageError(f"there is no Python file {path}", "name a .py file that registers rules")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise UsageError(f"{path} cannot be run: {type(error).__name__}: {error}", "correct it") from error
    LOADED.append(path)


@lru_cache(maxsize=1)
def load_installed() -> None:
    """Imports what installed packages offer, once; asked when an operator is met that nothing here knows. UsageError
    where a package fails."""
    for entry in metadata.entry_points(group=GROUP):
        _load(entry)


def _load(entry: metadata.EntryPoint) -> None:
    try:
        entry.load()
    except (Exception, SystemExit) as error:
        fact = f"the rules {entry.name!r} of {entry.value} cannot be loaded: {type(error).__name__}: {error}"
        raise UsageError(fact, "mend or uninstall the package") from error
