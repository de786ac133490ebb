"""A YAML model -> Graph: parameters, inputs, blocks with arguments, layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.assume import collecting
from costcalc.build import GraphBuilder
from costcalc.dim import Dim, Poly, symbol, symbols
from costcalc.errors import UsageError
from costcalc.ir import DTYPES, DType, Graph
from costcalc.load.elaborate import Elaborator
from costcalc.load.expression import suggest
from costcalc.load.layers.base import Key
from costcalc.load.scope import Block, Scope
from costcalc.load.symbols import default_batch, symbolic_shape
from costcalc.load.values import Reader
from costcalc.load.yaml_nodes import Map, Scalar, Seq, YamlNode, parse

OPSET = 23
TOP_KEYS = ("name", "source", "description", "aliases", "params", "input", "blocks", "layers", "output")
EXTENT, WORD = Key("extent"), Key("word", choices=tuple(DTYPES))


def load_spec(
    text: str | bytes,
    file: str,
    *,
    params: Mapping[str, Any] | None = None,
    dims: Mapping[str, Dim] | None = None,
    shapes: Mapping[str, Sequence[Dim]] | None = None,
    symbolic: bool = False,
) -> Graph:
    """The graph of a YAML model.

    params replaces values of the file's own `params`, dims binds symbols of its inputs, shapes replaces whole input
    shapes; symbolic leaves batch and spatial extents open. SpecError and ShapeError carry file:line:column.
    """
    document = parse(text, file)
    reader = Reader(document)
    root = document.root
    if not isinstance(root, Map):
        raise reader.error(root, "it is no model", "a model is a mapping with `input:` and `layers:`")
    for key, node in root.keys.items():
        if key not in TOP_KEYS:
            raise reader.error(node, f"unknown key {key!r}", suggest(key, TOP_KEYS) or "use " + ", ".join(TOP_KEYS))
    for key in ("input", "layers"):
        if key not in root.values:
            raise reader.error(root, f"`{key}:` is missing", "a model has `input:` and `layers:`")
    names = _params(reader, root.values.get("params"), params or {})
    name = root.values.get("name")
    builder = GraphBuilder(name.text if isinstance(name, Scalar) else file, file, {"": OPSET}, binding=dims)
    with collecting() as assumptions:
        inputs = _inputs(reader, root.values["input"], names, builder, dims or {}, shapes or {}, symbolic)
        blocks = _blocks(reader, root.values.get("blocks"))
        scope = Scope(names, dict(inputs), ())
        elaborator = Elaborator(reader, builder, blocks)
        last = elaborator.layers(root.values["layers"], scope, next(iter(inputs.values())))
        outputs = _outputs(reader, root.values.get("output"), elaborator, scope, last)
    return builder.build(outputs, assumptions)


def _params(reader: Reader, node: YamlNode | None, given: Mapping[str, Any]) -> dict[str, Any]:
    names: dict[str, Any] = {}
    if node is not None and not (isinstance(node, Scalar) and node.is_null):
        if not isinstance(node, Map):
            raise reader.error(node, "`params:` is no mapping", "write `params: {alpha: 1.0}`")
        for key, value in node.values.items():
            names[key] = _given(given[key], names) if key in given else reader.value(value, names)
    for key in given:
        if key not in names:
            known = suggest(key, names) or ("its parameters are " + ", ".join(names) if names else "it has none")
            raise UsageError(f"the model has no parameter {key!r}", known)
    return names


def _given(value: Any, names: Mapping[str, Any]) -> Any:
    """A value from --set (text) or from Python; floats are taken as they print."""
    if isinstance(value, float):
        value = repr(value)
    if not isinstance(value, str):
        return value
    document = parse(value, "--set")
    return Reader(document).value(document.root, names)


def _inputs(
    reader: Reader,
    node: YamlNode,
    names: dict[str, Any],
    builder: GraphBuilder,
    dims: Mapping[str, Dim],
    shapes: Mapping[str, Sequence[Dim]],
    symbolic: bool,
) -> dict[str, str]:
    """Adds the inputs; their symbols become names of the file. Returns {name: value}."""
    listed = node.values if isinstance(node, Map) and not _is_lone(node) else {"input": node}
    for name in shapes:
        if name not in listed:
            raise UsageError(f"the model has no input {name!r}", suggest(name, listed) or "it has " + ", ".join(listed))
    bound: dict[str, Dim] = {}
    for name, entry in listed.items():
        dtype = DType.FLOAT32
        shape_node = entry
        if isinstance(entry, Map):
            for key, k in entry.keys.items():
                if key not in ("shape", "dtype"):
                    raise reader.error(k, f"unknown key {key!r}", "an input has `shape:` and `dtype:`")
            if "dtype" in entry.values:
                dtype = DTYPES[reader.read(WORD, "dtype", entry.values["dtype"], names)]
            if "shape" not in entry.values:
                raise reader.error(entry, f"the input {name!r} has no shape", "write `shape: [N, 3, 224, 224]`")
            shape_node = entry.values["shape"]
        if not isinstance(shape_node, Seq):
            raise reader.error(shape_node, f"the shape of {name!r} is no list", "write it as [N, 3, 224, 224]")
        shape = [_extent(reader, item, i, names, dims, bound, symbolic) for i, item in enumerate(shape_node.items)]
        if symbolic:
            shape = symbolic_shape(shape, dims)
        if name in shapes:
            if len(shapes[name]) != len(shape):
                raise UsageError(f"--shape {name} has {len(shapes[name])} extents", f"the input has {len(shape)}")
            shape = list(shapes[name])
        builder.add_input(name, dtype, shape)
    open_names = {s for value in builder.inputs for d in builder.types[value].shape or () for s in symbols(d)}
    for key in dims:
        if key not in bound and key not in open_names and not symbolic:
            if key in names:
                raise UsageError(f"{key!r} is a parameter, not a symbol", f"use --set {key}=…")
            known = [s for s in names if isinstance(names[s], Poly) or s in bound]
            raise UsageError(f"the model has no symbol {key!r}", suggest(key, known) or "see its `input:`")
    builder.symbols.update(bound)
    for key, value in bound.items():
        if key not in dims:
            builder.notes.append(f"{key} = {value} by default (--dim {key}=…)")
    return {name: name for name in listed}


def _is_lone(node: Map) -> bool:
    """Whether `input:` is one input without a name, written as {shape: […], dtype: …}."""
    return isinstance(node.values.get("shape"), Seq) and set(node.values) <= {"shape", "dtype"}


def _extent(
    reader: Reader,
    item: YamlNode,
    position: int,
    names: dict[str, Any],
    dims: Mapping[str, Dim],
    bound: dict[str, Dim],
    symbolic: bool,
) -> Dim:
    """An input's extent: a name that is no parameter is a symbol, and from here on a name of the file."""
    if isinstance(item, Scalar) and item.text.isidentifier() and item.text not in names:
        name = item.text
        if name in dims:
            bound[name] = names[name] = dims[name]
        elif position == 0 and default_batch(name) and not symbolic:
            bound[name] = names[name] = 1
        else:
            names[name] = symbol(name)
        return names[name]  # type: ignore[no-any-return]
    extent: Dim = reader.read(EXTENT, "the extent", item, names)
    return extent


