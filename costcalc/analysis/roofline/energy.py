"""Roofline -> joules at least: the arithmetic of contractions and the compulsory traffic, at energies of single ones.

An order of magnitude. A profile's own energies count first; else those of 45 nm, which are too high for newer processes
and leave out instructions, clocks and leakage.

Whether a model fits a device: weights in flash, peak activations in SRAM, or both in device memory.

The peak is that of fused steps (a contraction with the normalisation, activation and addition behind it), nothing in
place: what runtimes for small devices and for accelerators do. A program's own code and data come on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from costcalc.analysis.hardware.catalogue import reference_energy
from costcalc.analysis.hardware.profile import Figure, HardwareProfile, peak_precisions
from costcalc.analysis.memory.fusion import fuse_steps
from costcalc.analysis.memory.liveness import schedule, timeline
from costcalc.analysis.report import Report
from costcalc.analysis.roofline.roofline import ZERO, Roofline
from costcalc.core.dim import Dim
from costcalc.core.ir import Graph

PICO = Fraction(1, 10**12)


class Joules(NamedTuple):
    """Energy of arithmetic and of memory, as far as there are figures; table is where they come from. without names the
    precisions and memories for which there is none."""

    arithmetic: Fraction
    memory: Fraction
    table: str
    terms: tuple[tuple[str, int, Figure], ...]
    without: tuple[str, ...]

    @property
    def total(self) -> Fraction:
        return self.arithmetic + self.memory


def energy(roofline: Roofline) -> Joules | None:
    """The energy of one inference; None where the traffic is open or no figure fits."""
    table = roofline.profile.energy or reference_energy()
    if roofline.compulsory is None:
        return None
    terms: list[tuple[str, int, Figure]] = []
    without: list[str] = []
    for element, macs in roofline.elements:
        figure = next((table.mac[name] for name in peak_precisions(element) if name in table.mac), None)
        if figure is None:
            without.append(element)
        else:
            terms.append((element, macs, figure))
    arithmetic = sum((macs * figure.value for _, macs, figure in terms), ZERO) * PICO
    memory = ZERO
    for places, moved in _traffic_by_memory(roofline, roofline.compulsory):
        place = next((place for place in places if place in table.byte), None)
        if place is not None:
            memory += moved * table.byte[place].value * PICO
            terms.append((place, moved, table.byte[place]))
        elif moved:
            without.append(f"bytes of {places[0]} memory")
    if not terms:
        return None
    return Joules(arithmetic, memory, table.name, tuple(terms), tuple(without))


def _traffic_by_memory(roofline: Roofline, needed: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """Bytes, and the memories by whose figure they count: what a cache keeps is read there."""
    if roofline.profile.kind in ("microcontroller", "npu"):
        yield ("sram",), needed
        return
    yield ("device",), needed - roofline.kept
    if roofline.kept:
        yield ("on_chip", "sram"), roofline.kept


class Fit(NamedTuple):
    """What must be where: bytes against what the memory holds, and of what the bytes are."""

    memory: str
    what: str
    needed: int
    capacity: int

    @property
    def fits(self) -> bool:
        return self.needed <= self.capacity


MEMORY_CONTENTS = {
    "flash": ("weight_bytes",),
    "sram": ("peak_activation_bytes",),
    "device": ("weight_bytes", "peak_activation_bytes", "kv_cache_bytes"),
}
"""What each memory has to hold."""

CONTENT_NAMES = {"weight_bytes": "weights", "peak_activation_bytes": "peak activations", "kv_cache_bytes": "KV cache"}
"""kv_cache_bytes is only there where a report says it."""


def fused_peak(graph: Graph) -> Dim | None:
    """Peak activation bytes of fused steps; None where open symbols leave it undecided."""
    return timeline(schedule(graph, fuse_steps(graph))).peak


def fits(report: Report, profile: HardwareProfile) -> tuple[Fit, ...]:
    """One line for each memory of the profile whose contents are known as a number."""
    return tuple(_memory_fits(report, profile))


def _memory_fits(report: Report, profile: HardwareProfile) -> Iterator[Fit]:
    totals = {**report.totals, "peak_activation_bytes": fused_peak(report.graph)}
    for memory, keys in MEMORY_CONTENTS.items():
        capacity = profile.bytes_of(memory)
        held = [(key, totals[key]) for key in keys if key in totals]
        known = [(key, amount) for key, amount in held if isinstance(amount, int)]
        if capacity is None or len(known) < len(held) or not known or known[0][0] != keys[0]:
            continue
        what = " + ".join(CONTENT_NAMES[key] for key, _ in known)
        yield Fit(memory, what, sum(amount for _, amount in known), capacity)
    capacity, training = profile.bytes_of("device"), report.totals.get("training_bytes")
    if isinstance(training, int) and capacity is not None:
        yield Fit("device", "training: weights + gradients + optimizer state + kept activations", training, capacity)
