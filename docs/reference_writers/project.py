"""The project's folders, and what pyproject.toml says of it."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent

ROOT = DOCS.parent

REFERENCE = DOCS / "reference"


def read_description() -> str:
    """The sentence that describes the project. ValueError where pyproject.toml has none."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^description = "(.*)"$', text, re.M)
    if found is None:
        raise ValueError("pyproject.toml has no description")
    return found[1].rstrip(".")
