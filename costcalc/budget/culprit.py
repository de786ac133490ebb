"""Which layer a broken limit points at: with a baseline the one that grew most, else the dearest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from costcalc.budget.verdict import Change, Place
from costcalc.diff.change import LayerChange
from costcalc.snapshot import Layer, Snapshot

OWN = ("added", "changed")
"""A layer that is defined differently comes before one that merely follows: it is where the change was made."""


class Culprit(NamedTuple):
    """A layer by name, its part of the total, how it grew, and where it stands."""

    layer: str = ""
    share: Fraction | None = None
    grown: Change | None = None
    place: Place | None = None


NOBODY = Culprit()
Changes = Callable[[], Sequence[LayerChange]]


def grew_most(now: Snapshot, changes: Sequence[LayerChange], quantity: str) -> Culprit:
    """The layer whose figure grew most, one whose own definition changed first; NOBODY where none grew."""
    found: list[tuple[bool, int, LayerChange]] = []
    for change in changes:
        delta = change.delta(quantity)
        if isinstance(delta, int) and delta > 0 and change.after is not None:
            found.append((change.status in OWN, delta, change))
    if not found:
        return NOBODY
    _, rise, change = max(found, key=lambda item: item[:2])
    _, most, other = max(found, key=lambda item: item[1])
    before, after = change.amounts(quantity)
    layer = change.after
    assert layer is not None and before is not None and after is not None
    grown = Change(layer.name, before, after, *((other.name, most) if most > rise else ()))
    return Culprit(layer.name, part(layer, now, quantity), grown, place_of(layer, now))


def dearest(now: Snapshot, quantity: str, layers: Sequence[Layer] | None = None) -> Culprit:
    """The layer with the largest part of a total; NOBODY where symbols leave that open, or nothing costs anything."""
    best, most = None, 0
    for layer in now.layers if layers is None else layers:
        amount = layer.amounts[quantity]
        if isinstance(amount, int) and amount > most:
            best, most = layer, amount
    return NOBODY if best is None else Culprit(best.name, part(best, now, quantity), None, place_of(best, now))


def named(now: Snapshot, name: str, share: Fraction | None = None) -> Culprit:
    """A layer by its name."""
    layer = next((layer for layer in now.layers if layer.name == name), None)
    return NOBODY if layer is None else Culprit(name, share, None, place_of(layer, now))


def part(layer: Layer, now: Snapshot, quantity: str) -> Fraction | None:
    """A layer's share of a total where both are numbers."""
    amount, total = layer.amounts[quantity], now.totals.get(quantity)
    return Fraction(amount, total) if isinstance(amount, int) and isinstance(total, int) and total else None


def place_of(layer: Layer, now: Snapshot) -> Place | None:
    """Where a layer is written; the file alone where it has no lines. A built-in model's lines are nobody's to edit."""
    file, _, rest = layer.place.rpartition(":")
    file, _, line = file.rpartition(":")
    if file == now.source and line.isdigit() and rest.isdigit():
        return Place(file, int(line), int(rest))
    return Place(now.source) if layer.place == now.source else None
