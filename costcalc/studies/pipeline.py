"""Model and settings to Graph and to Report."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

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
    if graph.flat is not None and (settings.dtype or settings.act_dtype):
        graph = graph._replace(flat=graph.flat._replace(is_as_stored=False))
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


ANALYSES = {
    name: f"costcalc.{module}"
    for module, names in (
        ("analysis.hardware.catalogue", ("find_profile",)),
        ("analysis.memory.flash", ("flash_bytes",)),
        ("analysis.memory.footprint", ("measure_footprint",)),
        ("analysis.memory.tflm.plan", ("tflm_arena",)),
        ("analysis.npu.placement", ("find_left_to_cpu",)),
        ("analysis.roofline.bounds", ("compute_roofline", "measure_workload")),
        ("analysis.roofline.energy", ("estimate_energy", "memory_fits", "training_fits")),
        ("analysis.training.step", ("cost_training",)),
        ("studies.generation.generation", ("measure_generation",)),
        ("studies.generation.speed", ("compute_generation_speed",)),
    )
    for name in names
}
"""Function -> its module, imported when a quantity first needs it: all of them are a tenth of the time of a comparison
or a diff of totals, which does without."""


def import_analysis(function: str) -> Any:
    """A name of ANALYSES -> the function."""
    return getattr(import_module(ANALYSES[function]), function)
