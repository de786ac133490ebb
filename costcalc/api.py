"""The Python API: a path, a built-in name or a Graph becomes a Report, a Comparison or an Explanation.

A function has the name of the command that does the same, and takes its options as keyword arguments.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from costcalc.analysis.report import Report
from costcalc.core.errors import UsageError
from costcalc.core.ir import Graph
from costcalc.frontends.module import TorchModule, is_torch_object
from costcalc.studies.options import Settings
from costcalc.studies.pipeline import analyze as analyze_source
from costcalc.studies.pipeline import load as load_source

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from costcalc.analysis.memory.footprint import MemoryFootprint
    from costcalc.analysis.options import ExecutionOptions
    from costcalc.analysis.roofline.roofline import Rooflines
    from costcalc.frontends.source import ModelSource
    from costcalc.studies.compare import Comparison
    from costcalc.studies.diff.diff import Diff
    from costcalc.studies.options import (
        AnalysisArguments,
        CostingArguments,
        LlmArguments,
        ReadingArguments,
        SettingsArguments,
    )
    from costcalc.views.explain import Explanation
    from costcalc.views.results import ChartSet, ReportPage, TableSet
    from costcalc.views.table import Table


def load(
    source: ModelSource,
    *inputs: Any,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
    **options: Unpack[ReadingArguments],
) -> Graph:
    """The graph of a model: the path of a YAML or ONNX file, a built-in name, the bytes of a file, a binary file
    object, an onnx.ModelProto, a PyTorch module or an ExportedProgram.

    A module is exported by torch under fake tensors, as it is in evaluation mode: inputs are shapes or values in the
    order of forward's parameters; args, kwargs and dynamic_shapes those of torch.export.export.

    dims binds symbols (`{"seq": 128}`), shapes whole inputs, values the values of small integer or boolean inputs,
    params a YAML model's own parameters; symbolic leaves batch and spatial extents open. dtype and act_dtype take
    weights and activations as if stored and computed in another type (`"int8"`). CostcalcError where it is no model, or
    not a valid one.
    """
    return load_source(_with_inputs(source, inputs, args, kwargs, dynamic_shapes), Settings.of(**options))


def analyze(
    source: ModelSource,
    *inputs: Any,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
    strict: bool = False,
    **options: Unpack[SettingsArguments],
) -> Report:
    """What a model costs: layers and totals, and what the options ask for beside, which str prints too.

    inputs, args, kwargs and dynamic_shapes are what a PyTorch module is called with, as load takes them.

    The options are load's and: execution (in_place, fuse, fuse_blocks, reorder, align by name) for the peak and the
    arena; training (True, or optimizer, freeze, input_gradient, checkpoint by name) for a training step; devices
    (names or paths of profiles) for bounds of time and energy; generation (True, or prompt, generate, batch,
    cache_dtype by name) for a decoder's passes and cache. strict makes an operator without a rule an
    UnknownOperatorError.
    """
    return analyze_settings(_with_inputs(source, inputs, args, kwargs, dynamic_shapes), Settings.of(**options), strict)


def _with_inputs(source: Any, inputs: tuple[Any, ...], args: Any, kwargs: Any, dynamic_shapes: Any) -> Any:
    """A model and what it is called with -> a TorchModule; a model without inputs as it is. UsageError where inputs
    stand beside a model that is no PyTorch module."""
    if not inputs and args is None and kwargs is None and dynamic_shapes is None:
        return source
    if not is_torch_object(source):
        raise UsageError(
            "inputs stand beside a model that is no PyTorch module",
            'no model is run: give shapes={"x": [1, 3, 224, 224]}, or several models to costcalc.compare',
        )
    return TorchModule(source, *inputs, args=args, kwargs=kwargs, dynamic_shapes=dynamic_shapes)


def analyze_settings(source: ModelSource, settings: Settings, strict: bool = False) -> Report:
    """analyze with its options as Settings."""
    if not settings.quantities():
        return analyze_source(source, settings, strict)
    from costcalc.studies.measurement import measure, measured_report

    measurement = measure(source, settings, strict)
    undecided = settings.execution.align is not None and "arena_bytes" not in measurement.base.totals
    is_split = settings.training is not None and "parallel" in settings.to_dict()
    is_extended = settings.devices or settings.generation or undecided or is_split
    return measured_report(measurement) if is_extended else measurement.report


def compare(*sources: ModelSource | Report, **options: Unpack[AnalysisArguments]) -> Comparison:
    """Two or more models side by side, PyTorch modules with their inputs each as a TorchModule; the options are
    analyze's. A name that is bound holds for the models that have
    it; UsageError where none has."""
    from costcalc.studies.compare import compare_models

    strict = bool(options.pop("strict", False))
    return compare_models(sources, Settings.of(**options), strict)


def diff(
    before: ModelSource | Report,
    after: ModelSource | Report,
    *,
    quantities: Sequence[str] = (),
    **options: Unpack[AnalysisArguments],
) -> Diff:
    """What changed from one version of a model to another; the options are analyze's, for both. quantities are further
    ones by their keys ("arena_bytes", "time.t4"), beside those that the options ask for.

    Either may be a file of a git revision (`main:models/net.yaml`) or an entry of a lock file
    (`costcalc.lock.json#models/net.yaml@batch8`), whose settings then hold for the other side too. str gives
    the tables.
    """
    from costcalc.studies.check.versions import diff_versions

    strict = bool(options.pop("strict", False))
    return diff_versions((before, after), Settings.of(**options), quantities, strict)


def memory(
    source: ModelSource | Report,
    *,
    in_place: bool = False,
    fuse: bool = False,
    fuse_blocks: bool = False,
    reorder: bool = False,
    align: int | None = None,
    runtime: str | None = None,
    execution: ExecutionOptions | Mapping[str, Any] | None = None,
    **options: Unpack[ReadingArguments],
) -> MemoryFootprint:
    """What a model's activations need while it runs: live bytes by step, the peak, with an alignment an arena. How it
    is executed is as in costcalc.analysis.options.ExecutionOptions, by name or as execution; the other options are
    load's."""
    from costcalc.analysis.memory.footprint import measure_footprint
    from costcalc.core.settings import join_group

    named: dict[str, Any] = {"in_place": in_place, "fuse": fuse, "fuse_blocks": fuse_blocks, "reorder": reorder}
    named |= {"align": align, "runtime": runtime}
    given = {name: value for name, value in named.items() if value is not None and value is not False}
    settings = Settings.of(execution=join_group(execution, given), **options)
    graph = _require_no_options(source, options).graph if isinstance(source, Report) else load_source(source, settings)
    return measure_footprint(graph, settings.execution)


