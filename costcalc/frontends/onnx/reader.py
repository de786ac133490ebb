"""ONNX file -> Graph, without the onnx package: types are inferred node by node, weights are never read.

Notes name what an exporter seems to have done to a network: a tied weight stored twice, BatchNormalization folded. They
correct nothing: the file is counted as it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from costcalc.core.assumptions import Assumption, collect_assumptions
from costcalc.core.dim import Dim, substitute, symbol
from costcalc.core.errors import CostcalcError, LoadError, UnknownNameError, UsageError
from costcalc.core.ir import UNKNOWN, DType, Graph, Node, SequenceType, TensorType
from costcalc.frontends.onnx.constants import promote_constants
from costcalc.frontends.onnx.equations import Reading, arithmetic_dim_params, choose_dim_params, solve_equations
from costcalc.frontends.onnx.expansions import EXPANSIONS, inline_function
from costcalc.frontends.onnx.fallback import declared_names, make_inference
from costcalc.frontends.onnx.inputs import InputBinding, bind_inputs, bind_value, suggest_names, zero_dims
from costcalc.frontends.onnx.messages import GraphProto, ModelProto, TypeProto, ValueInfoProto, element_type
from costcalc.frontends.onnx.nchwc import padding_notes
from costcalc.frontends.onnx.parse import parse_model, parse_nodes
from costcalc.frontends.onnx.scopes import Frame
from costcalc.frontends.onnx.source import read_bytes, unpack
from costcalc.frontends.onnx.walker import Walker
from costcalc.frontends.onnx.wire import Buffer
from costcalc.frontends.options import ReadOptions
from costcalc.frontends.symbols import declared_dim, unknown_symbol_remedy
from costcalc.graph.builder import GraphBuilder
from costcalc.graph.index import operator_key

TABLES, PRODUCTS, CONVOLUTIONS = (
    (("", "Gather"), ("", "GatherND")),
    (("", "MatMul"), ("", "Gemm")),
    (("", "Conv"), ("", "ConvTranspose")),
)

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
        op = operator_key(node)
        if op in PRODUCTS:
            for name in node.inputs[:2]:
                if name in stored and len(stored[name].shape or ()) == 2:
                    weights[frozenset(stored[name].shape or ())].add(name)
        elif op in CONVOLUTIONS:
            if not folded_weight and len(node.inputs) > 1 and _has_folded_norm(node):
                folded_weight = node.inputs[1]
        elif op in TABLES and node.inputs[0] in stored and len(stored[node.inputs[0]].shape or ()) == 2:
            tables[node.inputs[0]] = stored[node.inputs[0]].shape or ()
        elif op == ("", "STFT") and len(graph.types[node.inputs[0]].shape or ()) == 2:
            yield f"{node.name}: the signal is [batch, samples]; ONNX asks for [batch, samples, 1], runtimes take both"
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


MAX_ROUNDS = 8
"""A graph is built again when symbols turn out to be determined; each round determines more of them."""


def load_onnx(
    source: str | bytes,
    dims: Mapping[str, Dim] | None = None,
    shapes: Mapping[str, Sequence[Dim]] | None = None,
    values: Mapping[str, int | bool | float] | None = None,
    *,
    name: str = "",
    symbolic: bool = False,
    upper: bool = False,
) -> Graph:
    """The path or the bytes of an ONNX file -> its graph; name is the file's name in errors.

    dims binds symbols, shapes the extents of inputs, values the elements of small inputs (see
    costcalc.frontends.onnx.inputs); upper takes extents that depend on data as large as they can be. LoadError where it
    is no model, UsageError where a bound name does not exist, ShapeError where types do not fit.
    """
    place = name or (source if isinstance(source, str) else "model.onnx")
    options = ReadOptions(dims or {}, {}, shapes or {}, values or {}, symbolic, upper)
    try:
        return _load_graph(unpack(source) if isinstance(source, bytes) else read_bytes(source), place, options)
    except UsageError:
        raise
    except CostcalcError as error:
        raise error.at(place) from error


class _Model(NamedTuple):
    """A parsed file, its inputs, and how it is read."""

    proto: ModelProto
    place: str
    inputs: Sequence[ValueInfoProto]
    options: ReadOptions


class _Walk(NamedTuple):
    """A graph as it was read: its builder and choices, its outputs, the inputs' binding, and all assumptions."""

    walker: Walker
    outputs: tuple[str, ...]
    binding: InputBinding
    assumptions: tuple[Assumption, ...]


