"""What costcalc knows, as sheets: the built-in models with their costs, and the operators with their state.

The hardware profiles as sheets: all with their main figures, and one with every figure and its source.

Rules of `check` -> a table.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from costcalc import ops
from costcalc.analysis.hardware.catalogue import profiles, reference_energy
from costcalc.analysis.hardware.profile import Energy, HardwareProfile
from costcalc.analysis.report import analyze_graph
from costcalc.core import registry
from costcalc.core.units import short_bytes
from costcalc.frontends import load
from costcalc.frontends.builtin import builtin_models
from costcalc.ops.plugins import load_installed
from costcalc.studies.check.rules import Rule
from costcalc.views.columns import COLUMNS
from costcalc.views.roofline import rate, speed
from costcalc.views.table import Column, Remark, Sheet

STATES = ("costed", "free", "shape only", "unknown")


def models() -> Sheet:
    """Each built-in model: name, title, MACs, params, source."""
    shown = (
        Column("name", "Name", "name", 100),
        COLUMNS["macs"],
        COLUMNS["params"],
        Column("source", "Source", "prose", 60),
        Column("title", "Title", "prose", 50),
        Column("aliases", "Also", "text", 40),
    )
    rows = []
    for info in builtin_models():
        report = analyze_graph(load(info.name, dims={}, params={}, shapes={}, values={}, symbolic=False))
        aliases = ", ".join(info.aliases)
        rows.append((info.name, report.totals["macs"], report.totals["params"], info.source, info.title, aliases))
    return Sheet("models", "at their default sizes", shown, tuple(rows))


def operators() -> Sheet:
    """Every operator that has a rule here, and those of ONNX that have none."""
    ops.load()
    load_installed()
    from costcalc.frontends.onnx.fallback import onnx_operators

    known = {*registry.COSTS, *registry.FREE_OPS, *registry.SHAPES, *onnx_operators()}
    rows = [(name, domain or "ai.onnx", registry.state(domain, name)) for domain, name in sorted(known)]
    counts = [sum(state == row[2] for row in rows) for state in STATES]
    summary = ", ".join(f"{n} {state}" for state, n in zip(STATES, counts, strict=True))
    shown = (
        Column("op", "Operator", "name", 100),
        Column("domain", "Domain", "text", 50),
        Column("state", "State", "text", 80),
    )
    return Sheet("operators", "", shown, tuple(rows), remarks=(Remark(f"{len(rows)} operators", summary),))


MAIN = ("float32", "tf32", "float16", "int8")

MORE = ("bfloat16", "int4", "int16", "float8", "float64")
"""Peaks in the list: where a line is too narrow, MORE go first."""


def devices() -> Sheet:
    """Every profile that comes with costcalc: its peaks, bandwidth and memory."""
    shown = (
        Column("id", "Name", "name", 100),
        *(Column(precision, f"{precision}/s", "rate", 80 - i) for i, precision in enumerate(MAIN)),
        *(Column(precision, f"{precision}/s", "rate", 20 - i) for i, precision in enumerate(MORE)),
        Column("bandwidth", "Bytes/s", "rate", 85),
        Column("memory", "Memory", "size", 75),
        Column("flash", "Flash", "size", 70),
        Column("kind", "Kind", "text", 40),
        Column("device", "Device", "prose", 60),
        Column("source", "Source of the peak", "prose", 30),
        Column("aliases", "Also", "text", 35),
    )
    rows = []
    for profile in profiles():
        peaks = [int(profile.peak[p].value) if p in profile.peak else None for p in (*MAIN, *MORE)]
        bandwidth = int(profile.bandwidth.value) if profile.bandwidth else None
        source = next(iter(profile.peak.values())).source
        rows.append(
            (
                profile.id,
                *peaks,
                bandwidth,
                *_memories(profile),
                profile.kind,
                profile.name,
                source,
                ", ".join(profile.aliases),
            )
        )
    notes = (
        Remark("Peaks", "operations a second, dense; a multiply-accumulate counts as two"),
        Remark("Sources", "`costcalc hardware NAME` shows where every figure was seen"),
    )
    return Sheet("hardware", "", shown, tuple(rows), remarks=notes, kind="hardware")


def _memories(profile: HardwareProfile) -> tuple[int | None, int | None]:
    """Device memory or SRAM, and flash."""
    return profile.bytes_of("device") or profile.bytes_of("sram"), profile.bytes_of("flash")


def figures(profile: HardwareProfile) -> Sheet:
    """One profile for programs: each figure as a number with its unit, and its source in full."""
    shown = (
        Column("figure", "Figure", "name", 100),
        Column("value", "Value", "number", 95),
        Column("unit", "Unit", "text", 90),
        Column("source", "Source", "prose", 85),
    )
    found = [(f"peak {name}", f, "operations/s") for name, f in profile.peak.items()]
    found += [(f"sparse {name}", f, "operations/s") for name, f in profile.sparse.items()]
    if profile.bandwidth:
        found.append(("bandwidth", profile.bandwidth, "bytes/s"))
    found += [(f"memory {name}", f, "bytes") for name, f in profile.memory.items()]
    if profile.overhead:
        found.append(("overhead of a kernel", profile.overhead, "s"))
    table = profile.energy or reference_energy()
    found += [(f"energy of a {name} MAC", f, "pJ") for name, f in table.mac.items()]
    found += [(f"energy of a byte, {name}", f, "pJ") for name, f in table.byte.items()]
    rows = [(name, number(f.value), unit, f.source) for name, f, unit in found]
    return Sheet(profile.id, profile.name, shown, tuple(rows), kind="hardware")


def number(value: Fraction) -> int | float:
    """A whole number as one."""
    return int(value) if value.denominator == 1 else float(value)


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


def check_rules(rules: Iterable[Rule]) -> Sheet:
    """Rules as a table: code, name, what it holds, how it is set and mended."""
    columns = (
        Column("code", "Code", "text", 100),
        Column("name", "Rule", "text", 95),
        Column("holds", "Holds", "prose", 90),
        Column("remedy", "Set and mend", "prose", 20),
    )
    return Sheet("rules", "", columns, tuple([tuple(rule) for rule in rules]), kind="rules")
