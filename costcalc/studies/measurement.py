"""Model and settings to Measurement: any quantity of the catalogue, computed when it is asked for, each analysis once.

FIGURES holds one function for each quantity: a new quantity is its entry in `costcalc.core.quantities` and one here.
A quantity that the model does not have is refused (QuantityError: fact and remedy), never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from costcalc.analysis.memory.fusion import fuse_steps
from costcalc.analysis.memory.liveness import live_bytes, make_schedule
from costcalc.analysis.options import ALIGNMENT
from costcalc.analysis.report import Report, open_peak, open_remedy, report_certainty
from costcalc.analysis.roofline.traffic import minimum_traffic
from costcalc.core.dim import Dim, symbols
from costcalc.core.errors import (
    CostcalcError,
    HardwareError,
    NoDeviceFigureError,
    OpenQuantityError,
    QuantityError,
    UnknownNameError,
)
from costcalc.core.ir import Graph
from costcalc.core.quantities import (
    CATALOGUE,
    NPU,
    PARALLEL,
    PARALLEL_PER_DEVICE,
    TRAINING,
    TRAINING_PARALLEL,
    parse_quantity,
)
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.frontends.source import ModelSource
from costcalc.studies.figures import (
    closed_report,
    energy_figure,
    import_analysis,
    intensity_figure,
    missing_peak,
    quantity_error,
)
from costcalc.studies.options import Settings
from costcalc.studies.pipeline import analyze

if TYPE_CHECKING:
    from costcalc.analysis.hardware.profile import HardwareProfile
    from costcalc.analysis.memory.footprint import MemoryFootprint
    from costcalc.analysis.roofline.energy import MemoryFit
    from costcalc.analysis.roofline.roofline import Roofline
    from costcalc.analysis.training.split import TrainingSplit
    from costcalc.analysis.training.step import TrainingReport
    from costcalc.studies.generation.generation import Generation
    from costcalc.studies.generation.serving import Serving
    from costcalc.studies.generation.speed import GenerationSpeed

T = TypeVar("T")


class Measurement:
    """A model under settings; base is its report without training. An analysis runs once; a refusal is raised again."""

    def __init__(self, source: ModelSource | Report, settings: Settings, base: Report) -> None:
        self.source, self.settings, self.base = source, settings, base
        self._results: dict[tuple[str, ...], Any] = {}

    @property
    def report(self) -> Report:
        """The report, with the training step where the settings have training options."""
        return self.base if self.settings.training is None else self.training_report

    @property
    def given_settings(self) -> dict[str, Any]:
        """The settings that are not their defaults, by name, as costcalc.analyze takes them: those of the measurement,
        and of the reading of its graph."""
        return {**self.settings.to_dict(), **self.report.settings}

    @property
    def available_report(self) -> Report:
        """The report, without the training step where the model cannot be trained."""
        try:
            return self.report
        except CostcalcError:
            return self.base

    @property
    def training_report(self) -> TrainingReport:
        """The report with the training step. QuantityError where the settings have no training options."""
        options = self.settings.training
        if options is None:
            raise QuantityError("no training is asked for", "add --training")
        train: Callable[..., TrainingReport] = import_analysis("cost_training")
        return self._compute_once(("training",), lambda: train(self.base, options))

    @property
    def arena(self) -> int:
        """Bytes of the arena under the settings' execution; its offsets are multiples of 16 bytes where the settings
        have no alignment. UndecidedError where open symbols leave it undecided."""

        def size() -> int:
            footprint: Callable[..., MemoryFootprint] = import_analysis("measure_footprint")
            align = self.settings.execution.align or ALIGNMENT
            plan = footprint(self.base.graph, self.settings.execution._replace(align=align, runtime=None)).arena
            assert plan is not None
            return plan.size

        return self._compute_once(("arena",), size)

    @property
    def generation(self) -> Generation:
        """The costs of generation. QuantityError where the settings have no generation options, UsageError where the
        model is no decoder."""
        return self._compute_once(("generation",), self._generate)

    def require_generation(self) -> None:
        """Raises what `generation` raises where the model generates nothing."""
        self._compute_once(("generation",), self._generate)

    def profile(self, device: str) -> HardwareProfile:
        """Device's name -> its profile. HardwareError where there is none."""
        find: Callable[..., HardwareProfile] = import_analysis("find_profile")
        return self._compute_once(("profile", device), lambda: find(device))

    def roofline(self, device: str) -> Roofline:
        """Device's name -> the model's bounds on it."""
        roofline: Callable[..., Roofline] = import_analysis("compute_roofline")
        work = self._compute_once(("workload",), lambda: import_analysis("measure_workload")(self.base))
        return self._compute_once(("roofline", device), lambda: roofline(self.base, self.profile(device), work))

    def rooflines(self) -> tuple[Roofline, ...]:
        """The model's bounds on each of the settings' devices once, with the training step in their report."""
        by_id = {self.profile(name).id: self.roofline(name) for name in self.settings.devices}
        return tuple([replace(bound, report=self.report) for bound in by_id.values()])

    def npu_quantities(self) -> tuple[QuantityRef, ...]:
        """What the NPU of each of the settings' devices leaves to the CPU; none of devices without one."""
        devices = [name for name in self.settings.devices if self.profile(name).npu]
        return tuple([QuantityRef(CATALOGUE[key], name) for name in devices for key in NPU])

    def speed(self, device: str) -> GenerationSpeed:
        """Device's name -> the bounds of generation on it, or on several of it where the settings say so."""
        if import_analysis("is_served")(self.settings):
            return self.serving_speed(device)
        bounds: Callable[..., GenerationSpeed] = import_analysis("compute_generation_speed")
        return self._compute_once(("speed", device), lambda: bounds(self.generation, self.profile(device)))

    @property
    def serving(self) -> Serving:
        """What each of several devices holds and sends while the model generates. Errors as those of `generation`."""
        return self._compute_once(("serving",), self._serve)

    def serving_speed(self, device: str) -> GenerationSpeed:
        """Device's name -> the bounds of generation on several of it."""
        bounds: Callable[..., GenerationSpeed] = import_analysis("compute_serving_speed")
        return self._compute_once(("serving", device), lambda: bounds(self.serving, self.profile(device)))

    @property
    def training_split(self) -> TrainingSplit:
        """What each of several devices holds and sends in a training step. Errors are those of split_training."""
        report, settings = self.training_report, self.settings
        split: Callable[..., TrainingSplit] = import_analysis("split_training")
        return self._compute_once(("split",), lambda: split(report, settings.training, settings.parallel))

    def fits(self, ref: QuantityRef) -> tuple[MemoryFit, ...]:
        """`fits`, `training_fits` or `generation_fits` of a device -> what must be in which of its memories."""
        if ref.quantity.key == "generation_fits":
            return self.speed(ref.device).fits
        training = ref.quantity.key == "training_fits"
        fits: Callable[..., tuple[MemoryFit, ...]] = import_analysis("training_fits" if training else "memory_fits")
        return fits(self.training_report if training else self.base, self.profile(ref.device))

    def figure(self, quantity: str | QuantityRef) -> Figure:
        """Quantity -> its value and certainty; the value is a formula while symbols are open.

        UsageError where there is no such quantity, HardwareError where there is no such device, QuantityError where the
        model or the settings do not have the quantity.
        """
        ref = parse_quantity(quantity) if isinstance(quantity, str) else quantity
        try:
            return self._compute_once(("figure", *ref.key.split(".", 1)), lambda: FIGURES[ref.quantity.key](self, ref))
        except (HardwareError, UnknownNameError):
            raise
        except CostcalcError as error:
            raise quantity_error(ref, error) from error

    def attempt(self, quantity: str | QuantityRef) -> Figure | QuantityError:
        """Quantity -> its figure, or the refusal as a value, for tables of several models."""
        try:
            return self.figure(quantity)
        except QuantityError as error:
            return error

    def _compute_once(self, key: tuple[str, ...], make: Callable[[], T]) -> T:
        if key not in self._results:
            try:
                self._results[key] = make()
            except CostcalcError as error:
                self._results[key] = error
        result = self._results[key]
        if isinstance(result, CostcalcError):
            raise result
        return result  # type: ignore[no-any-return]

    def _serve(self) -> Serving:
        self.require_generation()
        serve: Callable[..., Serving] = import_analysis("measure_serving")
        return serve(self.source, self.settings)

    def _generate(self) -> Generation:
        if self.settings.generation is None:
            raise QuantityError("no generation is asked for", "add --prompt and --generate")
        if isinstance(self.source, (Graph, Report)):
            raise QuantityError("the model is read anew for each step", "give its file or its built-in name")
        generate: Callable[..., Generation] = import_analysis("measure_generation")
        return generate(self.source, self.settings)


