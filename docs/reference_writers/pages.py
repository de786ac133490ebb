"""Paths of generated pages -> their texts as the code makes them now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reference_writers.api import write_api
from reference_writers.command_line import write_command_line
from reference_writers.config import write_config
from reference_writers.devices import write_devices
from reference_writers.json_documents import write_json_documents
from reference_writers.llms import write_llms
from reference_writers.operators import write_operators
from reference_writers.project import DOCS, REFERENCE
from reference_writers.rule_codes import write_rule_codes
from reference_writers.yaml_language import write_yaml_language

WRITERS: dict[Path, Callable[[], str]] = {
    REFERENCE / "command-line.md": write_command_line,
    REFERENCE / "yaml.md": write_yaml_language,
    REFERENCE / "config.md": write_config,
    REFERENCE / "rule-codes.md": write_rule_codes,
    REFERENCE / "json.md": write_json_documents,
    REFERENCE / "api.md": write_api,
    REFERENCE / "devices.md": write_devices,
    REFERENCE / "operators.md": write_operators,
    DOCS / "llms.txt": write_llms,
}
"""Page -> its writer; the last one reads the others' titles."""
