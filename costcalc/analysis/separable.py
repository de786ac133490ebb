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
from costcalc.graph.index import GraphIndex
from costcalc.graph.patterns.convolution import filter_shape, find_separable


class SeparablePair(NamedTuple):
    """The pair's layers and MACs; standard are the standard convolution's MACs: its filter_params (∏kernel × channels)
    × positions × filters (F). kernel is ∏kernel."""

    depthwise: str
    pointwise: str
    macs: Dim
    standard: Dim
    filters: Dim
    kernel: Dim
    filter_params: Dim
    positions: Dim


def separable_pairs(report: Report) -> Iterator[SeparablePair]:
    """Report -> every pair of a depthwise and a pointwise convolution at the same positions."""
    graph, rows = report.graph, report.rows
    for depthwise, pointwise in find_separable(GraphIndex(graph)):
        kernel, filters = (
            filter_shape(graph, graph.nodes[depthwise])[2:],
            filter_shape(graph, graph.nodes[pointwise])[0],
        )
        yield _separable_pair(rows[depthwise], rows[pointwise], filters, prod(kernel))


def _separable_pair(depthwise: LayerCost, pointwise: LayerCost, filters: Dim, kernel: Dim) -> SeparablePair:
    """The standard convolution reads C channels through F filters of the depthwise kernel at the same positions."""
    depthwise_macs, pointwise_macs = depthwise.figures["macs"], pointwise.figures["macs"]
    assert depthwise_macs is not None and pointwise_macs is not None
    batch, channels, *extents = depthwise.outputs[0].type.shape or (1, 1)
    return SeparablePair(
        depthwise.name,
        pointwise.name,
        depthwise_macs + pointwise_macs,
        depthwise_macs * filters,
        filters,
        kernel,
        kernel * channels,
        prod((batch, *extents)),
    )
