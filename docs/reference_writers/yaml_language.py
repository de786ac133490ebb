"""The schema and the layers of the YAML language -> docs/reference/yaml.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from costcalc.core.arithmetic import FUNCTIONS
from costcalc.core.ir import DTYPES
from costcalc.frontends.yaml.expression import CONSTANTS
from costcalc.frontends.yaml.layers.base import (
    COMMON_FAMILIES,
    KINDS,
    LAYERS,
    OTHER_FAMILIES,
    REQUIRED,
    LayerKey,
    LayerKind,
)
from costcalc.frontends.yaml.schema import json_schema
from reference_writers.markdown import block, code, make_page, prose, table

INTRODUCTION = """
A model in YAML is a mapping with an input and a list of layers. Weights are implied by the input's shape, and every
number may be an expression over the file's own parameters. `costcalc schema` prints the JSON Schema of the language,
for editors that complete and check ([editors](../how-to/editors.md)). A key that is not listed here is refused.
"""

EXAMPLE = """
name: Tiny
params: {alpha: 1.0, classes: 10}
input: [N, 3, 32, 32]
blocks:
  unit:
    args: {filters: , stride: 1}
    layers:
      - conv: {filters: round(filters * alpha), kernel: 3, stride: stride, pad: same, bias: false}
      - batch_norm
      - relu
layers:
  - unit: {filters: 16}
  - residual: {body: [{unit: {filters: 16}}]}
  - repeat: {times: 2, layers: [{unit: {filters: 32, stride: 2}}]}
  - global_avg_pool
  - flatten
  - linear: {units: classes}
"""

CONFIG_TEXT = """
`config:` says how the fields of a Hugging Face configuration become parameters of the file: the files of costcalc's
own families have it.
"""

LAYERS_TEXT = """
A layer is a word (`- relu`) or a mapping of one key, its kind, to its options (`- conv: {filters: 16, kernel: 3}`).
Three keys may stand beside the options of every layer:
"""

OPERATORS_TEXT = """
Every ONNX operator goes by its op_type, with ONNX's attributes as options and its inputs in `from:`: `- Transpose:
{perm: [0, 2, 3, 1]}`, `- Slice: {from: [x, [0], [8], [1]]}`. [Operators](operators.md) lists them all.
"""

EXPRESSIONS_TEXT = """
An expression is text in the place of a number: names of parameters, arguments and symbols of the input, numbers, and
`+ - * / // % **`. Decimals are exact. Comparisons are `== != < <= > >= in`; `and or not` and `a if condition else b`
are conditions. A list's element is `kinds[i]`, `[0] * n + more` joins lists, and `[i * 2 for i in range(n)]` makes
one. Words stand in quotes. Inside `{…}` YAML takes a comma for its own: quote such an expression, `{filters: "max(8,
n)"}`.
"""

FAMILY_TITLES = {
    "activation": "Activations and elementwise functions",
    "conv": "Convolutions",
    "linear": "Linear layers and products",
    "norm": "Normalisation",
    "pool": "Pools",
    "tensor": "Tensors and shapes",
    "attention": "Attention and rotary embeddings",
    "experts": "Mixture of experts",
    "llm": "Sparse and compressed attention",
    "recurrent": "Recurrent layers",
    "state": "Recurrent states",
}
"""Family of layers -> the title of its section; a family that is not here has its own name."""


def write_yaml_language() -> str:
    """The page."""
    schema = json_schema()
    parts = [INTRODUCTION, block("yaml", EXAMPLE.strip())]
    parts += ["## Keys of a file", _properties_table(schema)]
    parts += ["An element type is one of " + ", ".join(code(name) for name in DTYPES if name != "undefined") + "."]
    parts += ["### Keys of a block", _properties_table(schema["$defs"]["block"])]
    parts += ["### Keys of config", CONFIG_TEXT, _properties_table(schema["properties"]["config"])]
    parts += ["## Layers", LAYERS_TEXT, _common_keys(schema)]
    parts += list(_describe_structure(schema))
    for family in (*COMMON_FAMILIES, *OTHER_FAMILIES):
        parts += _describe_family(family)
    parts += ["### ONNX operators", OPERATORS_TEXT]
    parts += ["## Values", table(("Kind", "What it is"), [(code(kind), prose(text)) for kind, text in KINDS.items()])]
    names = ", ".join(code(name) for name in [*FUNCTIONS, "len", "range", "count", "numbers"])
    constants = ", ".join(code(name) for name in CONSTANTS)
    parts += ["## Expressions", EXPRESSIONS_TEXT, f"Functions: {names}. Constants: {constants}."]
    return make_page("YAML models", *parts)


def _properties_table(schema: Mapping[str, Any]) -> str:
    """An object's schema -> its keys with their descriptions."""
    rows = [
        (code(name), prose(value["description"]), _need(name, schema)) for name, value in schema["properties"].items()
    ]
    return table(("Key", "What it is", ""), rows)


