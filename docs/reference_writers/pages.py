"""Paths of generated pages -> their texts as the code makes them now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reference_writers.command_line import write_command_line
from reference_writers.config import write_config
from reference_writers.rule_codes import write_rule_codes
from reference_writers.yaml_language import write_yaml_language

DOCS = Path(__file__).resolve().parent.parent

REFERENCE = DOCS / "reference"

WRITERS: dict[str, Callable[[], str]] = {
    "command-line": write_command_line,
    "yaml": write_yaml_language,
    "config": write_config,
    "rule-codes": write_rule_codes,
}
"""Page of docs/reference/ -> its writer."""


def write_pages() -> dict[Path, str]:
    """Every page -> its text."""
    return {REFERENCE / f"{name}.md": write() for name, write in WRITERS.items()}
