"""Linear layers in a graph: a Gemm, or a MatMul with a stored matrix and the addition of its bias."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from costcalc.dim import Dim
from costcalc.ir import Node
from costcalc.reconcile.reading import Reading

PRODUCTS = frozenset(("MatMul", "Gemm", "FusedMatMul"))


class Linear(NamedTuple):
    """A linear layer: its nodes, what it reads and gives, the elements of its weight and of its bias."""

    nodes: tuple[int, ...]
    x: str
    y: str
    weight: Dim
    bias: Dim = 0


def linears(reading: Reading) -> Mapping[int, Linear]:
    """Every linear layer by the index of its product."""
    found: dict[int, Linear] = {}
    for index, node in enumerate(reading.graph.nodes):
        if node.op_type in PRODUCTS and _by_matrix(reading, node):
            found[index] = _linear(reading, index, node)
    return found


def _by_matrix(reading: Reading, node: Node) -> bool:
    """Whether a moving value is multiplied with a stored matrix; or a table, by a layer with a bias or behind one."""
    x, weight = node.inputs[:2]
    if weight not in reading.stored or len(reading.type(weight).shape or ()) != 2:
        return False
    if x not in reading.stored:
        return True
    layer = x in reading.producers or _linear(reading, 0, node).bias != 0
    return x in reading.tables and weight not in reading.producers and layer


def _linear(reading: Reading, index: int, node: Node) -> Linear:
    x, weight = node.inputs[:2]
    whole = Linear((index,), x, node.outputs[0], reading.elements(weight))
    if node.op_type == "Gemm":
        has_bias = len(node.inputs) > 2 and bool(node.inputs[2])
        return whole._replace(bias=reading.elements(node.inputs[2])) if has_bias else whole
    after = reading.only_reader(node.outputs[0])
    add = None if after is None else reading.graph.nodes[after]
    if after is not None and add is not None and add.op_type == "Add":
        bias = next((n for n in add.inputs if n in reading.stored and n != node.outputs[0]), "")
        units = (reading.type(node.outputs[0]).shape or (0,))[-1]
        if bias and reading.elements(bias) == units and (reading.type(bias).shape or (0,))[-1] == units:
            return whole._replace(nodes=(index, after), y=add.outputs[0], bias=units)
    return whole
