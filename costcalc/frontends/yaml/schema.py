"""The YAML language -> its JSON Schema (draft 2020-12), made from the tables that the reader itself uses.

The schema does not know the names of a file's own blocks and parameters. Where a file has blocks, or a parameter that
is a word, an unknown layer may be one of them; elsewhere it is a mistake. Expressions are text of the right characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costcalc.core.ir import DTYPES
from costcalc.frontends.yaml.items import COMMON_KEYS, STRUCTURE
from costcalc.frontends.yaml.layers.base import KINDS, LAYERS, REQUIRED, LayerKey, LayerKind
from costcalc.frontends.yaml.structure import MERGES
from costcalc.ops.schema import attribute_types

Schema = dict[str, Any]

NAME = {"type": "string", "pattern": r"^([^\W\d]|\{\w+\})([\w.-]|\{\w+\})*$"}

EXPRESSION = {"type": "string", "pattern": r"^[\w+\-*/%()., \[\]<>=!'\"]+$"}

VALUE: Schema = {"type": ["number", "string", "boolean", "null", "array"]}


def any_of(*options: Schema) -> Schema:
    """Schemas -> the schema of a value that fits one of them."""
    return {"anyOf": list(options)}


def list_of(item: Schema) -> Schema:
    """The schema of an item -> that of a list of such items."""
    return {"type": "array", "items": item}


INTEGER = {"$ref": "#/$defs/value.int"}

_EXTENT = any_of({"type": "integer", "minimum": 1}, EXPRESSION)

_SIDE = any_of({"type": "integer", "minimum": 0}, EXPRESSION)

_OF_KIND: Mapping[str, Schema] = {
    "extent": _EXTENT,
    "int": any_of({"type": "integer"}, EXPRESSION),
    "number": any_of({"type": "number"}, EXPRESSION),
    "bool": any_of({"type": "boolean"}, NAME),
    "word": NAME,
    "extents": any_of(_EXTENT, list_of(_EXTENT)),
    "pad": any_of({"enum": ["same", "same_lower", "valid"]}, _SIDE, list_of(_SIDE)),
    "axes": any_of(INTEGER, list_of(INTEGER)),
    "shape": any_of(list_of(INTEGER), NAME),
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
    source = any_of({"type": ["string", "number", "null"]}, list_of(VALUE))
    return {
        **{f"value.{kind}": schema for kind, schema in _OF_KIND.items()},
        "as": with_description(any_of(NAME, list_of(NAME)), "the layer's name, or its outputs' names"),
        "from": with_description(source, "what it reads: names, numbers, null for an optional input that is left out"),
        "when": with_description(any_of({"type": ["boolean", "integer"]}, EXPRESSION), "whether it is there"),
    }


def with_description(schema: Schema, text: str) -> Schema:
    """A schema and the text that editors show -> the schema with it as its description."""
    return {"description": text, **schema}


def option_schema(key: LayerKey) -> Schema:
    """A key of a layer -> the schema of its value."""
    schema: Schema = {"$ref": f"#/$defs/value.{key.kind}"}
    if key.choices:
        schema = any_of({"enum": list(key.choices)}, NAME)
    if key.default is None:
        schema = any_of(schema, {"type": "null"})
    elif key.default is not REQUIRED:
        schema["default"] = key.default
    return with_description(schema, f"{key.doc} ({KINDS[key.kind]})" if key.doc else KINDS[key.kind])


def is_writable(type_: str) -> bool:
    """Whether an ONNX attribute of this type can be written in YAML: a tensor or a graph cannot."""
    return type_.removesuffix("s") in _OF_ONNX


def attribute_schema(type_: str) -> Schema:
    """The type of an ONNX attribute -> the schema of its value; a list of one is also written without brackets."""
    element = _OF_ONNX[type_.removesuffix("s")]
    return any_of(element, list_of(element)) if type_.endswith("s") else element


def json_schema() -> Schema:
    """The schema of a model file."""
    closed, open_ = {"$ref": "#/$defs/layers"}, {"$ref": "#/$defs/layers_or_blocks"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "costcalc model",
        "description": "A neural network: inputs, parameters, blocks and layers.",
        "type": "object",
        "required": ["input", "layers"],
        "additionalProperties": False,
        "properties": {
            "name": with_description({"type": "string"}, "the network's name"),
            "source": with_description({"type": "string"}, "where it was published: paper and table"),
            "description": with_description({"type": "string"}, "a sentence on it"),
            "aliases": with_description(list_of(NAME), "other names of a built-in model"),
            "config": _config(),
            "params": with_description(
                {"type": "object", "propertyNames": NAME, "additionalProperties": VALUE},
                "numbers and words by name; --set replaces them",
            ),
            "input": with_description(_input(), "the shape of the input, or inputs by name"),
            "blocks": with_description(
                {
                    "type": "object",
                    "patternProperties": {NAME["pattern"]: {"$ref": "#/$defs/block"}},
                    "additionalProperties": False,
                },
                "lists of layers by name, with arguments",
            ),
            "layers": with_description({"type": "array"}, "the layers in their order"),
            "output": with_description(
                any_of(NAME, list_of(NAME)), "the values that it gives, the last layer's unless given"
            ),
        },
        "if": _has_own_names(),
        "then": {"properties": {"layers": open_}},
        "else": {"properties": {"layers": closed}},
        "$defs": {
            "layers": list_of({"$ref": "#/$defs/layer"}),
            "layers_or_blocks": list_of({"$ref": "#/$defs/layer_or_block"}),
            "layer": _any_layer("layers", closed=True),
            "layer_or_block": _any_layer("layers_or_blocks", closed=False),
            "block": _block(),
            **definitions(),
            **{_key(name): _layer(layer) for name, layer in LAYERS.items()},
            **{_key(name): _operator(attributes) for name, attributes in attribute_types().items()},
        },
    }


def _config() -> Schema:
    """How fields of a Hugging Face configuration become parameters (costcalc.frontends.huggingface.family)."""
    names, values = list_of({"type": "string"}), {"type": "object"}
    properties = {
        "model_types": with_description(values, "values of model_type, each with the parameters that its class sets"),
        "fields": with_description(values, "paths of fields with another name than their parameter"),
        "fixed": with_description(names, "parameters that only the model type decides"),
        "neutral": with_description(names, "fields that change no figure of this family"),
        "supported": with_description(values, "the values that a field may have"),
        "requires": with_description(
            values, "conditions of parameters, each with what is wrong where it does not hold"
        ),
        "heads": with_description(values, "endings of classes and the value of the parameter `head`"),
    }
    schema = {"type": "object", "required": ["model_types"], "additionalProperties": False, "properties": properties}
    return with_description(schema, "how fields of a Hugging Face configuration become parameters")


def _has_own_names() -> Schema:
    """The schema of a file with blocks, or with a parameter that is a word: a layer's word may be one of its own."""
    wordless = {"additionalProperties": {"not": NAME}}
    return any_of({"required": ["blocks"]}, {"required": ["params"], "properties": {"params": {"not": wordless}}})


