"""HardwareProfile: operations and bytes a second of a device at most, its memories, its energies, with their
sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from costcalc.core.result import short_repr

DEVICE_KINDS = ("microcontroller", "npu", "single-board", "phone", "laptop", "cpu", "gpu")

PRECISIONS = (
    "float64",
    "float32",
    "tf32",
    "bfloat16",
    "float16",
    "float8",
    "float4",
    "int32",
    "int16",
    "int8",
    "int4",
    "int2",
)
"""Precisions that have a peak. tf32 is how tensor cores multiply float32 tensors; signed and unsigned integers share
one."""

MEMORIES = ("device", "on_chip", "flash", "sram", "weights")
"""device: the main memory of an accelerator or a computer; on_chip: its last-level cache. flash holds a
microcontroller's weights and sram its activations; weights is an accelerator's own memory for them."""


NPUS = (
    "ethos-u55-32",
    "ethos-u55-64",
    "ethos-u55-128",
    "ethos-u55-256",
    "ethos-u65-256",
    "ethos-u65-512",
    "edge-tpu",
)
"""NPUs whose compilers publish which operators they run: module placement of analysis/npu."""


LINKS = ("nvlink", "xgmi", "ethernet", "ici", "pcie")
"""What a device sends to others by."""


class SourcedFigure(NamedTuple):
    """A value and its source: the document and the place in it, or the derivation."""

    value: Fraction
    source: str


@dataclass(frozen=True, slots=True)
class EnergyTable:
    """Energies in picojoules: mac of one multiply-accumulate by precision, byte of moving one byte by memory: those of
    the circuits alone. measured is what the whole device drew for one multiply-accumulate, by precision: the measured
    energy of an inference over its MACs, everything included."""

    name: str
    mac: Mapping[str, SourcedFigure]
    byte: Mapping[str, SourcedFigure]
    measured: Mapping[str, SourcedFigure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HardwareProfile:
    """One exact variant of a device.

    peak holds operations a second by precision, dense, a multiply-accumulate counting as two; sparse the same with
    structured sparsity, for information only. links holds bytes a second that the device sends at most, one way, by
    link. memory holds bytes by memory. bandwidth is bytes a second between the memory and the compute units. overhead
    is the least seconds of a kernel. npu names the NPU of which it is known what operators it runs ("" where there is
    none), clock is its hertz. runtime names the build of TensorFlow Lite Micro for its core, as --runtime takes it, ""
    where that is not known. access_date is the day on which the sources were read (YYYY-MM-DD; `seen` in a file).
    """

    id: str
    name: str
    kind: str
    variant: str
    access_date: str
    peak: Mapping[str, SourcedFigure]
    sparse: Mapping[str, SourcedFigure]
    memory: Mapping[str, SourcedFigure]
    bandwidth: SourcedFigure | None = None
    overhead: SourcedFigure | None = None
    energy: EnergyTable | None = None
    aliases: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    npu: str = ""
    clock: SourcedFigure | None = None
    links: Mapping[str, SourcedFigure] = field(default_factory=dict)
    runtime: str = ""

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr("HardwareProfile", self.id, self.name)

    @property
    def fastest_link(self) -> tuple[str, SourcedFigure] | None:
        """The link with the most bytes a second; None where the profile has none."""
        return max(self.links.items(), key=lambda item: item[1].value, default=None)

    def find_peak(self, element: str) -> tuple[str, SourcedFigure] | None:
        """Element type -> the fastest precision that it can be multiplied in, and its peak; None where there is no
        peak. A float of 4 or 8 bits that the device does not multiply is converted to the next wider float."""
        precisions = peak_precisions(element)
        chain = WIDER_FLOATS[WIDER_FLOATS.index(precisions) :] if precisions in WIDER_FLOATS[:2] else (precisions,)
        for group in chain:
            peaks = [(name, self.peak[name]) for name in group if name in self.peak]
            if peaks:
                return max(peaks, key=lambda pair: pair[1].value)
        return None

    @property
    def has_measured_energy(self) -> bool:
        """Whether the profile has energies that were measured of the whole device."""
        return self.energy is not None and bool(self.energy.measured)

    def bytes_of(self, memory: str) -> int | None:
        """Memory -> its bytes; None where the profile does not state them."""
        figure = self.memory.get(memory)
        return None if figure is None else int(figure.value)


WIDER_FLOATS = (("float4",), ("float8",), ("float16", "bfloat16"), ("float32", "tf32"))
"""Precisions of floats from the narrowest on; each holds every number of those before it."""


def peak_precisions(element: str) -> tuple[str, ...]:
    """Element type -> the precisions of a profile that apply to it: float32 and tf32 of float32, int8 of uint8."""
    if element == "float32":
        return "float32", "tf32"
    signed = element.removeprefix("u")
    return (signed[:6],) if signed.startswith(("float8", "float4")) else (signed,)
