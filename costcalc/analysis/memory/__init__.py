"""Graph to memory: schedules, live bytes, peaks, execution orders, static plans."""

from __future__ import annotations

from costcalc.analysis.memory.liveness import live_memory, make_schedule
from costcalc.analysis.options import ExecutionOptions
from costcalc.core.dim import Dim
from costcalc.core.errors import UndecidedError
from costcalc.core.ir import Graph


def memory_totals(graph: Graph, execution: ExecutionOptions) -> dict[str, Dim]:
    """Graph and execution -> peak_activation_bytes (views share memory) and, with an alignment, arena_bytes.

    What open symbols leave undecided is absent. The default execution needs the liveness of values alone: fusion,
    orders and arenas are imported only for others.
    """
    if execution._replace(runtime=None) == ExecutionOptions():
        value = live_memory(make_schedule(graph)).peak
        return {} if value is None else {"peak_activation_bytes": value}
    from costcalc.analysis.memory.footprint import measure_footprint

    try:
        footprint = measure_footprint(graph, execution._replace(runtime=None))
    except UndecidedError:
        return {} if execution.align is None else memory_totals(graph, execution._replace(align=None))
    totals = {"peak_activation_bytes": footprint.peak, "arena_bytes": footprint.arena and footprint.arena.size}
    return {key: value for key, value in totals.items() if value is not None}
