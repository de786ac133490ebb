"""A position in a model or a config -> the words that may stand there, from the JSON Schema of the language and the
names that the file itself defines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

from costcalc.cli.lsp.context import ITEM, CursorContext
from costcalc.cli.lsp.outline import names_of_layers
from costcalc.frontends.builtin import builtin_names
from costcalc.frontends.yaml.document import Map, Scalar
from costcalc.frontends.yaml.inputs import WORD
from costcalc.frontends.yaml.schema import json_schema
from costcalc.studies.check.config_schema import config_schema

Schema = Mapping[str, Any]

CompletionKind = Literal["key", "layer", "value", "name", "block"]


class CompletionWord(NamedTuple):
    """A word that may stand at a position: its kind, what it means, the text that is written for it, and the same with
    numbered stops for an editor that takes snippets, "" where it has none."""

    label: str
    kind: CompletionKind
    detail: str
    text: str
    snippet: str = ""


@cache
def _schema(is_config: bool) -> Schema:
    return config_schema() if is_config else json_schema()


def complete_model(context: CursorContext, roots: Sequence[Map]) -> list[CompletionWord]:
    """A position in a model, and the roots of its texts that can be read -> the words that may stand there."""
    path, names = list(context.path), _FileNames(roots)
    words: list[CompletionWord] = []
    block = names.blocks.get(path[-1]) if len(path) > 2 and path[-2] == ITEM else None
    if context.role == "key" and block is not None:
        words += [_key(name, "argument of the block", context) for name in block]
    schemas = _resolve(_schema(False), path)
    words += _schema_words(schemas, context)
    if _is_entry(path, context):
        words += [_block(name, arguments, context) for name, arguments in names.blocks.items()]
    elif context.role in ("value", "item"):
        key = next((part for part in reversed(path) if part != ITEM), "")
        if key in ("from", "weights", "output"):
            words += [CompletionWord(name, "name", "layer or input", name) for name in names.values]
        elif "layers" in path[:-1] and key not in ("as", "layers"):
            arguments = names.blocks.get(path[1], ()) if path[0] == "blocks" and len(path) > 1 else ()
            words += [CompletionWord(name, "name", "argument", name) for name in arguments]
            words += [CompletionWord(name, "name", detail, name) for name, detail in names.params.items()]
        elif key == "dtype" and path[0] == "input":
            words += [CompletionWord(name, "value", "element type", name) for name in WORD.choices]
    return _distinct(words)


def complete_config(context: CursorContext, paths: Iterable[str]) -> list[CompletionWord]:
    """A position in a config, and the models beside it -> the words that may stand there."""
    words = list(_schema_words(_resolve(_schema(True), context.path), context))
    path = context.path
    if path and path[0] == "models" and context.role in ("item", "value") and path[-1] in (ITEM, "path"):
        words += [CompletionWord(name, "value", "model", name) for name in [*paths, *builtin_names()]]
    return _distinct(words)


class _FileNames:
    """The names that a file defines: parameters with their text, blocks with their arguments, layers and inputs."""

    def __init__(self, roots: Sequence[Map]) -> None:
        self.params: dict[str, str] = {}
        self.blocks: dict[str, tuple[str, ...]] = {}
        self.values: dict[str, None] = {}
        for root in roots:
            params, blocks, inputs = (root.values.get(key) for key in ("params", "blocks", "input"))
            for name, value in params.values.items() if isinstance(params, Map) else ():
                self.params.setdefault(name, value.text if isinstance(value, Scalar) else "parameter")
            for name, block in blocks.values.items() if isinstance(blocks, Map) else ():
                args = block.values.get("args") if isinstance(block, Map) else None
                self.blocks.setdefault(name, tuple(args.values) if isinstance(args, Map) else ())
            for name in inputs.values if isinstance(inputs, Map) and "shape" not in inputs.values else ("input",):
                self.values.setdefault(name)
            self.values.update(dict.fromkeys(scalar.text for scalar in names_of_layers(root)))


def _is_entry(path: Sequence[str], context: CursorContext) -> bool:
    """Whether a layer's word may stand at the position."""
    lists = ("layers", "body", "shortcut", "paths", "branches", ITEM)
    is_list = len(path) > 1 and path[-1] == ITEM and path[-2] in lists and path[0] in ("layers", "blocks")
    return is_list and context.role in ("item", "key")


