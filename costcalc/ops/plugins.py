"""A Python file, or the installed packages with the entry-point group `costcalc.rules` -> their rules, registered.

A model never brings rules with it. Such a file or package imports what it needs from costcalc.rules.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from costcalc import ops
from costcalc.core.entry_points import find_entry_points
from costcalc.core.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "costcalc.rules"

RULE_FILES: list[str] = []
"""The rule files that were run, in order: worker processes run them too."""


def load_rules(path: str) -> None:
    """Runs a Python file that registers rules, once; its rule for an operator replaces the package's own. UsageError
    where the file cannot be run."""
    if path in RULE_FILES:
        return
    ops.load_families()
    file = Path(path)
    if not file.is_file() or file.suffix != ".py":
        raise UsageError(f"there is no Python file {path}", "name a .py file that registers rules")
    module = ModuleType(f"costcalc_rules_{len(RULE_FILES)}_{file.stem}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    try:
        # Without a cache of bytecode, which takes a file that is saved twice in a second for the first one.
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise UsageError(f"{path} cannot be run: {type(error).__name__}: {error}", "correct it") from error
    RULE_FILES.append(path)


@lru_cache(maxsize=1)
def load_installed_rules() -> None:
    """Imports the modules that installed packages name under the group, once; called when an operator has no rule here.
    UsageError where a package fails."""
    for entry in find_entry_points(GROUP):
        _load_entry(entry)


def _load_entry(entry: EntryPoint) -> None:
    try:
        entry.load()
    except (Exception, SystemExit) as error:
        fact = f"the rules {entry.name!r} of {entry.value} cannot be loaded: {type(error).__name__}: {error}"
        raise UsageError(fact, "mend or uninstall the package") from error
