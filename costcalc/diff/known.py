"""What of a Diff's totals is known: an operator without a rule leaves a total, and perhaps its rise, partly unknown."""

from __future__ import annotations

from costcalc.core.quantities import CATALOGUE
from costcalc.diff.change import Diff
from costcalc.dim import Dim
from costcalc.snapshot import Snapshot


def partial(snapshot: Snapshot, quantity: str) -> bool:
    """Whether a total is only known from below, since a layer's part of it is not known."""
    return bool(snapshot.unknown) and any(
        layer.amounts[column] is None for layer in snapshot.layers for column in CATALOGUE[quantity].columns
    )


def rise(diff: Diff, quantity: str) -> Dim | None:
    """After minus before. None where a version lacks the total, or a layer that changed has an unknown part of it: one
    that did not change has the same in both, whatever it is."""
    before, after = diff.totals(quantity)
    if before is None or after is None:
        return None
    columns = CATALOGUE[quantity].columns
    unknown = any(
        layer is not None and layer.amounts[column] is None
        for change in diff.changes
        if change.status != "renamed"
        for layer in (change.before, change.after)
        for column in columns
    )
    return None if unknown else after - before
