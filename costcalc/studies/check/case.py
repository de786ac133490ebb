"""What one model is judged by, as plain data: its figures, a baseline's, and what only a whole report tells.

Which layer a broken limit points at: with a baseline the one that grew most, else the dearest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from costcalc.core.dim import Dim, bounds
from costcalc.core.quantities import CATALOGUE, TOTALS
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.core.units import parse_digits
from costcalc.studies.check.budget import ALL, Budget, RuleLevels
from costcalc.studies.check.verdict import LayerGrowth, SourcePlace, parse_place
from costcalc.studies.diff.diff import LayerChange
from costcalc.studies.diff.snapshot import Snapshot, SnapshotLayer


class CheckFigure(NamedTuple):
    """A quantity of a model that is no total of every report. figure is None where the model does not have it: then
    reason says so, under a code, and remedy what to do. Of one that is there, reason says what broke it or what it
    leaves out, where incomplete. layer has the largest part of it, share is that part of the sum over layers. transient
    is a greater value that the model has for a while, which a limit must allow too (None: it has none)."""

    figure: Figure | None
    reason: str = ""
    remedy: str = ""
    code: str = "CC107"
    layer: str = ""
    share: Fraction | None = None
    incomplete: bool = False
    transient: int | None = None


class UncostedOperator(NamedTuple):
    """An operator that nothing is known of, how many layers are of it, and the first. downstream: each of them reads
    what has no known shape, as behind an operator without a rule; it may well have a rule itself."""

    operator: str
    layers: int
    first: str
    downstream: bool


class Peak(NamedTuple):
    """What needs most where activations peak: the step, the layer that gave the largest output alive, its share."""

    step: str
    layer: str
    share: Fraction | None


@dataclass(frozen=True, slots=True)
class CheckCase:
    """One model in one scenario. figures are the quantities that its limits and its baseline are about and that are no
    totals of every report; baseline_figures are the baseline's, which is called baseline_source ("" where there is none
    at all); other_revision says that it is the baseline of another revision, which need not know the model yet.
    open_branches names the Ifs whose branch is open: totals count the dearer one. total_limits are numbers that open
    totals do not exceed, where their symbols depend on data."""

    snapshot: Snapshot
    budget: Budget
    levels: RuleLevels = ALL
    baseline: Snapshot | None = None
    baseline_source: str = ""
    other_revision: bool = False
    figures: Mapping[QuantityRef, CheckFigure] = field(default_factory=dict)
    baseline_figures: Mapping[QuantityRef, Figure] = field(default_factory=dict)
    peak: Peak | None = None
    open_branches: tuple[str, ...] = ()
    total_limits: Mapping[str, int] = field(default_factory=dict)

    def value(self, ref: QuantityRef) -> Dim | Fraction | None:
        """A quantity's value now; None where the model does not have it."""
        if ref.quantity.key in TOTALS:
            return self.snapshot.totals.get(ref.quantity.key)
        check_figure = self.figures.get(ref)
        return None if check_figure is None or check_figure.figure is None else check_figure.figure.value

    def baseline_value(self, ref: QuantityRef) -> Dim | Fraction | None:
        """A quantity's value in the baseline; None where there is none."""
        if ref.quantity.key in TOTALS:
            return None if self.baseline is None else self.baseline.totals.get(ref.quantity.key)
        figure = self.baseline_figures.get(ref)
        return None if figure is None else figure.value

    def is_lower_bound(self, ref: QuantityRef) -> bool:
        """Whether operators that are neither known nor allowed leave a quantity known only from below, if at all."""
        if ref.quantity.key in TOTALS:
            return is_lower_bound(self.snapshot, ref.quantity.key, self.budget.allow)
        check_figure = self.figures.get(ref)
        if check_figure is None or check_figure.figure is None or not self.unknown_operators():
            return False
        is_inexact = ref.quantity.certainty != "exact" or "generation" in ref.quantity.needs
        return is_inexact or check_figure.figure.certainty in ("lower", "estimate")

    def is_baseline_lower_bound(self, ref: QuantityRef) -> bool:
        """Whether such operators leave the baseline's figure known only from below."""
        if ref.quantity.key in TOTALS:
            return self.baseline is not None and is_lower_bound(self.baseline, ref.quantity.key, self.budget.allow)
        figure = self.baseline_figures.get(ref)
        if figure is None or self.baseline is None or not self.baseline.unknown:
            return False
        return ref.quantity.certainty != "exact" or figure.certainty in ("lower", "estimate")

    def unknown_operators(self) -> tuple[UncostedOperator, ...]:
        """The operators that have no figures and are not allowed; first those that have no rule."""
        layers_of: dict[str, list[SnapshotLayer]] = {}
        for layer in self.snapshot.layers:
            if layer.state == "unknown" and not is_allowed(layer, self.budget.allow):
                layers_of.setdefault(layer.operator, []).append(layer)
        operators = [
            UncostedOperator(op, len(layers), layers[0].name, all(map(_reads_unknown_shape, layers)))
            for op, layers in layers_of.items()
        ]
        return tuple(sorted(operators, key=lambda operator: operator.downstream))


