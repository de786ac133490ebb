"""Generation and HardwareProfile to GenerationSpeed: least seconds of the prompt and of each token, and what must fit.

A pass takes no less than max(2 × MACs / peak, least traffic / bandwidth), the roofline's bound of a model; a batch is
read with the weights once. Of the prompt's pass counts what no implementation can leave out. So tokens a second are at
most batch × steps / the sum of the steps' bounds.

Over several devices (DevicePlan) the generation is that of one device of a stage, over all layers. Of S stages, the one
with most takes no less than 1/S of the work and of the traffic, whatever the split into micro-batches; a token passes
all stages one behind the other, so that it takes no less than to read the weights of all of them. What a device sends
may overlap with everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.analysis.roofline.bounds import compute_roofline
from costcalc.analysis.roofline.energy import MemoryFit, memory_fits
from costcalc.analysis.roofline.roofline import TimeBound
from costcalc.core.errors import QuantityError
from costcalc.studies.generation.generation import Generation, Pass, amounts_by_step, memory_report

ZERO = Fraction(0)

NO_STEP = ("the prompt's pass gives the only token", "generate 2 or more: --generate 128")
"""Why a generation has no step, and the remedy."""


class DevicePlan(NamedTuple):
    """How several devices share a generation: pipeline stages, texts of all replicas (0: those of the generation),
    bytes that a device sends at least, by pass, and tokens that a step gives each text."""

    stages: int = 1
    texts: int = 0
    sent_bytes: Callable[[Pass], Fraction] = lambda phase: ZERO
    tokens_per_step: Fraction = Fraction(1)


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
    texts: int

    @property
    def seconds_per_token(self) -> Fraction | None:
        """Least seconds between two tokens of a text, on average over the steps; None without steps."""
        return self.texts / self.tokens_per_s if self.tokens_per_s else None

    def seconds_of(self, key: str) -> Fraction | None:
        """`first_token_time` or `token_time` -> its least seconds. QuantityError where there is no step."""
        if key == "first_token_time":
            return self.prefill.seconds
        if self.first is None:
            raise QuantityError(*NO_STEP)
        return self.seconds_per_token

    @property
    def total_seconds(self) -> Fraction | None:
        """Least seconds of the prompt's pass and of all steps; None where one of them is unknown."""
        return (
            None
            if self.prefill.seconds is None or self.steps_seconds is None
            else self.prefill.seconds + self.steps_seconds
        )


def compute_generation_speed(
    generation: Generation,
    profile: HardwareProfile,
    plan: DevicePlan = DevicePlan(),  # noqa: B008
) -> GenerationSpeed:
    """Generation and profile -> least seconds of its passes on the device, and what must fit in its memories."""

    @lru_cache(maxsize=8)
    def step_bound(past: int) -> TimeBound:
        return _pass_bound(generation.cost_step(past), profile, plan)[0]

    texts = plan.texts or generation.batch
    prefill, without_peak = _pass_bound(generation.prefill, profile, plan)
    first = last = None
    steps: Fraction | None = ZERO
    if generation.first and generation.last:
        first, last = step_bound(generation.first.past), step_bound(generation.last.past)
        times: list[Callable[[Pass], Fraction]] = []
        if first.compute is not None:
            times.append(lambda phase: step_bound(phase.past).compute or ZERO)
        if first.memory is not None:
            times.append(lambda phase: step_bound(phase.past).memory or ZERO)
        if times and first.link:
            times.append(lambda phase: step_bound(phase.past).link or ZERO)
        seconds = [amounts_by_step(generation.first, generation.last, generation.cost_step, time) for time in times]
        steps = _sum_of_most(seconds, first.overhead) if seconds else None
    steps = None if steps is None else steps / plan.tokens_per_step
    rate = texts * generation.steps / steps if steps else None
    fits = memory_fits(memory_report(generation), profile)
    return GenerationSpeed(profile, prefill, first, last, steps, rate, fits, without_peak, texts)


def _sum_of_most(seconds: Sequence[Sequence[Fraction]], overhead: Fraction) -> Fraction:
    """Seconds of each step by what takes them -> the sum over the steps of the most, and of an overhead of each."""
    total = ZERO
    for i in range(len(seconds[0])):
        total += max([times[i] for times in seconds]) + overhead
    return total


def _pass_bound(phase: Pass, profile: HardwareProfile, plan: DevicePlan) -> tuple[TimeBound, tuple[str, ...]]:
    """Pass and profile -> its roofline bound, with the traffic of the cache; and the element types without a peak."""
    bound = compute_roofline(phase.necessary_report, profile)
    memory = None
    if profile.bandwidth is not None:
        shared = Fraction(phase.traffic_bytes, plan.stages) - bound.cached_bytes
        in_turn = phase.weight_traffic_bytes - plan.stages * bound.cached_bytes if plan.stages > 1 else 0
        least: Fraction = max([shared, Fraction(in_turn), ZERO])
        memory = least / profile.bandwidth.value
    compute = None if bound.model.compute is None else bound.model.compute / plan.stages
    sent, link = plan.sent_bytes(phase), profile.fastest_link
    seconds = ZERO if not sent else None if link is None else sent / link[1].value
    return bound.model._replace(compute=compute, memory=memory, link=seconds), bound.without_peak
