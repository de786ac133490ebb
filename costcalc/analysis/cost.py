"""Graph to the cost of each node: what one run computes, moves and stores; equal nodes are costed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from costcalc.core import registry
from costcalc.core.dim import Dim
from costcalc.core.errors import CostcalcError
from costcalc.core.formula import NO_COST, Cost
from costcalc.core.ir import Graph, Node, TensorType
from costcalc.core.registry import Types
from costcalc.core.traits import TRAITS, UNKNOWN_TRAITS, traits_of
from costcalc.graph.inference import are_concrete
from costcalc.graph.parameters import NO_STORAGE, StoredCount, parameters_by_node, stored_values


class NodeCost(NamedTuple):
    """Cost of one run of a node.

    cost holds the formulas, macs and flops their values: None where the operator or a shape is unknown, or its rule
    cannot decide. storage counts the stored tensors that the node is the first to read. activation_bytes are those of
    the outputs (0 for a view, None where a shape is unknown), traffic_bytes what it reads and writes, weights included.
    state is costed, free, constant or unknown.
    """

    node: Node
    outputs: tuple[TensorType, ...]
    cost: Cost | None
    storage: StoredCount
    macs: Dim | None
    flops: Dim | None
    activation_bytes: Dim | None
    traffic_bytes: Dim | None
    state: str


def cost_graph(graph: Graph) -> tuple[NodeCost, ...]:
    """Graph -> the cost of every node in execution order."""
    return tuple(cost_nodes(graph))


def cost_nodes(graph: Graph) -> Iterator[NodeCost]:
    """Graph -> the cost of every node in execution order, one at a time, for callers that need each only once."""
    types, stored = graph.types, stored_values(graph)
    for node, figures, storage in figure_nodes(graph):
        cost, macs, flops, activation_bytes, traffic_bytes, state = figures
        if cost is not None and _is_bias_addition(node, graph):
            cost = _bias_cost(cost)
        outputs = tuple([types[name] for name in node.outputs if name])
        if graph.stored_formats and traffic_bytes is not None and (node.inputs and traits_of(node).reads == "all"):
            difference = _format_difference(node, graph)
            if difference and traffic_bytes:
                traffic_bytes = traffic_bytes + difference
        if state == "free" and storage == NO_STORAGE and outputs and stored.issuperset(filter(None, node.outputs)):
            state = "constant"  # a view of stored tensors, which no run computes
        yield NodeCost(node, outputs, cost, storage, macs, flops, activation_bytes, traffic_bytes, state)


def figure_nodes(graph: Graph) -> Iterator[tuple[Node, NodeFigures, StoredCount]]:
    """Graph -> every node in execution order with its figures and what it is the first to read of stored tensors; equal
    nodes have the same objects."""
    storage_by_node = parameters_by_node(graph)
    figures_by_operator: dict[tuple[str, str], OperatorFigures] = {}
    for index, node in enumerate(graph.nodes):
        yield node, _node_figures(node, graph, figures_by_operator), storage_by_node.get(index, NO_STORAGE)


class NodeFigures(NamedTuple):
    """The part of a NodeCost that follows from the node's types and attributes alone, so that equal nodes share it."""

    cost: Cost | None
    macs: Dim | None
    flops: Dim | None
    activation_bytes: Dim | None
    traffic_bytes: Dim | None
    state: str


FiguresByTypes = dict[Any, NodeFigures]
"""Types and attributes of an operator's node -> its figures."""

MAX_CACHED = 1 << 12
"""Most nodes of one operator that CACHE holds."""

CACHE: dict[Any, FiguresByTypes] = {}
"""Operator and all that is registered of it -> figures of its nodes, which hold for every graph of this process."""


class OperatorFigures(NamedTuple):
    """Figures of an operator's nodes that are costed: concrete ones hold for all graphs, symbolic ones (types with
    symbols) for this graph alone."""

    concrete: FiguresByTypes
    symbolic: FiguresByTypes


def _operator_figures(node: Node, graph: Graph) -> OperatorFigures:
    """A node -> the figures that are known of its operator."""
    key = (node.domain, node.op_type)
    rule = registry.COST_RULES.get(key)
    operator = TRAITS.get(key, UNKNOWN_TRAITS)
    opset = graph.opset.get(node.domain, 0)
    registration = (rule and rule.function, key in registry.FREE_OPS, operator.view, operator.reads)
    concrete = CACHE.setdefault((key, opset, *registration), {})
    if len(concrete) > MAX_CACHED:
        concrete.clear()
    return OperatorFigures(concrete, {})


