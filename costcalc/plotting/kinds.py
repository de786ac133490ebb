"""A row -> what it is called in a legend: its operator, a convolution by its shape (1×1, depthwise)."""

from __future__ import annotations

from costcalc.core.traits import traits_of
from costcalc.ir import Graph, Node
from costcalc.report import Report


def kinds(report: Report) -> list[str]:
    """One name for each row of the report."""
    return [
        f"{row.operator}{_shape(report.graph, node)}" for row, node in zip(report.rows, report.graph.nodes, strict=True)
    ]


def _shape(graph: Graph, node: Node) -> str:
    """` depthwise` where every filter reads one channel, ` 1×1` of a pointwise convolution, "" else."""
    operator = traits_of(node)
    if operator.kind != "convolution" or len(node.inputs) <= operator.factors[1]:
        return ""
    weight = graph.types[node.inputs[operator.factors[1]]].shape
    if not weight or len(weight) < 3:
        return ""
    if weight[1] == 1 and node.attributes.get("group", 1) != 1:
        return " depthwise"
    return f" {'×'.join('1' for _ in weight[2:])}" if all(k == 1 for k in weight[2:]) else ""
