"""A rewritten graph → its totals: what the nodes that stay cost is known, the others are costed by the same rules.

A report of the whole graph has the same totals, and takes four times as long on a network of a thousand nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from costcalc.cost import cost_graph
from costcalc.dim import Dim
from costcalc.ir import Graph
from costcalc.report import Report, peak
from costcalc.rows import QUANTITIES, row_of
from costcalc.storage import owners

STORED = ("params", "buffers", "weight_bytes")
"""What hangs on all readers of a stored tensor, not on one node."""


def totals(report: Report, graph: Graph) -> Mapping[str, Dim]:
    """The totals of a graph that shares nodes with the report's."""
    here = {id(node) for node in graph.nodes}
    before = report.graph.nodes
    known = {id(node) for node in before}
    new = tuple(node for node in graph.nodes if id(node) not in known)
    gone = [row for node, row in zip(before, report.rows, strict=True) if id(node) not in here]
    come = [row_of(cost) for cost in cost_graph(replace(graph, nodes=new))]
    sums: dict[str, Dim] = {}
    owned = owners(graph).values()
    for key in QUANTITIES:
        total = report.totals[key]
        if key in STORED:
            total = 0
            for storage in owned:
                total = total + getattr(storage, key)
        else:
            for row in gone:
                amount = row.amounts[key]
                total = total if amount is None else total - amount
            for row in come:
                amount = row.amounts[key]
                total = total if amount is None else total + amount
        sums[key] = total
    return sums | peak(graph)
