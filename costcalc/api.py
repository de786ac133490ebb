"""The Python API: a path, a built-in name or a Graph becomes a Report, a Comparison or an Explanation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from costcalc.errors import UnknownOperatorError
from costcalc.ir import Graph
from costcalc.report import Report, analyze_graph

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from costcalc.comparison import Comparison
    from costcalc.diff.change import Diff
    from costcalc.frontends import ModelSource
    from costcalc.memory.footprint import Footprint
    from costcalc.options import Costing, Reading
    from costcalc.roofline import Roofline
    from costcalc.working import Explanation


def load(
    source: ModelSource,
    *,
    dims: Mapping[str, int | str] | None = None,
    params: Mapping[str, str | int | float] | None = None,
    shapes: Mapping[str, Sequence[int | str]] | None = None,
    values: Mapping[str, int | bool] | None = None,
    symbolic: bool = False,
    dtype: str | None = None,
    act_dtype: str | None = None,
) -> Graph:
    """The graph of a model: the path of a YAML or ONNX file, a built-in name, the bytes of a file, a binary file
    object or an onnx.ModelProto.

    dims binds symbols (`{"seq": 128}`), shapes whole inputs, values the values of small integer or boolean inputs,
    params a YAML model's own parameters; symbolic leaves batch and spatial extents open. dtype and act_dtype take
    weights and activations as if stored and computed in another type (`"int8"`). CostcalcError where it is no model, or
    not a valid one.
    """
    from costcalc.load import load as read

    graph = read(
        source, dims=dims or {}, params=params or {}, shapes=shapes or {}, values=values or {}, symbolic=symbolic
    )
    if dtype is None and act_dtype is None:
        return graph
    from costcalc.precision import convert, named

    return convert(graph, named(dtype), named(act_dtype))


def analyze(
    source: ModelSource,
    *,
    dims: Mapping[str, int | str] | None = None,
    params: Mapping[str, str | int | float] | None = None,
    shapes: Mapping[str, Sequence[int | str]] | None = None,
    values: Mapping[str, int | bool] | None = None,
    symbolic: bool = False,
    dtype: str | None = None,
    act_dtype: str | None = None,
    strict: bool = False,
) -> Report:
    """What a model costs. The arguments are load's; strict makes an operator without a rule an UnknownOperatorError."""
    graph = load(
        source,
        dims=dims,
        params=params,
        shapes=shapes,
        values=values,
        symbolic=symbolic,
        dtype=dtype,
        act_dtype=act_dtype,
    )
    report = analyze_graph(graph)
    if strict and report.unknown:
        listed = ", ".join(f"{u.operator} ({len(u.layers)})" for u in report.unknown)
        raise UnknownOperatorError(f"no rule for {listed}", "leave --strict out to see a lower bound", report.name)
    return report


def compare(*sources: ModelSource | Report, **options: Unpack[Costing]) -> Comparison:
    """Two or more models side by side; the options are analyze's. A name that is bound holds for the models that have
    it; UsageError where none has."""
    from costcalc.comparison import compare_reports
    from costcalc.frontends import hold_source
    from costcalc.shared import fitting, refuse

    held = [s if isinstance(s, Report) else hold_source(s) for s in sources]
    found = [(s, None) if isinstance(s, Report) else fitting(partial(analyze, s), options) for s in held]
    refuse([lacks for _, lacks in found if lacks is not None])
    return compare_reports([report for report, _ in found])


def diff(
    before: ModelSource | Report,
    after: ModelSource | Report,
    **options: Unpack[Costing],
) -> Diff:
    """What changed from one version of a model to another; the options are analyze's, for both.

    Either may be a file of a git revision (`main:models/net.yaml`) or an entry of a lock file
    (`costcalc.lock.json#models/net.yaml@batch8`), whose settings then hold for the other side too. str gives
    the tables.
    """
    from costcalc.diff.differ import diff
    from costcalc.frontends import hold_source
    from costcalc.shared import fitting, refuse
    from costcalc.snapshot import snapshot
    from costcalc.studies.check.lock_file import entry

    locked = [entry(os.fspath(s)) if isinstance(s, (str, os.PathLike)) else None for s in (before, after)]
    settings = [found.settings for found in locked if found is not None]
    given = {**(settings[0] if settings else {}), **{name: value for name, value in options.items() if value}}
    versions, lacks = [], []
    for source, found in zip((before, after), locked, strict=True):
        if found is not None:
            versions.append(replace(found.snapshot, source=os.fspath(source)))  # type: ignore[arg-type]
        elif isinstance(source, Report):
            versions.append(snapshot(source))
        else:
            report, missing = fitting(partial(analyze, hold_source(source)), given)
            versions.append(snapshot(report))
            lacks.append(missing)
    if not settings:
        refuse(lacks)
    return diff(*versions)


def footprint(
    source: ModelSource | Report,
    *,
    in_place: bool = False,
    fuse: bool = False,
    blocks: bool = False,
    reorder: bool = False,
    alignment: int | None = None,
    **options: Unpack[Reading],
) -> Footprint:
    """What a model's activations need while it runs: live bytes by step, the peak, with an alignment an arena. How it
    runs is as in costcalc.memory.footprint.Execution; the other options are load's."""
    from costcalc.memory.footprint import Execution, footprint

    graph = _reported(source, options).graph if isinstance(source, Report) else load(source, **options)
    return footprint(graph, Execution(in_place, fuse, blocks, reorder, alignment))


def explain(source: ModelSource | Report, layer: str | None = None, **options: Unpack[Costing]) -> Explanation:
    """The working of a model's figures, or of one layer's; the options are analyze's."""
    from costcalc.working import explain_report

    report = _reported(source, options) if isinstance(source, Report) else analyze(source, **options)
    return explain_report(report, layer)


def on_hardware(
    source: ModelSource | Report, *devices: str | os.PathLike[str], **options: Unpack[Costing]
) -> tuple[Roofline, ...]:
    """A model on devices, each a profile's name or the path of one: bounds in exact seconds. The options are analyze's.
    HardwareError where there is no such device."""
    from costcalc.hardware.find import find
    from costcalc.roofline import roofline

    report = _reported(source, options) if isinstance(source, Report) else analyze(source, **options)
    return tuple(roofline(report, find(os.fspath(name))) for name in devices)


def _reported(report: Report, options: Mapping[str, Any]) -> Report:
    """The report. UsageError where options stand beside it, for its model is not read again."""
    from costcalc.given import read_already

    read_already(**options)
    return report
