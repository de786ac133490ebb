"""Paths of generated pages -> their texts as the code makes them now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reference_writers.rule_codes import write_rule_codes

DOCS = Path(__file__).resolve().parent.parent

REFERENCE = DOCS / "reference"

WRITERS: dict[str, Callable[[], str]] = {
    "rule-codes": write_rule_codes,
}
"""Page of docs/reference/ -> its writer."""


def write_pages() -> dict[Path, str]:
    """Every page -> its text."""
    return {REFERENCE / f"{name}.md": write() for name, write in WRITERS.items()}
