"""What one model is judged by, as plain data: its figures, a baseline's, and what only a whole report tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from costcalc.budget.limits import ALL, Budget, Levels
from costcalc.core.quantities import CATALOGUE
from costcalc.snapshot import Layer, Snapshot


class Timed(NamedTuple):
    """The lower bound of the time on a device, None where it is not known: then why says so, under a code. layer takes
    longest on its own, share is its part of the sum over layers."""

    seconds: Fraction | None
    why: str = ""
    layer: str = ""
    share: Fraction | None = None
    code: str = "CC106"


class Unknown(NamedTuple):
    """An operator that nothing is known of, how many layers are of it, and the first. behind: each of them reads what
    has no known shape, as behind an operator without a rule; it may well have a rule itself."""

    operator: str
    layers: int
    first: str
    behind: bool


class Peak(NamedTuple):
    """What needs most where activations peak: the step, the layer that gave the largest output alive, its share."""

    step: str
    layer: str
    share: Fraction | None


@dataclass(frozen=True, slots=True)
class Case:
    """One model in one scenario. against names the baseline ("" where there is none at all); new says that it is the
    baseline of another revision, which need not know the model yet. open names the Ifs whose branch is open: totals
    count the dearer one."""

    now: Snapshot
    budget: Budget
    levels: Levels = ALL
    before: Snapshot | None = None
    against: str = ""
    new: bool = False
    times: Mapping[str, Timed] = field(default_factory=dict)
    peak: Peak | None = None
    open: tuple[str, ...] = ()

    def unknown(self) -> tuple[Unknown, ...]:
        """The operators that have no figures and are not allowed; first those that have no rule."""
        found: dict[str, list[Layer]] = {}
        for layer in self.now.layers:
            if layer.state == "unknown" and not allowed(layer, self.budget.allow):
                found.setdefault(layer.operator, []).append(layer)
        every = [Unknown(op, len(of), of[0].name, all(map(_reads_unknown, of))) for op, of in found.items()]
        return tuple(sorted(every, key=lambda one: one.behind))


def _reads_unknown(layer: Layer) -> bool:
    return any(t.name and t.shape is None for t in layer.inputs)


def allowed(layer: Layer, allow: tuple[str, ...]) -> bool:
    """Whether an operator without a rule is taken as free."""
    return not {layer.op_type, layer.operator}.isdisjoint(allow)


def partial(snapshot: Snapshot, quantity: str, allow: tuple[str, ...]) -> bool:
    """Whether a total is only known from below: a layer's part of it is not known, and its operator not allowed."""
    columns = CATALOGUE[quantity].columns
    return bool(snapshot.unknown) and any(
        layer.amounts[column] is None and not allowed(layer, allow) for layer in snapshot.layers for column in columns
    )
