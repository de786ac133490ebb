"""ONNX file -> Graph, without the onnx package: types are inferred node by node, weights are never read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from costcalc.assume import Assumption, collecting
from costcalc.build import GraphBuilder
from costcalc.dim import Dim, substitute, symbol
from costcalc.errors import CostcalcError, LoadError, UnknownNameError, UsageError
from costcalc.ir import DTYPE_OF_CODE, UNKNOWN, DType, Graph, SequenceType, TensorType
from costcalc.load.onnx_bind import Binding, bind, bind_value, did_you_mean
from costcalc.load.onnx_constants import promote
from costcalc.load.onnx_control import EXPAND
from costcalc.load.onnx_frame import Frame
from costcalc.load.onnx_functions import inline
from costcalc.load.onnx_hints import hints
from costcalc.load.onnx_infer import inference
from costcalc.load.onnx_proto import model
from costcalc.load.onnx_records import ModelProto, TypeProto, ValueInfoProto
from costcalc.load.onnx_source import read, unpack
from costcalc.load.onnx_symbols import declared_dim, symbol_name
from costcalc.load.onnx_walk import Walker
from costcalc.load.wire import Buffer

_MOST_ROUNDS = 8
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
    """The graph of an ONNX file, given by its path or its bytes; name is what errors call it.

    dims binds symbols, shapes the extents of inputs, values the elements of small inputs (see onnx_bind). LoadError
    where it is no model, UsageError where a name that is bound does not exist, ShapeError where types do not fit.
    """
    place = name or (source if isinstance(source, str) else "model.onnx")
    try:
        return _load(
            unpack(source) if isinstance(source, bytes) else read(source),
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


def _load(
    buf: Buffer,
    place: str,
    dims: Mapping[str, Dim],
    shapes: Mapping[str, Sequence[Dim]],
    values: Mapping[str, int | bool | float],
    symbolic: bool,
) -> Graph:
    if not len(buf):
        raise LoadError("the file is empty", "export the model again")
    proto = model(buf)
    if proto.graph is None or not (proto.graph.node or proto.graph.output):
        raise LoadError("it holds no graph", "give an ONNX model")
    stored = {t.name for t in proto.graph.initializer}
    inputs = [i for i in proto.graph.input if i.name not in stored]
    names = [i.name for i in inputs]
    for name in values:
        if name not in names:
            fact = f"--value names {name!r}, which is no input"
            raise UnknownNameError(fact, did_you_mean(name, names), argument="values", name=name)
    equal: dict[str, Dim] = {}
    first: tuple[Assumption, ...] = ()
    for _ in range(_MOST_ROUNDS):
        named = {name: substitute(value, equal) for name, value in dims.items()}
        given = {name: [substitute(d, equal) for d in shape] for name, shape in shapes.items()}
        binding = bind(inputs, {**equal, **named}, given, symbolic)
        with collecting() as found:
            walker, outputs = _walk(proto, place, inputs, binding, values)
        renamed = _equal_names(found)
        if not renamed:
            break
        equal = {name: substitute(value, renamed) for name, value in equal.items()} | renamed
        first += tuple(a for a in found if symbol_name(a.left) and symbol_name(a.right) and a.relation == "=")
    builder = walker.builder
    known = binding.declared | builder.data_symbols.keys()
    for name in dims:
        if name not in known:
            fact = f"--dim names {name!r}, which the model does not have"
            raise UnknownNameError(fact, did_you_mean(name, sorted(known)), argument="dims", name=name)
    builder.symbols = {k: v for k, v in binding.symbols.items() if k not in equal}
    builder.notes[:0] = binding.notes
    promote(builder, walker.defined.constants)
    assumptions = {str(a): a for a in (*first, *found)}.values()
    graph = builder.build(outputs, assumptions)
    return replace(graph, choices=tuple(walker.choices), notes=(*graph.notes, *hints(graph)))


def _walk(
    proto: ModelProto,
    place: str,
    inputs: Iterable[ValueInfoProto],
    binding: Binding,
    values: Mapping[str, int | bool | float],
) -> tuple[Walker, tuple[str, ...]]:
    """A builder with all nodes, and the graph's outputs."""
    graph = proto.graph
    assert graph is not None
    opset = proto.opset or {"": 1}
    infer = inference(graph, binding, opset)
    builder = GraphBuilder(Path(place).stem, place, opset, infer, binding.symbols)
    functions = {(f.domain, f.name, f.overload): f for f in proto.functions}
    for info in inputs:
        if info.type.kind in ("sequence", "optional"):
            builder.types[info.name] = _composite(builder, info.name, info.type)
            builder.inputs.append(info.name)
            continue
        shape = binding.shapes[info.name]
        dtype = DTYPE_OF_CODE.get(info.type.elem_type, DType.UNDEFINED)
        value = bind_value(info.name, dtype, shape, values[info.name]) if info.name in values else None
        builder.add_input(info.name, dtype, shape, value)
    walker = Walker(builder, place, functions, EXPAND, inline)
    return walker, walker.graph(Frame({}), graph)


def _composite(builder: GraphBuilder, name: str, type_: TypeProto) -> TensorType:
    """The type of an input that is a sequence (its length is the symbol INPUT_length) or an optional, which is taken as
    given."""
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
        return _composite(builder, name, type_.element)
    item = _composite(builder, name, type_.element)
    if item.shape is None:
        return UNKNOWN
    length = builder.binding.get(f"{name}_length", symbol(f"{name}_length"))
    builder.data_symbols[f"{name}_length"] = name
    return SequenceType(item.dtype, (length,), (item,))


def _equal_names(assumptions: Iterable[Assumption]) -> dict[str, Dim]:
    """Symbols that the graph takes for equal: each name -> the one that stands for it."""
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while name in root:
            name = root[name]
        return name

    for left, relation, right in assumptions:
        a, b = symbol_name(left), symbol_name(right)
        if relation == "=" and a and b and find(a) != find(b):
            root[find(b)] = find(a)
    return {name: symbol(find(name)) for name in root}
