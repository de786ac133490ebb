"""model_type -> Family: the YAML model of specs/families, and how fields of a configuration become its parameters.

A family's file is a YAML model with a key `config:`:

    config:
      model_types:                       # the model types of the family; each with the values of parameters that its
        llama:                           # class in transformers sets, where they differ from those of `params:`
        mistral: {num_key_value_heads: 8}
      fields: {n_embd: hidden_size}      # fields with another name than their parameter, as paths
      fixed: [qkv_bias]                  # parameters that only the model type decides
      neutral: [pretraining_tp]          # fields that change no figure of this family
      supported: {alibi: [false]}        # the values that a field may have, or each element
      requires: {hidden_size % 2 == 0: hidden_size ({hidden_size}) is odd}     # conditions, and what is wrong without
      heads: {ForMaskedLM: tokens}       # endings of classes (`architectures`) and the value of the parameter `head`

A network of parts that have configurations of their own (text_config, vision_config) has `parts:` instead of a model:

    config:
      model_types:
        qwen3_vl:
      parts:
        text_config: {model_type: qwen3_vl_text, prefixes: {model.: model.language_model.}}
        vision_config: {model_type: qwen3_vl_vision, prefixes: {"": model.visual.}, fields: {tie_word_embeddings: tied}}

Each part is the model of a family; model_type is that of the part's own configuration unless given. prefixes say what
names of its tensors begin with in the checkpoint, fields which fields of the whole configuration are parameters of it.
`missing: defaults` says that a part without a configuration has its class's values (else it is left out), and `unread:`
beside `parts:` which fields of the whole have no effect although a part has such fields: a note names them.
`text_classes:` beside `parts:` names the classes (`architectures`) that have the first part alone.
Where the whole has `heads:`, a part's own say which head it has with which of those (the first where no class is
named); it is left out with any other, and has its class's values where its field is missing.

Networks of the same parts may stand in one file. Values of a model type are then those of fields of the whole; a
mapping stands for a part's configuration where that is missing, its model_type also where a configuration has none:

      model_types:
        llava: {projector_hidden_act: gelu, vision_config: {model_type: clip_vision_model, hidden_size: 1024}}
      parts:
        vision_config: {values: {features: true}}
        multi_modal_projector: {model_type: projector, reads: vision_config, fields: {projector_hidden_act: act}}

Fields of the whole that the row does not name are refused; a row's null says that null and false decide nothing.
values: are those of parameters of the part, which its family must have, and neutral: fields of its own configuration
that change no figure of this network; `merged: true` says that the row's values stand for single missing fields, too.
A part that `reads:` another stands in no configuration: its graph goes on from the other's output, its values are those
of the row and of fields, where `text_config.hidden_size` is the parameter of that part.

Every other parameter is the field of the same name. `model_types:` stands in the head of the file, one a line, so that
the index of all families is read without a YAML parser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from costcalc.core.errors import LoadError, did_you_mean
from costcalc.frontends.builtin import specs_folder
from costcalc.frontends.yaml.document import Map, Scalar, Seq, YamlNode, parse_document
from costcalc.frontends.yaml.values import ValueReader

FOLDER = "families"

_TYPES = re.compile(r"^  model_types:[^\n]*\n((?:    [^\n]*\n|\s*\n)+)", re.M)

_TYPE = re.compile(r"^    ([\w.-]+):", re.M)

KEYS = (
    "model_types",
    "fields",
    "fixed",
    "neutral",
    "supported",
    "heads",
    "unread",
    "parts",
    "requires",
    "text_classes",
)

PART_KEYS = ("model_type", "prefixes", "fields", "heads", "missing", "values", "reads", "neutral", "merged")


class FamilyPart(NamedTuple):
    """A part of a network, by the field that holds its configuration: its model type ("": that of its configuration),
    and as above."""

    field: str
    model_type: str
    prefixes: Mapping[str, str]
    fields: Mapping[str, str]
    heads: Mapping[str, str]
    has_defaults: bool = False
    values: Mapping[str, Any] = {}
    reads: str = ""
    neutral: frozenset[str] = frozenset()
    is_merged: bool = False


class Family(NamedTuple):
    """A family as its file says it: text is the YAML model, parameters are the names of its `params:`."""

    file: str
    text: str
    parameters: frozenset[str]
    fields: Mapping[str, str]
    fixed: frozenset[str]
    neutral: frozenset[str]
    supported: Mapping[str, list[Any]]
    heads: Mapping[str, str]
    parts: tuple[FamilyPart, ...] = ()
    unread: frozenset[str] = frozenset()
    requires: Mapping[str, str] = MappingProxyType({})
    text_classes: frozenset[str] = frozenset()
    class_values: Mapping[str, Mapping[str, Any]] = {}


@lru_cache(maxsize=1)
def family_files() -> dict[str, Path]:
    """Model types -> the file of their family."""
    files: dict[str, Path] = {}
    for path in sorted((specs_folder() / FOLDER).glob("*.yaml")):
        if found := _TYPES.search(path.read_text(encoding="utf-8")):
            files.update(dict.fromkeys(_TYPE.findall(found[1]), path))
    return files


def find_family(model_type: str, file: str) -> Family:
    """A model type and the configuration's name in errors -> its family. LoadError where none is known, with those that
    have a similar name."""
    path = family_files().get(model_type)
    if path is None:
        raise LoadError(f"the model type {model_type!r} is not known", unknown_remedy(model_type), file)
    return read_family(path)


def unknown_remedy(model_type: str) -> str:
    """A model type without a family -> those with similar names, or how to come to a graph without a family."""
    stem = re.split(r"[\d_-]", model_type)[0]
    near = [name for name in family_files() if len(stem) > 2 and name.startswith(stem)]
    hint = f"known are {', '.join(sorted(near))}" if near else did_you_mean(model_type, family_files())
    code = "its code is read with transformers: costcalc analyze transformers:FOLDER"
    return f"{hint}; {code}" if hint else code


@lru_cache(maxsize=8)
def read_family(path: Path) -> Family:
    """A family's file -> Family. SpecError where its `config:` is not as above."""
    text = path.read_text(encoding="utf-8")
    reader = ValueReader(parse_document(text, path.name))
    root = reader.document.root
    config, params = (root.values.get(key) for key in ("config", "params")) if isinstance(root, Map) else (None, None)
    parts = config.values.get("parts") if isinstance(config, Map) else None
    params = Map(root.line, root.column) if params is None and parts is not None else params
    if not isinstance(config, Map) or not isinstance(params, Map):
        raise reader.error(root, "it is no family", "a family has `config:`, and `params:` or parts")
    for key, node in config.keys.items():
        if key not in KEYS:
            raise reader.error(node, f"unknown key {key!r}", did_you_mean(key, KEYS) or "use " + ", ".join(KEYS))
    supported = _mapping(reader, config.values.get("supported"))
    fields = _texts(reader, config.values.get("fields"))
    for name in fields.values():
        if name not in params.values:
            raise reader.error(config, f"{name!r} is no parameter", did_you_mean(name, params.values))
    return Family(
        path.name,
        text,
        frozenset(params.values),
        fields,
        frozenset(_words(reader, config.values.get("fixed"))),
        frozenset(_words(reader, config.values.get("neutral"))),
        {name: value if isinstance(value, list) else [value] for name, value in supported.items()},
        _texts(reader, config.values.get("heads")),
        tuple([_read_part(reader, name, node) for name, node in parts.values.items()])
        if isinstance(parts, Map)
        else (),
        frozenset(_words(reader, config.values.get("unread"))),
        _texts(reader, config.values.get("requires")),
        frozenset(_words(reader, config.values.get("text_classes"))),
        _read_class_values(reader, config.values.get("model_types")) if isinstance(parts, Map) else {},
    )