def _blocks(reader: Reader, node: YamlNode | None) -> dict[str, Block]:
    if node is None:
        return {}
    if not isinstance(node, Map):
        raise reader.error(node, "`blocks:` is no mapping", "write `blocks: {name: {args: {…}, layers: […]}}`")
    blocks: dict[str, Block] = {}
    for name, body in node.values.items():
        if not isinstance(body, Map):
            raise reader.error(body, f"the block {name!r} is no mapping", "it has `args:` and `layers:`")
        for key, k in body.keys.items():
            if key not in ("args", "inputs", "layers", "doc"):
                raise reader.error(k, f"unknown key {key!r}", "a block has `args:`, `inputs:`, `layers:`, `doc:`")
        if "layers" not in body.values:
            raise reader.error(body, f"the block {name!r} has no layers", "write `layers: […]`")
        args = body.values.get("args")
        if args is not None and not isinstance(args, Map):
            raise reader.error(args, "`args:` is no mapping", "write `args: {filters: , stride: 1}`")
        inputs = body.values.get("inputs")
        if inputs is not None and not isinstance(inputs, Seq):
            raise reader.error(inputs, "`inputs:` is no list", "write `inputs: [query, memory]`")
        read = [i.text for i in inputs.items if isinstance(i, Scalar)] if inputs else ["input"]
        blocks[name] = Block(name, args.values if args else {}, read, body.values["layers"])
    return blocks


def _outputs(
    reader: Reader, node: YamlNode | None, elaborator: Elaborator, scope: Scope, last: Sequence[str]
) -> list[str]:
    if node is None:
        return [last[0]]
    items = node.items if isinstance(node, Seq) else [node]
    return [elaborator.references.named(item, scope) for item in items]
