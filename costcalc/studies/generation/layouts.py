"""Model, settings and a number of devices to every way to split the model over them, each with what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from costcalc.analysis.experts import routings
from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.analysis.options import ParallelOptions
from costcalc.core.errors import UsageError
from costcalc.frontends.source import ModelSource
from costcalc.studies.generation.generation import decoder_of
from costcalc.studies.generation.serving import Serving, compute_serving_speed, measure_serving
from costcalc.studies.generation.speed import GenerationSpeed
from costcalc.studies.options import Settings


class Layout(NamedTuple):
    """One way to split a model: its serving and its speed on a device (None without a device); or why it cannot be
    split so."""

    options: ParallelOptions
    serving: Serving | None
    speed: GenerationSpeed | None
    refusal: str


def find_layouts(devices: int, experts: bool) -> Iterator[ParallelOptions]:
    """Number of devices -> every tp · pp · dp that makes it; of a model with experts, with every ep that fits."""
    for tp in divisors(devices):
        for pp in divisors(devices // tp):
            dp = devices // tp // pp
            for ep in divisors(tp * dp) if experts else (1,):
                if not (ep % tp and tp % ep):
                    yield ParallelOptions(devices, tp, pp, ep, dp)


def divisors(number: int) -> tuple[int, ...]:
    """A number -> its divisors, from 1."""
    return tuple([n for n in range(1, number + 1) if number % n == 0])


def compare_layouts(source: ModelSource, settings: Settings, profile: HardwareProfile | None) -> tuple[Layout, ...]:
    """Model and settings -> its layouts over settings.parallel.device_count devices, those with the most tokens a
    second first, then those that cannot be. UsageError without a number of devices."""
    count = settings.parallel.device_count
    if count is None:
        raise UsageError("--sweep-parallel needs a number of devices", "add --devices 8")
    experts = any(True for _ in routings(decoder_of(source, settings, 1).open_graph))
    layouts = [_measure(source, settings, options, profile) for options in find_layouts(count, experts)]
    return tuple(sorted(layouts, key=_order))


def _order(layout: Layout) -> tuple[bool, bool, float, int]:
    if layout.serving is None:
        return (True, True, 0.0, 0)
    speed = layout.speed
    rate = 0.0 if speed is None or speed.tokens_per_s is None else float(speed.tokens_per_s)
    fits = speed is None or all(fit.fits for fit in speed.fits)
    return (False, not fits, -rate, layout.serving.memory_bytes)


def _measure(
    source: ModelSource, settings: Settings, options: ParallelOptions, profile: HardwareProfile | None
) -> Layout:
    try:
        serving = measure_serving(source, settings._replace(parallel=options))
    except UsageError as error:  # a way that the model's heads, features or layers do not allow is a row, too
        return Layout(options, None, None, str(error))
    return Layout(options, serving, None if profile is None else compute_serving_speed(serving, profile), "")
