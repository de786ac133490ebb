"""Graph -> the figures of one point of a sweep: the totals of a report, without its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from costcalc.core.quantities import TOTALS
from costcalc.cost import cost_nodes
from costcalc.dim import Dim, Poly
from costcalc.ir import Graph
from costcalc.memory.peak import live_bytes
from costcalc.memory.schedule import schedule

FIGURES = TOTALS
PEAK = FIGURES.index("peak_activation_bytes")
OTHERS = ("lower_bound", "upper_bound", "error")
"""What a point has beside its figures: whether some operator is unknown, whether an open If counts its dearer branch,
why there are no figures."""


class Totals(NamedTuple):
    """The figures in the order of FIGURES. The peak is None where it was not asked for, or holds open symbols: it is
    the greatest of live, what each step needs, each formula once."""

    figures: tuple[Dim | None, ...]
    lower_bound: bool
    upper_bound: bool
    live: Sequence[Dim]


def totals(graph: Graph, with_peak: bool = True) -> Totals:
    """The totals of a graph, as costcalc.report.analyze_graph sums them up; unknown parts are left out."""
    macs: Dim = 0
    flops: Dim = 0
    params: Dim = 0
    buffers: Dim = 0
    weights: Dim = 0
    activations: Dim = 0
    traffic: Dim = 0
    unknown = False
    for cost in cost_nodes(graph):
        count, storage = cost.node.count, cost.storage
        if cost.macs is not None and cost.flops is not None:
            macs = macs + cost.macs * count
            flops = flops + cost.flops * count
        if cost.activation_bytes is not None:
            activations = activations + cost.activation_bytes * count
        if cost.traffic_bytes is not None:
            traffic = traffic + cost.traffic_bytes * count
        params = params + storage.params
        buffers = buffers + storage.buffers
        weights = weights + storage.weight_bytes
        unknown = unknown or cost.state == "unknown"
    live = tuple(dict.fromkeys(live_bytes(schedule(graph)))) if with_peak else ()
    peak = None if not live or any(isinstance(d, Poly) for d in live) else max(live)
    figures = (macs, flops, params, buffers, weights, activations, peak, traffic)
    return Totals(figures, unknown, bool(graph.choices), live)
