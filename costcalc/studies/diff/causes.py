"""A layer before and after → what the difference of each of its figures is due to, in parts that sum to it exactly."""

from __future__ import annotations

from collections.abc import Mapping

from costcalc.analysis.layers import LAYER_QUANTITIES
from costcalc.core.dim import Dim
from costcalc.studies.diff.axes import AxesOf
from costcalc.studies.diff.definition import canonical
from costcalc.studies.diff.intermediate import COSTLESS, HEADS, LayerPair, amounts, depthwise, pair_layers
from costcalc.studies.diff.snapshot import SnapshotLayer

ORDER = ("batch", "heads", "channels", "resolution", "kernel", "groups")

Parts = Mapping[str, Mapping[str, Dim]]

NO_AXES: AxesOf = {}


def causes(
    before: SnapshotLayer | None,
    after: SnapshotLayer | None,
    before_axes: AxesOf = NO_AXES,
    after_axes: AxesOf = NO_AXES,
) -> Parts:
    """Quantity → cause → part, for every quantity that is known in both versions and differs; no part is 0.

    A layer that is only in one version was added or removed; another operator takes its whole difference. Otherwise
    the old layer is turned into the new one step by step, in this order: batch, heads, channels, resolution, kernel,
    groups. After each step the layer in between (new extents of the causes so far, old ones of the rest) is costed by
    the operator's own rule, and what the step adds is the cause's part. Where there is no such layer (4 key heads as
    wide as 12), the step is taken with the next one and counts as it stands first. What is left (another element type,
    another number of runs, a bias, a weight that another layer counts) is `other`.

    The parts depend on the order, their sum does not: of 2 × 3 that becomes 4 × 5, the first factor's part is 2 × 3
    and the second's 4 × 2; in the other order they are 2 × 5 and 2 × 2. The order is a convention, as in any
    account of a product.

    before_axes and after_axes say what the axes of each version's values count (see axes); without them it is
    guessed from their ranks.
    """
    if before is None or after is None:
        present = before or after
        assert present is not None
        sign, cause = (1, "added") if before is None else (-1, "removed")
        return {q: {cause: sign * v} for q, v in present.amounts.items() if v is not None and v != 0}
    differences = {q: d for q in LAYER_QUANTITIES if (d := _difference(before, after, q)) != 0}
    if not differences:
        return {}
    if (before.domain, before.op_type) != (after.domain, after.op_type):
        return {q: {"operator": d} for q, d in differences.items()}
    layer_pair = pair_layers(before, after, before_axes, after_axes)
    at_work = {"other"} if layer_pair is None else _at_work(layer_pair)
    if len(at_work) == 1:
        (cause,) = at_work
        return {q: {cause: d} for q, d in differences.items()}
    if layer_pair is None:
        return {q: {"other": d} for q, d in differences.items()}
    return _telescoped(layer_pair, at_work, differences)


def _difference(before: SnapshotLayer, after: SnapshotLayer, quantity: str) -> Dim:
    old, new = before.amounts.get(quantity), after.amounts.get(quantity)
    return 0 if old is None or new is None else new - old


def _at_work(layer_pair: LayerPair) -> set[str]:
    """The causes that anything of the layer changed by."""
    before, after = layer_pair.before, layer_pair.after
    causes = {cause for slot in (*layer_pair.inputs, *layer_pair.outputs) for cause in slot.causes()}
    key = (before.domain, before.op_type)
    old, new = (dict(canonical(key, layer.attributes)) for layer in (before, after))
    differ = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} - COSTLESS
    if "kernel_shape" in differ:
        causes.add("kernel")
    if "group" in differ and not (depthwise(before) and depthwise(after)):
        causes.add("groups")
    types = any(slot.before.dtype != slot.after.dtype for slot in (*layer_pair.inputs, *layer_pair.outputs))
    values = [(len(layer.inputs), len(layer.outputs), layer.count) for layer in (before, after)]
    if differ & HEADS:
        causes.add("heads")
    if differ - {"kernel_shape", "group", *HEADS} or types or values[0] != values[1] or not causes:
        causes.add("other")
    return causes


def _telescoped(layer_pair: LayerPair, at_work: set[str], differences: Mapping[str, Dim]) -> Parts:
    done: set[str] = set()
    first = ""
    steps = []
    figures = []
    for cause in ("", *(cause for cause in ORDER if cause in at_work)):
        done.add(cause)
        first = first or cause
        now = amounts(layer_pair, done)
        if now is not None:
            steps.append(first)
            figures.append(now)
            first = ""
    rest = first if first and "other" not in at_work else "other"
    parts: dict[str, dict[str, Dim]] = {}
    for quantity, difference in differences.items():
        into = parts[quantity] = {}
        last: Dim = 0
        is_comparable = steps[:1] == [""] and figures[0][quantity] == layer_pair.before.amounts[quantity]
        for cause, old, new in zip(steps[1:], figures, figures[1:], strict=False) if is_comparable else ():
            x, y = old[quantity], new[quantity]
            if x is None or y is None:
                break
            if y - x != 0:
                into[cause] = y - x
            last = last + (y - x)
        if difference - last != 0:
            cause = rest if is_comparable else "other"
            into[cause] = into.get(cause, 0) + difference - last
    return parts
