"""Costs of nodes -> the totals of a graph, and the columns in which a node's part is unknown."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from costcalc.analysis.cost import NodeCost
from costcalc.core.dim import Dim
from costcalc.core.quantities import CATALOGUE, Certainty


class CostSums(NamedTuple):
    """totals are the sums of LAYER_TOTALS over all runs of all nodes, without the parts that are unknown; incomplete
    names the columns that such parts are missing from; unknown says that some operator has no rule."""

    totals: dict[str, Dim]
    incomplete: frozenset[str]
    unknown: bool


def sum_costs(costs: Iterable[NodeCost]) -> CostSums:
    """The totals of a graph from the costs of its nodes, each for one run."""
    macs: Dim = 0
    flops: Dim = 0
    params: Dim = 0
    buffers: Dim = 0
    weights: Dim = 0
    activations: Dim = 0
    traffic: Dim = 0
    unknown = False
    incomplete: set[str] = set()
    for node, _, _, storage, own_macs, own_flops, own_activations, own_traffic, state in costs:
        count = node.count
        if own_macs is None or own_flops is None:
            incomplete.update(("macs", "flops"))
        else:
            macs = macs + own_macs * count
            flops = flops + own_flops * count
        if own_activations is None:
            incomplete.add("activation_bytes")
        else:
            activations = activations + own_activations * count
        if own_traffic is None:
            incomplete.add("traffic_bytes")
        else:
            traffic = traffic + own_traffic * count
        params = params + storage.params
        buffers = buffers + storage.buffers
        weights = weights + storage.weight_bytes
        unknown = unknown or state == "unknown"
    totals = {
        "macs": macs,
        "flops": flops,
        "params": params,
        "buffers": buffers,
        "weight_bytes": weights,
        "activation_bytes": activations,
        "traffic_bytes": traffic,
    }
    return CostSums(totals, frozenset(incomplete) if unknown else frozenset(), unknown)


def total_certainty(key: str, incomplete: Collection[str], upper: bool) -> Certainty:
    """What is certain of a quantity where parts of these columns are unknown, and where an open If counts its dearer
    branch (upper)."""
    quantity = CATALOGUE[key]
    if quantity.certainty != "exact":
        return quantity.certainty
    lower = any(column in incomplete for column in quantity.columns)
    return "estimate" if lower and upper else "lower" if lower else "upper" if upper else "exact"
