"""What costcalc knows -> tables: built-in models, operators, hardware profiles with their sources, rules of `check`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from costcalc import ops
from costcalc.analysis.hardware.catalogue import builtin_profiles, reference_energy
from costcalc.analysis.hardware.profile import EnergyTable, HardwareProfile, SourcedFigure
from costcalc.analysis.roofline.published_runs import PublishedBand, find_energy_band, find_time_band
from costcalc.core import registry
from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.units import format_bytes, format_short
from costcalc.frontends.builtin import builtin_models
from costcalc.frontends.onnx.fallback import onnx_operators
from costcalc.ops.plugins import load_installed_rules
from costcalc.studies.check.rules import CheckRule
from costcalc.studies.options import Settings
from costcalc.studies.pipeline import analyze
from costcalc.views.columns import quantity_column
from costcalc.views.roofline import bandwidth_text, rate_text
from costcalc.views.table import Column, Note, Table, make_table

NAME_COLUMNS = ("name", "title", "id", "device", "aliases", "op")
"""Columns of the tables of what costcalc knows that name things."""


def matching_rows(table: Table, text: str) -> Table:
    """A table of what costcalc knows, and a part of a name → the rows that have it in one of NAME_COLUMNS, whatever the
    case, blanks, `-`, `_` and `.`."""
    indexes = [i for i, column in enumerate(table.columns) if column.key in NAME_COLUMNS]
    wanted = _plain_name(text)
    return table._replace(
        rows=tuple([row for row in table.rows if any(wanted in _plain_name(row[i]) for i in indexes)])
    )


def named_rows(table: Table, text: str | None) -> Table:
    """A table of what costcalc knows → its rows whose name has the text, all without one. UsageError with the nearest
    name where there is none."""
    if not text:
        return table
    matches = matching_rows(table, text)
    if not matches.rows:
        hint = did_you_mean(text, [row[0] for row in table.rows])
        raise UsageError(f"none of the {table.title} has {text!r} in its name", hint or "leave the name out to see all")
    return matches


def _plain_name(name: str) -> str:
    return re.sub(r"[-_. ]", "", name.casefold())


RULE_STATES = ("costed", "free", "shape only", "unknown")


def models_table() -> Table:
    """Each built-in model: name, title, MACs, params, source."""
    columns = (
        Column("name", "Name", "name", 100, lambda pair: pair[0].name),
        quantity_column("macs", 90, lambda pair: pair[1].totals["macs"]),
        quantity_column("params", 65, lambda pair: pair[1].totals["params"]),
        Column("source", "Source", "prose", 60, lambda pair: pair[0].source),
        Column("title", "Title", "prose", 50, lambda pair: pair[0].title),
        Column("aliases", "Also", "text", 40, lambda pair: ", ".join(pair[0].aliases)),
    )
    reports = [(info, analyze(info.name, Settings())) for info in builtin_models()]
    return make_table("models", columns, reports, "at their default sizes")


OPERATOR_COLUMNS = (
    Column("op", "Operator", "name", 100, lambda operator: operator[0]),
    Column("domain", "Domain", "text", 50, lambda operator: operator[1] or "ai.onnx"),
    Column("state", "State", "text", 80, lambda operator: registry.rule_state(operator[1], operator[0])),
    Column("reason", "Why", "prose", 40, lambda operator: registry.unknown_reason(operator[1], operator[0])),
)


def operators_table() -> Table:
    """Every operator that has a rule here, and those of ONNX and ONNX Runtime that have none, with the reason."""
    ops.load_families()
    load_installed_rules()
    operators = {
        *(*registry.COST_RULES, *registry.FREE_OPS, *registry.SHAPE_RULES, *registry.UNKNOWN_REASONS),
        *onnx_operators(),
    }
    states = Counter(registry.rule_state(domain, name) for domain, name in operators)
    summary = ", ".join(f"{states[state]} {state}" for state in RULE_STATES)
    notes = (Note(f"{len(operators)} operators", summary),)
    return make_table(
        "operators", OPERATOR_COLUMNS, [(name, domain) for domain, name in sorted(operators)], notes=notes
    )


COMMON_PRECISIONS = ("float32", "tf32", "float16", "int8")

RARE_PRECISIONS = ("bfloat16", "int4", "int16", "float8", "float64")
"""Peaks in the list: where a line is too narrow, RARE_PRECISIONS go first."""


def devices_table() -> Table:
    """Every profile that comes with costcalc: its peaks, bandwidth and memory."""
    columns = (
        Column("id", "Name", "name", 100, lambda profile: profile.id),
        *[_peak_column(precision, 80 - i) for i, precision in enumerate(COMMON_PRECISIONS)],
        *[_peak_column(precision, 20 - i) for i, precision in enumerate(RARE_PRECISIONS)],
        Column("bandwidth", "Bytes/s", "rate", 85, lambda profile: profile.bandwidth and int(profile.bandwidth.value)),
        Column("memory", "Memory", "size", 75, lambda profile: profile.bytes_of("device") or profile.bytes_of("sram")),
        Column("flash", "Flash", "size", 70, lambda profile: profile.bytes_of("flash")),
        Column("kind", "Kind", "text", 40, lambda profile: profile.kind),
        Column("device", "Device", "prose", 60, lambda profile: profile.name),
        Column("source", "Source of the peak", "prose", 30, lambda profile: next(iter(profile.peak.values())).source),
        Column("aliases", "Also", "text", 35, lambda profile: ", ".join(profile.aliases)),
    )
    notes = (
        Note("Peaks", "operations a second, dense; a multiply-accumulate counts as two"),
        Note("Sources", "`costcalc hardware NAME` shows where every figure was seen"),
    )
    return make_table("hardware", columns, builtin_profiles(), notes=notes, kind="hardware")


def _peak_column(precision: str, importance: int) -> Column:
    def peak(profile: HardwareProfile) -> int | None:
        return int(profile.peak[precision].value) if precision in profile.peak else None

    return Column(precision, f"{precision}/s", "rate", importance, peak)


class ProfileFigure(NamedTuple):
    """A figure of a profile: what it is of, with its source, and in which unit; text as people read it."""

    name: str
    figure: SourcedFigure
    unit: str
    text: str


def profile_figures(profile: HardwareProfile) -> Iterator[ProfileFigure]:
    """Every figure of a profile but for the energies of its circuits."""
    for kind, peaks in (("peak", profile.peak), ("sparse", profile.sparse)):
        for name, figure in peaks.items():
            yield ProfileFigure(f"{kind} {name}", figure, "operations/s", rate_text(figure.value, name))
    if profile.clock:
        yield ProfileFigure("clock", profile.clock, "Hz", f"{format_short(int(profile.clock.value))}Hz")
    if profile.bandwidth:
        yield ProfileFigure("bandwidth", profile.bandwidth, "bytes/s", bandwidth_text(profile.bandwidth.value))
    for name, figure in profile.links.items():
        yield ProfileFigure(f"link {name}, one way", figure, "bytes/s", bandwidth_text(figure.value))
    for name, figure in profile.memory.items():
        yield ProfileFigure(f"memory {name}", figure, "bytes", format_bytes(int(figure.value)))
    if profile.overhead:
        text = f"{float(profile.overhead.value):g} s"
        yield ProfileFigure("overhead of a kernel", profile.overhead, "s", text)
    for name, figure in profile.energy.measured.items() if profile.energy else ():
        text = f"{float(figure.value):g} pJ"
        yield ProfileFigure(f"energy of a {name} MAC, measured", figure, "pJ", text)


def energy_figures(energy: EnergyTable) -> Iterator[ProfileFigure]:
    """The energies of a table of circuits: of a multiply-accumulate by precision, of a byte by memory."""
    for name, figure in energy.mac.items():
        yield ProfileFigure(f"energy of a {name} MAC", figure, "pJ", f"{float(figure.value):g} pJ")
    for name, figure in energy.byte.items():
        yield ProfileFigure(f"energy of a byte, {name}", figure, "pJ", f"{float(figure.value):g} pJ")


def own_energy(profile: HardwareProfile) -> EnergyTable | None:
    """The energies of a profile's circuits; None where it has none, and those at 45 nm stand for them."""
    return profile.energy if profile.energy and (profile.energy.mac or profile.energy.byte) else None