def _load_graph(buf: Buffer, place: str, options: ReadOptions) -> Graph:
    if not len(buf):
        raise LoadError("the file is empty", "export the model again")
    proto = parse_model(buf)
    if proto.graph is None or not (proto.graph.node or proto.graph.output):
        raise LoadError("it holds no graph", "give an ONNX model")
    stored_names = {t.name for t in proto.graph.initializer}
    inputs = [i for i in proto.graph.input if i.name not in stored_names]
    names = [i.name for i in inputs]
    for name in options.values:
        if name not in names:
            fact = f"--value names {name!r}, which is no input"
            raise UnknownNameError(fact, suggest_names(name, names), argument="values", name=name)
    model = _Model(proto, place, inputs, options)
    walk, notes, arithmetic = _read_with_zeros(model)
    builder = walk.walker.builder
    known = walk.binding.declared | builder.data_symbols.keys() | arithmetic.keys()
    full_names = {full: short for full, short in builder.short_names.items() if short in known}
    for name in options.dims:
        if name not in known and name not in full_names:
            fact = f"--dim names {name!r}, which the model does not have"
            shapes = {key: builder.types[key].shape or () for key in names}
            remedy = unknown_symbol_remedy(name, options.dims[name], sorted(known), shapes)
            remedy = remedy or suggest_names(name, sorted(known))
            raise UnknownNameError(fact, remedy, argument="dims", name=name)
    builder.notes[:0] = (*walk.binding.notes, *notes)
    promote_constants(builder, walk.walker.definitions.constants)
    graph = builder.build(walk.outputs, walk.assumptions)
    notes = (*graph.notes, *padding_notes(graph), *find_hints(graph), *_storage_notes(graph, proto.graph, walk.walker))
    return graph._replace(choices=tuple(walk.walker.choices), notes=notes)


MAX_NAMES = 3
"""Most names of stored tensors in a note."""


def _storage_notes(graph: Graph, proto: GraphProto, walker: Walker) -> Iterator[str]:
    """A graph and its message -> notes on tensors that the file stores in another way than a graph needs: those that no
    node of any branch reads, and sparse ones."""
    values_read = {name for node in graph.nodes for name in node.inputs}.union(graph.outputs)
    unread = [t.name for t in proto.initializer if t.name not in values_read and t.name in graph.initializers]
    unread += [s.values.name for s in proto.sparse_initializer if s.values.name not in values_read]
    if unread:
        names_read = set(_names_read(proto, walker))
        unread = [name for name in unread if name not in names_read]
    if unread:
        verb = "count" if len(unread) > 1 else "counts"
        yield f"no node reads {_count_names(unread)}, which {verb} as nothing"
    sparse = [name for name in graph.sparse if name in values_read]
    if sparse:
        yield f"sparse, counted as its stored values and their indices: {_count_names(sparse)}"


def _count_names(names: Sequence[str]) -> str:
    """Names of stored tensors -> `1 stored tensor (W)` or `5 stored tensors (A, B, C, …)`."""
    listed = ", ".join(names[:MAX_NAMES]) + (", …" if len(names) > MAX_NAMES else "")
    return f"{len(names):,} stored tensor{'s' if len(names) > 1 else ''} ({listed})"


def _names_read(graph: GraphProto, walker: Walker) -> Iterator[str]:
    """A graph's message -> the names that its nodes, and those of the graphs inside them, read or give back."""
    yield from (output.name for output in graph.output)
    for node in parse_nodes(graph.buf, graph.node, walker.cache):
        yield from node.input
        for attribute in node.attribute:
            value = attribute.value
            several = isinstance(value, tuple) and not isinstance(value, GraphProto)
            for inner in value if several else (value,):
                if isinstance(inner, GraphProto):
                    yield from _names_read(inner, walker)


def _read_with_zeros(model: _Model) -> tuple[_Walk, tuple[str, ...], Mapping[str, Dim]]:
    """_read_model; extents that are declared as 0 are open, or 0 where the graph is valid only so: exporters write 0
    for both."""
    dims = model.options.dims
    empty = {name: 0 for name in zero_dims(model.inputs) if name not in dims}
    try:
        return _read_model(model)
    except UsageError:
        raise
    except CostcalcError as error:
        if not empty:
            raise
        try:
            walk, notes, arithmetic = _read_model(
                model._replace(options=model.options._replace(dims={**dims, **empty}))
            )
        except CostcalcError:
            raise error from None  # the graph does not fit 0 either
    return walk, (*notes, f"{', '.join(empty)} = 0, as declared: the graph fits no other extent"), arithmetic