def _resolve(schema: Schema, path: Sequence[str]) -> list[Schema]:
    """The schemas of what stands at a path, each without references and alternatives."""
    schemas = list(_alternatives(schema, schema))
    for part in path:
        inner: list[Schema] = []
        for alternative in schemas:
            if part == ITEM:
                items = alternative.get("items")
                inner += [items] if isinstance(items, Mapping) else []
                continue
            named = alternative.get("properties", {}).get(part)
            others = [*alternative.get("patternProperties", {}).values(), alternative.get("additionalProperties")]
            inner += [named] if named is not None else [other for other in others if isinstance(other, Mapping)]
        schemas = [found for candidate in inner for found in _alternatives(candidate, schema)]
    return schemas


def _alternatives(schema: Schema, root: Schema, depth: int = 0) -> Iterator[Schema]:
    """A schema -> itself and its alternatives, references followed."""
    if depth > 8:
        return
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        yield from _alternatives({**root["$defs"][name], **_without_reference(schema)}, root, depth + 1)
        return
    yield schema
    for key in ("anyOf", "then", "else"):
        inner = schema.get(key, ())
        for alternative in [inner] if isinstance(inner, Mapping) else inner:
            yield from _alternatives(alternative, root, depth + 1)


def _without_reference(schema: Schema) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "$ref"}


def _schema_words(schemas: Iterable[Schema], context: CursorContext) -> Iterator[CompletionWord]:
    root = None
    for schema in schemas:
        if context.role in ("key", "item"):
            for name, inner in schema.get("properties", {}).items():
                if context.path and context.path[-1] == ITEM and "$ref" in inner and "layer." in inner["$ref"]:
                    root = root or _schema(False)
                    definition = root["$defs"][inner["$ref"].rpartition("/")[2]]
                    yield _layer(name, definition, context)
                else:
                    yield _key(name, str(inner.get("description", "")), context)
        if context.role in ("value", "item"):
            for word in schema.get("enum", ()):
                yield CompletionWord(str(word), "value", "", str(word))
            if schema.get("type") == "boolean":
                yield from (CompletionWord(word, "value", "", word) for word in ("true", "false"))


def _key(name: str, detail: str, context: CursorContext) -> CompletionWord:
    return CompletionWord(name, "key", detail, name if context.has_colon else f"{name}: ")


def _layer(name: str, definition: Schema, context: CursorContext) -> CompletionWord:
    """A layer's word; in a snippet with the options that it needs."""
    detail = str(definition.get("description", ""))
    required = definition.get("required", ())
    if context.has_colon:
        return CompletionWord(name, "layer", detail, name)
    return CompletionWord(name, "layer", detail, name, _snippet(name, required))


def _block(name: str, arguments: Sequence[str], context: CursorContext) -> CompletionWord:
    snippet = "" if context.has_colon else _snippet(name, arguments)
    return CompletionWord(name, "block", f"block with {', '.join(arguments) or 'no arguments'}", name, snippet)


def _snippet(name: str, options: Sequence[str]) -> str:
    """A layer with stops at the values of its options."""
    stops = ", ".join(f"{option}: ${{{i}}}" for i, option in enumerate(options, 1))
    return f"{name}: {{{stops}}}" if stops else ""


def _distinct(words: Iterable[CompletionWord]) -> list[CompletionWord]:
    """The words, each label once: a layer before a key, the first of its kind."""
    by_label: dict[str, CompletionWord] = {}
    for word in words:
        by_label.setdefault(word.label, word)
    return list(by_label.values())