def _key(name: str) -> str:
    return f"layer.{name}"


def _input() -> Schema:
    shape = list_of(INTEGER)
    full: Schema = {
        "type": "object",
        "required": ["shape"],
        "additionalProperties": False,
        "properties": {"shape": shape, "dtype": {"enum": list(DTYPES)}},
    }
    several = {"type": "object", "minProperties": 1, "additionalProperties": any_of(shape, full)}
    return any_of(shape, full, several)


def _block() -> Schema:
    return {
        "type": "object",
        "required": ["layers"],
        "additionalProperties": False,
        "properties": {
            "doc": with_description({"type": "string"}, "what it is"),
            "args": with_description(
                {"type": "object", "propertyNames": NAME, "additionalProperties": VALUE},
                "arguments and their defaults; one without a value must be given",
            ),
            "inputs": with_description(list_of(NAME), "names of the values that it reads"),
            "layers": with_description({"$ref": "#/$defs/layers_or_blocks"}, "the layers in their order"),
        },
    }


def _any_layer(inner: str, closed: bool) -> Schema:
    """A layer as a word, or as a mapping of its kind, with `as:`, `from:` and `when:` beside."""
    kinds = {name: {"$ref": f"#/$defs/{_key(name)}"} for name in (*LAYERS, *attribute_types())}
    keyless = [name for name, layer in LAYERS.items() if not any(k.default is REQUIRED for k in layer.keys.values())]
    word_schema: Schema = {"type": "string", "enum": [*keyless, *attribute_types()]}
    call: Schema = {"type": ["object", "null"], "additionalProperties": VALUE}
    mapping: Schema = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1 + len(_COMMON_KEYS),
        "properties": {**kinds, **_structure({"$ref": f"#/$defs/{inner}"}), **_COMMON_KEYS},
        "additionalProperties": False if closed else call,
    }
    if closed:
        return any_of(word_schema, mapping)
    incomplete = [*(name for name in LAYERS if name not in keyless), *STRUCTURE]
    return any_of(word_schema, {**NAME, "not": {"enum": incomplete}}, mapping)


