"""A body of If, Loop, Scan or SequenceMap -> nodes of the builder, and types that hold in all its runs.

The nodes of a body are removed again where it is not taken, and their counts multiplied where it runs several times.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from costcalc.core.dim import Dim, maximum
from costcalc.core.errors import LoadError
from costcalc.core.ir import UNKNOWN, DType, SequenceType, TensorType
from costcalc.frontends.onnx.messages import GraphProto
from costcalc.frontends.onnx.scopes import Frame, ResolvedNode
from costcalc.frontends.onnx.walker import Walker


def body_graph(call: ResolvedNode, name: str) -> GraphProto:
    """The subgraph in an attribute of a node, taken out of its attributes. LoadError where it is missing."""
    body = call.attributes.pop(name, None)
    if not isinstance(body, GraphProto):
        raise LoadError(f"it has no {name}", "export the model again")
    return body


def scalar_value(t: TensorType | None) -> Dim | bool | None:
    """A scalar's type -> its element, a bool or an extent; None where it is not known."""
    if t is None or t.value is None or len(t.value) != 1:
        return None
    element: Dim | bool = t.value[0]
    return bool(element) if t.dtype is DType.BOOL else element


def inner_frame(frame: Frame, call: ResolvedNode, branch: str) -> Frame:
    """The frame of a graph and a node with a body -> the body's frame: its values and nodes are named below the
    node."""
    values = f"{call.name}/{branch}"
    origin = (*call.origin, branch.partition("/")[0])
    return Frame({}, frame, values, frame.node_prefix, call.scope, frame.attributes, frame.depth + 1, origin)


def run_body(
    walker: Walker, frame: Frame, call: ResolvedNode, body: GraphProto, branch: str, types: Sequence[TensorType]
) -> tuple[str, ...]:
    """Adds a body whose inputs have these types; returns the builder's names of its outputs."""
    inner = inner_frame(frame, call, branch)
    for info, type_ in zip(body.input, types, strict=True):
        walker.builder.types[walker.definitions.name(inner, info.name)] = type_
    return walker.graph(inner, body)


def merge_types(
    walker: Walker, node: str, name: str, a: TensorType, b: TensorType, is_choice: bool = False
) -> TensorType:
    """Two types of one value -> the type that holds for both: an extent that differs becomes a symbol; where the value
    has one of the two types (is_choice), it is at most the larger extent."""
    if a == b:
        return a
    if a.shape is None or b.shape is None or len(a.shape) != len(b.shape) or a.dtype is not b.dtype:
        return UNKNOWN
    if isinstance(a, SequenceType) or isinstance(b, SequenceType):
        items = {TensorType(t.dtype, t.shape) for t in (*(a.value or ()), *(b.value or ()))}
        if type(a) is not type(b) or len(items) != 1:
            return UNKNOWN
        return SequenceType(a.dtype, (extent_symbol(walker, node, name, 0),), tuple(items))
    shape = [
        x if x == y else extent_symbol(walker, node, name, i, maximum(x, y) if is_choice else None)
        for i, (x, y) in enumerate(zip(a.shape, b.shape, strict=True))
    ]
    return TensorType(a.dtype, tuple(shape), a.value if a.value == b.value else None)


def drop_value(t: TensorType) -> TensorType:
    """A type -> the type without known elements; a sequence's value is its items' types and stays."""
    return t if isinstance(t, SequenceType) else t._replace(value=None)


def extent_symbol(walker: Walker, node: str, name: str, axis: int, upper: Dim | None = None) -> Dim:
    """The symbol of an extent of a value of a node that depends on data, upper at most."""
    return walker.builder.fresh(node, f"{name.lstrip('/')}_dim{axis}", upper)


def stack_type(t: TensorType, trips: Dim, axis: int) -> TensorType:
    """The type of one trip's result [*shape] -> that of all trips, with a new axis of extent trips."""
    if t.shape is None:
        return UNKNOWN
    axis = axis % (len(t.shape) + 1)
    return TensorType(t.dtype, (*t.shape[:axis], trips, *t.shape[axis:]))


def add_control_node(walker: Walker, call: ResolvedNode, results: Sequence[str], types: Sequence[TensorType]) -> None:
    """Adds the node itself, with the types of its outputs. LoadError where it names more than its body gives."""
    if len(types) < len(call.outputs):
        raise LoadError(f"its body gives {len(types)} values, {len(call.outputs)} are named", "export the model again")
    walker.add(call, tuple(types[: len(call.outputs)]), (*call.inputs, *results))


class WalkerState(NamedTuple):
    """The sizes of a walker's and its builder's collections."""

    types: int
    nodes: int
    initializers: int
    notes: int
    data_symbols: int
    choices: int
    constants: int


def save_state(walker: Walker) -> WalkerState:
    """A walker -> its state now, for restore_state."""
    builder = walker.builder
    return WalkerState(
        len(builder.types),
        len(builder.nodes),
        len(builder.initializers),
        len(builder.notes),
        len(builder.data_symbols),
        len(walker.choices),
        len(walker.definitions.constants),
    )


def restore_state(walker: Walker, start: WalkerState) -> None:
    """Removes all that was added to a walker and its builder since the state was saved."""
    builder = walker.builder
    for collection, size in (
        (builder.types, start.types),
        (builder.initializers, start.initializers),
        (builder.data_symbols, start.data_symbols),
    ):
        for key in list(islice(reversed(collection), len(collection) - size)):
            del collection[key]
    for node in builder.nodes[start.nodes :]:
        walker.name_counts.pop(node.name, None)
    del builder.nodes[start.nodes :]
    del builder.notes[start.notes :]
    del walker.choices[start.choices :]
    del walker.definitions.constants[start.constants :]


def multiply_counts(walker: Walker, start: WalkerState, times: Dim) -> None:
    """Multiplies the counts of the nodes that were added since the state was saved."""
    nodes = walker.builder.nodes
    nodes[start.nodes :] = [n._replace(count=n.count * times) for n in nodes[start.nodes :]]
