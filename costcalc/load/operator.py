"""An ONNX operator by its op_type in a YAML model: its attributes are checked against ONNX's own table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from costcalc.errors import did_you_mean
from costcalc.load.items import STRUCTURE, Item
from costcalc.load.layers import LAYERS
from costcalc.load.layers.base import Site
from costcalc.load.op_table import operators
from costcalc.load.scope import Scope
from costcalc.load.values import Reader
from costcalc.load.yaml_nodes import YamlNode


def add_operator(
    kind: str, item: Item, scope: Scope, site: Site, names: Sequence[str], reader: Reader, blocks: Iterable[str]
) -> tuple[str, ...]:
    """An ONNX operator by its op_type."""
    table = operators()
    if kind not in table:
        known = [*STRUCTURE, *blocks, *LAYERS, *table]
        remedy = did_you_mean(kind, known) or "see `costcalc schema` for all layers"
        raise reader.error(item.node, f"there is no layer, block or operator {kind!r}", remedy)
    attributes: dict[str, Any] = {}
    for key, node in item.options.items():
        if key not in table[kind]:
            remedy = did_you_mean(key, table[kind]) or "it has " + (", ".join(table[kind]) or "none")
            raise reader.error(item.keys[key], f"{kind} has no attribute {key!r}", remedy)
        attributes[key] = attribute(table[kind][key], key, node, scope, reader)
    outputs = (site.name, *("/".join((*scope.path, n)) for n in names[1:]))
    site.op(kind, site.inputs, attributes, outputs=outputs)
    return outputs


def attribute(type_: str, key: str, node: YamlNode, scope: Scope, reader: Reader) -> Any:
    value = reader.value(node, scope.names)
    if type_ in ("ints", "floats", "strings") and not isinstance(value, list):
        value = [value]
    values = value if isinstance(value, list) else [value]
    want: tuple[type, ...] = {"i": (int,), "s": (str,)}.get(type_[0], (object,))
    if type_ in ("tensor", "graph") or not all(isinstance(v, want) for v in values):
        remedy = f"it is of ONNX's type {type_.upper()}" + (
            ", which YAML cannot write" if type_ in ("tensor", "graph") else ""
        )
        raise reader.error(node, f"{key} is {value!r}", remedy)
    values = [float(v) if type_.startswith("float") else int(v) if want == (int,) else v for v in values]
    return tuple(values) if type_.endswith("s") else values[0]
