"""ONNX file -> Graph, without the onnx package: types are inferred node by node, weights are never read.

Notes name what an exporter seems to have done to a network: a tied weight stored twice, BatchNormalization folded. They
correct nothing: the file is counted as it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from costcalc.core.assumptions import Assumption, collect_assumptions
from costcalc.core.dim import Dim, substitute, symbol
from costcalc.core.errors import CostcalcError, LoadError, UnknownNameError, UsageError
from costcalc.core.ir import DTYPE_OF_CODE, UNKNOWN, DType, Graph, Node, SequenceType, TensorType
from costcalc.frontends.onnx.constants import promote_constants
from costcalc.frontends.onnx.expansions import EXPANSIONS, inline_function
from costcalc.frontends.onnx.fallback import declared_names, make_inference
from costcalc.frontends.onnx.inputs import InputBinding, bind_inputs, bind_value, suggest_names
from costcalc.frontends.onnx.messages import ModelProto, TypeProto, ValueInfoProto
from costcalc.frontends.onnx.parse import parse_model
from costcalc.frontends.onnx.scopes import Frame
from costcalc.frontends.onnx.source import read_bytes, unpack
from costcalc.frontends.onnx.walker import Walker
from costcalc.frontends.onnx.wire import Buffer
from costcalc.frontends.symbols import declared_dim, symbol_name
from costcalc.graph.builder import GraphBuilder

TABLES, PRODUCTS, CONVOLUTIONS = ("Gather", "GatherND"), ("MatMul", "Gemm"), ("Conv", "ConvTranspose")

FOLDED_NAME = "onnx::Conv"
"""The prefix that torch's exporter gives the weight of a convolution into which it folded a BatchNormalization."""

NORM_BLOCK = re.compile(r"(?:^|[._])(?:bn|batch_?norm)\d*$", re.IGNORECASE)
"""A block whose name says BatchNormalization; torch's newer exporter leaves a convolution in it when it folds it."""


def find_hints(graph: Graph) -> Iterator[str]:
    """A graph -> notes on what its exporter seems to have done, each a sentence."""
    tables: dict[str, tuple[Dim, ...]] = {}
    weights: dict[frozenset[Dim], set[str]] = defaultdict(set)
    folded_weight = ""
    stored = graph.initializers
    for node in graph.nodes:
        op = node.op_type
        if op in PRODUCTS:
            for name in node.inputs[:2]:
                if name in stored and len(stored[name].shape or ()) == 2:
                    weights[frozenset(stored[name].shape or ())].add(name)
        elif op in CONVOLUTIONS:
            if not folded_weight and len(node.inputs) > 1 and _has_folded_norm(node):
                folded_weight = node.inputs[1]
        elif op in TABLES and node.inputs[0] in stored and len(stored[node.inputs[0]].shape or ()) == 2:
            tables[node.inputs[0]] = stored[node.inputs[0]].shape or ()
    yield from _find_tied_weights(graph, tables, weights)
    if folded_weight:
        yield (
            f"BatchNormalization seems to be folded into convolutions ({folded_weight}, …): the trained network has "
            "more parameters than the file"
        )


def _has_folded_norm(node: Node) -> bool:
    """Whether a convolution looks as if a BatchNormalization had been folded into it."""
    return node.inputs[1].startswith(FOLDED_NAME) or bool(node.scope and NORM_BLOCK.search(node.scope[-1]))


def _find_tied_weights(
    graph: Graph, tables: dict[str, tuple[Dim, ...]], weights: dict[frozenset[Dim], set[str]]
) -> Iterator[str]:
    """A table and the one product's weight that has its shape, or that of its transpose, are often one weight."""
    for table, shape in tables.items():
        candidates = weights.get(frozenset(shape), set())
        equal_tables = [
            name for name, other_shape in tables.items() if frozenset(other_shape) == frozenset(shape) and name != table
        ]
        if len(candidates) != 1 or table in candidates or equal_tables or len(set(shape)) == 1:
            continue
        (weight,) = candidates
        yield (
            f"{table} and {weight} have the same shape up to transposition: if they are one tied weight, "
            f"{graph.initializers[table].elements:,} of the parameters are counted twice"
        )


_MAX_ROUNDS = 8
"""A graph is built again when names of extents turn out to be equal; each round makes more of them one."""


def load_onnx(
    source: str | bytes,
    dims: Mapping[str, Dim] | None = None,
    shapes: Mapping[str, Sequence[Dim]] | None = None,
    values: Mapping[str, int | bool | float] | None = None,
    *,
    name: str = "",
    symbolic: bool = False,
) -> Graph:
    """The path or the bytes of an ONNX file -> its graph; name is the file's name in errors.

    dims binds symbols, shapes the extents of inputs, values the elements of small inputs (see
    costcalc.frontends.onnx.inputs). LoadError where it is no model, UsageError where a bound name does not exist,
    ShapeError where types do not fit.
    """
    place = name or (source if isinstance(source, str) else "model.onnx")
    try:
        return _load_graph(
            unpack(source) if isinstance(source, bytes) else read_bytes(source),
            place,
            dims or {},
            shapes or {},
            values or {},
            symbolic,
        )
    except UsageError:
        raise
    except CostcalcError as error:
        raise error.at(place) from error


