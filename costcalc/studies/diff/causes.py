"""A layer before and after → what the difference of each of its figures is due to, in parts that sum to it exactly."""

from __future__ import annotations

from collections.abc import Mapping

from costcalc.analysis.layers import LAYER_QUANTITIES
from costcalc.core.dim import Dim
from costcalc.studies.diff.axes import AxesOf
from costcalc.studies.diff.definition import canonical_attributes
from costcalc.studies.diff.intermediate import COSTLESS, HEADS, LayerPair, cost_intermediate, is_depthwise, pair_layers
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
    differences = {q: d for q in LAYER_QUANTITIES if (d := _layer_difference(before, after, q)) != 0}
    if not differences:
        return {}
    if (before.domain, before.op_type) != (after.domain, after.op_type):
        return {q: {"operator": d} for q, d in differences.items()}
    layer_pair = pair_layers(before, after, before_axes, after_axes)
    active_causes = {"other"} if layer_pair is None else _find_causes(layer_pair)
    if len(active_causes) == 1:
        (cause,) = active_causes
        return {q: {cause: d} for q, d in differences.items()}
    if layer_pair is None:
        return {q: {"other": d} for q, d in differences.items()}
    return _split_differences(layer_pair, active_causes, differences)


def _layer_difference(before: SnapshotLayer, after: SnapshotLayer, quantity: str) -> Dim:
    old, new = before.amounts.get(quantity), after.amounts.get(quantity)
    return 0 if old is None or new is None else new - old


def _find_causes(layer_pair: LayerPair) -> set[str]:
    """The causes by which a shape, an attribute, a type or a count of the layer changed."""
    before, after = layer_pair.before, layer_pair.after
    causes = {cause for slot in (*layer_pair.inputs, *layer_pair.outputs) for cause in slot.causes()}
    key = (before.domain, before.op_type)
    old, new = (dict(canonical_attributes(key, layer.attributes)) for layer in (before, after))
    changed_attributes = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} - COSTLESS
    if "kernel_shape" in changed_attributes:
        causes.add("kernel")
    if "group" in changed_attributes and not (is_depthwise(before) and is_depthwise(after)):
        causes.add("groups")
    has_other_types = any(slot.before.dtype != slot.after.dtype for slot in (*layer_pair.inputs, *layer_pair.outputs))
    counts = [(len(layer.inputs), len(layer.outputs), layer.count) for layer in (before, after)]
    if changed_attributes & HEADS:
        causes.add("heads")
    if (
        changed_attributes - {"kernel_shape", "group", *HEADS}
        or has_other_types
        or counts[0] != counts[1]
        or not causes
    ):
        causes.add("other")
    return causes


def _split_differences(layer_pair: LayerPair, active_causes: set[str], differences: Mapping[str, Dim]) -> Parts:
    new_causes: set[str] = set()
    first = ""
    steps = []
    figures = []
    for cause in ("", *(cause for cause in ORDER if cause in active_causes)):
        new_causes.add(cause)
        first = first or cause
        step_figures = cost_intermediate(layer_pair, new_causes)
        if step_figures is not None:
            steps.append(first)
            figures.append(step_figures)
            first = ""
    remainder_cause = first if first and "other" not in active_causes else "other"
    parts: dict[str, dict[str, Dim]] = {}
    for quantity, difference in differences.items():
        cause_parts = parts[quantity] = {}
        explained: Dim = 0
        is_comparable = steps[:1] == [""] and figures[0][quantity] == layer_pair.before.amounts[quantity]
        for cause, old, new in zip(steps[1:], figures, figures[1:], strict=False) if is_comparable else ():
            x, y = old[quantity], new[quantity]
            if x is None or y is None:
                break
            if y - x != 0:
                cause_parts[cause] = y - x
            explained = explained + (y - x)
        if difference - explained != 0:
            cause = remainder_cause if is_comparable else "other"
            cause_parts[cause] = cause_parts.get(cause, 0) + difference - explained
    return parts
