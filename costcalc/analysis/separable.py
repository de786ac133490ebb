"""Report to its depthwise-separable convolutions: a depthwise and a pointwise convolution in a row, and the standard
convolution that they replace.

Their MACs are 1/F + 1/∏kernel of the standard convolution's (arXiv:1704.04861, section 3.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from costcalc.analysis.layers import LayerCost
from costcalc.analysis.report import Report
from costcalc.core.dim import Dim, prod
from costcalc.core.ir import Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex


class SeparablePair(NamedTuple):
    """The pair's layers and MACs; standard are the standard convolution's MACs, filters and kernel its F and
    ∏kernel."""

    depthwise: str
    pointwise: str
    macs: Dim
    standard: Dim
    filters: Dim
    kernel: Dim


def find_separable(report: Report) -> Iterator[SeparablePair]:
    """Report -> every pair of a depthwise and a pointwise convolution at the same positions."""
    nodes = report.graph.nodes
    producers = GraphIndex(report.graph).producers
    for row, node in zip(report.rows, nodes, strict=True):
        if not _is_pointwise(report, node):
            continue
        producer = producers.get(node.inputs[0])
        while (
            producer is not None
            and works_per_value(nodes[producer])
            and _input_shape(report, nodes[producer], 0) == _output_shape(report, nodes[producer])
        ):
            producer = producers.get(nodes[producer].inputs[0])
        if producer is not None and _is_depthwise(report, nodes[producer]):
            yield _separable_pair(report, report.rows[producer], row, nodes[producer], node)


def _separable_pair(
    report: Report, depthwise: LayerCost, pointwise: LayerCost, depthwise_node: Node, pointwise_node: Node
) -> SeparablePair:
    """Rows and nodes of both convolutions -> the pair; the standard convolution reads C channels through F filters of
    the depthwise kernel at the same positions."""
    weight, filters = _weight_shape(report, depthwise_node), _weight_shape(report, pointwise_node)[0]
    depthwise_macs, pointwise_macs = depthwise.figures["macs"], pointwise.figures["macs"]
    assert depthwise_macs is not None and pointwise_macs is not None
    return SeparablePair(
        depthwise.name,
        pointwise.name,
        depthwise_macs + pointwise_macs,
        depthwise_macs * filters,
        filters,
        prod(weight[2:]),
    )


def _is_pointwise(report: Report, node: Node) -> bool:
    if not _is_convolution(report, node) or node.attributes.get("group", 1) != 1:
        return False
    weight = _weight_shape(report, node)
    return all(k == 1 for k in weight[2:]) and _input_shape(report, node, 0)[2:] == _output_shape(report, node)[2:]


def _is_depthwise(report: Report, node: Node) -> bool:
    if not _is_convolution(report, node):
        return False
    weight, group = _weight_shape(report, node), node.attributes.get("group", 1)
    return group > 1 and weight[0] == group and weight[1] == 1 and prod(weight[2:]) != 1


def works_per_value(node: Node) -> bool:
    """Whether an operator may stand between the two: it maps each value by itself (a scale, an activation, a view)."""
    operator = traits_of(node)
    joins_alone = operator.fusion == "joins" and (operator.in_place or operator.view)
    return joins_alone or operator.kind == "activation" or operator.arithmetic == "multiply"


def _is_convolution(report: Report, node: Node) -> bool:
    """Whether a node is a convolution, channels first, with known shapes."""
    operator = traits_of(node)
    if operator.kind != "convolution" or operator.layout_of(node.attributes) == "channels_last":
        return False
    types = report.graph.types
    read = (node.inputs[position] for position in operator.factors)
    return all(types[name].shape is not None for name in (*read, node.outputs[0]))


def _weight_shape(report: Report, node: Node) -> tuple[Dim, ...]:
    return _input_shape(report, node, traits_of(node).factors[1])


def _input_shape(report: Report, node: Node, index: int) -> tuple[Dim, ...]:
    shape = report.graph.types[node.inputs[index]].shape if len(node.inputs) > index else None
    return shape or ()


def _output_shape(report: Report, node: Node) -> tuple[Dim, ...]:
    return report.graph.types[node.outputs[0]].shape or ()
