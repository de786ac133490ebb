"""Roofline -> joules at least: the arithmetic of contractions and the compulsory traffic, at energies of single ones.

An order of magnitude. A profile's own energies count first; else those of 45 nm, which are too high for newer processes
and leave out instructions, clocks and leakage.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from costcalc.hardware.find import reference_energy
from costcalc.hardware.profile import Figure, precisions
from costcalc.roofline import ZERO, Roofline

PICO = Fraction(1, 10**12)


class Joules(NamedTuple):
    """Energy of arithmetic and of memory; table is where the figures come from. without names precisions for which
    there is no figure."""

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
        figure = next((table.mac[name] for name in precisions(element) if name in table.mac), None)
        if figure is None:
            without.append(element)
        else:
            terms.append((element, macs, figure))
    arithmetic = sum((macs * figure.value for _, macs, figure in terms), ZERO) * PICO
    place = "sram" if roofline.profile.kind in ("microcontroller", "npu") else "device"
    byte = table.byte.get(place)
    moved = roofline.compulsory - roofline.kept
    if byte is not None:
        terms.append((place, moved, byte))
    if not terms:
        return None
    memory = moved * byte.value * PICO if byte is not None else ZERO
    return Joules(arithmetic, memory, table.name, tuple(terms), tuple(without))
