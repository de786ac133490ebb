"""The JSON Schemas of documents -> docs/reference/json.md: the fields of each, and of the parts that several share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from costcalc.analysis.report import FORMAT_VERSION
from costcalc.studies.options import Settings
from costcalc.studies.pipeline import analyze
from costcalc.views.json_schema import DOCUMENTS, INPUTS, find_schema
from reference_writers.markdown import block, code, make_page, prose, table

Schema = Mapping[str, Any]

INTRODUCTION = f"""
With `--format json` a command prints one JSON document for programs. Every document begins with `format_version`, now
{FORMAT_VERSION}, and `costcalc`, the version that wrote it. `format_version` is raised where a field is removed or
renamed; fields may be added without that, so ignore what you do not know. Counts are exact integers; while symbols
are open, a count is the text of a formula (`"18432*seq**2 + 123532032*seq"`). Seconds, joules, rates and shares are
floats. What is not known is null, never 0.

`costcalc schema NAME` prints the JSON Schema (draft 2020-12) of a document. A field that is *optional* is left out
where it does not apply.
"""

SAMPLE_TEXT = "Of `costcalc analyze lenet5 --format json`, with one layer:"

EXAMPLES = {
    "analyze": "costcalc analyze lenet5 --format json",
    "compare": "costcalc compare lenet5 alexnet --format json",
    "explain": "costcalc explain lenet5 C3 --format json",
    "memory": "costcalc memory lenet5 --format json",
    "llm": "costcalc llm gpt2 --prompt 128 --generate 32 --format json",
    "check": "costcalc check lenet5 --max macs=1M --format json",
    "diff": "costcalc diff lenet5 alexnet --format json",
    "sweep": "costcalc sweep lenet5 --dim N=1,8 --format json",
    "suggest": "costcalc suggest vgg16 --format json",
    "reconcile": "costcalc reconcile lenet5 --format json",
    "history": "costcalc history --format json",
    "lock": "costcalc lock",
    "table": "costcalc models --format json",
}

HEAD = ("format_version", "costcalc")

PART_TITLES = {
    "amount": "count",
    "amount_or_null": "count or null",
    "amounts": "counts by name",
    "certainties": "certainty by quantity",
    "fit": "fit of a memory",
    "flash": "flash",
    "layer_figures": "figures of a layer",
    "line": "line of a working",
    "pass": "pass",
    "place_or_null": "place",
    "shape_or_null": "shape or null",
}
"""Shared definitions -> their titles, where they are not their names."""


def write_json_documents() -> str:
    """The page."""
    names = [*INPUTS, *DOCUMENTS]
    links = {**{name: f"#{name}" for name in DOCUMENTS}, "model": "yaml.md", "config": "config.md"}
    links["device"] = "devices.md#a-profile-of-your-own"
    rows = [(f"[`{name}`]({links[name]})", prose(str(find_schema(name)["description"]))) for name in names]
    parts = [INTRODUCTION, table(("Schema", "What it describes"), rows)]
    shared: dict[str, Schema] = {}
    for name in DOCUMENTS:
        schema = find_schema(name)
        shared |= schema.get("$defs", {})
        parts += [f"## {name}", prose(schema["description"]), block("bash", EXAMPLES[name])]
        fields = _fields({"properties": _without_head(schema), "required": schema["required"]}, "")
        parts.append(_fields_table(list(fields)))
        parts += [SAMPLE_TEXT, block("json", _sample())] if name == "analyze" else []
    parts += ["## Shared parts", "What several documents hold, or a document in several places."]
    for name in sorted(shared, key=_title):
        parts += [f"### {_title(name)}", *_describe_part(shared[name])]
    return make_page("JSON documents", *parts)


def _sample() -> str:
    """The document of LeNet-5, cut to its first layer, a line for each field."""
    entry = analyze("lenet5", Settings()).to_dict()
    document = {"format_version": FORMAT_VERSION, "costcalc": "…", "models": [entry | {"layers": entry["layers"][:1]}]}
    return _indented(document)


def _indented(value: Any, indent: int = 0) -> str:
    """A value -> its JSON, in which what fits a line stands on one."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or indent + len(flat) <= SAMPLE_WIDTH:
        return flat
    pad = " " * (indent + 2)
    if isinstance(value, list):
        lines = [pad + _indented(item, indent + 2) for item in value]
    else:
        lines = [f"{pad}{json.dumps(key)}: {_indented(item, indent + 2)}" for key, item in value.items()]
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return f"{opening}\n" + ",\n".join(lines) + f"\n{' ' * indent}{closing}"


