"""Roofline: the time bounds of a model and of its layers on a device, as computed by `bounds.py`; Rooflines: on several
devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from costcalc.analysis.hardware.profile import HardwareProfile
from costcalc.analysis.report import Report
from costcalc.core.result import Result, short_repr
from costcalc.core.units import format_si

ZERO = Fraction(0)


class TimeBound(NamedTuple):
    """Seconds of arithmetic and of memory (None where the profile has no figure or the model is open), of overhead, and
    of what a device sends to others (None where it sends something and the profile has no link)."""

    compute: Fraction | None
    memory: Fraction | None
    overhead: Fraction = ZERO
    link: Fraction | None = ZERO

    @property
    def seconds(self) -> Fraction | None:
        """max(compute, memory, link) + overhead; None where neither compute nor memory is known."""
        parts = [t for t in (self.compute, self.memory) if t is not None]
        return max([*parts, self.link or ZERO]) + self.overhead if parts else None

    @property
    def bound_by(self) -> str:
        """What the bound is decided by: compute, memory, link, or "" where nothing takes time."""
        if not self.seconds or (not self.compute and not self.memory):
            return ""
        if self.link and self.link > max(self.compute or ZERO, self.memory or ZERO):
            return "link"
        return "compute" if (self.compute or ZERO) >= (self.memory or ZERO) else "memory"

    @property
    def utilisation(self) -> Fraction | None:
        """The share of the device's peak that is used at the bound."""
        return None if self.compute is None or not self.seconds else self.compute / self.seconds


@dataclass(frozen=True, slots=True)
class Roofline(Result):
    """A model on a device.

    layers are the bounds of report.rows, model is the lower bound of the whole. unfused and fused are the seconds of
    all layers and of all fused steps, None where a contraction has no peak. compulsory_bytes are those that any
    execution moves, cached_bytes those of them that the last-level cache can hold. macs_by_type are the pairs of an
    element type that is multiplied and the definition's MACs, multiplications maps the types to those of the bound;
    without_peak names those that the profile has no peak for, open_symbols those that must be bound first. A model with
    an open If, of which the more expensive branch counts, has no lower bound.
    """

    report: Report
    profile: HardwareProfile
    layers: tuple[TimeBound, ...]
    model: TimeBound
    unfused: Fraction | None
    fused: Fraction | None
    compulsory_bytes: int | None
    cached_bytes: int
    macs_by_type: tuple[tuple[str, int], ...]
    multiplications: Mapping[str, Fraction]
    without_peak: tuple[str, ...]
    open_symbols: tuple[str, ...]

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the table."""
        seconds, by = self.model.seconds, self.model.bound_by
        bound = "no bound" if seconds is None else f"≥ {format_si(seconds, 's')}{f', bound by {by}' if by else ''}"
        return short_repr("Roofline of", f"{self.report.name} on {self.profile.id}", bound)


class Rooflines(Result, tuple[Roofline, ...]):
    """A model on devices, in their order."""

    __slots__ = ()

    __iter__ = tuple.__iter__

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the table."""
        bounds = [f"{roofline.profile.id} ≥ {format_si(roofline.model.seconds, 's')}" for roofline in self]
        return short_repr("Rooflines of", self[0].report.name if self else "nothing", ", ".join(bounds))
