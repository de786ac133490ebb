"""The keys of a config of `check` -> its JSON Schema (draft 2020-12), made from the tables that the reader itself uses.

Amounts are text in human units ("600M", "4.2 MiB", "2.1 ms") or numbers; `none` takes away what stands further out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from costcalc.analysis.hardware.catalogue import profile_names
from costcalc.core.quantities import CATALOGUE, LAYER_TOTALS
from costcalc.core.settings import MAPPING_KINDS, Kind, Setting
from costcalc.frontends.yaml.schema import any_of, list_of, with_description
from costcalc.graph.convert import PRECISIONS
from costcalc.studies.check.budget import COUNTABLE, LIMITS, LOCK
from costcalc.studies.check.config import FILE_KEYS, GROUP_KEYS, IGNORE_KEYS, MODEL_KEYS, SCENARIO_KEYS
from costcalc.studies.check.config_settings import FLAT_GROUPS, KEYS
from costcalc.studies.check.limits import takes_name
from costcalc.studies.check.rules import RULES
from costcalc.studies.options import GROUPS, all_settings

Schema = dict[str, Any]

MEANINGS: Mapping[str, str] = {
    "models": "the models that are held to limits: paths, or mappings with a path and what else holds for it",
    "path": "a file or a glob, relative to the config's folder, or a built-in name",
    "name": "the model's name in verdicts, in the place of its path",
    "scenarios": "settings and limits by name: the model is checked once in each, over those of its entry",
    "limits": "the most that a quantity may be",
    "min": "the least that a quantity may be, of those where more is better",
    "max_increase": "the most that a quantity may grow over the baseline, as a share or as an amount; one share alone "
    "holds for the usual totals",
    "min_delta": "growth that is always allowed, whatever its share",
    "layers": "limits of the layers whose names fit a glob",
    "allow": "operators without a rule that are taken as free (`domain:Op`)",
    "select": "beginnings of the codes that are held to; all unless given",
    "groups": "groups of models by name, such as teams: their models, and limits over those of the whole file",
    "ignore": "beginnings of codes that are left out, and mappings: single findings that are ignored for a time",
    "warn": "beginnings of codes that are reported as warnings and break nothing",
    "error": "beginnings of codes that break the check: those of notes and warnings too (`CC305`, `CC307`)",
    "exclude": "globs of model files of the tree that no entry need hold",
    "code": "the code of what is ignored, or several",
    "model": "the model's name or a glob; any unless given",
    "scenario": "the scenario; any unless given",
    "layer": "the layer's name or a glob; any unless given",
    "quantity": "the quantity as a verdict writes it, such as `time t4`; any unless given",
    "until": "the last day (2027-01-15) or month (2027-01) on which it is ignored; without it always",
    "reason": "why",
    "lock": f"the baseline's file, relative to the config's folder: {LOCK} unless given",
    "remote": "whether models may be read from servers (`hf:ORG/NAME`)",
    "devices": "device profiles, by name or path: bounds of time and energy on each",
    "execution": "how the model is executed, where its keys do not stand beside `path:`",
    "training": "a training step: its options, or true for their defaults",
    "generation": "what a decoder generates: its options, or true for their defaults",
    "parallel": "over how many devices the model is split",
    "max_share": "the largest part of a total that the layers may have: of MACs, or of totals by name",
    "each": "whether each of the layers is held to the limits on its own",
}
"""What each key is, settings apart, which have their own help."""

AMOUNT: Schema = {"type": ["string", "number"]}

TRUTH: Schema = {"enum": [True, False, "yes", "no", "on", "off"]}

_OF_KIND: Mapping[Kind, Schema] = {
    "dims": {"type": "object", "additionalProperties": {"type": ["integer", "string"]}},
    "shapes": {"type": "object", "additionalProperties": list_of({"type": ["integer", "string"]})},
    "params": {"type": "object", "additionalProperties": {"type": ["number", "string", "boolean", "array"]}},
    "values": {"type": "object", "additionalProperties": {"type": ["integer", "boolean"]}},
    "flag": TRUTH,
    "count": any_of({"type": "integer", "minimum": 1}, {"enum": ["none", None]}),
    "texts": any_of({"type": "string"}, list_of({"type": "string"})),
    "precision": {"type": "string", "examples": list(PRECISIONS)},
    "ratio": {"type": "number", "minimum": 0, "maximum": 1},
}


def config_schema() -> Schema:
    """The schema of costcalc.yaml, and of the table `[tool.costcalc]` of pyproject.toml."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "costcalc config",
        "description": "What `costcalc check` holds models to: costcalc.yaml, or [tool.costcalc] of pyproject.toml.",
        **_mapping(FILE_KEYS),
        "anyOf": [{"required": ["models"]}, {"required": ["groups"]}],
        "$defs": {
            "entry": any_of({"type": "string"}, _mapping(MODEL_KEYS, ("path",))),
            "group": _mapping(GROUP_KEYS, ("models",)),
            "ignore": _mapping(IGNORE_KEYS, ("code",)),
            "scenario": {**_mapping(SCENARIO_KEYS), "type": ["object", "null"]},
            "limits": _quantities(LIMITS, AMOUNT),
            "growth": _quantities(COUNTABLE, AMOUNT),
            "layer": _layer_limits(),
        },
    }