def explain(
    source: ModelSource | Report, layer: str | None = None, **options: Unpack[AnalysisArguments]
) -> Explanation:
    """The working of a model's figures, or of one layer's, a block's (`layer1.0`) or a total's (`traffic_bytes`); the
    options are analyze's."""
    from costcalc.studies.measurement import measure
    from costcalc.views.explain_settings import explain_measurement

    strict = bool(options.pop("strict", False))
    return explain_measurement(measure(source, Settings.of(**options), strict), layer)


footprint = memory
"""Another name of memory."""


@overload
def hardware() -> TableSet: ...


@overload
def hardware(source: str, /) -> TableSet: ...


@overload
def hardware(
    source: ModelSource | Report,
    device: str | os.PathLike[str],
    /,
    *devices: str | os.PathLike[str],
    **options: Unpack[CostingArguments],
) -> Rooflines: ...


def hardware(
    source: Any = None, /, *devices: str | os.PathLike[str], **options: Unpack[CostingArguments]
) -> TableSet | Rooflines:
    """A model and devices, each a profile's name or the path of one -> bounds in exact seconds: `hardware("resnet50",
    "t4")`. The options are analyze's. With the name of a device alone its profile, with nothing the list of all.
    HardwareError where there is no such device.
    """
    if devices:
        return on_hardware(source, *devices, **options)
    from costcalc.analysis.hardware.catalogue import find_profile
    from costcalc.views.catalogue import devices_table, profile_figures_table, profile_table

    if source is None:
        return _listing("hardware", devices_table())
    if not isinstance(source, (str, os.PathLike)):
        raise UsageError("no device is named", 'name one: hardware(model, "t4")')
    profile = find_profile(os.fspath(source))
    return _listing(profile.id, profile_table(profile), profile_figures_table(profile))


