"""A path, a built-in name, a Graph or a Report → its graph and, of a YAML file, the trace of its layers.

A rewritten graph → its totals: what the nodes that stay cost is known, the others are costed by the same rules.

A report of the whole graph has the same totals, and takes four times as long on a network of a thousand nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from costcalc.analysis.cost import cost_nodes
from costcalc.analysis.layers import QUANTITIES, make_rows
from costcalc.analysis.memory import memory_totals
from costcalc.analysis.report import Report, analyze_graph
from costcalc.core.arguments import read_already
from costcalc.core.dim import Dim
from costcalc.core.ir import Graph, Node
from costcalc.core.traits import traits_of
from costcalc.frontends import read_model
from costcalc.frontends.options import read_options
from costcalc.frontends.source import ModelSource
from costcalc.frontends.yaml.source_map import SourceMap, Trace
from costcalc.graph.convert import convert, named
from costcalc.graph.parameters import Storage, owners

STORED = ("params", "buffers", "weight_bytes")
"""What hangs on all readers of a stored tensor, not on one node."""


def graph_totals(report: Report, graph: Graph) -> Mapping[str, Dim]:
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
    return sums | memory_totals(graph, report.execution)


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


class Source(NamedTuple):
    """graph is as the file has it, report what it costs in the element types asked for, totals those of a
    rewritten graph; again reads a rewritten text in
    the same way; mark is the byte order mark that the file begins with, or ""."""

    graph: Graph
    report: Report
    cost: Callable[[Graph], Report]
    totals: Callable[[Graph], Mapping[str, Dim]]
    trace: Trace | None = None
    again: Callable[[str], Trace] | None = None
    mark: str = ""


def source(
    model: ModelSource | Report,
    *,
    dtype: str | None = None,
    act_dtype: str | None = None,
    **options: Any,
) -> Source:
    """Reads a model; the options are costcalc.api.load's."""
    arguments: Mapping[str, Any] = {key: value for key, value in options.items() if value is not None}
    found: SourceMap | None = None
    if isinstance(model, (Graph, Report)):
        read_already(**arguments)
        graph = model.graph if isinstance(model, Report) else model
    else:
        loaded = read_model(model, read_options(**arguments, source_map=True))
        graph = loaded.graph
        found = loaded.source_map if isinstance(loaded.source_map, SourceMap) else None

    same = dtype is None and act_dtype is None

    def cost(of: Graph) -> Report:
        return analyze_graph(of if same else convert(of, named(dtype), named(act_dtype)))

    report = cost(graph)
    totals = partial(graph_totals, report) if same else lambda of: cost(of).totals
    return Source(graph, report, cost, totals, *(found or ()))
