"""GraphIndex → its attentions: one operator, or two products with a softmax between, and the linear layers around."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from costcalc.core.ir import Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex, is_rearrangement, operator_key
from costcalc.graph.patterns.linear import LinearLayer, find_linear_layer, is_product

EINSUM = ("", "Einsum")

MASKS = frozenset(("", op) for op in ("Where", "IsNaN", "Min", "Max", "Clip", "Tanh"))
"""Operators between the softmax and the two products beside scales and views: masks, a soft cap."""

POSITIONS = frozenset(("", op) for op in ("Concat", "Neg", "LpNormalization"))
"""Operators between a projection and a product beside scales and views: rotary positions, normalised lengths."""

LENGTHS = frozenset(("", op) for op in ("ReduceL2", "Clip", "Max"))
"""Operators that compute the length of a vector, and keep it from 0."""

MAX_SOFTMAX_DISTANCE = 12
"""No more operators than these stand between a product and its softmax."""

MAX_PROJECTION_DISTANCE = 500
"""No more values than these are looked at to find a projection."""


class AttentionPattern(NamedTuple):
    """softmax(query · key) · value → output. query, key and value are the operands, as the products or the operator
    read them. nodes are all its nodes: the operator; or the products (of the scores, and of the values), the softmax,
    and the nodes that scale and mask between them. softmax is None, and products are (), for one operator; einsum says
    whether the products are Einsums."""

    nodes: tuple[int, ...]
    query: str
    key: str
    value: str
    output: str
    softmax: int | None = None
    products: tuple[int, ...] = ()
    einsum: bool = False


def find_attentions(index: GraphIndex) -> Iterator[AttentionPattern]:
    """Every attention of a graph, in execution order."""
    for i, node in enumerate(index.graph.nodes):
        if operator_key(node) == ("", "Attention"):
            query, key, value = node.inputs[:3]
            yield AttentionPattern((i,), query, key, value, node.outputs[0])
        elif operator_key(node) == ("", "Softmax"):
            pattern = _match_softmax(index, i)
            if pattern is not None:
                yield pattern


def find_projection(index: GraphIndex, value: str) -> LinearLayer | None:
    """The only linear layer that a query, key or value comes from; None where there is none, or several."""
    layers: dict[int, LinearLayer] = {}
    pending, visited = [value], {value}
    while pending and len(visited) <= MAX_PROJECTION_DISTANCE:
        i = index.producers.get(pending.pop())
        if i is None:
            continue
        layer = find_linear_layer(index, i)
        node = index.graph.nodes[i]
        if layer is not None:
            layers[i] = layer
        elif _is_score_operator(node) or operator_key(node) in POSITIONS:
            sources = [name for name in node.inputs if name not in index.constants or name in index.tables]
            pending.extend(name for name in sources if name not in visited)
            visited.update(sources)
    return layers.popitem()[1] if len(layers) == 1 and not pending else None


def is_view_of_projection(index: GraphIndex, layer: LinearLayer, value: str) -> bool:
    """Whether a query, key or value is a view of a projection, times a number or divided by its own length."""
    while True:
        value = index.origin(value, scaled=True)
        node = index.producer(value)
        if value == layer.y or node is None:
            return value == layer.y
        if operator_key(node) == ("", "Div"):
            length = index.origin(node.inputs[1], _computes_length)
            if length != index.origin(node.inputs[0]):
                return False
        elif operator_key(node) != ("", "LpNormalization"):
            return False
        value = node.inputs[0]


def find_output_projection(index: GraphIndex, value: str) -> LinearLayer | None:
    """The linear layer that alone reads a value, or a view of it."""
    while (i := index.only_element_reader(value)) is not None:
        node = index.graph.nodes[i]
        if is_product(node):
            return find_linear_layer(index, i)
        if not is_rearrangement(node):
            break
        value = node.outputs[0]
    return None


def is_split_by_part(index: GraphIndex, layer: LinearLayer) -> bool:
    """Whether a joint projection to 3 · E is reshaped to [..., 3, E], as nn.MultiheadAttention does; other models split
    it by head at once."""
    i = index.only_element_reader(layer.y)
    if i is None or operator_key(index.graph.nodes[i]) != ("", "Reshape"):
        return False
    joint_shape, split_shape = index.shape(layer.y), index.shape(index.graph.nodes[i].outputs[0])
    return len(split_shape) > 1 and split_shape[-2] == 3 and joint_shape[-1] == 3 * split_shape[-1]


def _is_score_operator(node: Node) -> bool:
    return is_rearrangement(node) or bool(traits_of(node).arithmetic) or operator_key(node) in MASKS


def _computes_length(node: Node) -> bool:
    return is_rearrangement(node) or operator_key(node) in LENGTHS


def _match_softmax(index: GraphIndex, softmax: int) -> AttentionPattern | None:
    """The attention around a softmax: one product of two computed values before it, and one behind it."""
    node = index.graph.nodes[softmax]
    before = _path_to_product(index, node.inputs[0], forwards=False)
    after = _path_to_product(index, node.outputs[0], forwards=True) if before else ()
    if not after:
        return None
    scores, values = index.graph.nodes[before[-1]], index.graph.nodes[after[-1]]
    weights = index.graph.nodes[after[-2]].outputs[0] if len(after) > 1 else node.outputs[0]
    query, key = scores.inputs[:2]
    value = values.inputs[1] if values.inputs[0] == weights else values.inputs[0]
    nodes = {softmax, *before, *after, *_find_scales(index, query), *_find_scales(index, key)}
    products = (before[-1], after[-1])
    einsum = operator_key(scores) == EINSUM
    return AttentionPattern(tuple(sorted(nodes)), query, key, value, values.outputs[0], softmax, products, einsum)


def _path_to_product(index: GraphIndex, value: str, forwards: bool) -> tuple[int, ...]:
    """The nodes from a softmax to the nearest product before or behind it, the product last, along values of as many
    elements; () where there is none, or several."""
    if index.type(value).shape is None:
        return ()
    elements = index.elements(value)
    paths: list[tuple[int, ...]] = []
    pending: deque[tuple[str, tuple[int, ...]]] = deque([(value, ())])
    visited: set[int] = set()
    while pending:
        name, path = pending.popleft()
        if index.type(name).shape is None or index.elements(name) != elements or len(path) >= MAX_SOFTMAX_DISTANCE:
            continue
        neighbours = (
            index.readers.get(name, ()) if forwards else [i for i in (index.producers.get(name),) if i is not None]
        )
        for i in neighbours:
            node = index.graph.nodes[i]
            if i in visited:
                continue
            visited.add(i)
            if is_product(node) or operator_key(node) == EINSUM:
                paths += [(*path, i)] if _is_computed_product(index, i, node) else []
            elif _is_score_operator(node):
                pending.extend((name, (*path, i)) for name in (node.outputs if forwards else node.inputs) if name)
    return paths[0] if len(paths) == 1 else ()


def _is_computed_product(index: GraphIndex, i: int, node: Node) -> bool:
    """Whether a node multiplies two computed values: both data, or one a projection of learned queries or keys."""
    if len(node.inputs) < 2 or (len(node.inputs) > 2 and operator_key(node) == EINSUM):
        return False
    a, b = node.inputs[:2]
    constants = [name for name in (a, b) if name in index.constants]
    if a == b or len(constants) == 2 or find_linear_layer(index, i) is not None:
        return False
    return not constants or find_projection(index, constants[0]) is not None


def _find_scales(index: GraphIndex, value: str) -> Iterator[int]:
    """The nodes that scale queries or keys before their product."""
    while (i := index.producers.get(value)) is not None:
        node = index.graph.nodes[i]
        data = index.data_inputs(node)
        scales = index.scales(node)
        if len(data) != 1 or not (scales or is_rearrangement(node)):
            break
        if scales:
            yield i
        value = data[0]


def count_window_merges(index: GraphIndex, value: str) -> int:
    """The number of products of sizes that the cut of a map into windows takes, from which a value comes; 0 where there
    is no cut.

    A cut is [N, H/w, w, W/w, w, C], a transposition and [N · H/w · W/w, w · w, C] (or with N apart). Each merging of
    two axes is a product of sizes, but for the windows' own, w · w, which is a number of the model.
    """
    while (node := index.producer(value)) is not None:
        data = index.data_inputs(node)
        if len(data) != 1 or not (is_rearrangement(node) or traits_of(node).kind == "normalisation"):
            return 0
        before = index.producer(data[0])
        if operator_key(node) == ("", "Reshape") and before is not None and operator_key(before) == ("", "Transpose"):
            split_rank, merged_rank = index.type(data[0]).rank, index.type(value).rank
            if split_rank == 6:
                return max(0, split_rank - merged_rank - 1)
        value = data[0]
    return 0
