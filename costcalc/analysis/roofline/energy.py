"""Roofline to the energy of an inference, and Report and HardwareProfile to what must fit in which memory.

The energy is that of the circuits of one process node: the contractions' multipliers and adders, and the memory cells
of the compulsory traffic. A profile's own energies come first; else those of 45 nm. Instructions, clocks, leakage and
the board are left out, and they are most of it: a microcontroller draws thousands of times as much. So no limit takes
this figure. Where a profile has measured energies of the whole device (energy.measured), limits take those.

What must fit are weights in flash, activations in SRAM, or both in device memory. Activations are those of fused steps
(a contraction with the normalisation, activation and addition behind it), nothing in place: what runtimes for small
devices and for accelerators do. A microcontroller has them in one arena that is planned ahead, each tensor at a
multiple of 16 bytes; of another device their peak counts. Of a .tflite file the whole file must be in flash, and under
a stated runtime of microcontrollers its arena in SRAM. A program's own code and data come on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from costcalc.analysis.hardware.catalogue import reference_energy
from costcalc.analysis.hardware.profile import EnergyTable, HardwareProfile, SourcedFigure, peak_precisions
from costcalc.analysis.memory.arena import arena_remark, plan_arena
from costcalc.analysis.memory.flash import measure_flash
from costcalc.analysis.memory.fusion import fuse_steps
from costcalc.analysis.memory.liveness import live_memory, make_schedule
from costcalc.analysis.memory.tflm.plan import tflm_arena
from costcalc.analysis.options import ALIGNMENT, TFLM_RUNTIMES
from costcalc.analysis.report import Report
from costcalc.analysis.roofline.roofline import ZERO, Roofline
from costcalc.core.dim import Dim
from costcalc.core.ir import Graph

PICO = Fraction(1, 10**12)


class InferenceEnergy(NamedTuple):
    """Joules of arithmetic and of memory, as far as there are figures.

    table names where they come from; is_measured says whether they are of the whole device;
    terms are (precision or memory, MACs or bytes, picojoules of one); without names
    the precisions and memories without a figure.
    """

    arithmetic: Fraction
    memory: Fraction
    table: str
    terms: tuple[tuple[str, int, SourcedFigure], ...]
    without: tuple[str, ...]
    is_measured: bool = False

    @property
    def total(self) -> Fraction:
        """Joules of one inference."""
        return self.arithmetic + self.memory


def estimate_energy(roofline: Roofline) -> InferenceEnergy | None:
    """Roofline -> the energy of one inference, measured where the profile has it; None where the traffic is open or no
    figure applies."""
    table = roofline.profile.energy
    if roofline.compulsory_bytes is not None and table is not None and table.measured:
        measured = _measured_energy(roofline, table)
        if measured is not None:
            return measured
    return estimate_cell_energy(roofline)


def estimate_cell_energy(roofline: Roofline) -> InferenceEnergy | None:
    """Roofline -> the energy of multipliers, adders and memory cells alone; None where the traffic is open or no figure
    applies."""
    table = roofline.profile.energy
    if roofline.compulsory_bytes is None:
        return None
    if table is None or not (table.mac or table.byte):
        table = reference_energy()
    terms: list[tuple[str, int, SourcedFigure]] = []
    without: list[str] = []
    for element, macs in roofline.macs_by_type:
        figure = next((table.mac[name] for name in peak_precisions(element) if name in table.mac), None)
        if figure is None:
            without.append(element)
        else:
            terms.append((element, macs, figure))
    arithmetic = sum((macs * figure.value for _, macs, figure in terms), ZERO) * PICO
    memory = ZERO
    for memories, nbytes in _traffic_by_memory(roofline, roofline.compulsory_bytes):
        priced_memory = next((priced_memory for priced_memory in memories if priced_memory in table.byte), None)
        if priced_memory is not None:
            memory += nbytes * table.byte[priced_memory].value * PICO
            terms.append((priced_memory, nbytes, table.byte[priced_memory]))
        elif nbytes:
            without.append(f"bytes of {memories[0]} memory")
    if not terms:
        return None
    return InferenceEnergy(arithmetic, memory, table.name, tuple(terms), tuple(without))


def _measured_energy(roofline: Roofline, table: EnergyTable) -> InferenceEnergy | None:
    """Roofline and energies -> MACs times what the device drew for one; None where a precision was not measured."""
    figures = [
        next((table.measured[name] for name in peak_precisions(element) if name in table.measured), None)
        for element, _ in roofline.macs_by_type
    ]
    if not figures or None in figures:
        return None
    terms = [
        (element, macs, figure)
        for (element, macs), figure in zip(roofline.macs_by_type, figures, strict=True)
        if figure is not None
    ]
    total = sum((macs * figure.value for _, macs, figure in terms), ZERO) * PICO
    return InferenceEnergy(total, ZERO, table.name, tuple(terms), (), True)


def _traffic_by_memory(roofline: Roofline, compulsory_bytes: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """Roofline and compulsory bytes -> bytes by the memories whose figure applies, best first: what the last-level
    cache holds is read there."""
    if roofline.profile.kind in ("microcontroller", "npu"):
        yield ("sram",), compulsory_bytes
        return
    yield ("device",), compulsory_bytes - roofline.cached_bytes
    if roofline.cached_bytes:
        yield ("on_chip", "sram"), roofline.cached_bytes


class MemoryFit(NamedTuple):
    """What must fit in a memory: contents names the quantities, nbytes are their bytes, capacity those of the memory,
    remark says what the bytes leave out."""

    memory: str
    contents: str
    nbytes: int
    capacity: int
    remark: str = ""

    @property
    def fits(self) -> bool:
        """Whether the bytes are no more than the capacity."""
        return self.nbytes <= self.capacity

    @property
    def is_plural(self) -> bool:
        """Whether its contents are several things in a sentence."""
        return self.contents.endswith("s") or "+" in self.contents


MEMORY_CONTENTS = {
    "flash": ("weight_bytes",),
    "weights": ("weight_bytes",),
    "sram": ("peak_activation_bytes",),
    "device": ("weight_bytes", "peak_activation_bytes", "kv_cache_bytes"),
}
"""Memory -> the quantities that it must hold together."""

CONTENT_NAMES = {
    "weight_bytes": "weights",
    "arena_bytes": "arena",
    "peak_activation_bytes": "peak activations",
    "kv_cache_bytes": "KV cache",
    "flash_bytes": "model file",
    "tflm_arena_bytes": "TFLM arena",
    "tflm_set_up_bytes": "TFLM arena while it is set up",
}
"""Quantity -> its name in a sentence. Only reports of generation have kv_cache_bytes; tflm_set_up_bytes are those
of a TFLM arena that needs more while its plan is made."""


def fused_peak(graph: Graph) -> Dim | None:
    """Graph -> peak activation bytes of its fused steps; None where open symbols leave it undecided."""
    return live_memory(make_schedule(graph, fuse_steps(graph))).peak


def fused_arena(graph: Graph) -> Dim | None:
    """Graph -> bytes of the arena that holds the activations of its fused steps; None where open symbols leave it
    undecided."""
    schedule = make_schedule(graph, fuse_steps(graph))
    return plan_arena(schedule, ALIGNMENT).size if isinstance(live_memory(schedule).peak, int) else None


def memory_fits(report: Report, profile: HardwareProfile) -> tuple[MemoryFit, ...]:
    """Report and profile -> one MemoryFit for each memory of the profile whose contents are known as a number; a report
    with a training step has that of training_fits too."""
    return (*_memory_fits(report, profile), *training_fits(report, profile))


def training_fits(report: Report, profile: HardwareProfile) -> tuple[MemoryFit, ...]:
    """Report and profile -> the MemoryFit of a training step; none where the report has no number of its bytes, or the
    profile no size of the device's memory."""
    capacity, training = profile.bytes_of("device"), report.totals.get("training_bytes")
    if not isinstance(training, int) or capacity is None:
        return ()
    contents = "training: weights + gradients + optimizer state + kept activations"
    return (MemoryFit("device", contents, training, capacity),)


