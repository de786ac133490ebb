"""Attention in a graph: one operator, or two products with a softmax between them, and the linear layers around."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from costcalc.dim import Dim
from costcalc.formula import Formula
from costcalc.ir import Node, TensorType
from costcalc.ops.attention import attention_heads
from costcalc.reconcile.linear import PRODUCTS, Linear
from costcalc.reconcile.reading import VIEWS, Reading
from costcalc.reconcile.windows import cut_products

BETWEEN = VIEWS | {"Add", "Mul", "Div", "Where", "Sub", "IsNaN", "Softcap", "Tanh"}
"""What may stand between the scores and their softmax (a scale, a mask), and between that and the values."""


class Attention(NamedTuple):
    """An attention: its nodes (the products and what stands between them), the linear layers that give queries, keys
    and values and the one that reads its output, the elements of the queries and of the scores. usual: it may be an
    nn.MultiheadAttention; whole: it is one operator of the graph, products else the nodes of the scores and of the
    values; einsum: those are Einsums. cuts is how many products of sizes it takes to cut its windows."""

    nodes: tuple[int, ...]
    inputs: tuple[Linear, ...]
    output: Linear | None
    queries: Dim
    scores: Dim
    macs: Formula
    usual: bool
    whole: bool
    products: tuple[int, ...] = ()
    einsum: bool = False
    cuts: int = 0


def attentions(reading: Reading, layers: Mapping[int, Linear]) -> Iterator[Attention]:
    """Every attention of a graph, in its order."""
    by_output = {name: layer for layer in layers.values() for name in (layer.y,)}
    for index, node in enumerate(reading.graph.nodes):
        if node.op_type == "Attention" and not node.domain:
            yield _operator(reading, index, node, by_output)
        elif node.op_type == "Softmax":
            found = _products(reading, index, by_output)
            if found is not None:
                yield found


def _operator(reading: Reading, index: int, node: Node, layers: Mapping[str, Linear]) -> Attention:
    q, k, v = (reading.type(name) for name in node.inputs[:3])
    past = reading.type(node.inputs[4]) if len(node.inputs) > 4 and node.inputs[4] else None
    heads = attention_heads(
        q, k, v, past, node.attributes.get("q_num_heads", 0), node.attributes.get("kv_num_heads", 0)
    )
    inputs = _projections(reading, node.inputs[:3], layers)
    output = _reader(reading, node.outputs[0], layers)
    sources = {reading.back(layer.x) for layer in inputs}
    plain = not node.attributes.get("is_causal", 0) and heads.q_heads == heads.kv_heads and past is None
    usual = plain and bool(inputs) and output is not None and len(sources) == 1
    cost = reading.costs[index].cost
    scores = heads.batch * heads.q_heads * heads.queries * heads.keys
    macs = Formula() if cost is None else cost.macs
    return Attention((index,), inputs, output, q.elements, scores, macs, usual, True)


def _projections(reading: Reading, values: tuple[str, ...], layers: Mapping[str, Linear]) -> tuple[Linear, ...]:
    """The layers that give queries, keys and values; () unless all three come from one."""
    found = [layers.get(_source(reading, value)) for value in values]
    return tuple(dict.fromkeys(layer for layer in found if layer)) if all(found) else ()


def _source(reading: Reading, value: str) -> str:
    """The value that queries, keys or values are a view of, times a number or divided by its own length."""
    while True:
        value = reading.back(value, scaled=True)
        node = reading.producer(value)
        if node is None or node.op_type not in ("Div", "LpNormalization"):
            return value
        if node.op_type == "Div" and reading.back(node.inputs[1], LENGTHS) != reading.back(node.inputs[0]):
            return value
        value = node.inputs[0]


LENGTHS = VIEWS | {"ReduceL2", "Clip", "Max"}
"""What gives the length of a vector, and keeps it from 0."""


def _reader(reading: Reading, value: str, layers: Mapping[str, Linear]) -> Linear | None:
    """The linear layer that reads a value, or a view of it."""
    while (index := reading.only_reader(value)) is not None:
        node = reading.graph.nodes[index]
        if node.op_type in PRODUCTS:
            return next((layer for layer in layers.values() if index in layer.nodes), None)
        if node.op_type not in VIEWS:
            break
        value = node.outputs[0]
    return None


def _products(reading: Reading, softmax: int, layers: Mapping[str, Linear]) -> Attention | None:
    """The attention around a softmax: a product of two moving values before it, and another behind it."""
    before = _walk(reading, softmax, forwards=False)
    after = _walk(reading, softmax, forwards=True)
    if not before or not after:
        return None
    scores, values = reading.graph.nodes[before[-1]], reading.graph.nodes[after[-1]]
    v = values.inputs[1] if reading.back(values.inputs[0], BETWEEN) != values.inputs[1] else values.inputs[0]
    inputs = _projections(reading, (*scores.inputs[:2], v), layers)
    output = _reader(reading, values.outputs[0], layers)
    costs = [reading.costs[i].cost for i in (before[-1], after[-1])]
    macs = Formula(tuple(term for cost in costs if cost is not None for term in cost.macs.terms))
    products = (before[-1], after[-1])
    einsum = scores.op_type == "Einsum"
    cuts = cut_products(reading, inputs[0].x) if inputs else 0
    nodes = tuple(sorted({softmax, *before, *after, *_scales(reading, scores.inputs[:2])}))
    usual = output is not None and len(inputs) == 1 and _as_torch(reading, inputs[0]) and not einsum
    queries, all_scores = reading.elements(scores.inputs[0]), reading.elements(scores.outputs[0])
    return Attention(nodes, inputs, output, queries, all_scores, macs, usual, False, products, einsum, cuts)


def _walk(reading: Reading, start: int, forwards: bool) -> tuple[int, ...]:
    """The nodes from a softmax to the product before or behind it; () where there is none."""
    found: list[int] = []
    node = reading.graph.nodes[start]
    for _ in range(LONGEST):
        if forwards:
            index = reading.only_reader(node.outputs[0])
            if index is None and (several := reading.readers.get(node.outputs[0], ())):
                index = several[-1]
        else:
            near = [reading.producers[name] for name in reading.moving(node) if name in reading.producers]
            index = near[0] if near else None
        if index is None:
            return ()
        found.append(index)
        node = reading.graph.nodes[index]
        if node.op_type in PRODUCTS or node.op_type == "Einsum":
            return tuple(found) if len(reading.moving(node)) == 2 else ()
        if node.op_type not in BETWEEN:
            return ()
    return ()


LONGEST = 8
"""More steps than this do not stand between a product and its softmax."""


def _scales(reading: Reading, values: tuple[str, ...]) -> Iterator[int]:
    """The nodes that scale queries or keys before their product."""
    for value in values:
        while (index := reading.producers.get(value)) is not None:
            node = reading.graph.nodes[index]
            moving = reading.moving(node)
            if len(moving) != 1 or not (node.op_type in VIEWS or reading.scales(node)):
                break
            if reading.scales(node):
                yield index
            value = moving[0]


def _as_torch(reading: Reading, layer: Linear) -> bool:
    """Whether a joint projection to 3 · E is taken apart as [..., 3, E], as nn.MultiheadAttention does; models of
    their own split it by head at once."""
    index = reading.only_reader(layer.y)
    node = None if index is None else reading.graph.nodes[index]
    if node is None or node.op_type != "Reshape":
        return False
    joint, apart = _shape(reading.type(layer.y)), _shape(reading.type(node.outputs[0]))
    return len(apart) > 1 and apart[-2] == 3 and joint[-1] == 3 * apart[-1]


def _shape(t: TensorType) -> tuple[Dim, ...]:
    return t.shape or ()