def _need(name: str, schema: Mapping[str, Any]) -> str:
    return "required" if name in schema.get("required", ()) else ""


def _common_keys(schema: Mapping[str, Any]) -> str:
    rows = [(code(key), prose(schema["$defs"][key]["description"])) for key in ("as", "from", "when")]
    return table(("Key", "What it is"), rows)


def _describe_structure(schema: Mapping[str, Any]) -> Iterable[str]:
    """The layers that hold other layers."""
    yield "### Structure"
    yield "These hold other layers; so does a block of the file, which goes by its own name."
    properties = schema["$defs"]["layer"]["anyOf"][1]["properties"]
    for name in ("repeat", "residual", "branches"):
        value = properties[name]
        value = value["anyOf"][-1] if "anyOf" in value else value
        yield f"#### {name}"
        yield prose(value["description"])
        rows = [
            (code(key), _structure_meaning(inner), _need(key, value))
            for key, inner in value["properties"].items()
            if key not in ("as", "from", "when")
        ]
        yield table(("Key", "What it is", ""), rows)


def _structure_meaning(schema: Mapping[str, Any]) -> str:
    """The description of a key, with the words that it may be."""
    text: str = schema["description"]
    words = next((option["enum"] for option in schema.get("anyOf", ()) if "enum" in option), ())
    return prose(text) + (f": {', '.join(code(word) for word in words)}" if words else "")


def _describe_family(family: str) -> Iterable[str]:
    """A family of layers: those without keys in a table, each of the others with a table of its keys."""
    module = f"costcalc.frontends.yaml.layers.{family}"
    kinds = [kind for kind in LAYERS.values() if kind.emit.__module__ == module]
    yield f"### {FAMILY_TITLES.get(family, family.capitalize())}"
    yield _words_table([kind for kind in kinds if not kind.keys])
    for kind in kinds:
        if kind.keys:
            yield f"#### {kind.name}"
            yield prose(kind.doc)
            yield _keys_table(kind)


def _words_table(kinds: Sequence[LayerKind]) -> str:
    """Layers without options -> a table, those of one sentence in a row each."""
    rows = [(f'<a id="{kind.name}"></a>{code(kind.name)}', prose(kind.doc)) for kind in kinds]
    return table(("Layer", "What it computes"), rows) if rows else ""


def _keys_table(kind: LayerKind) -> str:
    rows = [(code(name), _kind_text(key), prose(key.doc) + _default_text(key)) for name, key in kind.keys.items()]
    return table(("Key", "Value", "Meaning"), rows)


def _kind_text(key: LayerKey) -> str:
    """The kind of a value, or the words that it may be."""
    if tuple(key.choices) == tuple(DTYPES):
        return "an element type"
    return ", ".join(code(word) for word in key.choices if word) or f"[{key.kind}](#values)"


def _default_text(key: LayerKey) -> str:
    if key.default is REQUIRED:
        return "; **required**"
    if key.default is None or key.default == "":
        return ""
    return f"; default: {code(str(key.default).lower() if isinstance(key.default, bool) else key.default)}"
