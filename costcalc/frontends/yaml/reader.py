"""Text of a YAML model -> Graph: parameters, inputs, blocks with arguments, layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from costcalc.core.assumptions import collect_assumptions
from costcalc.core.dim import Dim
from costcalc.core.errors import ExpressionError, ShapeError, SpecError, UnknownNameError, did_you_mean
from costcalc.core.ir import Graph
from costcalc.frontends.yaml.document import Document, Map, Scalar, Seq, YamlNode, parse_document
from costcalc.frontends.yaml.elaborate import Elaborator
from costcalc.frontends.yaml.inputs import add_inputs
from costcalc.frontends.yaml.items import BlockDefinition, Scope
from costcalc.frontends.yaml.layers.base import ParameterStyle
from costcalc.frontends.yaml.layers.layout import with_layout
from costcalc.frontends.yaml.syntax import TOP_KEYS
from costcalc.frontends.yaml.values import DERIVED, LiteralText, ValueReader
from costcalc.graph.builder import GraphBuilder

OPSET = 23

BLOCK_KEYS = ("args", "inputs", "layers", "doc")
"""The keys of a block."""

BLOCK_REMEDY = "a block has `args:`, `inputs:`, `layers:`, `doc:`"

MAX_CACHED_TEXT = 1 << 16
"""The longest text whose parsed document is cached: a sweep reads one file with many parameters."""


def load_spec(
    text: str | bytes,
    file: str,
    source: str = "",
    *,
    params: Mapping[str, Any] | None = None,
    dims: Mapping[str, Dim] | None = None,
    shapes: Mapping[str, Sequence[Dim]] | None = None,
    symbolic: bool = False,
    upper: bool = False,
    name: str = "",
    model_type: str = "",
    style: ParameterStyle = ParameterStyle(),  # noqa: B008
    elaborator: Callable[
        [ValueReader, GraphBuilder, Mapping[str, BlockDefinition], ParameterStyle], Elaborator
    ] = Elaborator,
) -> Graph:
    """The text of a YAML model -> its graph. file is its name in errors, source its name in reports (file by default).

    params replaces values of the file's own `params`, dims binds symbols of its inputs, shapes replaces whole input
    shapes; symbolic leaves batch and spatial extents open, upper takes extents that depend on data as large as they
    can be; name is the graph's (the file's own unless given), style that of its parameters; of a family, model_type
    says whose values parameters have; elaborator adds the layers (source_map observes it). SpecError and ShapeError
    carry file:line:column.
    """
    reader = ValueReader((_parse_cached if len(text) <= MAX_CACHED_TEXT else parse_document)(text, file))
    root = require_model(reader, reader.document.root)
    names = read_params(reader, root, params or {}, model_type)
    title = root.values.get("name")
    name = name or (title.text if isinstance(title, Scalar) else file)
    builder = GraphBuilder(name, source or file, {"": OPSET}, None, dims, upper)
    with collect_assumptions() as assumptions:
        inputs = add_inputs(
            reader, root.values["input"], names, builder, dims or {}, shapes or {}, symbolic, style.dtype
        )
        blocks = read_blocks(reader, root.values.get("blocks"))
        outputs = add_layers(root, elaborator(reader, builder, blocks, style), Scope(names, dict(inputs), ()))
    return builder.build(outputs, assumptions)


def require_model(reader: ValueReader, root: YamlNode, complete: bool = True) -> Map:
    """The root of a document -> the same, a mapping with the keys of a model; one that is not complete may lack some.
    SpecError where it is none."""
    if not isinstance(root, Map):
        raise reader.error(root, "it is no model", "a model is a mapping with `input:` and `layers:`")
    for key, node in root.keys.items():
        if key not in TOP_KEYS:
            remedy = did_you_mean(key, TOP_KEYS) or "use " + ", ".join(TOP_KEYS)
            reader.report(reader.error(node, f"unknown key {key!r}", remedy))
    for key in ("input", "layers") if complete else ():
        if key not in root.values:
            reader.report(reader.error(root, f"`{key}:` is missing", "a model has `input:` and `layers:`"))
    return root


def add_layers(root: Map, elaborator: Elaborator, scope: Scope) -> list[str]:
    """Adds the layers of a model, the first reading its first input; returns the values that it gives."""
    try:
        last_values = elaborator.layers(root.values["layers"], scope, next(iter(scope.values.values())))
    except ShapeError as error:
        raise with_layout(error, elaborator.builder) from error
    return _read_outputs(elaborator, root.values.get("output"), scope, last_values)


def read_parameters(text: str | bytes, file: str, overrides: Mapping[str, Any], model_type: str = "") -> dict[str, Any]:
    """The text of a YAML model -> its parameters and their values, some of them replaced. SpecError as in load_spec."""
    reader = ValueReader((_parse_cached if len(text) <= MAX_CACHED_TEXT else parse_document)(text, file))
    root = reader.document.root
    return read_params(reader, root, overrides, model_type) if isinstance(root, Map) else {}


@lru_cache(maxsize=16)
def _parse_cached(text: str | bytes, file: str) -> Document:
    return parse_document(text, file)


def read_params(reader: ValueReader, root: Map, overrides: Mapping[str, Any], model_type: str = "") -> dict[str, Any]:
    """The parameters in the file's order: the value of an override, else that of the model type's class, else that of
    `params:`; each may use those before it."""
    names: dict[str, Any] = {}
    node = root.values.get("params")
    own_values = model_type_values(reader, root).get(model_type, {}) if model_type else {}
    if node is not None and not (isinstance(node, Scalar) and node.is_null):
        if not isinstance(node, Map):
            raise reader.error(node, "`params:` is no mapping", "write `params: {alpha: 1.0}`")
        for key, default in node.values.items():
            is_derived = overrides.get(key) is DERIVED
            value = default if is_derived else own_values.get(key, default)
            try:
                names[key] = (
                    _parse_override(key, overrides[key], names)
                    if key in overrides and not is_derived
                    else reader.value(value, names)
                )
            except SpecError as error:
                _report_parameter(reader, list(node.values), key, names, error, value)
    for key in overrides:
        if key not in names:
            remedy = did_you_mean(key, names) or ("its parameters are " + ", ".join(names) if names else "it has none")
            raise UnknownNameError(f"the model has no parameter {key!r}", remedy, argument="params", name=key)
    return names


def _report_parameter(
    reader: ValueReader, keys: Sequence[str], key: str, names: Mapping[str, Any], error: SpecError, value: YamlNode
) -> None:
    """The error of a parameter; none where it reads one above that has an error itself."""
    missing_names = [name for name in keys if name not in names and f"{name!r}" in error.fact and name != key]
    if isinstance(error, ExpressionError) and missing_names:
        if keys.index(missing_names[0]) < keys.index(key):
            return
        error = reader.error(value, f"{missing_names[0]!r} is defined below", "move it above")
    reader.report(error)


def model_type_values(reader: ValueReader, root: Map) -> dict[str, Mapping[str, YamlNode]]:
    """The root of a family's file -> by model type, the values of the parameters that its class sets. SpecError where
    one names no parameter."""
    config, params = root.values.get("config"), root.values.get("params")
    types = config.values.get("model_types") if isinstance(config, Map) else None
    values: dict[str, Mapping[str, YamlNode]] = {}
    for name, node in types.values.items() if isinstance(types, Map) else ():
        values[name] = node.values if isinstance(node, Map) else {}
        for key in values[name]:
            if not isinstance(params, Map) or key not in params.values:
                remedy = did_you_mean(key, params.values) if isinstance(params, Map) else ""
                raise reader.error(node, f"{key!r} is no parameter", remedy or "define it in `params:`")
    return values


def _parse_override(key: str, value: Any, names: Mapping[str, Any]) -> Any:
    """A value from --set (text) or from Python; floats are taken as they print, also in lists."""
    if isinstance(value, list):
        return [_parse_override(key, item, names) for item in value]
    if isinstance(value, float):
        value = repr(value)
    if isinstance(value, list) and any(isinstance(item, float) for item in value):
        return [_parse_override(key, item, names) if isinstance(item, float) else item for item in value]
    if not isinstance(value, str) or isinstance(value, LiteralText):
        return value
    document = parse_document(value, f"--set {key}")
    return ValueReader(document).value(document.root, names)


def read_blocks(reader: ValueReader, node: YamlNode | None) -> dict[str, BlockDefinition]:
    if node is None:
        return {}
    if not isinstance(node, Map):
        raise reader.error(node, "`blocks:` is no mapping", "write `blocks: {name: {args: {…}, layers: […]}}`")
    blocks: dict[str, BlockDefinition] = {}
    for name, body in node.values.items():
        try:
            blocks[name] = _read_block(reader, name, body)
        except SpecError as error:
            reader.report(error)
    return blocks


def _read_block(reader: ValueReader, name: str, body: YamlNode) -> BlockDefinition:
    if not isinstance(body, Map):
        raise reader.error(body, f"the block {name!r} is no mapping", "it has `args:` and `layers:`")
    for key, k in body.keys.items():
        if key not in BLOCK_KEYS:
            reader.report(reader.error(k, f"unknown key {key!r}", BLOCK_REMEDY))
    if "layers" not in body.values:
        raise reader.error(body, f"the block {name!r} has no layers", "write `layers: […]`")
    args = body.values.get("args")
    if args is not None and not isinstance(args, Map):
        raise reader.error(args, "`args:` is no mapping", "write `args: {filters: , stride: 1}`")
    inputs = body.values.get("inputs")
    if inputs is not None and not isinstance(inputs, Seq):
        raise reader.error(inputs, "`inputs:` is no list", "write `inputs: [query, memory]`")
    input_names = [i.text for i in inputs.items if isinstance(i, Scalar)] if inputs else ["input"]
    return BlockDefinition(name, args.values if args else {}, input_names, body.values["layers"])


def _read_outputs(elaborator: Elaborator, node: YamlNode | None, scope: Scope, last_values: Sequence[str]) -> list[str]:
    if node is None:
        return [last_values[0]]
    outputs: list[str] = []
    for item in node.items if isinstance(node, Seq) else [node]:
        try:
            outputs.append(elaborator.references.find_value(item, scope))
        except SpecError as error:
            elaborator.reader.report(error)
    return outputs