def _node_figures(node: Node, graph: Graph, figures_by_operator: dict[tuple[str, str], OperatorFigures]) -> NodeFigures:
    types = graph.types
    op = (node.domain, node.op_type)
    operator_figures = figures_by_operator.get(op)
    if operator_figures is None:
        operator_figures = figures_by_operator[op] = _operator_figures(node, graph)
    concrete, symbolic = operator_figures
    names = node.inputs
    inputs = tuple([types[name] if name else None for name in names])
    output_types = tuple([types[name] if name else None for name in node.outputs])
    attributes = tuple(node.attributes.items()) if node.attributes else ()
    repetitions = (
        () if len(names) < 2 or len(set(names)) == len(names) else tuple([names.index(name) for name in names])
    )
    key: Any = (inputs, output_types, attributes, repetitions)
    try:
        figures = concrete.get(key) or symbolic.get(key)
    except TypeError:  # an attribute that has no hash: a list, a subgraph
        figures, key = None, None
    if figures is None:
        figures = _cost_figures(node, graph, inputs, output_types)
        if key is not None:
            (concrete if are_concrete(inputs) and are_concrete(output_types) else symbolic)[key] = figures
    return figures


def _is_bias_addition(node: Node, graph: Graph) -> bool:
    """Whether a node adds a stored tensor."""
    return traits_of(node).arithmetic == "add" and any(name in graph.initializers for name in node.inputs)


def _cost_figures(node: Node, graph: Graph, inputs: Types, outs: Types) -> NodeFigures:
    key = (node.domain, node.op_type)
    has_shapes = all(t is None or t.shape is not None for t in (*inputs, *outs))
    cost: Cost | None = None
    state = "unknown"
    if key in registry.FREE_OPS:
        cost, state = NO_COST, "free"
    elif has_shapes and key in registry.COST_RULES:
        context = {"out": outs[0], "outs": outs, "opset": graph.opset.get(node.domain, 0)}
        try:
            cost = registry.infer_cost(registry.COST_RULES[key], inputs, node.attributes, context)
        except CostcalcError as error:
            raise error.at(node.location) from error
        state = "unknown" if cost is None else "costed"
    macs = None if cost is None else cost.macs.value
    flops = None if cost is None or macs is None else sum((w.formula.value for w in cost.work), 2 * macs)
    if traits_of(node).view:
        return NodeFigures(cost, macs, flops, 0, 0, state)
    activation_bytes = _sum_bytes(t for t in outs if t is not None)
    traffic_bytes = None if activation_bytes is None else _traffic_bytes(node, graph.types, activation_bytes)
    return NodeFigures(cost, macs, flops, activation_bytes, traffic_bytes, state)


def _sum_bytes(types: Iterable[TensorType]) -> Dim | None:
    total: Dim = 0
    for t in types:
        if t.shape is None:
            return None
        total = total + t.nbytes
    return total


def _traffic_bytes(node: Node, types: Mapping[str, TensorType], output_bytes: Dim) -> Dim | None:
    """Node and bytes that it writes -> bytes that one run must move: each input once and each output once. Of a table
    that is looked up or cut, as many bytes are read as are written."""
    names = dict.fromkeys(name for name in node.inputs if name)
    reads = traits_of(node).reads
    if reads == "all" or not node.inputs:
        input_bytes = _sum_bytes([types[name] for name in names])
        return None if input_bytes is None else input_bytes + output_bytes
    names.pop(node.inputs[0], None)
    input_bytes = _sum_bytes([types[name] for name in names])
    return None if input_bytes is None else input_bytes + (2 if reads == "part" else 1) * output_bytes


def _format_difference(node: Node, graph: Graph) -> Dim:
    """Node -> what its stored tensors have more bytes in the file than in the types that it computes with."""
    total: Dim = 0
    for name in dict.fromkeys(node.inputs):
        form = graph.stored_formats.get(name)
        if form is not None:
            total = total + form.nbytes - graph.types[name].nbytes
    return total


def _bias_cost(cost: Cost) -> Cost:
    """Cost -> the same work in the role of a bias."""
    return cost._replace(work=tuple(w._replace(role="bias") for w in cost.work))
