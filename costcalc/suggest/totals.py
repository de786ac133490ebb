"""A rewritten graph → its totals: what the nodes that stay cost is known, the others are costed by the same rules.

A report of the whole graph has the same totals, and takes four times as long on a network of a thousand nodes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from costcalc.core.traits import traits_of
from costcalc.cost import cost_nodes
from costcalc.dim import Dim
from costcalc.ir import Graph, Node
from costcalc.report import Report, peak
from costcalc.rows import QUANTITIES, make_rows
from costcalc.storage import Storage, owners

STORED = ("params", "buffers", "weight_bytes")
"""What hangs on all readers of a stored tensor, not on one node."""


def totals(report: Report, graph: Graph) -> Mapping[str, Dim]:
    """The totals of a graph that shares nodes with the report's."""
    here = {id(node) for node in graph.nodes}
    before = report.graph.nodes
    known = {id(node) for node in before}
    new = tuple([node for node in graph.nodes if id(node) not in known])
    gone = [row for node, row in zip(before, report.rows, strict=True) if id(node) not in here]
    come = make_rows(cost_nodes(replace(graph, nodes=new)))
    sums: dict[str, Dim] = {}
    old = [node for node in before if id(node) not in here]
    fewer, more = _owned(report.graph, old, new), _owned(graph, old, new)
    for key in QUANTITIES:
        total = report.totals[key]
        if key in STORED:
            for storage in fewer:
                total = total - getattr(storage, key)
            for storage in more:
                total = total + getattr(storage, key)
        else:
            for row in gone:
                amount = row.amounts[key]
                total = total if amount is None else total - amount
            for row in come:
                amount = row.amounts[key]
                total = total if amount is None else total + amount
        sums[key] = total
    return sums | peak(graph, report.execution)


def _owned(graph: Graph, *changed: Sequence[Node]) -> Collection[Storage]:
    """What hangs on the stored tensors that these nodes read, be it behind nodes that only pass it on."""
    sources = {node.outputs[0]: node.inputs[0] for node in graph.nodes if traits_of(node).passes_on}
    names = {name for nodes in changed for node in nodes for name in node.inputs}
    ahead = list(names)
    while ahead:
        source = sources.get(ahead.pop())
        if source is not None and source not in names:
            names.add(source)
            ahead.append(source)
    stored = {name: t for name, t in graph.initializers.items() if name in names}
    return owners(replace(graph, initializers=stored)).values()
