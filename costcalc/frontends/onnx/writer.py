"""Graph -> ONNX file: stored tensors become initializers of zeros, random numbers, or references to absent data.

Nodes and values keep their names. Known constants (axes, shapes, clip bounds) become Constant nodes, so that reading
the file again counts the same parameters. This module, stored.py and the fallback inference are the only ones that
import onnx and numpy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costcalc.core.dim import symbol, symbols
from costcalc.core.errors import CostcalcError, UsageError
from costcalc.core.ir import DType, Graph, Node, SequenceType, TensorType, bind_type
from costcalc.core.version import __version__
from costcalc.frontends.onnx.stored import make_tensor, model_pieces, require_numbers
from costcalc.frontends.symbols import option_name, symbol_name
from costcalc.ops.common.channels import LOGICAL, NCHWC
from costcalc.ops.tflite import TFLITE

if TYPE_CHECKING:
    import onnx

WEIGHTS = ("zeros", "random", "none")

NEW_IN_23 = frozenset(("Attention", "RMSNormalization", "RotaryEmbedding", "output_dtype", "precision"))
"""Operators and attributes; besides them opset 23 only let more element types through, float4e2m1 among them."""

CONTROL = frozenset(("If", "Loop", "Scan", "SequenceMap"))


def export(graph: Graph, path: str | Path, weights: str = "zeros") -> None:
    """A graph -> an ONNX file at a path, checked with onnx.checker.

    weights: `zeros`, `random` (the same numbers every time), or `none` (external data that is left out). From 1 GiB on
    weights are written to PATH.data. Open symbols of inputs become dim_params. CostcalcError where weights or constants
    hold symbols, for control flow, whose bodies the graph has unfolded, and for operators of TensorFlow Lite.
    """
    path = Path(path)
    model = _make_checked_model(graph, weights)
    with _refuse_unwritable(path):
        pieces = model_pieces(model, graph, path, weights)
        first = next(pieces)  # a model that is refused leaves the file as it is
        with path.open("wb") as file:
            file.writelines(chain((first,), pieces))


def serialize_graph(graph: Graph, weights: str = "zeros") -> bytes:
    """A graph -> the bytes of its ONNX file. As export, but weights from 1 GiB on are refused, for there is no file to
    put them beside."""
    model = _make_checked_model(graph, weights)
    return b"".join(model_pieces(model, graph, None, weights))


def _make_checked_model(graph: Graph, weights: str) -> onnx.ModelProto:
    if weights not in WEIGHTS:
        raise UsageError(f"there are no weights {weights!r}", "use zeros, random or none")
    foreign = next((node for node in graph.nodes if node.domain.split(".")[0] == TFLITE), None)
    if foreign is not None:
        raise CostcalcError(
            f"{foreign.domain}:{foreign.op_type} is no operator of ONNX, whose images have channels first",
            "convert the .tflite file itself, with tf2onnx",
            foreign.name,
        )
    _require_types(graph)
    with _refuse_unencodable():
        model = _model_proto(_rename_axes(graph))
    _check_model(model, graph)
    return model


def _require_types(graph: Graph) -> None:
    """CostcalcError where a tensor that the file has to declare (input, stored or output) is of an unknown type."""
    for kind, names in (("input", graph.inputs), ("stored tensor", graph.initializers), ("output", graph.outputs)):
        for name in names:
            if graph.types[name].dtype is DType.UNDEFINED:
                raise CostcalcError(
                    f"the type of the {kind} {name!r} is not known",
                    "give the operators without a rule one with --rules"
                    if kind == "output"
                    else "write the model again with an element type that ONNX has",
                )


def _rename_axes(graph: Graph) -> Graph:
    """A graph -> the same where a symbol that PyTorch numbers (`s77`) and that is an extent of an input has the name
    that --dim takes for it, `ids.1`. One in an input's arithmetic (`2*s77`), where such a name cannot be read, keeps
    its own."""
    extents = [extent for name in graph.inputs for extent in graph.types[name].shape or ()]
    in_arithmetic = symbols(*(extent for extent in extents if symbol_name(extent) is None))
    names = {old: option_name(old, graph.data_symbols) for old in graph.data_symbols if old not in in_arithmetic}
    binding = {old: symbol(new) for old, new in names.items() if old != new}
    return graph._replace(types={name: bind_type(t, binding) for name, t in graph.types.items()}) if binding else graph


def _model_proto(graph: Graph) -> onnx.ModelProto:
    """The model without its stored tensors."""
    from onnx import helper

    values = {name: t for name, t in graph.types.items() if name not in graph.initializers}
    computed = {name for node in graph.nodes for name in node.outputs if name}
    input_names = set(graph.inputs)
    read_names = dict.fromkeys(name for node in graph.nodes for name in node.inputs if name) | dict.fromkeys(
        graph.outputs
    )
    constants = [n for n in read_names if n in values and n not in computed and n not in input_names]
    constant_nodes = [_constant_proto(name, values[name]) for name in constants]
    constant_nodes += [_node_proto(node, graph.opset.get(node.domain, 1)) for node in graph.nodes]
    inputs = [_value_info(name, graph.types[name]) for name in graph.inputs if name not in graph.initializers]
    outputs = [_value_info(name, graph.types[name]) for name in graph.outputs]
    value_infos = [
        _value_info(n, values[n]) for n in values if n in computed and n not in graph.outputs and _is_typed(values[n])
    ]
    domains = {n.domain: graph.opset.get(n.domain, 1) for n in graph.nodes} | {"": _opset(graph)}
    opsets = [helper.make_opsetid(domain, version) for domain, version in domains.items()]
    proto = helper.make_graph(constant_nodes, graph.name or "model", inputs, outputs, value_info=value_infos)
    ir_version = helper.find_min_ir_version_for(opsets, True)
    return helper.make_model(
        proto, opset_imports=opsets, ir_version=ir_version, producer_name="costcalc", producer_version=__version__
    )


def _opset(graph: Graph) -> int:
    """The default domain's version. A graph of opset 23 that has nothing of what 23 added to 22 is written as 22, which
    older runtimes (ONNX Runtime 1.22) accept."""
    version = graph.opset.get("", 1)
    nodes = [n for n in graph.nodes if n.domain == ""]
    if version != 23 or any(n.op_type in NEW_IN_23 or not NEW_IN_23.isdisjoint(n.attributes) for n in nodes):
        return version
    return 23 if any(t.dtype is DType.FLOAT4E2M1 for t in graph.types.values()) else 22


def _is_typed(t: TensorType) -> bool:
    return t.shape is not None and t.dtype is not DType.UNDEFINED


def _value_info(name: str, t: TensorType) -> onnx.ValueInfoProto:
    from onnx import helper

    return helper.make_value_info(name, _type_proto(t))


def _type_proto(t: TensorType) -> onnx.TypeProto:
    """An extent that holds a symbol is written as text."""
    from onnx import helper

    if isinstance(t, SequenceType):
        item = t.value[0] if t.value else TensorType(t.dtype, None)
        return helper.make_sequence_type_proto(_type_proto(item))
    shape = None if t.shape is None else [d if isinstance(d, int) else str(d) for d in t.shape]
    return helper.make_tensor_type_proto(t.dtype.code, shape)


def _node_proto(node: Node, opset: int) -> onnx.NodeProto:
    from onnx import helper

    if not node.domain and node.op_type in CONTROL:
        raise CostcalcError(
            f"{node.op_type} cannot be written: its body stands in the graph as nodes",
            "export models without control flow",
            node.name,
        )
    kinds = _attribute_types(node, opset)
    proto = helper.make_node(node.op_type, node.inputs, node.outputs, node.name, domain=node.domain)
    for key, value in node.attributes.items():
        if node.domain == NCHWC and key in LOGICAL:
            continue
        proto.attribute.append(
            helper.make_attribute(key, _attribute_value(value, f"{node.name}.{key}"), None, kinds.get(key))
        )
    return proto


def _attribute_types(node: Node, opset: int) -> dict[str, Any]:
    """A node -> the types that ONNX declares for its attributes, as an empty list has none. UsageError for an operator
    that is newer than the model's opset, such as a rewrite's Gelu."""
    import onnx.defs

    if not onnx.defs.has(node.op_type, node.domain):
        return {}
    if not onnx.defs.has(node.op_type, opset, node.domain):
        since = onnx.defs.get_schema(node.op_type, node.domain).since_version
        raise UsageError(
            f"opset {opset}, the model's, has no {node.op_type} yet",
            f"export the model with opset {since} or later",
            node.name,
        )
    schema = onnx.defs.get_schema(node.op_type, opset, node.domain)
    return {name: a.type for name, a in schema.attributes.items()}


def _attribute_value(value: Any, place: str) -> Any:
    if isinstance(value, TensorType):
        if value.value is None:
            raise CostcalcError("the elements of a tensor attribute are not known", "it cannot be written", place)
        return make_tensor(place, value)
    if isinstance(value, (tuple, list)):
        return [_attribute_value(v, place) for v in value]
    return value if isinstance(value, (int, float, str)) else require_numbers([value], place)[0]


def _constant_proto(name: str, t: TensorType) -> onnx.NodeProto:
    from onnx import helper

    return helper.make_node("Constant", [], [name], f"{name}/constant", value=make_tensor(name, t))


def _check_model(model: onnx.ModelProto, graph: Graph) -> None:
    """onnx.checker on the model with its stored tensors as inputs: the weights do not matter. ONNX's inference
    must agree with the types here, where no extent is open."""
    import onnx

    full_model = onnx.ModelProto()
    full_model.CopyFrom(model)
    full_model.graph.input.extend(_value_info(name, t) for name, t in graph.initializers.items())
    is_open = any(not isinstance(d, int) for t in graph.types.values() for d in t.shape or ())
    try:
        onnx.checker.check_model(full_model, full_check=not is_open)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        message = str(error).strip().splitlines()[0]
        raise CostcalcError(
            f"onnx does not accept the model: {message}",
            "the model is only valid by its data, or holds what some runtimes accept and the specification does not",
        ) from error


@contextmanager
def _refuse_unencodable() -> Iterator[None]:
    """A number beyond 64 bits, or a text that is no Unicode, is a ValueError (or one of its kin) of protobuf."""
    try:
        yield
    except (ValueError, OverflowError, TypeError) as error:
        raise CostcalcError(
            f"the model does not fit ONNX's file format: {error}", "use extents and numbers of at most 64 bits"
        ) from error


@contextmanager
def _refuse_unwritable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CostcalcError(
            f"{path} cannot be written: {error.strerror}", "check the path and its permissions"
        ) from error