def _read_model(model: _Model) -> tuple[_Walk, tuple[str, ...], Mapping[str, Dim]]:
    """A model -> its graph, notes on declared extents that it contradicts, and its dim_params that read as
    arithmetic."""
    arithmetic = arithmetic_dim_params(model.inputs)

    def read(dim_params: Mapping[str, Dim]) -> tuple[Reading, _Walk]:
        return _walk_until_solved(model, dim_params, arithmetic)

    (reading, walk), notes = choose_dim_params(read, arithmetic, model.options.dims)
    others = [a for a in walk.assumptions if a.relation != "="]
    assumptions = tuple({str(a): a for a in (*reading.equations, *others)}.values())
    return walk._replace(assumptions=assumptions), notes, arithmetic


def _walk_until_solved(
    model: _Model, dim_params: Mapping[str, Dim], arithmetic: Mapping[str, Dim]
) -> tuple[Reading, _Walk]:
    """A model and what its dim_params stand for -> its graph, in which each symbol that an equation determines is
    replaced by what it equals."""
    solved: dict[str, Dim] = {}
    equations: list[Assumption] = []
    for _ in range(MAX_ROUNDS):
        dims = {name: substitute(value, solved) for name, value in model.options.dims.items()}
        shapes = {name: [substitute(d, solved) for d in shape] for name, shape in model.options.shapes.items()}
        binding = bind_inputs(model.inputs, {**solved, **dims}, shapes, model.options.symbolic, dim_params)
        with collect_assumptions() as collected:
            walker, outputs = _walk_graph(model, binding)
        builder = walker.builder
        new = solve_equations(collected, {*builder.data_symbols, *arithmetic})
        equations += [a for a in collected if a.relation == "=" and a not in equations]
        if not new:
            break
        solved = {name: substitute(value, new) for name, value in solved.items()} | new
    short_names = builder.short_names
    builder.symbols = {short_names.get(k, k): value for k, value in binding.symbols.items() if k not in solved}
    reading = Reading(tuple(equations), solved, binding.symbols)
    return reading, _Walk(walker, outputs, binding, tuple(collected))


def _walk_graph(model: _Model, binding: InputBinding) -> tuple[Walker, tuple[str, ...]]:
    """A builder with all nodes, and the graph's outputs."""
    proto, place, values = model.proto, model.place, model.options.values
    graph = proto.graph
    assert graph is not None
    opset = proto.opset or {"": 1}
    infer = make_inference(graph, binding, opset)
    builder = GraphBuilder(Path(place).stem, place, opset, infer, binding.symbols, upper=model.options.upper)
    builder.reserved_symbols = cache(lambda: binding.declared | declared_names(graph))
    functions = {(f.domain, f.name, f.overload): f for f in proto.functions}
    for info in model.inputs:
        if info.type.kind in ("sequence", "optional"):
            builder.types[info.name] = _composite_type(builder, info.name, info.type)
            builder.inputs.append(info.name)
            continue
        shape = binding.shapes[info.name]
        is_tensor = info.type.kind in ("tensor", "sparse")
        dtype = element_type(info.type.elem_type, f"the input {info.name!r}") if is_tensor else DType.UNDEFINED
        value = bind_value(info.name, dtype, shape, values[info.name]) if info.name in values else None
        builder.add_input(info.name, dtype, shape, value)
    walker = Walker(builder, place, functions, EXPANSIONS, inline_function)
    return walker, walker.graph(Frame({}), graph)


def _composite_type(builder: GraphBuilder, name: str, type_: TypeProto) -> TensorType:
    """The type of an input that is a sequence (its length is the symbol INPUT_length) or an optional, which counts as
    present."""
    if type_.kind == "optional":
        builder.notes.append(f"the optional input {name} is taken as given")
    if type_.kind == "tensor":
        dtype = element_type(type_.elem_type, f"the input {name!r}")
        dims = type_.dims
        shape = None if dims is None else tuple([declared_dim(d, f"{name}_dim{i}") for i, d in enumerate(dims)])
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
