"""Generation × HardwareProfile → how long the prompt and each token take at least, and whether it all fits.

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
from costcalc.analysis.roofline.bounds import roofline
from costcalc.analysis.roofline.energy import Fit, fits
from costcalc.analysis.roofline.roofline import Bound
from costcalc.studies.generation.generation import Generation, Phase, amounts_by_step, memory_report

ZERO = Fraction(0)


class Bounds(NamedTuple):
    """Least seconds of the prompt's pass (prefill), of the first and the last step, of all steps; tokens a second at
    most, of all texts together. None where the profile has no figure for it."""

    profile: HardwareProfile
    prefill: Bound
    first: Bound | None
    last: Bound | None
    steps: Fraction | None
    tokens_per_s: Fraction | None
    fits: tuple[Fit, ...]
    without_peak: tuple[str, ...]

    @property
    def total(self) -> Fraction | None:
        """The prompt's pass and all steps."""
        return None if self.prefill.seconds is None or self.steps is None else self.prefill.seconds + self.steps


def bounds(given: Generation, profile: HardwareProfile) -> Bounds:
    """The bounds of a generation on a device."""

    @lru_cache(maxsize=8)
    def one(past: int) -> Bound:
        return _pass_bound(given.at(past), profile)[0]

    prefill, without = _pass_bound(given.prefill, profile)
    first = last = None
    steps: Fraction | None = ZERO
    if given.first and given.last:
        first, last = one(given.first.past), one(given.last.past)
        sides: list[Callable[[Phase], Fraction]] = []
        if first.compute is not None:
            sides.append(lambda phase: one(phase.past).compute or ZERO)
        if first.memory is not None:
            sides.append(lambda phase: one(phase.past).memory or ZERO)
        parts = [amounts_by_step(given.first, given.last, given.at, side) for side in sides]
        steps = sum((max(pair) + first.overhead for pair in zip(*parts, strict=True)), ZERO) if parts else None
    rate = given.batch * given.steps / steps if steps else None
    return Bounds(profile, prefill, first, last, steps, rate, fits(memory_report(given), profile), without)


def _pass_bound(phase: Phase, profile: HardwareProfile) -> tuple[Bound, tuple[str, ...]]:
    """The roofline's bound of a pass, with the cache that it writes; and the types whose peak is not known."""
    found = roofline(phase.least, profile)
    memory = None if profile.bandwidth is None else (phase.traffic - found.kept) / profile.bandwidth.value
    return found.model._replace(memory=memory), found.without_peak
