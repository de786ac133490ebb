"""Costs a graph: what each node computes, which stored tensors are parameters, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from costcalc import registry
from costcalc.dim import Dim
from costcalc.errors import CostcalcError
from costcalc.formula import FREE, Cost
from costcalc.ir import Graph, Node, TensorType

PASS_THROUGH = frozenset(("Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Cast"))
"""A constant behind one of these is still the weight that its reader multiplies with."""


Readers = dict[str, list[tuple[int, int]]]
"""(node index, input position) of every reader of every value."""


class Storage(NamedTuple):
    """What a node is the first to read of the stored tensors: learned values, buffers (in elements), both in bytes."""

    params: Dim = 0
    buffers: Dim = 0
    weight_bytes: Dim = 0


class NodeCost(NamedTuple):
    """One node's cost for one run; cost is None where the operator or a shape is unknown. activation_bytes are its
    outputs' (0 for a view, None where a shape is unknown)."""

    node: Node
    outputs: tuple[TensorType, ...]
    cost: Cost | None
    storage: Storage
    activation_bytes: Dim | None
    state: str


def cost_graph(graph: Graph) -> tuple[NodeCost, ...]:
    """The cost of every node in execution order."""
    owned = owners(graph)
    nothing = Storage()
    return tuple([_cost_node(node, graph, owned.get(index, nothing)) for index, node in enumerate(graph.nodes)])


def _cost_node(node: Node, graph: Graph, storage: Storage) -> NodeCost:
    types = graph.types
    outputs = tuple([types[name] for name in node.outputs if name])
    key = (node.domain, node.op_type)
    inputs = [types[name] if name else None for name in node.inputs]
    cost: Cost | None
    if key in registry.FREE_OPS:
        cost, state = FREE, "free"
    elif any(t is not None and t.shape is None for t in inputs) or any(t.shape is None for t in outputs):
        cost, state = None, "unknown"
    elif key in registry.COSTS:
        outs = [types[name] if name else None for name in node.outputs]
        context = {"out": outs[0], "outs": outs, "opset": graph.opset.get(node.domain, 0)}
        try:
            cost = registry.call(registry.COSTS[key], inputs, node.attributes, context)
        except CostcalcError as error:
            place = ": ".join(filter(None, (node.place, f"{node.name} ({node.op_type})")))
            raise error.at(place) from error
        if node.op_type == "Add" and any(name in graph.initializers for name in node.inputs):
            cost = _as_bias(cost)
        state = "costed"
    else:
        cost, state = None, "unknown"
    memory: Dim | None = 0
    if key not in registry.VIEWS:
        for t in outputs:
            memory = None if memory is None or t.shape is None else memory + t.nbytes
    return NodeCost(node, outputs, cost, storage, memory, state)


class Stored(NamedTuple):
    """A stored tensor that a node reads: param, buffer or constant; owner is the index of the first node to read it.
    values is how many numbers it holds, more than its elements where a byte holds several."""

    name: str
    type: TensorType
    kind: str
    owner: int
    values: Dim


def stored(graph: Graph) -> Iterator[Stored]:
    """What each stored tensor is, and the node it counts for: a shared one is counted once."""
    readers: Readers = {}
    for index, node in enumerate(graph.nodes):
        for position, name in enumerate(node.inputs):
            readers.setdefault(name, []).append((index, position))
    for name, type_ in graph.initializers.items():
        if name in readers:
            kind = "param" if name in graph.parameters else _kind(type_, readers[name], graph, readers)
            index, position = readers[name][0]
            yield Stored(name, type_, kind, index, _values(type_, graph.nodes[index], position))


def _values(type_: TensorType, node: Node, position: int) -> Dim:
    inputs, count = registry.PACKED.get((node.domain, node.op_type), ((), None))
    return count(type_, node.attributes) if count is not None and position in inputs else type_.elements


def owners(graph: Graph) -> dict[int, Storage]:
    """What each node (by index) is the first to read of the stored tensors."""
    owned: dict[int, Storage] = {}
    for item in stored(graph):
        if item.kind == "constant":
            continue
        have = owned.get(item.owner, Storage())
        elements = item.values
        owned[item.owner] = Storage(
            have.params + (elements if item.kind == "param" else 0),
            have.buffers + (elements if item.kind == "buffer" else 0),
            have.weight_bytes + item.type.nbytes,
        )
    return owned


def _kind(type_: TensorType, uses: Iterable[tuple[int, int]], graph: Graph, readers: Readers) -> str:
    """param, buffer or constant. A float tensor is a parameter unless every reader takes it as a buffer; an integer
    tensor only where a reader takes it as a weight (int64 never: it steers shapes and indices); one element only where a
    reader takes it as a weight."""
    roles = {role for index, position in uses for role in _roles(index, position, graph, readers)}
    if roles == {"buffer"}:
        return "buffer"
    if "weight" in roles and type_.dtype.bits < 64 + type_.dtype.is_float:
        return "param"
    return "param" if type_.dtype.is_float and type_.elements != 1 else "constant"


def _roles(index: int, position: int, graph: Graph, readers: Readers, depth: int = 0) -> Iterator[str]:
    node = graph.nodes[index]
    key = (node.domain, node.op_type)
    if position in registry.BUFFERS.get(key, ()):
        yield "buffer"
    elif position in registry.WEIGHTS.get(key, ()):
        yield "weight"
    elif position == 0 and depth < 4 and node.op_type in PASS_THROUGH:
        for reader, at in readers.get(node.outputs[0], ()):
            yield from _roles(reader, at, graph, readers, depth + 1)
    else:
        yield "other"


def _as_bias(cost: Cost) -> Cost:
    """The same work, counted as a bias."""
    return cost._replace(work=tuple(w._replace(role="bias") for w in cost.work))
