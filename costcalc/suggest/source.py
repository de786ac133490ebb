"""A path, a built-in name, a Graph or a Report → its graph and, of a YAML file, the trace of its layers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from costcalc.dim import Dim
from costcalc.ir import Graph
from costcalc.load import load as read
from costcalc.load.spec import load_spec
from costcalc.load.trace import Trace, trace
from costcalc.precision import convert, named
from costcalc.report import Report, analyze_graph
from costcalc.suggest.totals import totals as totals_of

BOM = "\ufeff"


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
    model: str | os.PathLike[str] | Graph | Report,
    *,
    dtype: str | None = None,
    act_dtype: str | None = None,
    **options: Any,
) -> Source:
    """Reads a model; the options are costcalc.api.load's."""
    traced: list[tuple[Trace, Callable[[str], Trace], str]] = []

    def spec(content: bytes, file: str, own: str, **given: Any) -> Graph:
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return load_spec(content, file, own, **given)

        def again(text: str) -> Trace:
            return trace(text, file, own, **given)

        found = again(text.removeprefix(BOM))
        traced.append((found, again, BOM if text.startswith(BOM) else ""))
        return found.graph

    filled: Mapping[str, Any] = {key: value for key, value in options.items() if value is not None}
    graph = read(model.graph if isinstance(model, Report) else model, **filled, spec=spec)

    same = dtype is None and act_dtype is None

    def cost(of: Graph) -> Report:
        return analyze_graph(of if same else convert(of, named(dtype), named(act_dtype)))

    report = cost(graph)
    totals = partial(totals_of, report) if same else lambda of: cost(of).totals
    return Source(graph, report, cost, totals, *(traced[0] if traced else ()))
