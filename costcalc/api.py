"""The Python API: a path, a built-in name or a Graph becomes a Report, a Comparison or an Explanation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
    from costcalc.analysis.roofline.roofline import Roofline
    from costcalc.frontends.source import ModelSource
    from costcalc.studies.compare import Comparison
    from costcalc.studies.diff.diff import Diff
    from costcalc.studies.options import AnalysisArguments, CostingArguments, ReadingArguments, SettingsArguments
    from costcalc.views.explain import Explanation


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


def footprint(
    source: ModelSource | Report,
    *,
    in_place: bool = False,
    fuse: bool = False,
    fuse_blocks: bool = False,
    reorder: bool = False,
    align: int | None = None,
    runtime: str | None = None,
    **options: Unpack[ReadingArguments],
) -> MemoryFootprint:
    """What a model's activations need while it runs: live bytes by step, the peak, with an alignment an arena. How it
    runs is as in costcalc.analysis.options.ExecutionOptions; the other options are load's."""
    from costcalc.analysis.memory.footprint import measure_footprint

    execution = {"in_place": in_place, "fuse": fuse, "fuse_blocks": fuse_blocks, "reorder": reorder, "align": align}
    settings = Settings.of(execution={**execution, "runtime": runtime}, **options)
    graph = _require_no_options(source, options).graph if isinstance(source, Report) else load_source(source, settings)
    return measure_footprint(graph, settings.execution)


def explain(
    source: ModelSource | Report, layer: str | None = None, **options: Unpack[AnalysisArguments]
) -> Explanation:
    """The working of a model's figures, or of one layer's; the options are analyze's."""
    from costcalc.studies.measurement import measure
    from costcalc.views.explain_settings import explain_measurement

    strict = bool(options.pop("strict", False))
    return explain_measurement(measure(source, Settings.of(**options), strict), layer)


def on_hardware(
    source: ModelSource | Report,
    *devices: str | os.PathLike[str],
    **options: Unpack[CostingArguments],
) -> tuple[Roofline, ...]:
    """A model on devices, each a profile's name or the path of one: bounds in exact seconds. The options are analyze's.
    HardwareError where there is no such device."""
    from costcalc.analysis.hardware.catalogue import find_profile
    from costcalc.analysis.roofline.bounds import compute_roofline

    report = _require_no_options(source, options) if isinstance(source, Report) else analyze(source, **options)
    return tuple(compute_roofline(report, find_profile(os.fspath(name))) for name in devices)


def _require_no_options(report: Report, options: Mapping[str, Any]) -> Report:
    """The report. UsageError where options stand beside it, for its model is not read again."""
    from costcalc.core.arguments import refuse_read_options

    refuse_read_options(**options)
    return report