def _all_figures(profile: HardwareProfile) -> tuple[ProfileFigure, ...]:
    """Every figure of a profile; the energies of single operations at 45 nm where it has none of its own circuits."""
    return (*profile_figures(profile), *energy_figures(own_energy(profile) or reference_energy()))


def profile_figures_table(profile: HardwareProfile) -> Table:
    """One profile for programs: each figure as a number with its unit, and its source in full."""
    columns = (
        Column("figure", "Figure", "name", 100, lambda row: row.name),
        Column("value", "Value", "number", 95, lambda row: _to_number(row.figure.value)),
        Column("unit", "Unit", "text", 90, lambda row: row.unit),
        Column("source", "Source", "prose", 85, lambda row: row.figure.source),
    )
    return make_table(profile.id, columns, _all_figures(profile), profile.name, kind="hardware")


def _to_number(value: Fraction) -> int | float:
    """A fraction → an int where it is whole, else a float."""
    return int(value) if value.denominator == 1 else float(value)


def _band_text(band: PublishedBand, what: str, basis: str) -> str:
    """`62 times of stm32l4r5, 2.68 to 12.32 times the estimates`."""
    lowest, highest = float(band.lowest), float(band.highest)
    return f"{band.runs} {what} of {band.devices}, {lowest:,.2f} to {highest:,.2f} times {basis}"