def _reads_unknown_shape(layer: SnapshotLayer) -> bool:
    return any(t.name and t.shape is None for t in layer.inputs)


def is_allowed(layer: SnapshotLayer, allow: tuple[str, ...]) -> bool:
    """Whether an operator without a rule is taken as free."""
    return not {layer.op_type, layer.operator}.isdisjoint(allow)


def is_lower_bound(snapshot: Snapshot, quantity: str, allow: tuple[str, ...]) -> bool:
    """Whether a total is only known from below: a layer's part of it is not known, and its operator not allowed."""
    columns = CATALOGUE[quantity].columns
    return bool(snapshot.unknown) and any(
        layer.amounts[column] is None and not is_allowed(layer, allow)
        for layer in snapshot.layers
        for column in columns
    )


def signed_bounds(value: Dim | Fraction) -> tuple[float | Fraction, float | Fraction]:
    """Numbers (low, high) with low <= value <= high for all values of its symbols."""
    return (value, value) if isinstance(value, Fraction) else bounds(value)


CHANGED_STATUSES = ("added", "changed")
"""A layer that is defined differently comes before one that merely follows: it is where the change was made."""


class Blame(NamedTuple):
    """A layer by name, its part of the total, how it grew, where it stands, and how many layers have a part
    (0: not known)."""

    layer: str = ""
    share: Fraction | None = None
    growth: LayerGrowth | None = None
    place: SourcePlace | None = None
    layer_count: int = 0


NO_BLAME = Blame()

Changes = Callable[[], Sequence[LayerChange]]


def largest_growth(snapshot: Snapshot, changes: Sequence[LayerChange], quantity: str) -> Blame:
    """The layer whose figure grew most, one whose own definition changed first; NO_BLAME where none grew."""
    grown_layers: list[tuple[bool, int, LayerChange]] = []
    for change in changes:
        delta = change.delta(quantity)
        if isinstance(delta, int) and delta > 0 and change.after is not None:
            grown_layers.append((change.status in CHANGED_STATUSES, delta, change))
    if not grown_layers:
        return NO_BLAME
    _, rise, change = max(grown_layers, key=lambda item: item[:2])
    _, largest_rise, largest_change = max(grown_layers, key=lambda item: item[1])
    before, after = change.amounts(quantity)
    layer = change.after
    assert layer is not None and before is not None and after is not None
    growth = LayerGrowth(
        layer.name, before, after, *((largest_change.name, largest_rise) if largest_rise > rise else ())
    )
    return Blame(layer.name, share_of_total(layer, snapshot, quantity), growth, layer_place(layer, snapshot))


def largest_layer(snapshot: Snapshot, quantity: str, layers: Sequence[SnapshotLayer] | None = None) -> Blame:
    """The layer with the largest part of a total; NO_BLAME where symbols leave that open, or nothing costs anything."""
    largest, largest_amount, layer_count = None, 0, 0
    for layer in snapshot.layers if layers is None else layers:
        amount = layer.amounts[quantity]
        if isinstance(amount, int) and amount > 0:
            layer_count += 1
            if amount > largest_amount:
                largest, largest_amount = layer, amount
    if largest is None:
        return NO_BLAME
    share = share_of_total(largest, snapshot, quantity)
    return Blame(largest.name, share, None, layer_place(largest, snapshot), layer_count)


def blame_layer(snapshot: Snapshot, name: str, share: Fraction | None = None) -> Blame:
    """The blame of the layer of a name; NO_BLAME where there is none."""
    layer = next((layer for layer in snapshot.layers if layer.name == name), None)
    return NO_BLAME if layer is None else Blame(name, share, None, layer_place(layer, snapshot))


def share_of_total(layer: SnapshotLayer, snapshot: Snapshot, quantity: str) -> Fraction | None:
    """A layer's share of a total where both are numbers."""
    amount, total = layer.amounts[quantity], snapshot.totals.get(quantity)
    return Fraction(amount, total) if isinstance(amount, int) and isinstance(total, int) and total else None


def layer_place(layer: SnapshotLayer, snapshot: Snapshot) -> SourcePlace | None:
    """Where a layer is written: in the model's file (that alone where it has no lines), or in the source file that the
    model was exported from. A built-in model's lines are nobody's to edit."""
    place = parse_place(layer.place)
    if place is not None and place.file == snapshot.source:
        return place
    source_file, _, line = layer.place.rpartition(":")
    number = parse_digits(line)
    if source_file.endswith(".py") and number is not None:
        return SourcePlace(source_file.removeprefix(f"{Path.cwd().as_posix()}/"), number)
    return SourcePlace(snapshot.source) if layer.place == snapshot.source else None
