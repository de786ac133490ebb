"""The keys of a device's profile -> its JSON Schema (draft 2020-12), from the tables that the reader itself uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from costcalc.analysis.hardware.profile import DEVICE_KINDS, LINKS, MEMORIES, NPUS, PRECISIONS
from costcalc.analysis.hardware.reader import KEYS, REQUIRED_KEYS
from costcalc.analysis.options import TFLM_RUNTIMES

Schema = dict[str, Any]

MEANINGS: Mapping[str, str] = {
    "name": "the device's name",
    "aliases": "other names of the profile",
    "kind": "the kind of device, by which published runs are chosen",
    "npu": "the NPU whose operators are known",
    "runtime": "the build of TensorFlow Lite Micro for the device's core, as --runtime takes it",
    "clock": "the NPU's clock, in hertz",
    "variant": "the exact variant: clock, memory, power",
    "seen": "the day on which the sources were read: 2026-01-31",
    "notes": "sentences that are shown below the figures",
    "peak": "operations a second by precision, dense; a multiply-accumulate is two",
    "sparse": "the same with structured sparsity, for information",
    "bandwidth": "bytes a second between the main memory and the compute units",
    "links": "bytes a second to other devices, one way, by link",
    "memory": "bytes by memory; flash holds a microcontroller's weights and sram its activations",
    "overhead": "the least seconds of a kernel",
    "energy": "picojoules of the circuits, or as measured of the whole device",
}
"""What each key is."""

ENERGY_MEANINGS: Mapping[str, str] = {
    "mac": "of a multiply-accumulate, by precision",
    "byte": "of a byte that is moved, by memory",
    "measured": "of the whole device for a multiply-accumulate, by precision: joules of an inference over its MACs",
}
"""What each key of `energy` is."""

NAMES: Mapping[str, tuple[str, ...]] = {
    "kind": DEVICE_KINDS,
    "npu": NPUS,
    "runtime": TFLM_RUNTIMES,
    "peak": PRECISIONS,
    "sparse": PRECISIONS,
    "links": LINKS,
    "memory": MEMORIES,
}
"""Key -> the words that it may be, or the names of the figures that it holds."""


def profile_schema() -> Schema:
    """The schema of a profile's file."""
    properties = {key: {"description": MEANINGS[key], **_key_schema(key)} for key in KEYS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "costcalc device",
        "description": "A device for --hardware: what it computes and moves at most, with the source of every figure.",
        "type": "object",
        "required": list(REQUIRED_KEYS),
        "additionalProperties": False,
        "properties": properties,
        "$defs": {"figure": _figure_schema()},
    }


def _figure_schema() -> Schema:
    value = {"description": "a number with its unit: 312 T, 80 GB", "type": ["number", "string"]}
    source = {"description": "the document and the place in it, or the derivation", "type": "string", "minLength": 1}
    properties = {"value": value, "source": source}
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }


def _key_schema(key: str) -> Schema:
    if key in ("kind", "npu", "runtime"):
        return {"enum": list(NAMES[key])}
    if key in NAMES:
        return _figures(NAMES[key])
    if key in ("clock", "bandwidth", "overhead"):
        return {"$ref": "#/$defs/figure"}
    if key in ("aliases", "notes"):
        return {"type": "array", "items": {"type": "string"}}
    if key == "energy":
        named = {"mac": PRECISIONS, "byte": MEMORIES, "measured": PRECISIONS}
        parts = {name: {"description": ENERGY_MEANINGS[name], **_figures(names)} for name, names in named.items()}
        return {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": parts}
    return {"type": "string"}


def _figures(names: Iterable[str]) -> Schema:
    """The schema of a mapping of these names to figures."""
    properties = {name: {"$ref": "#/$defs/figure"} for name in names}
    return {"type": "object", "additionalProperties": False, "properties": properties}
