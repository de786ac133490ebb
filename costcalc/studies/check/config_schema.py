"""The form of a config -> its JSON Schema (draft 2020-12), made from the tables that the reader itself uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from costcalc.analysis.hardware.catalogue import profile_names
from costcalc.core.quantities import CATALOGUE, LAYER_TOTALS
from costcalc.core.settings import MAPPING_KINDS, Setting
from costcalc.graph.convert import PRECISIONS
from costcalc.studies.check.budget import COUNTABLE, LIMITS
from costcalc.studies.check.config import FILE_KEYS, MODEL_KEYS, SCENARIO_KEYS
from costcalc.studies.check.config_settings import FLAT_GROUPS, KEYS
from costcalc.studies.check.limits import takes_name
from costcalc.studies.check.rules import RULES
from costcalc.studies.options import GROUPS, all_settings

Schema = dict[str, Any]

WORDS: Schema = {"type": ["string", "array"], "items": {"type": "string"}}

AMOUNT: Schema = {"type": ["number", "string", "boolean"]}

DESCRIPTIONS = {
    "models": "the models that are checked: paths, globs, built-in names, or mappings with `path:` and settings",
    "path": "a file, a glob, a folder or a built-in model",
    "name": "what the model is called in reports",
    "scenarios": "settings by name, each of which the model is checked in",
    "limits": "the most that a figure may be",
    "min": "the least that a figure may be",
    "max_increase": "how much a figure may grow from the baseline",
    "min_delta": "the least growth that counts",
    "layers": "limits on single layers, by the pattern of their names",
    "allow": "operators without a rule that are taken as free",
    "select": "the codes that are held to",
    "ignore": "the codes that are left out",
    "warn": "the codes that are only warnings",
    "lock": "the file of the baseline",
    "remote": "whether models may be downloaded",
    "devices": "profiles of devices for time, energy and memory",
}


def config_schema() -> Schema:
    """The schema of a costcalc.yaml, and of [tool.costcalc] in a pyproject.toml."""
    inner = _limit_schemas() | _setting_schemas()
    scenario = _mapping({key: inner.get(key, {}) for key in SCENARIO_KEYS})
    own: dict[str, Schema] = {"path": {"type": "string"}, "name": {"type": "string"}}
    own["scenarios"] = {"type": "object", "additionalProperties": scenario}
    model = _mapping({key: own.get(key, inner.get(key, {})) for key in MODEL_KEYS})
    codes = {"type": ["string", "array"], "items": {"anyOf": [{"enum": list(RULES)}, {"type": "string"}]}}
    whole: dict[str, Schema] = {
        "models": {"type": "array", "items": {"anyOf": [{"type": "string"}, model]}},
        **dict.fromkeys(("select", "ignore", "warn"), codes),
        "lock": {"type": "string"},
        "remote": {"type": "boolean"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "costcalc config",
        **_mapping({key: whole.get(key, inner.get(key, {})) for key in FILE_KEYS}),
        "required": ["models"],
    }


def _mapping(properties: Mapping[str, Schema]) -> Schema:
    """A closed mapping; keys have the descriptions of this form unless they have their own."""
    described = {
        key: {"description": DESCRIPTIONS[key], **schema} if key in DESCRIPTIONS else schema
        for key, schema in properties.items()
    }
    return {"type": "object", "additionalProperties": False, "properties": described}


def _limit_schemas() -> dict[str, Schema]:
    layer = _mapping(
        {
            **{key: {"description": CATALOGUE[key].meaning, **AMOUNT} for key in LAYER_TOTALS},
            "max_share": {"description": "the largest part of the model's figure", **AMOUNT},
            "each": {"description": "whether each layer is held alone", "type": "boolean"},
        }
    )
    return {
        "limits": _quantities(LIMITS),
        "min": _quantities(LIMITS),
        "max_increase": {**_quantities(COUNTABLE), "type": ["object", "string"]},
        "min_delta": _quantities(COUNTABLE),
        "layers": {"type": "object", "additionalProperties": layer},
        "allow": WORDS,
    }


def _quantities(keys: Iterable[str]) -> Schema:
    """A mapping of quantities to amounts; those of a device have a mapping by its name, or a list for yes or no."""
    devices = list(profile_names())
    by_device: Schema = {
        "type": ["object", "array"],
        "properties": dict.fromkeys(devices, AMOUNT),
        "additionalProperties": AMOUNT,
        "items": {"anyOf": [{"enum": devices}, {"type": "string"}]},  # the profile of an own device is a path
    }
    properties: dict[str, Schema] = {}
    for key in keys:
        schema = by_device if takes_name(key) and key in CATALOGUE else AMOUNT
        meaning = f"{CATALOGUE[key].meaning}, such as {CATALOGUE[key].example}" if key in CATALOGUE else ""
        properties[key] = {"description": meaning, **schema} if meaning else schema
    return _mapping(properties)


def _setting_schemas() -> dict[str, Schema]:
    groups = all_settings()
    schemas = {
        KEYS.get(setting.name, setting.name): _setting_schema(setting)
        for group in FLAT_GROUPS
        for setting in groups[group]
    }
    for group in GROUPS:
        options = {setting.name: _setting_schema(setting) for setting in groups[group]}
        schemas[group] = {**_mapping(options), "type": ["object", "boolean"]}
    devices = {"enum": list(profile_names())}
    return schemas | {"devices": {"anyOf": [devices, {"type": ["string", "array"], "items": {"type": "string"}}]}}


def _setting_schema(setting: Setting) -> Schema:
    if setting.kind in MAPPING_KINDS:
        return {"description": setting.help, "type": "object"}
    if setting.kind == "flag":
        return {"description": setting.help, "type": "boolean"}
    if setting.kind == "texts":
        return {"description": setting.help, **WORDS}
    choices = list(PRECISIONS) if setting.kind == "precision" else list(setting.choices)
    return {"description": setting.help, **({"enum": choices} if choices else {"type": ["number", "string"]})}
