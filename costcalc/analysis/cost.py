"""Costs a graph: what each node computes, which stored tensors are parameters, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from costcalc.core import registry
from costcalc.core.dim import Dim
from costcalc.core.errors import CostcalcError, ShapeError
from costcalc.core.formula import FREE, Cost
from costcalc.core.ir import Graph, Node, TensorType
from costcalc.core.registry import Types
from costcalc.core.traits import TRAITS, UNKNOWN, traits_of
from costcalc.graph.builder import plain
from costcalc.graph.parameters import NOTHING, Storage, owners


class NodeCost(NamedTuple):
    """One node's cost for one run; cost is None where the operator or a shape is unknown, or its rule cannot tell.
    macs and flops are cost's, as numbers. activation_bytes are its outputs' (0 for a view, None where a shape is
    unknown), traffic_bytes what it reads and writes, weights included."""

    node: Node
    outputs: tuple[TensorType, ...]
    cost: Cost | None
    storage: Storage
    macs: Dim | None
    flops: Dim | None
    activation_bytes: Dim | None
    traffic_bytes: Dim | None
    state: str


def cost_graph(graph: Graph) -> tuple[NodeCost, ...]:
    """The cost of every node in execution order."""
    return tuple(cost_nodes(graph))


def cost_nodes(graph: Graph) -> Iterator[NodeCost]:
    """The cost of every node in execution order, one after the other: who needs each only once keeps none."""
    owned = owners(graph)
    families: dict[tuple[str, str], tuple[Known, Known, bool]] = {}
    costs = (_cost_node(node, graph, owned.get(index, NOTHING), families) for index, node in enumerate(graph.nodes))
    return _constants(graph, costs)


def _constants(graph: Graph, costs: Iterable[NodeCost]) -> Iterator[NodeCost]:
    """Views of stored tensors, and of such views, are constants: no part of what a run does."""
    moving = set(graph.inputs).difference(graph.initializers)
    for cost in costs:
        node = cost.node
        view = cost.state == "free" and node.inputs and traits_of(node).view
        if view and moving.isdisjoint(node.inputs) and cost.storage == NOTHING:
            yield cost._replace(state="constant")
        else:
            moving.update(node.outputs)
            yield cost


class Figures(NamedTuple):
    """What follows from a node's types and attributes alone, so that equal nodes are costed once."""

    cost: Cost | None
    macs: Dim | None
    flops: Dim | None
    activation_bytes: Dim | None
    traffic_bytes: Dim | None
    state: str


Known = dict[Any, Figures]
"""The figures of one operator's nodes, by their types and attributes."""

MOST = 1 << 12
"""Nodes of one operator that are kept at most from one graph to the next."""

KEPT: dict[Any, Known] = {}
"""The figures of this process by operator and all that is registered of it, so that they hold for every graph."""


def _known(node: Node, graph: Graph) -> tuple[Known, Known, bool]:
    """What is known of an operator's nodes from graphs before, what this graph alone needs (symbols), and whether the
    operator adds two tensors."""
    key = (node.domain, node.op_type)
    rule = registry.COSTS.get(key)
    operator = TRAITS.get(key, UNKNOWN)
    opset = graph.opset.get(node.domain, 0)
    registered = (rule and rule.function, key in registry.FREE_OPS, operator.view, operator.reads)
    known = KEPT.setdefault((key, opset, *registered), {})
    if len(known) > MOST:
        known.clear()
    return known, {}, operator.arithmetic == "add"


def _cost_node(
    node: Node, graph: Graph, storage: Storage, families: dict[tuple[str, str], tuple[Known, Known, bool]]
) -> NodeCost:
    types = graph.types
    op = (node.domain, node.op_type)
    known = families.get(op)
    if known is None:
        known = families[op] = _known(node, graph)
    kept, own, adds = known
    names = node.inputs
    inputs = tuple([types[name] if name else None for name in names])
    outs = tuple([types[name] if name else None for name in node.outputs])
    attributes = tuple(node.attributes.items()) if node.attributes else ()
    same = () if len(names) < 2 or len(set(names)) == len(names) else tuple([names.index(name) for name in names])
    key: Any = (inputs, outs, attributes, same)
    try:
        figures = kept.get(key) or own.get(key)
    except TypeError:  # an attribute that has no hash: a list, a subgraph
        figures, key = None, None
    if figures is None:
        figures = _figures(node, graph, inputs, outs)
        if key is not None:
            (kept if plain(inputs) and plain(outs) else own)[key] = figures
    cost, macs, flops, memory, traffic, state = figures
    if adds and cost is not None and any(name in graph.initializers for name in names):
        cost = _as_bias(cost)
    outputs = outs if None not in outs else tuple([t for t in outs if t is not None])
    return NodeCost(node, outputs, cost, storage, macs, flops, memory, traffic, state)  # type: ignore[arg-type]


def _figures(node: Node, graph: Graph, inputs: Types, outs: Types) -> Figures:
    key = (node.domain, node.op_type)
    known = all(t is None or t.shape is not None for t in (*inputs, *outs))
    cost: Cost | None = None
    state = "unknown"
    if key in registry.FREE_OPS:
        cost, state = FREE, "free"
    elif known and key in registry.COSTS:
        context = {"out": outs[0], "outs": outs, "opset": graph.opset.get(node.domain, 0)}
        try:
            cost = registry.call(registry.COSTS[key], inputs, node.attributes, context)
        except Exception as error:
            if isinstance(error, CostcalcError):
                raise error.at(node.where) from error
            fact = f"its cost rule fails with {type(error).__name__}: {error}"
            remedy = "the node is malformed, or the rule is wrong: --debug shows where"
            raise ShapeError(fact, remedy, node.where) from error
        state = "unknown" if cost is None else "costed"
    macs = None if cost is None else cost.macs.value
    flops = None if cost is None or macs is None else sum((w.formula.value for w in cost.work), 2 * macs)
    if traits_of(node).view:
        return Figures(cost, macs, flops, 0, 0, state)
    memory = _bytes(t for t in outs if t is not None)
    traffic = None if memory is None else _traffic(node, graph.types, memory)
    return Figures(cost, macs, flops, memory, traffic, state)


def _bytes(types: Iterable[TensorType]) -> Dim | None:
    total: Dim = 0
    for t in types:
        if t.shape is None:
            return None
        total = total + t.nbytes
    return total


def _traffic(node: Node, types: Mapping[str, TensorType], written: Dim) -> Dim | None:
    """Bytes that one run must move: each input once and each output once. Of a table that is looked up or cut, as much
    is read as is given."""
    names = dict.fromkeys(name for name in node.inputs if name)
    reads = traits_of(node).reads
    if reads == "all" or not node.inputs:
        read = _bytes([types[name] for name in names])
        return None if read is None else read + written
    names.pop(node.inputs[0], None)
    rest = _bytes([types[name] for name in names])
    return None if rest is None else rest + (2 if reads == "part" else 1) * written


def _as_bias(cost: Cost) -> Cost:
    """The same work, counted as a bias."""
    return cost._replace(work=tuple(w._replace(role="bias") for w in cost.work))