_COMMON_KEYS: Schema = {key: {"$ref": f"#/$defs/{key}"} for key in COMMON_KEYS}


def _structure(layers: Schema) -> Schema:
    merge = with_description(any_of({"enum": list(MERGES)}, NAME), "how the paths are joined")
    return {
        "repeat": _object(
            "The same layers several times, or once for each element of a list.",
            {
                "times": with_description(INTEGER, "how many rounds, where no list says it (`for:` and `in:`)"),
                "for": with_description(
                    any_of(NAME, list_of(NAME)), "a name for the element, or one for each of several lists"
                ),
                "in": with_description(VALUE, "a list, or a list of lists of one length"),
                "index": with_description(NAME, "a name for the number of the round, from 0"),
                "layers": with_description(layers, "the layers of a round"),
                **_COMMON_KEYS,
            },
            ["layers"],
        ),
        "residual": _object(
            "Two paths from one value, added: the layers of `body:`, and those of `shortcut:` or the identity.",
            {
                "body": with_description(layers, "the layers of the main path"),
                "shortcut": with_description(layers, "the layers of the other path; none: the identity"),
                "merge": merge,
                **_COMMON_KEYS,
            },
            ["body"],
        ),
        "branches": any_of(
            list_of(layers),
            _object(
                "Paths side by side, joined along an axis.",
                {
                    "paths": with_description(
                        any_of(list_of(layers), {"type": "object", "additionalProperties": layers}),
                        "a list of paths, each a list of layers, or a mapping of their names to them",
                    ),
                    "merge": merge,
                    "axis": with_description(INTEGER, "the axis of the concatenation; 1, the channels, unless given"),
                    **_COMMON_KEYS,
                },
                ["paths"],
            ),
        ),
    }


def _object(text: str, properties: Schema, required: list[str]) -> Schema:
    schema: Schema = {"description": text, "type": "object", "additionalProperties": False, "properties": properties}
    return schema | ({"required": required} if required else {"type": ["object", "null"]})


def _layer(layer: LayerKind) -> Schema:
    required = [name for name, key in layer.keys.items() if key.default is REQUIRED]
    return _object(layer.doc, {name: option_schema(key) for name, key in layer.keys.items()} | _COMMON_KEYS, required)


def _operator(attributes: Mapping[str, str]) -> Schema:
    properties = {name: attribute_schema(type_) for name, type_ in attributes.items() if is_writable(type_)}
    return _object("An ONNX operator with its attributes.", {**properties, **_COMMON_KEYS}, [])