SAMPLE_WIDTH = 80
"""Characters of a line of the sample."""


def _without_head(schema: Schema) -> Schema:
    return {key: value for key, value in schema["properties"].items() if key not in HEAD}


def _title(name: str) -> str:
    return PART_TITLES.get(name, name)


def _slug(title: str) -> str:
    """A title of a section -> the anchor that MkDocs and repository pages give it."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def _describe_part(schema: Schema) -> Iterator[str]:
    if text := schema.get("description"):
        yield _sentence(str(text))
    rows = list(_fields(schema, ""))
    if rows:
        yield _fields_table(rows)
    elif "properties" not in schema:
        yield f"Type: {_type_text({k: v for k, v in schema.items() if k != 'description'})}."


def _sentence(text: str) -> str:
    return prose(text[0].upper() + text[1:].rstrip(".") + ".")


def _fields_table(rows: list[tuple[str, str, str]]) -> str:
    return table(("Field", "Type", "What it is"), rows) if rows else ""


def _fields(schema: Schema, path: str) -> Iterator[tuple[str, str, str]]:
    """An object's schema and its path in the document -> a row for each field, and for those of objects inside it."""
    schema = _without_null(schema)
    required = schema.get("required", ())
    for name, value in (*schema.get("properties", {}).items(), *_pattern_fields(schema)):
        inner_path = f"{path}{name}"
        optional = "" if name in required or not required else ", *optional*"
        yield code(inner_path), _type_text(value) + optional, prose(str(value.get("description", "")))
        yield from _inner_fields(value, inner_path)
    for item in schema.get("allOf", ()):
        if "$ref" in item:
            name = item["$ref"].removeprefix("#/$defs/")
            yield code(f"{path}…"), f"[{_title(name)}](#{_slug(_title(name))})", "the fields of that part"


def _pattern_fields(schema: Schema) -> Iterator[tuple[str, Schema]]:
    for pattern, value in schema.get("patternProperties", {}).items():
        yield pattern.removeprefix("^").replace(r"\..+", ".DEVICE"), value


def _inner_fields(value: Schema, path: str) -> Iterator[tuple[str, str, str]]:
    """The fields of the objects that a field holds: itself, in a list, or by name."""
    value = _without_null(value)
    if "properties" in value:
        yield from _fields(value, f"{path}.")
    elif isinstance(value.get("items"), dict):
        yield from _inner_fields(value["items"], f"{path}[]")
    elif isinstance(value.get("additionalProperties"), dict):
        yield from _inner_fields(value["additionalProperties"], f"{path}.NAME")
    else:
        for option in value.get("anyOf", ()):
            yield from _inner_fields(option, path)


def _without_null(schema: Schema) -> Schema:
    """A schema of a value or null -> that of the value."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    return options[0] if len(options) == 1 and len(schema.get("anyOf", ())) == 2 else schema


WORDS: Mapping[str, str] = {
    "boolean": "true or false",
    "string": "text",
    "number": "number",
    "integer": "integer",
    "null": "null",
}


def _type_text(schema: Schema) -> str:
    """A schema -> its type in words, with links to shared parts."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        return f"[{_title(name)}](#{_slug(_title(name))})"
    if "enum" in schema:
        return ", ".join(code("null" if word is None else word) for word in schema["enum"])
    if "const" in schema:
        return code(str(schema["const"]).lower())
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type_text(option) for option in schema["anyOf"]))
    kind: Any = schema.get("type", "object" if "properties" in schema or "allOf" in schema else "")
    if isinstance(kind, list):
        return ", ".join(WORDS.get(str(word), str(word)) for word in kind)
    if kind == "array":
        items = schema.get("items", {})
        return f"list of {_plural(_type_text(items))}" if items else "list"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        inner = _type_text(schema["additionalProperties"])
        return f"{inner}, by name" if inner else "mapping"
    return WORDS.get(kind, kind or "any value")


def _plural(text: str) -> str:
    return {"object": "objects", "text": "texts", "integer": "integers", "number": "numbers"}.get(text, text)