def on_hardware(
    source: ModelSource | Report,
    *devices: str | os.PathLike[str],
    **options: Unpack[CostingArguments],
) -> Rooflines:
    """hardware of a model: a model on devices -> bounds in exact seconds. UsageError where no device is named."""
    from costcalc.analysis.hardware.catalogue import find_profile
    from costcalc.analysis.roofline.bounds import compute_roofline
    from costcalc.analysis.roofline.roofline import Rooflines

    if not devices:
        raise UsageError("no device is named", 'name one: hardware(model, "t4"); hardware() lists all')
    report = _require_no_options(source, options) if isinstance(source, Report) else analyze(source, **options)
    return Rooflines(compute_roofline(report, find_profile(os.fspath(name))) for name in devices)


def llm(
    source: ModelSource,
    *,
    max_context: bool = False,
    max_batch: bool = False,
    sweep_parallel: bool = False,
    **options: Unpack[LlmArguments],
) -> TableSet:
    """What a decoder model costs: the prompt's pass, each further token, the KV cache.

    The options are analyze's, and those of generation and of several devices by name: `llm("llama", prompt=2048,
    generate=256, dtype="fp16", devices="h100-sxm x8", tp=8)`. max_context and max_batch give the longest text and the
    most texts that fit the device, sweep_parallel every way to split the model. UsageError where it is no decoder.
    """
    from costcalc.core.settings import join_group, settings_of
    from costcalc.studies.options import GROUPS
    from costcalc.views.llm import LlmQuestion, llm_result

    arguments: dict[str, Any] = dict(options)
    for group in ("generation", "parallel"):
        names = [setting.name for setting in settings_of(GROUPS[group])]
        named = {name: arguments.pop(name) for name in names if name in arguments}
        if named:
            arguments[group] = join_group(arguments.get(group), named)
    settings = Settings.of(**arguments)
    return llm_result(source, settings, LlmQuestion(max_context, max_batch, sweep_parallel))


def report(*sources: ModelSource | Report, strict: bool = False, **options: Unpack[SettingsArguments]) -> ReportPage:
    """One HTML page about models: where the cost is, when memory is needed, what bounds the time. The options are
    analyze's: `report("resnet50", devices="t4").save("report.html")`."""
    from costcalc.studies.compare import measure_models
    from costcalc.views.page import page_content
    from costcalc.views.results import ReportPage

    if not sources:
        raise UsageError("no model is named", 'name one: report("resnet50")')
    settings = Settings.of(**options)
    measurements = measure_models(sources, settings, strict)
    names = tuple([measurement.base.name for measurement in measurements])
    return ReportPage(names, page_content(measurements, settings.devices))


