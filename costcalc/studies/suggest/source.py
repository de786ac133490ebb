"""A path, a built-in name, a Graph or a Report -> its graph and, of a YAML file, the trace of its layers; and a
rewritten graph -> its totals.

What the nodes that stay cost is known, the others are costed by the same rules. A report of the whole graph has the
same totals, and takes four times as long on a network of a thousand nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from costcalc.analysis.cost import cost_nodes
from costcalc.analysis.layers import LAYER_QUANTITIES, make_layers, sum_figures
from costcalc.analysis.memory import memory_totals
from costcalc.analysis.report import Report, analyze_graph
from costcalc.core.arguments import refuse_read_options
from costcalc.core.dim import Dim
from costcalc.core.errors import QuantityError
from costcalc.core.ir import Graph, Node
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.core.traits import traits_of
from costcalc.frontends import read_model
from costcalc.frontends.options import read_options
from costcalc.frontends.source import ModelSource
from costcalc.frontends.yaml.source_map import SourceMap, Trace
from costcalc.graph.convert import convert, parse_dtype
from costcalc.graph.parameters import StoredCount, parameters_by_node
from costcalc.studies.measurement import Measurement
from costcalc.studies.options import Settings

STORED = ("params", "buffers", "weight_bytes")
"""Quantities that depend on all readers of a stored tensor, not on one node."""


def graph_totals(report: Report, graph: Graph) -> Mapping[str, Dim]:
    """The totals of a graph that shares nodes with the report's."""
    rewritten_ids = {id(node) for node in graph.nodes}
    nodes = report.graph.nodes
    ids = {id(node) for node in nodes}
    added_nodes = tuple([node for node in graph.nodes if id(node) not in ids])
    removed_rows = [row for node, row in zip(nodes, report.rows, strict=True) if id(node) not in rewritten_ids]
    added_rows = make_layers(cost_nodes(graph._replace(nodes=added_nodes)))
    removed_nodes = [node for node in nodes if id(node) not in rewritten_ids]
    removed, added = (sum_figures(row.figures for row in rows) for rows in (removed_rows, added_rows))
    for figures, counted in ((removed, report.graph), (added, graph)):
        counts = _stored_counts(counted, removed_nodes, added_nodes)
        figures |= {key: sum([getattr(count, key) for count in counts]) for key in STORED}
    sums: dict[str, Dim] = {key: report.totals[key] - removed[key] + added[key] for key in LAYER_QUANTITIES}
    return sums | memory_totals(graph, report.execution)


def _stored_counts(graph: Graph, *changed: Sequence[Node]) -> Collection[StoredCount]:
    """Graph and nodes -> the counts of the stored tensors that these read, directly or behind nodes that only pass them
    on, or own."""
    sources = {node.outputs[0]: node.inputs[0] for node in graph.nodes if traits_of(node).passes_on}
    names = {name for nodes in changed for node in nodes for name in node.inputs}
    pending = list(names)
    while pending:
        source = sources.get(pending.pop())
        if source is not None and source not in names:
            names.add(source)
            pending.append(source)
    owners = {node.name for nodes in changed for node in nodes}
    names.update(name for name, owner in graph.owners.items() if owner in owners)
    stored = {name: t for name, t in graph.initializers.items() if name in names}
    return parameters_by_node(graph._replace(initializers=stored)).values()


class RewriteSource(NamedTuple):
    """A model to rewrite. graph is as the file has it, report what it costs under the settings; cost gives the report
    of a rewritten graph, totals its totals, measure the further quantities that are asked for, by their keys; reread
    reads a rewritten text in the same way; byte_order_mark is what the file begins with, or ""."""

    graph: Graph
    report: Report
    cost: Callable[[Graph], Report]
    totals: Callable[[Graph], Mapping[str, Dim]]
    measure: Callable[[Graph], Mapping[str, Figure | QuantityError]]
    figures: Mapping[str, Figure | QuantityError]
    trace: Trace | None = None
    reread: Callable[[str], Trace] | None = None
    byte_order_mark: str = ""


def read_source(
    model: ModelSource | Report, settings: Settings, quantities: Sequence[QuantityRef] = ()
) -> RewriteSource:
    """Reads a model under settings; quantities are measured beside the totals of every report."""
    arguments = settings.source_options()
    source_map: SourceMap | None = None
    if isinstance(model, (Graph, Report)):
        refuse_read_options(**arguments)
        graph = model.graph if isinstance(model, Report) else model
    else:
        loaded = read_model(model, read_options(**arguments, source_map=True))
        graph = loaded.graph
        source_map = loaded.source_map if isinstance(loaded.source_map, SourceMap) else None
    return rewrite_source(graph, source_map, settings, quantities)


def rewrite_source(
    graph: Graph, source_map: SourceMap | None, settings: Settings, quantities: Sequence[QuantityRef] = ()
) -> RewriteSource:
    """A graph as its file has it, and the map of a YAML file -> the RewriteSource under settings."""
    dtypes = parse_dtype(settings.dtype), parse_dtype(settings.act_dtype)
    keeps_dtypes = dtypes == (None, None)

    def cost(graph: Graph) -> Report:
        return analyze_graph(graph if keeps_dtypes else convert(graph, *dtypes), settings.execution)

    report = cost(graph)
    refs = [ref for ref in dict.fromkeys(quantities) if ref.key not in report.totals]

    def measure_further(graph: Graph) -> Mapping[str, Figure | QuantityError]:
        return figures_of(cost(graph)) if refs else {}

    def figures_of(costs: Report) -> Mapping[str, Figure | QuantityError]:
        measurement = Measurement(costs, settings, costs)
        return {ref.key: measurement.attempt(ref) for ref in refs}

    totals = partial(graph_totals, report) if keeps_dtypes else lambda graph: cost(graph).totals
    return RewriteSource(graph, report, cost, totals, measure_further, figures_of(report), *(source_map or ()))
