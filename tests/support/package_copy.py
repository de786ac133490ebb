"""The project as somebody else installs it: a copy of its sources as a git repository, and whether an index is there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from support.paths import ROOT
from support.repository import commit, git

SOURCES = ("costcalc", "specs", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml", "action.yml")
_NO_INDEX = re.compile(
    r"NewConnectionError|Connection refused|Could not fetch URL|Temporary failure in name resolution|"
    r"No matching distribution found for (hatchling|click|pyyaml|rich|pip|setuptools)|ProxyError|"
    r"timed out",
    re.I,
)


def copy(to: Path) -> Path:
    """A repository with one commit that holds the sources as they are now."""
    to.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, to / name)
    git(to, "init", "--quiet")
    commit(to)
    return to


def skip_without_index(output: str) -> None:
    """Skips where an installation failed because no package index can be reached."""
    found = _NO_INDEX.search(output)
    if found:
        pytest.skip(f"no package index can be reached ({found[0]})")
