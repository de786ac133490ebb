"""GraphIndex to its linear layers (a Gemm, or a MatMul with a constant matrix and the addition of its bias), as plain
data.
"""

from __future__ import annotations

from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.ir import Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex


def is_product(node: Node) -> bool:
    """Whether a node multiplies its first two inputs as matrices of decimal numbers."""
    t = traits_of(node)
    return t.kind == "product" and t.factors == (0, 1) and t.packed is None and not t.straight_through


class LinearLayer(NamedTuple):
    """x [..., features] · weight + bias → y [..., units]. nodes are the product and, where one adds the bias behind it,
    the addition; bias is "" where there is none."""

    nodes: tuple[int, ...]
    x: str
    y: str
    weight: str
    bias: str
    features: Dim
    units: Dim


def find_linear_layer(index: GraphIndex, i: int) -> LinearLayer | None:
    """The linear layer whose product a node is; None where it is none: data is multiplied with a constant matrix, or a
    table is, by a layer with a bias or behind one."""
    node = index.graph.nodes[i]
    if not is_product(node):
        return None
    x, weight = node.inputs[:2]
    if weight not in index.constants or len(index.shape(weight)) != 2:
        return None
    layer = _match_layer(index, i)
    if x not in index.constants:
        return layer
    is_layer = x in index.producers or bool(layer.bias)
    return layer if x in index.tables and weight not in index.producers and is_layer else None


def _match_layer(index: GraphIndex, i: int) -> LinearLayer:
    node = index.graph.nodes[i]
    x, weight = node.inputs[:2]
    weight_shape = index.shape(weight)
    features, units = weight_shape[::-1] if node.attributes.get("transB", 0) else weight_shape
    position = traits_of(node).bias
    bias = node.inputs[position] if position is not None and position < len(node.inputs) else ""
    layer = LinearLayer((i,), x, node.outputs[0], weight, bias, features, units)
    after = index.only_element_reader(layer.y) if position is None else None
    if after is None or traits_of(index.graph.nodes[after]).arithmetic != "add":
        return layer
    add = index.graph.nodes[after]
    for name in add.inputs:
        shape = index.shape(name)
        if name in index.constants and name != layer.y and shape[-1:] == (units,) and index.elements(name) == units:
            return layer._replace(nodes=(i, after), y=add.outputs[0], bias=name)
    return layer
