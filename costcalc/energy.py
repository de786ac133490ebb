"""Roofline -> joules at least: the arithmetic of contractions and the compulsory traffic, at energies of single ones.

An order of magnitude. A profile's own energies count first; else those of 45 nm, which are too high for newer processes
and leave out instructions, clocks and leakage.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from costcalc.hardware.find import reference_energy
from costcalc.hardware.profile import Figure, precisions
from costcalc.roof import ZERO, Roofline

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
        figure = next((table.mac[name] for name in precisions(element) if name in table.mac), None)
        if figure is None:
            without.append(element)
        else:
            terms.append((element, macs, figure))
    arithmetic = sum((macs * figure.value for _, macs, figure in terms), ZERO) * PICO
    memory = ZERO
    for places, moved in _moved(roofline, roofline.compulsory):
        place = next((place for place in places if place in table.byte), None)
        if place is not None:
            memory += moved * table.byte[place].value * PICO
            terms.append((place, moved, table.byte[place]))
        elif moved:
            without.append(f"bytes of {places[0]} memory")
    if not terms:
        return None
    return Joules(arithmetic, memory, table.name, tuple(terms), tuple(without))


def _moved(roofline: Roofline, needed: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """Bytes, and the memories by whose figure they count: what a cache keeps is read there."""
    if roofline.profile.kind in ("microcontroller", "npu"):
        yield ("sram",), needed
        return
    yield ("device",), needed - roofline.kept
    if roofline.kept:
        yield ("on_chip", "sram"), roofline.kept
