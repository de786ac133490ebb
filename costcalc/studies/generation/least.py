"""What any implementation of the prompt's pass computes, where the graph computes more.

Generation needs of the prompt its keys and values, and the output at its last position. So what leads to no key and no
value (the last layer's queries and feed-forward part, the head) is needed at one position only, and what causal
Attention masks is needed nowhere: of S² scores of S tokens, S · (S + 1) / 2 are left. Masks that a graph adds to scores
of its own (an eager export) are not seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import floor

from costcalc.analysis.layers import Row
from costcalc.analysis.report import Report
from costcalc.analysis.roofline.multiplications import unmasked_macs
from costcalc.core.ir import Graph, Node


def necessary_macs(prefill: Report, step: Report, kept: Iterable[str]) -> Report:
    """The prompt's pass with the MACs that cannot be left out. step is the pass of its last token alone, with the same
    nodes; kept names the values that lead into the cache."""
    graph = prefill.graph
    before = ancestors(graph, kept)
    rows = []
    for node, whole, last in zip(graph.nodes, prefill.rows, step.rows, strict=True):
        if not before.intersection(node.outputs):
            rows.append(replace(whole, amounts={**whole.amounts, "macs": last.amounts["macs"]}))
        else:
            rows.append(_without_masked(node, whole))
    return replace(prefill, rows=tuple(rows), graph=replace(graph, outputs=()))


def last_position_graph(whole: Graph, last: Graph, kept: Iterable[str]) -> Graph:
    """The prompt's pass with one position of every value that leads to no key and no value: the types of last, the pass
    of its last token alone, with the same nodes."""
    before, types = ancestors(whole, kept), dict(whole.types)
    for node, one in zip(whole.nodes, last.nodes, strict=True):
        if not before.intersection(node.outputs):
            types.update({v: last.types[w] for v, w in zip(node.outputs, one.outputs, strict=True) if v})
    return replace(whole, types=types)


def _without_masked(node: Node, row: Row) -> Row:
    if not isinstance(row.amounts["macs"], int):
        return row
    return replace(row, amounts={**row.amounts, "macs": floor(unmasked_macs(row, node))})


def ancestors(graph: Graph, names: Iterable[str]) -> set[str]:
    """These values, and all that they are computed from."""
    found = set(names)
    for node in reversed(graph.nodes):
        if found.intersection(node.outputs):
            found.update(node.inputs)
    found.discard("")
    return found
