"""What may stand at a key of a YAML model, as parts of the JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costcalc.load.layers.base import KINDS, REQUIRED, Key

Schema = dict[str, Any]

NAME = {"type": "string", "pattern": r"^[^\W\d][\w.-]*$"}
EXPRESSION = {"type": "string", "pattern": r"^[\w+\-*/%()., ]+$"}
VALUE: Schema = {"type": ["number", "string", "boolean", "null", "array"]}


def either(*options: Schema) -> Schema:
    """One of several."""
    return {"anyOf": list(options)}


def list_of(item: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": item}


INTEGER = {"$ref": "#/$defs/value.int"}
_EXTENT = either({"type": "integer", "minimum": 1}, EXPRESSION)
_SIDE = either({"type": "integer", "minimum": 0}, EXPRESSION)
_OF_KIND: Mapping[str, Schema] = {
    "extent": _EXTENT,
    "int": either({"type": "integer"}, EXPRESSION),
    "number": either({"type": "number"}, EXPRESSION),
    "bool": either({"type": "boolean"}, NAME),
    "word": NAME,
    "extents": either(_EXTENT, list_of(_EXTENT)),
    "pad": either({"enum": ["same", "same_lower", "valid"]}, _SIDE, list_of(_SIDE)),
    "axes": either(INTEGER, list_of(INTEGER)),
    "shape": either(list_of(INTEGER), NAME),
    "layer": {"type": "string"},
    "text": {"type": "string"},
    "any": VALUE,
}
assert _OF_KIND.keys() == KINDS.keys()

_OF_ONNX: Mapping[str, Schema] = {
    "float": {"$ref": "#/$defs/value.number"},
    "int": INTEGER,
    "string": {"type": "string"},
}


def definitions() -> Schema:
    """The kinds of values, and the keys that every layer takes."""
    source = either({"type": ["string", "number", "null"]}, list_of(VALUE))
    return {
        **{f"value.{kind}": schema for kind, schema in _OF_KIND.items()},
        "as": described(either(NAME, list_of(NAME)), "the layer's name, or its outputs' names"),
        "from": described(source, "what it reads: names, numbers, null for an optional input that is left out"),
        "when": described(either({"type": ["boolean", "integer"]}, EXPRESSION), "whether it is there"),
    }


def described(schema: Schema, text: str) -> Schema:
    """With what editors show beside it."""
    return {"description": text, **schema}


def option(key: Key) -> Schema:
    """The value of a layer's key."""
    schema: Schema = {"$ref": f"#/$defs/value.{key.kind}"}
    if key.choices:
        schema = either({"enum": list(key.choices)}, NAME)
    if key.default is None:
        schema = either(schema, {"type": "null"})
    elif key.default is not REQUIRED:
        schema["default"] = key.default
    return described(schema, f"{key.doc} ({KINDS[key.kind]})" if key.doc else KINDS[key.kind])


def is_written(type_: str) -> bool:
    """Whether an ONNX attribute of this type can be written in YAML: a tensor or a graph cannot."""
    return type_.removesuffix("s") in _OF_ONNX


def attribute(type_: str) -> Schema:
    """The value of an ONNX attribute; a list of one is also written without brackets."""
    one = _OF_ONNX[type_.removesuffix("s")]
    return either(one, list_of(one)) if type_.endswith("s") else one
