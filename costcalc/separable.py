"""Depthwise-separable convolutions: a depthwise and a pointwise convolution in a row, against the standard convolution
that they stand for. Their MACs are 1/F + 1/∏kernel of its."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from costcalc.dim import Dim, prod
from costcalc.ir import Node
from costcalc.report import Report
from costcalc.rows import Row

BETWEEN = frozenset(
    ("BatchNormalization", "Relu", "Clip", "LeakyRelu", "PRelu", "Elu", "Selu", "Sigmoid", "HardSigmoid", "HardSwish",
     "Mish", "Swish", "Gelu", "Mul", "Tanh", "Softplus", "Identity", "Dropout", "QuickGelu")
)  # fmt: skip
"""What may stand between the two."""


class Separable(NamedTuple):
    """The pair with its MACs; filters and kernel are the standard convolution's F and ∏kernel."""

    depthwise: str
    pointwise: str
    macs: Dim
    standard: Dim
    filters: Dim
    kernel: Dim


def separables(report: Report) -> Iterator[Separable]:
    """Every pair of a depthwise and a pointwise convolution at the same positions."""
    nodes = report.graph.nodes
    producers = {name: i for i, node in enumerate(nodes) for name in node.outputs if name}
    for row, node in zip(report.rows, nodes, strict=True):
        if not _is_pointwise(report, node):
            continue
        at = producers.get(node.inputs[0])
        while (
            at is not None and nodes[at].op_type in BETWEEN and _shape(report, nodes[at], 0) == _out(report, nodes[at])
        ):
            at = producers.get(nodes[at].inputs[0])
        if at is not None and _is_depthwise(report, nodes[at]):
            yield _pair(report, report.rows[at], row, nodes[at], node)


def _pair(report: Report, depthwise: Row, pointwise: Row, first: Node, second: Node) -> Separable:
    """The standard convolution reads C channels through F filters of the depthwise kernel at the same positions."""
    weight, filters = _weight(report, first), _weight(report, second)[0]
    one, other = depthwise.amounts["macs"], pointwise.amounts["macs"]
    assert one is not None and other is not None
    return Separable(depthwise.name, pointwise.name, one + other, one * filters, filters, prod(weight[2:]))


def _is_pointwise(report: Report, node: Node) -> bool:
    if node.op_type != "Conv" or node.attributes.get("group", 1) != 1 or not _known(report, node):
        return False
    weight = _weight(report, node)
    return all(k == 1 for k in weight[2:]) and _shape(report, node, 0)[2:] == _out(report, node)[2:]


def _is_depthwise(report: Report, node: Node) -> bool:
    if node.op_type != "Conv" or not _known(report, node):
        return False
    weight, group = _weight(report, node), node.attributes.get("group", 1)
    return group > 1 and weight[0] == group and weight[1] == 1 and prod(weight[2:]) != 1


def _known(report: Report, node: Node) -> bool:
    types = report.graph.types
    return all(types[name].shape is not None for name in (*node.inputs[:2], node.outputs[0]))


def _weight(report: Report, node: Node) -> tuple[Dim, ...]:
    return _shape(report, node, 1)


def _shape(report: Report, node: Node, index: int) -> tuple[Dim, ...]:
    shape = report.graph.types[node.inputs[index]].shape if len(node.inputs) > index else None
    return shape or ()


def _out(report: Report, node: Node) -> tuple[Dim, ...]:
    return report.graph.types[node.outputs[0]].shape or ()
