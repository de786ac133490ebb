"""model_type -> Family: the YAML model of specs/families, and how fields of a configuration become its parameters.

A family's file is a YAML model with a key `config:`:

    config:
      model_types:                       # the model types of the family; each with the values of parameters that its
        llama:                           # class in transformers sets, where they differ from those of `params:`
        mistral: {num_key_value_heads: 8}
      fields: {n_embd: hidden_size}      # fields with another name than their parameter, as paths
      fixed: [qkv_bias]                  # parameters that only the model type decides
      neutral: [pretraining_tp]          # fields that change no figure of this family
      supported: {alibi: [false]}        # the values that a field may have

Every other parameter is the field of the same name. `model_types:` stands in the head of the file, one a line, so that
the index of all families is read without a YAML parser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from costcalc.core.errors import LoadError, did_you_mean
from costcalc.frontends.builtin import specs_folder
from costcalc.frontends.yaml.document import Map, Scalar, Seq, YamlNode, parse_document
from costcalc.frontends.yaml.values import ValueReader

FOLDER = "families"

_TYPES = re.compile(r"^  model_types:[^\n]*\n((?:    [^\n]*\n|\s*\n)+)", re.M)

_TYPE = re.compile(r"^    ([\w.-]+):", re.M)

KEYS = ("model_types", "fields", "fixed", "neutral", "supported")


class Family(NamedTuple):
    """A family as its file says it: text is the YAML model, parameters are the names of its `params:`."""

    file: str
    text: str
    parameters: frozenset[str]
    fields: Mapping[str, str]
    fixed: frozenset[str]
    neutral: frozenset[str]
    supported: Mapping[str, list[Any]]


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
    if not isinstance(config, Map) or not isinstance(params, Map):
        raise reader.error(root, "it is no family", "a family has `config:` and `params:`")
    for key, node in config.keys.items():
        if key not in KEYS:
            raise reader.error(node, f"unknown key {key!r}", did_you_mean(key, KEYS) or "use " + ", ".join(KEYS))
    supported = _mapping(reader, config.values.get("supported"))
    fields = {path: str(value) for path, value in _mapping(reader, config.values.get("fields")).items()}
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
    )


def _mapping(reader: ValueReader, node: YamlNode | None) -> dict[str, Any]:
    if node is None:
        return {}
    if not isinstance(node, Map):
        raise reader.error(node, "it is no mapping", "write {name: value}")
    return {key: reader.value(value, {}) for key, value in node.values.items()}


def _words(reader: ValueReader, node: YamlNode | None) -> list[str]:
    if node is None:
        return []
    if not isinstance(node, Seq):
        raise reader.error(node, "it is no list", "write [name, …]")
    return [item.text for item in node.items if isinstance(item, Scalar)]
