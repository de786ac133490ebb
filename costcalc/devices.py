"""The hardware profiles as sheets: all with their main figures, and one with every figure and its source."""

from __future__ import annotations

from fractions import Fraction

from costcalc.columns import Column
from costcalc.footer import Remark
from costcalc.hardware.find import profiles, reference_energy
from costcalc.hardware.profile import Energy, HardwareProfile
from costcalc.sheet import Sheet
from costcalc.timing import rate, speed
from costcalc.units import short, short_bytes

MAIN = ("float32", "tf32", "float16", "int8")


def devices() -> Sheet:
    """Every profile that comes with costcalc: its peaks, bandwidth and memory."""
    shown = (
        Column("id", "Name", "name", 100),
        *(Column(precision, f"{precision}/s", "text", 80 - i) for i, precision in enumerate(MAIN)),
        Column("bandwidth", "Bytes/s", "text", 85),
        Column("memory", "Memory", "text", 75),
        Column("flash", "Flash", "text", 70),
        Column("kind", "Kind", "text", 40),
        Column("device", "Device", "prose", 60),
        Column("source", "Source of the peak", "prose", 30),
        Column("aliases", "Also", "text", 35),
    )
    rows = []
    for profile in profiles():
        peaks = [short(int(profile.peak[p].value)) if p in profile.peak else "" for p in MAIN]
        bandwidth = short(int(profile.bandwidth.value)) if profile.bandwidth else ""
        source = next(iter(profile.peak.values())).source
        rows.append((profile.id, *peaks, bandwidth, *_memories(profile), profile.kind, profile.name, source,
                     ", ".join(profile.aliases)))  # fmt: skip
    notes = (
        Remark("Peaks", "operations a second, dense; a multiply-accumulate counts as two"),
        Remark("Sources", "`costcalc hardware NAME` shows where every figure was seen"),
    )
    return Sheet("hardware", "", shown, tuple(rows), remarks=notes, kind="hardware")


def _memories(profile: HardwareProfile) -> tuple[str, str]:
    """Device memory or SRAM, and flash."""
    size, flash = profile.bytes_of("device") or profile.bytes_of("sram"), profile.bytes_of("flash")
    return (short_bytes(size) if size else "", short_bytes(flash) if flash else "")


def device(profile: HardwareProfile) -> Sheet:
    """One profile: each figure and where it was seen."""
    shown = (
        Column("figure", "Figure", "name", 100),
        Column("value", "Value", "text", 95),
        Column("source", "Source", "text", 90),
    )
    rows = [(f"peak {name}", rate(f.value, name), f.source) for name, f in profile.peak.items()]
    rows += [(f"sparse {name}", rate(f.value, name), f.source) for name, f in profile.sparse.items()]
    if profile.bandwidth:
        rows.append(("bandwidth", speed(profile.bandwidth.value), profile.bandwidth.source))
    rows += [(f"memory {name}", short_bytes(int(f.value)), f.source) for name, f in profile.memory.items()]
    if profile.overhead:
        rows.append(("overhead of a kernel", f"{float(profile.overhead.value):g} s", profile.overhead.source))
    own = profile.energy
    rows += _energies(own or reference_energy())
    sources = {source: f"[{i}]" for i, source in enumerate(dict.fromkeys(row[2] for row in rows), 1)}
    remarks = [
        Remark("Variant", profile.variant),
        Remark("Seen", profile.seen),
        Remark("Also", ", ".join(profile.aliases) or "-"),
        Remark("Peaks", "dense unless named sparse; a multiply-accumulate counts as two"),
    ]
    if own is None:
        remarks.append(Remark("Energy", "not the device's own: single operations at 45 nm, an order of magnitude"))
    remarks += [Remark("Note", note) for note in profile.notes]
    remarks += [Remark(mark, source) for source, mark in sources.items()]
    table = tuple((figure, value, sources[source]) for figure, value, source in rows)
    return Sheet(profile.id, profile.name, shown, table, remarks=tuple(remarks), kind="hardware")


def _energies(table: Energy) -> list[tuple[str, str, str]]:
    found = [(f"energy of a {name} MAC", pico(f.value), f.source) for name, f in table.mac.items()]
    return found + [(f"energy of a byte, {name}", pico(f.value), f.source) for name, f in table.byte.items()]


def pico(value: Fraction) -> str:
    """4.6 pJ."""
    return f"{float(value):g} pJ"
