"""One suggestion: a rewrite at a place, with what it saves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from costcalc.core.amount import magnitude
from costcalc.core.result import Serializable
from costcalc.dim import Dim
from costcalc.ir import Graph
from costcalc.suggest.pieces import Match
from costcalc.suggest.places import Place
from costcalc.suggest.registry import Rule
from costcalc.units import ratio

QUANTITIES = ("macs", "params", "flops", "peak_activation_bytes", "activation_bytes", "weight_bytes", "buffers",
              "traffic_bytes")  # fmt: skip
"""What can be saved, in the order in which suggestions that are equal so far are told apart."""


@dataclass(frozen=True, slots=True, repr=False)
class Suggestion(Serializable):
    """number is its rank from 1 on. graph is the model with this rewrite at all uses of its place, before and after are
    the whole model's totals; a total that open symbols leave undecided (the peak) is absent. macs are those of the
    rewritten layers as they are."""

    number: int
    rule: Rule
    place: Place
    where: str
    graph: Graph
    before: Mapping[str, Dim]
    after: Mapping[str, Dim]
    macs: Dim | None

    def __repr__(self) -> str:
        return f"<Suggestion {self.number}: {self.rule.id} at {self.name}, {len(self.matches)} uses>"

    @property
    def matches(self) -> tuple[Match, ...]:
        """One for each use."""
        return self.place.matches

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers that are rewritten."""
        return tuple(dict.fromkeys(name for match in self.matches for name in match.layers))

    @property
    def name(self) -> str:
        """The first use's layers."""
        first = self.matches[0].layers
        return first[0] if len(first) == 1 else f"{first[0]} … {first[-1]}" if len(first) > 2 else " + ".join(first)

    @property
    def writable(self) -> bool:
        """Whether the file can be rewritten."""
        return bool(self.place.runs)

    def saves(self, quantity: str) -> Dim | None:
        """How much less the whole model needs; None where that is not known."""
        if quantity not in self.before or quantity not in self.after:
            return None
        return self.before[quantity] - self.after[quantity]

    @property
    def ratio(self) -> Fraction | None:
        """New over old MACs of the rewritten layers; None where they stay, or where it is no number."""
        saving = self.saves("macs")
        if saving is None or saving == 0 or self.macs is None:
            return None
        return ratio(self.macs - saving, self.macs)


def saved(before: Mapping[str, Dim], after: Mapping[str, Dim]) -> bool:
    """Whether a model became cheaper: of the totals that changed, the first of QUANTITIES is less."""
    for key in QUANTITIES:
        if key in before and key in after and before[key] != after[key]:
            return magnitude(before[key] - after[key])[1] > 0
    return False
