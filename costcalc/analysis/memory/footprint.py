"""Graph and execution to Footprint: live bytes at each step, the peak, an arena; and what is materialised at each
resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from costcalc.analysis.memory.arena import Arena, plan_arena
from costcalc.analysis.memory.fusion import fuse_blocks, fuse_steps
from costcalc.analysis.memory.liveness import (
    Buffer,
    LiveMemory,
    Schedule,
    ScheduleStep,
    live_memory,
    make_schedule,
    node_steps,
)
from costcalc.analysis.memory.onnxruntime import OrtPlan, plan_onnxruntime
from costcalc.analysis.memory.ordering import minimise_peak
from costcalc.analysis.memory.tflm.plan import TflmPlan, plan_tflm
from costcalc.analysis.options import TFLM_RUNTIMES, ExecutionOptions
from costcalc.core.dim import Dim, bounds, prod
from costcalc.core.errors import UsageError
from costcalc.core.ir import Graph
from costcalc.core.result import Result, short_repr
from costcalc.core.traits import traits_of
from costcalc.core.units import format_count


@dataclass(frozen=True, slots=True)
class MemoryFootprint(Result):
    """What a graph's activations need under an execution.

    liveness are the live bytes of the schedule. graph_order_peak is the peak in the graph's own order, is_optimal
    whether no order has a lower peak than the schedule (both None unless the order was searched for). arena is there
    with an alignment, tflm and onnxruntime under runtimes of these names.
    """

    graph: Graph
    execution: ExecutionOptions
    schedule: Schedule
    liveness: LiveMemory
    arena: Arena | None = None
    graph_order_peak: Dim | None = None
    is_optimal: bool | None = None
    tflm: TflmPlan | None = None
    onnxruntime: OrtPlan | None = None

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the table."""
        peak = "undecided" if self.peak is None else f"{format_count(self.peak)} B"
        return short_repr("Footprint of", self.graph.name, f"peak {peak}, {len(self.schedule.buffers)} tensors")

    @property
    def peak(self) -> Dim | None:
        """Peak activation bytes; None where open symbols leave it undecided."""
        return self.liveness.peak

    @property
    def total(self) -> Dim:
        """Bytes of all buffers together, as if none was ever freed."""
        total: Dim = 0
        for buffer in self.schedule.buffers:
            total = total + buffer.nbytes
        return total

    def is_live_at_peak(self, buffer: Buffer) -> bool:
        """Whether a buffer is alive at the peak."""
        return buffer.first_step <= self.liveness.peak_step <= buffer.last_step

    def operators(self, step: ScheduleStep) -> tuple[str, ...]:
        """Step -> the operator types of its nodes."""
        return tuple([self.graph.nodes[i].op_type for i in step.nodes])

    def rank_buffers(self) -> tuple[int, ...]:
        """Indexes of schedule.buffers: of those alive at the peak, then of the others, each the largest first."""
        buffers = self.schedule.buffers
        return tuple(
            sorted(
                range(len(buffers)), key=lambda i: (not self.is_live_at_peak(buffers[i]), -bounds(buffers[i].nbytes)[0])
            )
        )


def measure_footprint(graph: Graph, execution: ExecutionOptions = ExecutionOptions()) -> MemoryFootprint:  # noqa: B008
    """Graph and execution -> its footprint. UndecidedError where an order or an arena depends on open sizes, UsageError
    for an alignment below 1."""
    if execution.align is not None and execution.align < 1:
        raise UsageError(f"the alignment is {execution.align} bytes", "give at least 1")
    steps = execution_steps(graph, execution)
    graph_order_peak = is_optimal = None
    if execution.reorder:
        graph_order_peak = live_memory(make_schedule(graph, steps, execution.in_place)).peak
        steps, is_optimal = minimise_peak(graph, steps, execution.in_place)
    schedule = make_schedule(graph, steps, execution.in_place)
    arena = None if execution.align is None else plan_arena(schedule, execution.align)
    tflm = plan_tflm(graph, execution.runtime, execution.reorder) if execution.runtime in TFLM_RUNTIMES else None
    block = plan_onnxruntime(graph) if execution.runtime == "onnxruntime" else None
    live = live_memory(schedule)
    return MemoryFootprint(graph, execution, schedule, live, arena, graph_order_peak, is_optimal, tflm, block)


def execution_steps(graph: Graph, execution: ExecutionOptions) -> tuple[ScheduleStep, ...]:
    """Graph and execution -> its steps: one for each node, fused ones, or fused ones with blocks in slices."""
    if execution.fuse_blocks:
        return fuse_blocks(graph)
    if execution.fuse:
        return fuse_steps(graph)
    return node_steps(graph)


SPATIAL_KINDS = (
    "convolution",
    "transposed_convolution",
    "deformable_convolution",
    "causal_convolution",
    "pool",
    "global_pool",
)
"""Kinds of operators whose tensors are [N, C, spatial …]."""


class Resolution(NamedTuple):
    """Spatial extents with the largest tensor of that resolution (channels, name, bytes), and the number of its
    tensors."""

    extents: tuple[Dim, ...]
    channels: Dim
    tensor: str
    nbytes: Dim
    tensors: int


def memory_by_resolution(footprint: MemoryFootprint) -> tuple[Resolution, ...]:
    """Footprint -> each resolution at which a convolution or a pool reads or writes a materialised tensor, the largest
    first (in order of appearance while extents are open): arXiv:1801.04381, table 3."""
    graph, schedule = footprint.graph, footprint.schedule
    spatial_values: set[str] = set()
    for step in schedule.steps:
        if any(traits_of(graph.nodes[i]).kind in SPATIAL_KINDS for i in step.nodes):
            spatial_values.update(step.reads, step.writes)
    resolutions: dict[tuple[Dim, ...], Resolution] = {}
    for buffer in schedule.buffers:
        shape = graph.types[buffer.name].shape
        if shape is None or len(shape) < 3 or spatial_values.isdisjoint(buffer.values):
            continue
        extents = shape[2:]
        resolution = Resolution(extents, shape[1], buffer.name, buffer.nbytes, 1)
        previous = resolutions.get(extents)
        if previous is not None:
            larger = bounds(resolution.nbytes)[0] > bounds(previous.nbytes)[0]
            resolution = (resolution if larger else previous)._replace(tensors=previous.tensors + 1)
        resolutions[extents] = resolution
    if all(isinstance(d, int) for extents in resolutions for d in extents):
        return tuple(sorted(resolutions.values(), key=lambda r: bounds(prod(r.extents))[0], reverse=True))
    return tuple(resolutions.values())