def _memory_fits(report: Report, profile: HardwareProfile) -> Iterator[MemoryFit]:
    has_arena = profile.kind == "microcontroller"
    activations = fused_arena(report.graph) if has_arena else fused_peak(report.graph)
    totals = {**report.totals, "arena_bytes" if has_arena else "peak_activation_bytes": activations}
    contents_by_memory, flat, stripped = dict(MEMORY_CONTENTS), report.graph.flat, 0
    if has_arena:
        contents_by_memory["sram"] = ("arena_bytes",)
    if flat is not None and flat.is_as_stored:
        use = measure_flash(flat)
        totals["flash_bytes"] = use.flash_bytes
        contents_by_memory["flash"] = ("flash_bytes",)
        stripped = use.stripped_bytes if use.strippable else 0
    if report.execution.runtime in TFLM_RUNTIMES:
        contents_by_memory["sram"] = ("tflm_arena_bytes",)
        if flat is not None and flat.is_as_stored and not flat.without_arena:
            arena = tflm_arena(report.graph, report.execution)
            key = "tflm_arena_bytes" if arena.planning_bytes == arena.total else "tflm_set_up_bytes"
            totals |= {} if arena.unknown else {key: arena.planning_bytes}
            contents_by_memory["sram"] = (key,)
    for memory, keys in contents_by_memory.items():
        capacity = profile.bytes_of(memory)
        content_totals = [(key, totals[key]) for key in keys if key in totals]
        amounts = [(key, amount) for key, amount in content_totals if isinstance(amount, int)]
        if capacity is None or len(amounts) < len(content_totals) or not amounts or amounts[0][0] != keys[0]:
            continue
        contents = " + ".join(CONTENT_NAMES[key] for key, _ in amounts)
        remark = arena_remark(report.graph, report.execution, profile.runtime) if memory == "sram" and has_arena else ""
        yield MemoryFit(memory, contents, sum(amount for _, amount in amounts), capacity, remark)
        if memory == "flash" and stripped:
            yield MemoryFit(memory, "model file, stripped", stripped, capacity)
