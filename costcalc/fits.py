"""Whether a model fits a device: weights in flash, peak activations in SRAM, or both in device memory.

The peak is that of fused steps (a contraction with the normalisation, activation and addition behind it), nothing in
place: what runtimes for small devices and for accelerators do. A program's own code and data come on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from costcalc.dim import Dim
from costcalc.hardware.profile import HardwareProfile
from costcalc.ir import Graph
from costcalc.memory.fuse import fused
from costcalc.memory.peak import timeline
from costcalc.memory.schedule import schedule
from costcalc.report import Report


class Fit(NamedTuple):
    """What must be where: bytes against what the memory holds, and of what the bytes are."""

    memory: str
    what: str
    needed: int
    capacity: int

    @property
    def fits(self) -> bool:
        return self.needed <= self.capacity


HELD = {"flash": ("weight_bytes",), "sram": ("peak_activation_bytes",),
        "device": ("weight_bytes", "peak_activation_bytes", "kv_cache_bytes")}  # fmt: skip
"""What each memory has to hold."""

WORDS = {"weight_bytes": "weights", "peak_activation_bytes": "peak activations", "kv_cache_bytes": "KV cache"}
"""kv_cache_bytes is only there where a report says it."""


def peak(graph: Graph) -> Dim | None:
    """Peak activation bytes of fused steps; None where open symbols leave it undecided."""
    return timeline(schedule(graph, fused(graph))).peak


def fits(report: Report, profile: HardwareProfile) -> tuple[Fit, ...]:
    """One line for each memory of the profile whose contents are known as a number."""
    return tuple(_fits(report, profile))


def _fits(report: Report, profile: HardwareProfile) -> Iterator[Fit]:
    totals = {**report.totals, "peak_activation_bytes": peak(report.graph)}
    for memory, keys in HELD.items():
        capacity = profile.bytes_of(memory)
        held = [(key, totals[key]) for key in keys if key in totals]
        known = [(key, amount) for key, amount in held if isinstance(amount, int)]
        if capacity is None or len(known) < len(held) or not known or known[0][0] != keys[0]:
            continue
        what = " + ".join(WORDS[key] for key, _ in known)
        yield Fit(memory, what, sum(amount for _, amount in known), capacity)
    capacity, training = profile.bytes_of("device"), report.totals.get("training_bytes")
    if isinstance(training, int) and capacity is not None:
        yield Fit("device", "training: weights + gradients + optimizer state + kept activations", training, capacity)