def profile_table(profile: HardwareProfile) -> Table:
    """One profile: each figure and where it was seen."""
    rows = _all_figures(profile)
    sources = {source: f"[{i}]" for i, source in enumerate(dict.fromkeys(row.figure.source for row in rows), 1)}
    columns = (
        Column("figure", "Figure", "name", 100, lambda row: row.name),
        Column("value", "Value", "text", 95, lambda row: row.text),
        Column("source", "Source", "text", 90, lambda row: sources[row.figure.source]),
    )
    notes = [
        Note("Variant", profile.variant),
        Note("Seen", profile.access_date),
        Note("Also", ", ".join(profile.aliases) or "-"),
        Note("Peaks", "dense unless named sparse; a multiply-accumulate counts as two"),
    ]
    if profile.runtime:
        notes.append(
            Note("Runtime", f"{profile.runtime} is the build of TensorFlow Lite Micro for its core (--runtime)")
        )
    if profile.npu:
        notes.append(Note("NPU", f"what it runs of a .tflite model is known: {profile.npu}"))
    bands = (find_time_band(profile), "times", "the estimate"), (find_energy_band(profile), "energies", "that of cells")
    notes += [Note("Published", _band_text(band, what, basis)) for band, what, basis in bands if band]
    if profile.energy is None:
        notes.append(
            Note(
                "Energy",
                "not the device's own: multipliers, adders and memory cells at 45 nm, without the board",
            )
        )
    notes += [Note("Note", note) for note in profile.notes]
    notes += [Note(mark, source) for source, mark in sources.items()]
    return make_table(profile.id, columns, rows, profile.name, notes=tuple(notes), kind="hardware")


def rules_table(rules: Iterable[CheckRule]) -> Table:
    """Rules as a table: code, name, what it holds, how it is set and mended."""
    return make_table("rules", RULE_COLUMNS, rules, kind="rules")


RULE_COLUMNS = (
    Column("code", "Code", "text", 100, lambda rule: rule.code),
    Column("name", "Rule", "text", 95, lambda rule: rule.name),
    Column("holds", "Holds", "prose", 90, lambda rule: rule.meaning),
    Column("remedy", "Set and mend", "prose", 20, lambda rule: rule.remedy),
)
