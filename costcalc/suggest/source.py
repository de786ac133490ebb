"""A path, a built-in name, a Graph or a Report → its graph and, of a YAML file, the trace of its layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from costcalc.dim import Dim
from costcalc.frontends import ModelSource, read_model, read_options
from costcalc.given import read_already
from costcalc.ir import Graph
from costcalc.load.trace import SourceMap, Trace
from costcalc.precision import convert, named
from costcalc.report import Report, analyze_graph
from costcalc.suggest.totals import totals as totals_of


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
    totals = partial(totals_of, report) if same else lambda of: cost(of).totals
    return Source(graph, report, cost, totals, *(found or ()))
