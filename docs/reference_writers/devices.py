"""The device profiles -> docs/reference/devices.md: every figure with its source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from costcalc.analysis.hardware.catalogue import builtin_profiles, reference_energy
from costcalc.analysis.hardware.profile import DEVICE_KINDS, HardwareProfile
from costcalc.analysis.hardware.profile_schema import ENERGY_MEANINGS, MEANINGS, NAMES
from costcalc.analysis.hardware.reader import KEYS, REQUIRED_KEYS
from costcalc.core.units import format_bytes
from costcalc.views.catalogue import ProfileFigure, energy_figures, own_energy, profile_figures
from costcalc.views.roofline import DEVICE_KIND_NAMES, bandwidth_text, rate_text
from reference_writers.markdown import block, code, make_page, prose, table

INTRODUCTION = """
`--hardware NAME` takes a profile by its name or one of its other names. Peaks are dense unless they are called
sparse, and a multiply-accumulate is two operations. A figure without a source is left out, and what needs it is then
not told. Lower bounds rest on the peaks, so each is the highest that the device reaches. `costcalc hardware` lists
the profiles, `costcalc hardware t4` shows one.
"""

OWN_TEXT = """
A device of your own is a YAML file of this form, whose path stands where a name could: `--hardware board.yaml` ([a
custom device](../how-to/custom-device.md)). Every figure states its source. `costcalc schema device` prints its
JSON Schema, for editors.
"""

OWN_EXAMPLE = """
name: My board
kind: npu
variant: rev 2, at 500 MHz
seen: 2026-01-31                   # the day on which the sources were read
peak:
  int8: {value: 1 T, source: "datasheet, page 3"}
bandwidth: {value: 8 GB, source: "datasheet, page 4"}
memory:
  device: {value: 2 GiB, source: "datasheet, page 1"}
"""

ENERGY_TEXT = """
Energies of single operations stand for the circuits of devices that publish none of their own: multipliers, adders
and memory cells of one process node, without instructions, leakage and the board.
"""

SHOWN_PRECISIONS = ("float32", "float16", "int8")
"""The precisions of the table of devices."""


def write_devices() -> str:
    """The page."""
    profiles = builtin_profiles()
    parts = [INTRODUCTION]
    for kind in DEVICE_KINDS:
        chosen = [profile for profile in profiles if profile.kind == kind]
        parts += [f"## {_title(kind)}", _devices_table(chosen)] if chosen else []
    parts += ["## Figures and sources"]
    for profile in profiles:
        parts += _describe_device(profile)
    parts += ["## Energies of circuits", ENERGY_TEXT, _figures_table(energy_figures(reference_energy()))]
    rows = [(code(key), _key_meaning(key)) for key in KEYS]
    parts += [
        "## A profile of your own",
        OWN_TEXT,
        block("yaml", OWN_EXAMPLE.strip()),
        table(("Key", "What it is"), rows),
    ]
    return make_page("Devices", *parts)


def _key_meaning(key: str) -> str:
    """What a key of a profile is, with the names that stand there."""
    names = ENERGY_MEANINGS if key == "energy" else NAMES.get(key, ())
    listed = f": {', '.join(code(name) for name in names)}" if names else ""
    return prose(MEANINGS[key]) + listed + ("; **required**" if key in REQUIRED_KEYS else "")


def _title(kind: str) -> str:
    name = DEVICE_KIND_NAMES[kind]
    return name[0].upper() + name[1:]


def _devices_table(profiles: Sequence[HardwareProfile]) -> str:
    """Profiles of one kind -> a row for each, with a link to its figures."""
    rows = [
        (
            f"[`{profile.id}`](#{profile.id})",
            prose(profile.name),
            *(_peak(profile, precision) for precision in SHOWN_PRECISIONS),
            _unbroken(bandwidth_text(profile.bandwidth.value)) if profile.bandwidth else "",
            _memory(profile),
        )
        for profile in profiles
    ]
    return table(("Name", "Device", *SHOWN_PRECISIONS, "Bandwidth", "Memory"), rows, right=(2, 3, 4, 5, 6))


def _peak(profile: HardwareProfile, precision: str) -> str:
    return _unbroken(rate_text(profile.peak[precision].value, precision)) if precision in profile.peak else ""


def _memory(profile: HardwareProfile) -> str:
    nbytes = profile.bytes_of("device") or profile.bytes_of("sram") or profile.bytes_of("weights")
    return _unbroken(format_bytes(nbytes)) if nbytes else ""


def _unbroken(text: str) -> str:
    """A figure and its unit -> the same, between which no line breaks."""
    return text.replace(" ", "&nbsp;")


def _describe_device(profile: HardwareProfile) -> Iterator[str]:
    """A profile -> its section: variant, other names, every figure with its source, notes."""
    yield f"### {profile.id}"
    names = f" Also: {', '.join(code(name) for name in profile.aliases)}." if profile.aliases else ""
    npu = f" NPU: {code(profile.npu)}." if profile.npu else ""
    yield f"{prose(profile.name)}: {prose(profile.variant)}. Sources read on {profile.access_date}.{names}{npu}"
    energy = own_energy(profile)
    yield _figures_table([*profile_figures(profile), *(energy_figures(energy) if energy else ())])
    yield " ".join(prose(note.rstrip(".") + ".") for note in profile.notes)


def _figures_table(figures: Iterable[ProfileFigure]) -> str:
    """Figures -> rows; neighbours of one source share its cell's text."""
    rows = [(figure.name, _unbroken(figure.text), prose(figure.figure.source)) for figure in figures]
    return table(("Figure", "Value", "Source"), rows, right=(1,))
