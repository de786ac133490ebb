"""Model and settings to Graph and to Report."""

from __future__ import annotations

from dataclasses import replace

from costcalc.analysis.memory import memory_totals
from costcalc.analysis.report import Report, analyze_graph
from costcalc.core.arguments import refuse_read_options
from costcalc.core.errors import UnknownOperatorError
from costcalc.core.ir import Graph
from costcalc.frontends import load as read_graph
from costcalc.frontends.source import ModelSource
from costcalc.graph.convert import convert, parse_dtype
from costcalc.studies.options import Settings


def load(source: ModelSource, settings: Settings) -> Graph:
    """Model -> its graph, bound and converted as the settings say. CostcalcError where it is no model, or not a valid
    one."""
    graph = read_graph(source, **settings.source_options())
    return convert(graph, parse_dtype(settings.dtype), parse_dtype(settings.act_dtype))


def analyze(source: ModelSource | Report, settings: Settings, strict: bool = False) -> Report:
    """Model or Report -> its report, read and executed as the settings say.

    strict raises UnknownOperatorError for an operator without a rule. UsageError where the source is a Report and the
    settings have options of reading, for its model is not read again.
    """
    if isinstance(source, Report):
        refuse_read_options(**settings.load_arguments())
        report = apply_execution(source, settings)
    else:
        report = analyze_graph(load(source, settings), settings.execution)
    if strict and report.unknown:
        listed = ", ".join(f"{u.domain + ':' if u.domain else ''}{u.op_type} ({len(u.layers)})" for u in report.unknown)
        raise UnknownOperatorError(f"no rule for {listed}", "leave --strict out to see a lower bound", report.name)
    return report


def apply_execution(report: Report, settings: Settings) -> Report:
    """Report -> the report with the peak (and the arena) of the settings' execution; unchanged under the default
    one."""
    if settings.execution in (report.execution, type(settings.execution)()):
        return report
    totals = {k: v for k, v in report.totals.items() if k not in ("peak_activation_bytes", "arena_bytes")}
    return replace(
        report, totals=totals | memory_totals(report.graph, settings.execution), execution=settings.execution
    )
