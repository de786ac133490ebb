"""Attention that a graph spells out (MatMul, Softmax, MatMul) → the projections of its queries, keys and values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from costcalc.dim import Dim, prod
from costcalc.ir import Node
from costcalc.suggest.view import View

BESIDE = frozenset(("Add", "Sub", "Mul", "Div", "Where", "Cast", "Identity", "Dropout", "IsNaN", "Min", "Max", "Clip",
                    "Reshape", "Squeeze", "Unsqueeze"))  # fmt: skip
"""What may stand between the softmax and the two products: scale, mask, dropout, windows that are numbered apart."""

MOVED = frozenset((*BESIDE, "Transpose", "Split", "Slice", "Concat", "Gather", "Neg", "Flatten"))
"""What may stand between a projection and a product: heads, scale, rotary positions."""


class Projection(NamedTuple):
    """x · W, and the addition of a bias behind it. nodes are these (by index), product the first; width is what W
    gives, parts how many of queries, keys and values that is."""

    nodes: tuple[int, ...]
    product: Node
    output: str
    features: Dim
    width: Dim
    bias: bool


class Spelled(NamedTuple):
    """softmax is the node (index); the three projections may be one."""

    softmax: int
    size: Dim
    query: Projection
    key: Projection
    value: Projection


def spelled(seen: View) -> Iterator[Spelled]:
    """Every attention of three projections, or of one. size is a head's features."""
    for i, node in enumerate(seen.graph.nodes):
        rank = len(seen.shape(node.inputs[0])) if node.op_type == "Softmax" and not node.domain else 0
        if rank < 3 or node.attributes.get("axis", -1) not in (-1, rank - 1):
            continue
        scores, product = _before(seen, node.inputs[0]), _behind(seen, node.outputs[0])
        if scores is None or product is None:
            continue
        values = (*scores.inputs, product.inputs[1])
        query, key, value = (projection(seen, at) for at in (_projected(seen, name) for name in values))
        if query is not None and key is not None and value is not None:
            yield Spelled(i, seen.shape(scores.inputs[0])[-1], query, key, value)


def _before(seen: View, value: str) -> Node | None:
    """The product of two computed values whose scaled and masked scores a value is."""
    elements = prod(seen.shape(value))
    found, ahead, known = [], [value], set()
    while ahead:
        name = ahead.pop()
        at = seen.producers.get(name)
        if at is None or name in known or prod(seen.shape(name)) != elements:
            continue
        known.add(name)
        node = seen.graph.nodes[at]
        if node.op_type == "MatMul":
            found.append(node)
        elif node.op_type in BESIDE:
            ahead.extend(filter(None, node.inputs))
    return found[0] if len(found) == 1 and all(name in seen.producers for name in found[0].inputs) else None


def _behind(seen: View, value: str) -> Node | None:
    """The product of a softmax and a computed value."""
    for _ in range(8):
        readers = [seen.graph.nodes[i] for i in seen.readers.get(value, ())]
        onward = [node for node in readers if node.op_type != "IsNaN"]
        if len(onward) != 1:
            return None
        node = onward[0]
        if node.op_type == "MatMul" and node.inputs[0] == value:
            return node if node.inputs[1] in seen.producers else None
        if node.op_type not in BESIDE:
            return None
        value = node.outputs[0]
    return None


def _projected(seen: View, value: str) -> int | None:
    """The only product with a stored matrix that a value comes from."""
    found, ahead, known = set(), [value], set()
    while ahead:
        at = seen.producers.get(ahead.pop())
        if at is None or at in known:
            continue
        known.add(at)
        node = seen.graph.nodes[at]
        if node.op_type in ("MatMul", "Gemm"):
            if seen.stored(node, 1) and len(seen.shape(node.inputs[1])) == 2:
                found.add(at)
        elif node.op_type in MOVED and not node.domain:
            ahead.extend(filter(None, node.inputs))
    return found.pop() if len(found) == 1 else None


def projection(seen: View, index: int | None) -> Projection | None:
    """The product with what adds its bias; None where its weights are shared, or its extents are open."""
    if index is None or not seen.owned(seen.graph.nodes[index], 1):
        return None
    node = seen.graph.nodes[index]
    rows = seen.shape(node.inputs[1])
    features, width = rows[::-1] if node.attributes.get("transB", 0) else rows
    nodes: tuple[int, ...] = (index,)
    output, bias = node.outputs[0], len(node.inputs) > 2 and bool(node.inputs[2])
    if node.attributes.get("transA", 0) or (bias and not seen.stored(node, 2)):
        return None
    reader = seen.only_reader(output)
    if node.op_type == "MatMul" and reader is not None and seen.graph.nodes[reader].op_type == "Add":
        add = seen.graph.nodes[reader]
        other = 1 - add.inputs.index(output)
        if seen.stored(add, other) and seen.shape(add.inputs[other]) == (width,):
            output, nodes, bias = add.outputs[0], (index, reader), True
    return Projection(nodes, node, output, features, width, bias)
