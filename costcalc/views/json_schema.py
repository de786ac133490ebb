"""A name -> the JSON Schema (draft 2020-12) of a file that costcalc reads or of a document that it prints.

Documents are described by the files in `schemas/`, one a command; what several of them hold stands in
`schemas/definitions.json`. The keys of quantities are those of the catalogue. Properties that a schema does not name
may be added by later versions: a consumer ignores them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from costcalc.analysis.hardware.profile_schema import profile_schema
from costcalc.analysis.layers import LAYER_QUANTITIES
from costcalc.analysis.report import FORMAT_VERSION
from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.quantities import CATALOGUE
from costcalc.core.quantity import Quantity, Unit
from costcalc.frontends.yaml.schema import json_schema
from costcalc.studies.check.config_schema import config_schema

Schema = dict[str, Any]

FOLDER = Path(__file__).parent / "schemas"

INPUTS = {"model": json_schema, "config": config_schema, "device": profile_schema}
"""What costcalc reads: model files in YAML, the config of `check`, and profiles of devices."""

DOCUMENTS = (
    "analyze",
    "compare",
    "explain",
    "memory",
    "llm",
    "check",
    "lock",
    "diff",
    "sweep",
    "suggest",
    "reconcile",
    "history",
    "table",
)
"""What costcalc prints as JSON or writes: a file of FOLDER each. table is that of lists (models, hardware, ops …)."""

NAMES = (*INPUTS, *DOCUMENTS)
"""The names of all schemas."""

_TYPES: Mapping[Unit, list[str]] = {
    "number": ["integer", "string", "null"],
    "bytes": ["integer", "string", "null"],
    "seconds": ["number", "null"],
    "joules": ["number", "null"],
    "flop_per_byte": ["number", "null"],
    "per_second": ["number", "null"],
    "boolean": ["boolean", "null"],
}
"""The JSON types of a figure of each unit: a count may be a formula's text; null is what the model does not have."""


def find_schema(name: str) -> Schema:
    """The schema of a name of NAMES. UsageError where there is none."""
    if name in INPUTS:
        return INPUTS[name]()
    if name not in DOCUMENTS:
        remedy = did_you_mean(name, NAMES) or f"there are {', '.join(NAMES)}"
        raise UsageError(f"there is no schema {name!r}", remedy)
    return document_schema(name)


def document_schema(name: str) -> Schema:
    """A name of DOCUMENTS -> its schema, with the versions that stand at the head of every document and with the
    definitions that it refers to."""
    schema = _read_schema(name)
    head = {
        "format_version": {"description": "is raised where a field is removed or renamed", "const": FORMAT_VERSION},
        "costcalc": {"description": "the version that wrote it", "type": "string"},
    }
    definitions = {**_read_schema("definitions"), **_quantity_definitions(), **schema.get("$defs", {})}
    schema["properties"] = head | schema.get("properties", {})
    schema["required"] = [*head, *schema.get("required", ())]
    schema.pop("$defs", None)
    if names := _reachable(schema, definitions):
        schema["$defs"] = {name: definitions[name] for name in names}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _read_schema(name: str) -> Schema:
    schema: Schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return schema


def _quantity_definitions() -> Schema:
    """`totals`: figures of a model, by quantity (those of a device as `time.DEVICE`); `layer_figures`: of a layer."""
    patterns = {rf"^{q.key}\..+": figure_schema(q) for q in CATALOGUE.values() if q.per_device}
    properties = {q.key: figure_schema(q) for q in CATALOGUE.values() if not q.per_device}
    of_layer = {key: figure_schema(CATALOGUE[key]) for key in (*LAYER_QUANTITIES, "backward_macs")}
    return {
        "totals": {"type": "object", "properties": properties, "patternProperties": patterns},
        "layer_figures": {"type": "object", "required": list(LAYER_QUANTITIES), "properties": of_layer},
    }


def figure_schema(quantity: Quantity) -> Schema:
    """A quantity -> the schema of its figure."""
    return {"description": quantity.meaning, "type": _TYPES[quantity.unit]}


def _reachable(schema: Schema, definitions: Mapping[str, Schema]) -> list[str]:
    """The names of the definitions that a schema refers to, directly or through others, in their order."""
    found: set[str] = set()
    pending = set(_references(schema))
    while pending - found:
        name = (pending - found).pop()
        found.add(name)
        pending |= set(_references(definitions[name]))
    return [name for name in definitions if name in found]


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield re.sub(r"^#/\$defs/", "", schema["$ref"])
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)
