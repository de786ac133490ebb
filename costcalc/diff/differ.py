"""Two Snapshots → a Diff: what became of each layer, and what the difference of its figures is due to."""

from __future__ import annotations

import re

from costcalc.diff.align import align
from costcalc.diff.axes import AxesOf, axes
from costcalc.diff.causes import causes
from costcalc.diff.change import Diff, LayerChange
from costcalc.diff.naming import ordinals, same_name
from costcalc.diff.status import status
from costcalc.snapshot import Layer, Snapshot

LINE = re.compile(r":[0-9]+:[0-9]+$")


def diff(before: Snapshot, after: Snapshot) -> Diff:
    """What changed from one version of a model to another.

    For every quantity that adds up over layers, the layers' differences add up to the difference of the totals (where
    one is not known in a version, as 0: its total leaves it out too).
    """
    old, new = (ordinals(layer.name for layer in s.layers) for s in (before, after))
    axes_of: list[AxesOf] = []

    def change(x: Layer | None, y: Layer | None) -> LayerChange:
        if x is not None and y is not None:
            found = status(x, y, same_name(x.name, y.name, old, new, not (_lined(x) or _lined(y))))
            if found in ("same", "renamed"):
                return LayerChange(found, x, y, {})
        else:
            found = "added" if x is None else "removed"
        if not axes_of:
            axes_of.extend((axes(before), axes(after)))
        return LayerChange(found, x, y, causes(x, y, *axes_of))

    pairs = align(before, after)
    return Diff(
        before,
        after,
        tuple(
            [change(None if i is None else before.layers[i], None if j is None else after.layers[j]) for i, j in pairs]
        ),
    )


def _lined(layer: Layer) -> bool:
    """Whether a layer stands in a line of a file that somebody wrote; an exported one does not."""
    return LINE.search(layer.place) is not None