def _mapping(keys: Iterable[str], required: Iterable[str] = ()) -> Schema:
    """The schema of a mapping of these keys and no others."""
    properties = {key: key_schema(key) for key in keys}
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**schema, "required": list(required)} if required else schema


def key_schema(key: str) -> Schema:
    """A key of a config, of an entry or of a scenario -> the schema of its value, with its description."""
    settings = {
        KEYS.get(setting.name, setting.name): setting for group in FLAT_GROUPS for setting in all_settings()[group]
    }
    if key in settings:
        return setting_schema(settings[key])
    word: Schema = {"type": "string"}
    words = any_of(word, list_of(word))
    codes = any_of({"enum": list(RULES)}, word)
    finding = any_of({"enum": list(RULES)}, word, {"$ref": "#/$defs/ignore"})
    device = any_of({"enum": list(profile_names())}, word)
    schemas: dict[str, Schema] = {
        "models": any_of({"$ref": "#/$defs/entry"}, list_of({"$ref": "#/$defs/entry"})),
        "scenarios": {"type": "object", "additionalProperties": {"$ref": "#/$defs/scenario"}},
        "limits": {"$ref": "#/$defs/limits"},
        "min": {"$ref": "#/$defs/limits"},
        "max_increase": any_of(AMOUNT, {"$ref": "#/$defs/growth"}),
        "min_delta": {"$ref": "#/$defs/growth"},
        "layers": {"type": "object", "additionalProperties": {"$ref": "#/$defs/layer"}},
        "remote": TRUTH,
        "groups": {"type": "object", "additionalProperties": {"$ref": "#/$defs/group"}},
        **dict.fromkeys(("path", "name", "lock", "model", "scenario", "layer", "quantity", "reason"), word),
        "until": {"type": ["string", "integer"]},
        "code": any_of(codes, list_of(codes)),
        **dict.fromkeys(("allow", "exclude"), words),
        "devices": any_of(device, list_of(device)),
        **dict.fromkeys(("select", "warn", "error"), any_of(codes, list_of(codes))),
        "ignore": any_of(finding, list_of(finding)),
        **{group: any_of(TRUTH, {"enum": ["none", None]}, group_schema(group)) for group in GROUPS},
    }
    return with_description(schemas[key], MEANINGS[key])


def group_schema(group: str) -> Schema:
    """A group of settings -> the schema of the mapping of its options."""
    properties = {setting.name: setting_schema(setting) for setting in all_settings()[group]}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def setting_schema(setting: Setting) -> Schema:
    """A setting -> the schema of its value."""
    text = setting.help.partition("[default:")[0].strip()
    if setting.kind in MAPPING_KINDS:
        text = text.partition(": --")[0] + "."
    if setting.kind == "choice":
        return with_description({"enum": list(setting.choices)}, text)
    return with_description(_OF_KIND[setting.kind], text)


def _quantities(keys: Iterable[str], amount: Schema) -> Schema:
    """The schema of a mapping of quantities to amounts: those of a device hold a mapping of devices."""
    devices = list(profile_names())
    by_device = {"type": "object", "properties": dict.fromkeys(devices, amount), "additionalProperties": amount}
    by_name = any_of({"enum": ["none"]}, by_device)
    device = any_of({"enum": devices}, {"type": "string"})
    properties: Schema = {}
    patterns: Schema = {}
    for key in keys:
        text = CATALOGUE[key].meaning if key in CATALOGUE else "layers of an operator"
        schema = any_of(list_of(device), device, by_name) if key == "fits" else by_name
        properties[key] = with_description(schema if takes_name(key) else amount, text)
        if takes_name(key):
            patterns[rf"^{key}\..+"] = with_description({"type": ["string", "number", "boolean"]}, text)
    return {"type": "object", "additionalProperties": False, "properties": properties, "patternProperties": patterns}


def _layer_limits() -> Schema:
    shares = {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(LAYER_TOTALS, AMOUNT)}
    properties: Schema = {key: with_description(AMOUNT, CATALOGUE[key].meaning) for key in LAYER_TOTALS}
    properties["max_share"] = with_description(any_of(AMOUNT, shares), MEANINGS["max_share"])
    properties["each"] = with_description(TRUTH, MEANINGS["each"])
    return {"type": "object", "additionalProperties": False, "properties": properties}