def _load_graph(
    buf: Buffer,
    place: str,
    dims: Mapping[str, Dim],
    shapes: Mapping[str, Sequence[Dim]],
    values: Mapping[str, int | bool | float],
    symbolic: bool,
) -> Graph:
    if not len(buf):
        raise LoadError("the file is empty", "export the model again")
    proto = parse_model(buf)
    if proto.graph is None or not (proto.graph.node or proto.graph.output):
        raise LoadError("it holds no graph", "give an ONNX model")
    stored_names = {t.name for t in proto.graph.initializer}
    inputs = [i for i in proto.graph.input if i.name not in stored_names]
    names = [i.name for i in inputs]
    for name in values:
        if name not in names:
            fact = f"--value names {name!r}, which is no input"
            raise UnknownNameError(fact, suggest_names(name, names), argument="values", name=name)
    equal_symbols: dict[str, Dim] = {}
    equalities: tuple[Assumption, ...] = ()
    for _ in range(_MAX_ROUNDS):
        bound_dims = {name: substitute(value, equal_symbols) for name, value in dims.items()}
        bound_shapes = {name: [substitute(d, equal_symbols) for d in shape] for name, shape in shapes.items()}
        binding = bind_inputs(inputs, {**equal_symbols, **bound_dims}, bound_shapes, symbolic)
        with collect_assumptions() as collected:
            walker, outputs = _walk_model(proto, place, inputs, binding, values)
        new_equal = _equal_names(collected)
        if not new_equal:
            break
        equal_symbols = {name: substitute(value, new_equal) for name, value in equal_symbols.items()} | new_equal
        equalities += tuple(a for a in collected if symbol_name(a.left) and symbol_name(a.right) and a.relation == "=")
    builder = walker.builder
    symbols = binding.declared | builder.data_symbols.keys()
    full_names = {full: short for full, short in builder.short_names.items() if short in symbols}
    for name in dims:
        if name not in symbols and name not in full_names:
            fact = f"--dim names {name!r}, which the model does not have"
            raise UnknownNameError(fact, suggest_names(name, sorted(symbols)), argument="dims", name=name)
    builder.symbols = {full_names.get(k, k): v for k, v in binding.symbols.items() if k not in equal_symbols}
    builder.notes[:0] = binding.notes
    promote_constants(builder, walker.definitions.constants)
    assumptions = {str(a): a for a in (*equalities, *collected)}.values()
    graph = builder.build(outputs, assumptions)
    return replace(graph, choices=tuple(walker.choices), notes=(*graph.notes, *find_hints(graph)))


def _walk_model(
    proto: ModelProto,
    place: str,
    inputs: Iterable[ValueInfoProto],
    binding: InputBinding,
    values: Mapping[str, int | bool | float],
) -> tuple[Walker, tuple[str, ...]]:
    """A builder with all nodes, and the graph's outputs."""
    graph = proto.graph
    assert graph is not None
    opset = proto.opset or {"": 1}
    infer = make_inference(graph, binding, opset)
    builder = GraphBuilder(Path(place).stem, place, opset, infer, binding.symbols)
    builder.reserved_symbols = cache(lambda: binding.declared | declared_names(graph))
    functions = {(f.domain, f.name, f.overload): f for f in proto.functions}
    for info in inputs:
        if info.type.kind in ("sequence", "optional"):
            builder.types[info.name] = _composite_type(builder, info.name, info.type)
            builder.inputs.append(info.name)
            continue
        shape = binding.shapes[info.name]
        dtype = DTYPE_OF_CODE.get(info.type.elem_type, DType.UNDEFINED)
        value = bind_value(info.name, dtype, shape, values[info.name]) if info.name in values else None
        builder.add_input(info.name, dtype, shape, value)
    walker = Walker(builder, place, functions, EXPANSIONS, inline_function)
    return walker, walker.graph(Frame({}), graph)


def _composite_type(builder: GraphBuilder, name: str, type_: TypeProto) -> TensorType:
    """The type of an input that is a sequence (its length is the symbol INPUT_length) or an optional, which counts as
    present."""
    if type_.kind == "optional":
        builder.notes.append(f"the optional input {name} is taken as given")
    dtype = DTYPE_OF_CODE.get(type_.elem_type, DType.UNDEFINED)
    if type_.kind == "tensor":
        dims = type_.dims
        shape = None if dims is None else tuple(declared_dim(d, f"{name}_dim{i}") for i, d in enumerate(dims))
        return TensorType(dtype, shape and tuple(substitute(d, builder.binding) for d in shape))
    if type_.element is None:
        return UNKNOWN
    if type_.kind == "optional":
        return _composite_type(builder, name, type_.element)
    item = _composite_type(builder, name, type_.element)
    if item.shape is None:
        return UNKNOWN
    length = builder.binding.get(f"{name}_length", symbol(f"{name}_length"))
    builder.data_symbols[f"{name}_length"] = name
    return SequenceType(item.dtype, (length,), (item,))


def _equal_names(assumptions: Iterable[Assumption]) -> dict[str, Dim]:
    """Assumptions -> by each symbol that must equal another, that other symbol."""
    root: dict[str, str] = {}

    def find_root(name: str) -> str:
        while name in root:
            name = root[name]
        return name

    for left, relation, right in assumptions:
        a, b = symbol_name(left), symbol_name(right)
        if relation == "=" and a and b and find_root(a) != find_root(b):
            root[find_root(b)] = find_root(a)
    return {name: symbol(find_root(name)) for name in root}
