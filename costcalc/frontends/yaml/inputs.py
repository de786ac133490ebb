"""The `input:` of a YAML model -> graph inputs: shapes, element types, and symbols with the values bound to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.core.dim import Dim, Poly, symbol, symbols
from costcalc.core.errors import UnknownNameError, UsageError, did_you_mean
from costcalc.core.ir import DTYPES, DType
from costcalc.frontends.symbols import IMAGE, has_batch_default, symbolic_shape, unknown_symbol_remedy
from costcalc.frontends.yaml.document import Map, Scalar, Seq, YamlNode
from costcalc.frontends.yaml.layers.base import LayerKey
from costcalc.frontends.yaml.values import ValueReader
from costcalc.graph.builder import GraphBuilder

EXTENT, WORD = LayerKey("extent"), LayerKey("word", choices=tuple(DTYPES))


class InputDeclaration(NamedTuple):
    """An input as the file declares it."""

    name: str
    dtype: DType
    extents: Sequence[YamlNode]


def add_inputs(
    reader: ValueReader,
    node: YamlNode,
    names: dict[str, Any],
    builder: GraphBuilder,
    dims: Mapping[str, Dim],
    shapes: Mapping[str, Sequence[Dim]],
    symbolic: bool,
    dtype: DType = DType.FLOAT32,
) -> dict[str, str]:
    """Adds the inputs, of an element type where the file gives them none; their symbols become names of the file.
    Returns {name: value}.

    A whole shape binds the symbols at its positions. UsageError where it contradicts another binding, or where dims or
    shapes name a symbol or an input that the model does not have.
    """
    declarations = _read_declarations(reader, node, names, dtype)
    for name in shapes:
        if name not in declarations:
            remedy = did_you_mean(name, declarations) or "it has " + ", ".join(declarations)
            raise UnknownNameError(f"the model has no input {name!r}", remedy, argument="shapes", name=name)
    values = _bind_shapes(declarations, shapes, names, dims)
    bound: dict[str, Dim] = {}
    for name, declaration in declarations.items():
        items = enumerate(declaration.extents)
        shape = [_read_extent(reader, item, i, names, values, bound, symbolic) for i, item in items]
        if symbolic:
            shape = symbolic_shape(shape, values)
        builder.add_input(name, declaration.dtype, list(shapes.get(name, shape)))
    _check_dims(builder, names, bound, dims, symbolic)
    declared = frozenset(bound).union(*(_symbols_of(builder, value) for value in builder.inputs))
    builder.reserved_symbols = lambda: declared
    builder.symbols.update({name: value for name, value in bound.items() if value != symbol(name)})
    for key, value in bound.items():
        if key not in values:
            builder.notes.append(f"{key} = {value} by default (--dim {key}=…)")
    return {name: name for name in declarations}


def _read_declarations(
    reader: ValueReader, node: YamlNode, names: Mapping[str, Any], default: DType
) -> dict[str, InputDeclaration]:
    entries = node.values if isinstance(node, Map) and not _is_unnamed_input(node) else {"input": node}
    if not entries:
        raise reader.error(node, "`input:` names no input", "write `input: [N, 3, 224, 224]`")
    declarations: dict[str, InputDeclaration] = {}
    for name, entry in entries.items():
        dtype = default
        shape = entry
        if isinstance(entry, Map):
            for key, k in entry.keys.items():
                if key not in ("shape", "dtype"):
                    raise reader.error(k, f"unknown key {key!r}", "an input has `shape:` and `dtype:`")
            if "dtype" in entry.values:
                dtype = DTYPES[reader.read(WORD, "dtype", entry.values["dtype"], names)]
            if "shape" not in entry.values:
                raise reader.error(entry, f"the input {name!r} has no shape", "write `shape: [N, 3, 224, 224]`")
            shape = entry.values["shape"]
        if not isinstance(shape, Seq):
            raise reader.error(shape, f"the shape of {name!r} is no list", "write it as [N, 3, 224, 224]")
        rank = len(shape.items)
        extents = [_name_extent(item, position, rank, names) for position, item in enumerate(shape.items)]
        declarations[name] = InputDeclaration(name, dtype, extents)
    return declarations


UNNAMED = frozenset(("", "~", "-1", "null", "none"))
"""What other tools write, in any case, for an extent that is open: Keras None, TensorFlow -1."""


def _name_extent(item: YamlNode, position: int, rank: int, names: Mapping[str, Any]) -> YamlNode:
    """An extent → the same; one that is open without a name gets that of its axis: N, of images C, H and W."""
    if not isinstance(item, Scalar) or item.text.lower() not in UNNAMED or item.text in names:
        return item
    letters = IMAGE.get(rank, "N")
    name = letters[position] if position < len(letters) else f"axis{position}"
    return Scalar(name if name not in names else f"axis{position}", True, item.line, item.column)


def _is_unnamed_input(node: Map) -> bool:
    """Whether `input:` is one input without a name, written as {shape: […], dtype: …}."""
    return isinstance(node.values.get("shape"), Seq) and set(node.values) <= {"shape", "dtype"}


def _bind_shapes(
    declarations: Mapping[str, InputDeclaration],
    shapes: Mapping[str, Sequence[Dim]],
    names: Mapping[str, Any],
    dims: Mapping[str, Dim],
) -> dict[str, Dim]:
    """dims, with the values that whole shapes give to the symbols at their positions."""
    values = dict(dims)
    for name, shape in shapes.items():
        extents = declarations[name].extents
        if len(shape) != len(extents):
            raise UsageError(f"--shape {name} has {len(shape)} extents", f"the input has {len(extents)}")
        for item, extent in zip(extents, shape, strict=True):
            if _is_symbol(item, names):
                assert isinstance(item, Scalar)
                if values.get(item.text, extent) != extent:
                    raise UsageError(
                        f"{item.text} is {values[item.text]} and, by --shape {name}, {extent}", "give it one value"
                    )
                values[item.text] = extent
    return values


def _is_symbol(item: YamlNode, names: Mapping[str, Any]) -> bool:
    return isinstance(item, Scalar) and item.text.isidentifier() and item.text not in names


def _read_extent(
    reader: ValueReader,
    item: YamlNode,
    position: int,
    names: dict[str, Any],
    values: Mapping[str, Dim],
    bound: dict[str, Dim],
    symbolic: bool,
) -> Dim:
    """An input's extent: a name that is no parameter is a symbol, and from here on a name of the file; of all inputs
    that have it, it may be 0."""
    if isinstance(item, Scalar) and item.text in bound:
        return bound[item.text]
    if not _is_symbol(item, names):
        extent: Dim = reader.read(EXTENT, "the extent", item, names)
        return extent
    assert isinstance(item, Scalar)
    name = item.text
    if name in values:
        bound[name] = values[name]
    elif position == 0 and has_batch_default(name) and not symbolic:
        bound[name] = 1
    value = names[name] = bound.get(name, symbol(name))
    return value


def _symbols_of(builder: GraphBuilder, value: str) -> tuple[str, ...]:
    return symbols(*(builder.types[value].shape or ()))


def _check_dims(
    builder: GraphBuilder, names: Mapping[str, Any], bound: Mapping[str, Dim], dims: Mapping[str, Dim], symbolic: bool
) -> None:
    present = {s for value in builder.inputs for s in _symbols_of(builder, value)}
    for key in dims:
        if key in bound or key in present or symbolic:
            continue
        if key in names:
            fact, remedy = f"{key!r} is a parameter, not a symbol", f"use --set {key}=…"
            raise UnknownNameError(fact, remedy, argument="dims", name=key)
        open_symbols = [s for s in names if isinstance(names[s], Poly) or s in bound]
        shapes = {name: builder.types[name].shape or () for name in builder.inputs}
        remedy = (
            unknown_symbol_remedy(key, dims[key], open_symbols, shapes)
            or did_you_mean(key, open_symbols)
            or (f"it has {', '.join(open_symbols)}" if open_symbols else "its extents are all numbers")
        )
        raise UnknownNameError(f"the model has no symbol {key!r}", remedy, argument="dims", name=key)
