"""Generation and HardwareProfile to GenerationSpeed: least seconds of the prompt and of each token, and what must fit.

A pass takes no less than max(2 × MACs / peak, least traffic / bandwidth), the roofline's bound of a model; a batch is
read with the weights once. Of the prompt's pass counts what no implementation can leave out. So tokens a second are at
most batch × steps / the sum of the steps' bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.analysis.roofline.bounds import compute_roofline
from costcalc.analysis.roofline.energy import MemoryFit, memory_fits
from costcalc.analysis.roofline.roofline import TimeBound
from costcalc.studies.generation.generation import Generation, Pass, amounts_by_step, memory_report

ZERO = Fraction(0)


class GenerationSpeed(NamedTuple):
    """Least seconds of the prompt's pass (prefill), of the first and the last step, and of all steps (steps_seconds);
    most tokens a second of all texts together. None where the profile has no figure. fits says what must be in which
    memory, without_peak names the element types that the profile has no peak for."""

    profile: HardwareProfile
    prefill: TimeBound
    first: TimeBound | None
    last: TimeBound | None
    steps_seconds: Fraction | None
    tokens_per_s: Fraction | None
    fits: tuple[MemoryFit, ...]
    without_peak: tuple[str, ...]

    @property
    def total_seconds(self) -> Fraction | None:
        """Least seconds of the prompt's pass and of all steps; None where one of them is unknown."""
        return (
            None
            if self.prefill.seconds is None or self.steps_seconds is None
            else self.prefill.seconds + self.steps_seconds
        )


def compute_generation_speed(generation: Generation, profile: HardwareProfile) -> GenerationSpeed:
    """Generation and profile -> least seconds of its passes on the device, and what must fit in its memories."""

    @lru_cache(maxsize=8)
    def step_bound(past: int) -> TimeBound:
        return _pass_bound(generation.cost_step(past), profile)[0]

    prefill, without_peak = _pass_bound(generation.prefill, profile)
    first = last = None
    steps: Fraction | None = ZERO
    if generation.first and generation.last:
        first, last = step_bound(generation.first.past), step_bound(generation.last.past)
        times: list[Callable[[Pass], Fraction]] = []
        if first.compute is not None:
            times.append(lambda phase: step_bound(phase.past).compute or ZERO)
        if first.memory is not None:
            times.append(lambda phase: step_bound(phase.past).memory or ZERO)
        seconds = [amounts_by_step(generation.first, generation.last, generation.cost_step, time) for time in times]
        steps = (
            sum((max(step_seconds) + first.overhead for step_seconds in zip(*seconds, strict=True)), ZERO)
            if seconds
            else None
        )
    rate = generation.batch * generation.steps / steps if steps else None
    return GenerationSpeed(
        profile, prefill, first, last, steps, rate, memory_fits(memory_report(generation), profile), without_peak
    )


def _pass_bound(phase: Pass, profile: HardwareProfile) -> tuple[TimeBound, tuple[str, ...]]:
    """Pass and profile -> its roofline bound, with the traffic of the cache; and the element types without a peak."""
    bound = compute_roofline(phase.necessary_report, profile)
    memory = None if profile.bandwidth is None else (phase.traffic_bytes - bound.cached_bytes) / profile.bandwidth.value
    return bound.model._replace(memory=memory), bound.without_peak
