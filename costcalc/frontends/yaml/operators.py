"""An ONNX operator by its op_type in a YAML model -> a node; its attributes are of the types that ONNX declares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from costcalc.core.errors import CostcalcError, did_you_mean
from costcalc.frontends.yaml.calls import call_remedy, operator_remedy
from costcalc.frontends.yaml.document import YamlNode
from costcalc.frontends.yaml.items import STRUCTURE, LayerItem, Scope
from costcalc.frontends.yaml.layers.base import LAYERS, Site
from costcalc.frontends.yaml.values import ValueReader
from costcalc.frontends.yaml.words import layer_remedy
from costcalc.ops.schema import attribute_types, find_schema


def add_operator(
    kind: str,
    item: LayerItem,
    scope: Scope,
    site: Site,
    names: Sequence[str],
    reader: ValueReader,
    blocks: Iterable[str],
) -> tuple[str, ...]:
    """An ONNX operator by its op_type."""
    attributes = read_attributes(kind, item, scope, reader, blocks)
    schema = find_schema("", kind, site.builder.opset[""])
    if item.source is None and schema is not None and schema.min_inputs > len(site.inputs):
        count = len(site.inputs)
        fact = f"{count} input{'s are' if count > 1 else ' is'} given, the operator needs {schema.min_inputs}"
        remedy = operator_remedy(kind) or "name them: `from: [first, second]`"
        raise reader.error(item.node, fact, remedy)
    outputs = (site.name, *("/".join((*scope.path, n)) for n in names[1:]))
    site.op(kind, site.inputs, attributes, outputs=outputs)
    return outputs


def read_attributes(
    kind: str, item: LayerItem, scope: Scope, reader: ValueReader, blocks: Iterable[str]
) -> dict[str, Any]:
    """The attributes of an ONNX operator from its item. SpecError for a kind that is no operator, and for attributes
    that it does not have."""
    table = attribute_types()
    if kind not in table:
        kinds = [*STRUCTURE, *blocks, *LAYERS, *table]
        remedy = call_remedy(kind) or layer_remedy(kind, kinds) or did_you_mean(kind, kinds)
        if " - " in kind:
            remedy = "a layer in the line below is indented deeper; indent all layers of a list alike"
        remedy = remedy or "`costcalc schema` has all layers, `costcalc ops` lists the operators"
        raise reader.error(item.node, f"there is no layer, block or operator {kind!r}", remedy)
    attributes: dict[str, Any] = {}
    errors: list[CostcalcError] = []
    for key, node in item.options.items():
        if key in table[kind]:
            attributes[key] = read_attribute(table[kind][key], key, node, scope, reader)
        else:
            remedy = (
                operator_remedy(kind, key)
                or did_you_mean(key, table[kind])
                or "it has " + (", ".join(table[kind]) or "none")
            )
            errors.append(reader.error(item.keys[key], f"{kind} has no attribute {key!r}", remedy))
    reader.raise_all(errors)
    return attributes


def read_attribute(type_: str, key: str, node: YamlNode, scope: Scope, reader: ValueReader) -> Any:
    """The value of an attribute of an ONNX type (ints, floats, string …) from its node. SpecError where it does not
    fit."""
    value = reader.value(node, scope.names)
    if type_ in ("ints", "floats", "strings") and not isinstance(value, list):
        value = [value]
    values = value if isinstance(value, list) else [value]
    types: tuple[type, ...] = {"i": (int,), "s": (str,)}.get(type_[0], (object,))
    if type_ in ("tensor", "graph") or not all(isinstance(v, types) for v in values):
        remedy = f"it is of ONNX's type {type_.upper()}" + (
            ", which YAML cannot write" if type_ in ("tensor", "graph") else ""
        )
        raise reader.error(node, f"{key} is {value!r}", remedy)
    values = [float(v) if type_.startswith("float") else int(v) if types == (int,) else v for v in values]
    return tuple(values) if type_.endswith("s") else values[0]