def measure(source: ModelSource | Report, settings: Settings, strict: bool = False) -> Measurement:
    """Model and settings -> Measurement, with its report made and everything else still to be computed.

    Arguments and errors are those of pipeline.analyze. A MeasuredReport under default settings gives back its own
    measurement.
    """
    if isinstance(source, MeasuredReport) and settings == Settings():
        return source.measurement
    return Measurement(source, settings, analyze(source, settings, strict))


@dataclass(frozen=True, slots=True)
class MeasuredReport(Report):
    """A Report with its measurement: its tables have the bounds on the settings' devices and what generation costs
    beside the layers."""

    measurement: Measurement

    __repr__ = Report.__repr__

    @property
    def step(self) -> Any:
        """What a training step costs; None without training."""
        return self.measurement.report.step

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that are not their defaults, by name, as costcalc.analyze takes them."""
        return self.measurement.given_settings

    def bind(self, dims: Any) -> MeasuredReport:
        """As Report.bind; the further quantities are measured again."""
        before = self.measurement
        return measured_report(Measurement(before.source, before.settings, before.base.bind(dims)))


def measured_report(measurement: Measurement) -> MeasuredReport:
    """Measurement -> MeasuredReport."""
    report = measurement.report
    fields = {name: getattr(report, name) for name in Report.__dataclass_fields__}
    return MeasuredReport(**fields, measurement=measurement)


def _report_total(measurement: Measurement, ref: QuantityRef) -> Figure:
    key = ref.quantity.key
    report = measurement.training_report if "training" in ref.quantity.needs else measurement.base
    if key not in report.totals:
        raise OpenQuantityError(*open_peak(report))
    return Figure(report.totals[key], report_certainty(report, key))


def _active_params(measurement: Measurement, ref: QuantityRef) -> Figure:
    report = measurement.base
    key = "active_params" if "active_params" in report.totals else "params"  # without experts a token uses all
    return Figure(report.totals[key], report_certainty(report, "active_params"))


def _arena(measurement: Measurement, ref: QuantityRef) -> Figure:
    return Figure(measurement.arena, report_certainty(measurement.base, "arena_bytes"))


def _tflm_arena(measurement: Measurement, ref: QuantityRef) -> Figure:
    arena = import_analysis("tflm_arena")(measurement.base.graph, measurement.settings.execution)
    return Figure(arena.total, "lower" if arena.unknown else "exact")


def _flash(measurement: Measurement, ref: QuantityRef) -> Figure:
    return Figure(import_analysis("flash_bytes")(measurement.base.graph))


def _minimum_traffic(measurement: Measurement, ref: QuantityRef) -> Figure:
    report = closed_report(measurement.base)
    return Figure(minimum_traffic(report.graph, report.rows), "lower")


def _time(measurement: Measurement, ref: QuantityRef) -> Figure:
    bound = _closed_roofline(measurement, ref.device)
    if bound.model.seconds is None or bound.without_peak:
        raise missing_peak(bound, bound.without_peak)
    return Figure(bound.model.seconds, "lower")


def _fits(measurement: Measurement, ref: QuantityRef) -> Figure:
    lines = measurement.fits(ref)
    if any(not line.fits for line in lines):
        return Figure(False)
    profile = measurement.profile(ref.device)
    names = symbols(*_required_bytes(measurement, ref, profile))
    if names:
        raise OpenQuantityError(f"what must fit depends on {', '.join(names)}", open_remedy(names))
    if not lines:
        raise NoDeviceFigureError(f"the profile {profile.id} has the size of no memory for it", "name another device")
    if measurement.settings.execution.runtime and profile.bytes_of("sram") and "sram" not in [f.memory for f in lines]:
        raise QuantityError("what operators allocate in the arena is not known", "leave --runtime out")
    if (measurement.training_report if "training" in ref.quantity.needs else measurement.base).lower_bound:
        raise QuantityError("operators without a rule leave it unknown", "register rules for them with --rules")
    return Figure(True)


def _left_to_cpu(measurement: Measurement, ref: QuantityRef) -> Figure:
    find: Callable[..., int] = import_analysis("find_left_to_cpu")
    return Figure(find(measurement.base, measurement.profile(ref.device), ref.quantity.key))


def _required_bytes(measurement: Measurement, ref: QuantityRef, profile: HardwareProfile) -> Iterator[Dim]:
    """The byte counts that must fit a device: those of a training step, or weights and the live bytes of a run; of
    generation they are numbers."""
    base = measurement.base
    if ref.quantity.key == "training_fits":
        yield measurement.training_report.totals["training_bytes"]
    elif ref.quantity.key == "fits":
        yield base.totals["weight_bytes"]
        if profile.bytes_of("sram") or profile.bytes_of("device"):
            yield from live_bytes(make_schedule(base.graph, fuse_steps(base.graph)))


def _generation_figure(read: Callable[[Generation], Dim]) -> Callable[[Measurement, QuantityRef], Figure]:
    return lambda measurement, ref: Figure(read(measurement.generation))


def _serving_time(measurement: Measurement, ref: QuantityRef) -> Figure:
    speed = measurement.serving_speed(ref.device)
    seconds = speed.seconds_of(ref.quantity.key)
    if seconds is None or speed.without_peak:
        raise missing_peak(measurement.roofline(ref.device), speed.without_peak)
    return Figure(seconds, "lower")


def _tokens_per_second(measurement: Measurement, ref: QuantityRef) -> Figure:
    speed = measurement.speed(ref.device)
    if not measurement.generation.steps:
        raise QuantityError(*import_analysis("NO_STEP"))
    if speed.tokens_per_s is None or speed.without_peak:
        raise missing_peak(measurement.roofline(ref.device), speed.without_peak)
    return Figure(speed.tokens_per_s, "upper")


def _closed_roofline(measurement: Measurement, device: str) -> Roofline:
    bound = measurement.roofline(device)
    if bound.open_symbols:
        raise OpenQuantityError(f"it depends on {', '.join(bound.open_symbols)}", open_remedy(bound.open_symbols))
    closed_report(measurement.base)
    return bound


_FIGURES: dict[str, Callable[[Measurement, QuantityRef], Figure]] = {
    "active_params": _active_params,
    "arena_bytes": _arena,
    "tflm_arena_bytes": _tflm_arena,
    "flash_bytes": _flash,
    "compulsory_bytes": _minimum_traffic,
    "intensity": lambda measurement, ref: intensity_figure(measurement.base),
    "time": _time,
    "energy": lambda measurement, ref: energy_figure(_closed_roofline(measurement, ref.device), ref.device),
    "fits": _fits,
    "cpu_macs": _left_to_cpu,
    "cpu_operators": _left_to_cpu,
    "kv_cache_bytes": _generation_figure(
        lambda generation: generation.cache_bytes(generation.prompt + generation.generate)
    ),
    "prompt_macs": _generation_figure(lambda generation: generation.prefill.macs),
    "step_macs": _generation_figure(lambda generation: generation.step_macs),
    "tokens_per_second": _tokens_per_second,
    "memory_bytes": _generation_figure(lambda generation: generation.memory_bytes),
    "training_fits": _fits,
    "generation_fits": _fits,
    **dict.fromkeys(PARALLEL, lambda measurement, ref: measurement.serving.figure(ref.quantity.key)),
    **dict.fromkeys(TRAINING_PARALLEL, lambda measurement, ref: measurement.training_split.figure(ref.quantity.key)),
    **dict.fromkeys(PARALLEL_PER_DEVICE, _serving_time),
}
"""The functions of quantities that are no totals of a report."""

FIGURES = {
    key: _report_total if quantity.of_every_model or key in TRAINING else _FIGURES[key]
    for key, quantity in CATALOGUE.items()
}
"""Quantity's key -> the function that computes it."""
