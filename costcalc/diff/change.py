"""What a diff says, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from costcalc.core.result import Result, ResultTable, presenter
from costcalc.dim import Dim
from costcalc.snapshot import Layer, Snapshot

STATUSES = ("added", "removed", "changed", "follows", "renamed", "same")
"""What became of a layer. changed: its own definition is another (kernel, filters, operator). follows: it is defined as
before, but what it reads has another shape, so it costs differently. renamed: only its name differs."""

CAUSES = ("added", "removed", "operator", "batch", "channels", "resolution", "kernel", "groups", "heads", "other")
"""What a difference is due to. resolution counts every extent of positions: height, width, sequence length."""


@dataclass(frozen=True, slots=True)
class LayerChange:
    """One layer of either version, or the same layer in both. causes splits the difference of each quantity that is
    known in both: quantity → cause → difference; the parts sum to the whole exactly."""

    status: str
    before: Layer | None
    after: Layer | None
    causes: Mapping[str, Mapping[str, Dim]]

    @property
    def name(self) -> str:
        """The layer's name now, or the one that it had."""
        layer = self.after or self.before
        assert layer is not None
        return layer.name

    def amounts(self, quantity: str) -> tuple[Dim | None, Dim | None]:
        """The figure before and after; 0 where the layer is not there, None where it is not known."""
        return (
            0 if self.before is None else self.before.amounts[quantity],
            0 if self.after is None else self.after.amounts[quantity],
        )

    def delta(self, quantity: str) -> Dim | None:
        """After minus before; None where either is not known."""
        before, after = self.amounts(quantity)
        return None if before is None or after is None else after - before


@dataclass(frozen=True, slots=True)
class Diff(Result):
    """Two versions of a model with their layers aligned. layers holds each layer once, in the new version's order, a
    removed one after the layer that it stood behind."""

    before: Snapshot
    after: Snapshot
    layers: tuple[LayerChange, ...]

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the tables."""
        old, new = (side.source or side.name for side in (self.before, self.after))
        return f"<Diff {old} → {new}: {len(self.changes)} of {len(self.layers)} layers>"

    def tables(self, top: int | None = None) -> tuple[ResultTable, ...]:
        """The totals, the causes and the layers, of those with top only the largest differences."""
        return presenter().tables(self, top=top)

    @property
    def changes(self) -> tuple[LayerChange, ...]:
        """The layers that are not the same."""
        return tuple([change for change in self.layers if change.status != "same"])

    @property
    def causes(self) -> Mapping[str, Mapping[str, Dim]]:
        """The causes of all layers together: quantity → cause → difference."""
        sums: dict[str, dict[str, Dim]] = {}
        for change in self.changes:
            for quantity, parts in change.causes.items():
                into = sums.setdefault(quantity, {})
                for cause, amount in parts.items():
                    into[cause] = into.get(cause, 0) + amount
        return sums

    def totals(self, quantity: str) -> tuple[Dim | None, Dim | None]:
        """The total before and after; None where a version lacks it."""
        return self.before.totals.get(quantity), self.after.totals.get(quantity)