def plot(
    *sources: ModelSource | Report,
    kind: Literal["bars", "memory", "roofline", "pareto"] = "bars",
    quantity: str = "macs",
    by: Literal["layer", "block", "module", "op"] = "layer",
    depth: int | None = None,
    top: int | None = None,
    x: str = "macs",
    y: str = "params",
    maximize: str | Sequence[str] = (),
    **options: Unpack[SettingsArguments],
) -> ChartSet:
    """Charts of models: the dearest parts (bars of a quantity), live bytes by step, layers under devices' roofs, or
    models by two quantities x and y, of which maximize names those that are better when they are more. The other
    options are analyze's: `plot("resnet50", kind="roofline", devices="t4").save("roofline.svg")`."""
    from costcalc.core.arguments import split_names
    from costcalc.views.plot import DEFAULT_BARS, ChartOptions, make_charts
    from costcalc.views.results import ChartSet

    if not sources:
        raise UsageError("no model is named", 'name one: plot("resnet50")')
    chart = ChartOptions(quantity, by, depth, top or DEFAULT_BARS, x, y, split_names("maximize", maximize))
    return ChartSet(make_charts(kind, sources, Settings.of(**options), chart))


def table(
    *sources: ModelSource | Report,
    columns: str | Sequence[str] = (),
    short: bool = False,
    **options: Unpack[SettingsArguments],
) -> TableSet:
    """A table of models with their totals: columns are name, source, input, layers and any quantity ("time.t4"); short
    rounds counts to three digits. The other options are analyze's."""
    from costcalc.core.arguments import split_names
    from costcalc.views.model_table import TableRequest, model_table

    if not sources:
        raise UsageError("no model is named", 'name some: table("mobilenet", "vgg16")')
    request = TableRequest(sources, Settings.of(**options), split_names("columns", columns), short)
    return _listing("of models", model_table(request))


def export(
    source: ModelSource,
    path: str | os.PathLike[str],
    *,
    weights: Literal["zeros", "random", "none"] = "zeros",
    overlay: Literal["netron", "model-explorer"] | None = None,
    quantity: str = "",
    **options: Unpack[SettingsArguments],
) -> None:
    """Writes a model as an ONNX file that ONNX Runtime runs; weights none leaves them out. The options are load's.

    With overlay the costs of a .onnx, .tflite or .pt2 file for a viewer that shows it: Netron's attachment, or the node
    data of Model Explorer, which are of one quantity (macs unless given). The options are then analyze's.
    """
    from pathlib import Path

    from costcalc.frontends.onnx.writer import export as write_onnx
    from costcalc.views.overlay import overlay_text

    settings = Settings.of(**options)
    if overlay is None:
        write_onnx(load_source(source, settings), os.fspath(path), weights)
        return
    text = overlay_text(source, overlay, settings, quantity)
    try:
        Path(path).write_bytes(f"{text}\n".encode())
    except OSError as error:
        raise UsageError(f"{os.fspath(path)} cannot be written: {error.strerror}", "name another file") from error


def models() -> TableSet:
    """The built-in models with their sources and costs."""
    from costcalc.views.catalogue import models_table

    return _listing("models", models_table())


def operators() -> TableSet:
    """Every operator with its state (costed, free, shape only, unknown), as the command `ops` lists them."""
    from costcalc.views.catalogue import operators_table

    return _listing("operators", operators_table())


def rule(code: str | None = None) -> TableSet:
    """The rules of check, or the one of a code: what each holds, and how it is set and mended."""
    from costcalc.studies.check.rules import RULES, find_rule
    from costcalc.views.catalogue import rules_table

    return _listing(code or "rules", rules_table(RULES.values() if code is None else [find_rule(code)]))


def schema() -> dict[str, Any]:
    """The JSON Schema of the YAML language."""
    from costcalc.frontends.yaml.schema import json_schema

    return json_schema()


def _listing(name: str, shown: Table, machine: Table | None = None) -> TableSet:
    """A table, and the one whose rows its JSON document has where that is another -> both with a name."""
    from costcalc.views.results import TableSet

    return TableSet(name, (shown,), {}, machine or shown)


def _require_no_options(report: Report, options: Mapping[str, Any]) -> Report:
    """The report. UsageError where options stand beside it, for its model is not read again."""
    from costcalc.core.arguments import refuse_read_options

    refuse_read_options(**options)
    return report