def _read_part(reader: ValueReader, field: str, node: YamlNode) -> FamilyPart:
    if not isinstance(node, Map) or any(key not in PART_KEYS for key in node.values):
        raise reader.error(node, f"the part {field!r} is not understood", "it has " + ", ".join(PART_KEYS))
    model_type = node.values.get("model_type")
    prefixes, fields, heads = [_texts(reader, node.values.get(name)) for name in ("prefixes", "fields", "heads")]
    missing = node.values.get("missing")
    if missing is not None and not (isinstance(missing, Scalar) and missing.text == "defaults"):
        raise reader.error(missing, "it is no rule for a missing part", "write defaults, or leave it out")
    text = model_type.text if isinstance(model_type, Scalar) else ""
    values, reads = _mapping(reader, node.values.get("values")), node.values.get("reads")
    read = reads.text if isinstance(reads, Scalar) else ""
    neutral = frozenset(_words(reader, node.values.get("neutral")))
    return FamilyPart(
        field, text, prefixes, fields, heads, missing is not None, values, read, neutral, "merged" in node.values
    )


def _read_class_values(reader: ValueReader, node: YamlNode | None) -> dict[str, dict[str, Any]]:
    """The model types of a network of parts -> the values of its fields by type, those of a part as a mapping."""
    rows = node.values if isinstance(node, Map) else {}
    return {
        name: {
            key: _mapping(reader, value) if isinstance(value, Map) else reader.value(value, {})
            for key, value in row.values.items()
        }
        for name, row in rows.items()
        if isinstance(row, Map)
    }


def _mapping(reader: ValueReader, node: YamlNode | None) -> dict[str, Any]:
    if node is None:
        return {}
    if not isinstance(node, Map):
        raise reader.error(node, "it is no mapping", "write {name: value}")
    return {key: reader.value(value, {}) for key, value in node.values.items()}


def _texts(reader: ValueReader, node: YamlNode | None) -> dict[str, str]:
    """A mapping of texts, as they are written."""
    if node is None:
        return {}
    if not isinstance(node, Map) or not all(isinstance(value, Scalar) for value in node.values.values()):
        raise reader.error(node, "it is no mapping of words", "write {name: word}")
    return {key: value.text for key, value in node.values.items() if isinstance(value, Scalar)}


def _words(reader: ValueReader, node: YamlNode | None) -> list[str]:
    if node is None:
        return []
    if not isinstance(node, Seq):
        raise reader.error(node, "it is no list", "write [name, …]")
    return [item.text for item in node.items if isinstance(item, Scalar)]
