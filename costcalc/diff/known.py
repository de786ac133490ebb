"""What of a Diff's totals is known: an operator without a rule leaves a total, and perhaps its rise, partly unknown."""

from __future__ import annotations

from costcalc.diff.change import Diff
from costcalc.dim import Dim
from costcalc.snapshot import Snapshot


def column(quantity: str) -> str:
    """The layers' figure that a total rests on."""
    return "activation_bytes" if quantity == "peak_activation_bytes" else quantity


def partial(snapshot: Snapshot, quantity: str) -> bool:
    """Whether a total is only known from below, since a layer's part of it is not known."""
    return bool(snapshot.unknown) and any(layer.amounts[column(quantity)] is None for layer in snapshot.layers)


def rise(diff: Diff, quantity: str) -> Dim | None:
    """After minus before. None where a version lacks the total, or a layer that changed has an unknown part of it: one
    that did not change has the same in both, whatever it is."""
    before, after = diff.totals(quantity)
    if before is None or after is None:
        return None
    key = column(quantity)
    unknown = any(layer is not None and layer.amounts[key] is None for c in diff.changes if c.status != "renamed"
                  for layer in (c.before, c.after))  # fmt: skip
    return None if unknown else after - before
