"""Graph and how it is executed -> what it needs: live bytes at each step, the peak, a plan of the arena."""

from __future__ import annotations

from dataclasses import dataclass

from costcalc.analysis.options import ExecutionOptions
from costcalc.core.result import Result
from costcalc.dim import Dim, bounds
from costcalc.errors import UsageError
from costcalc.ir import Graph
from costcalc.memory.arena import Arena, arena
from costcalc.memory.fuse import fused
from costcalc.memory.peak import Timeline, timeline
from costcalc.memory.reorder import reordered
from costcalc.memory.schedule import Buffer, Schedule, Step, node_steps, schedule
from costcalc.memory.slices import sliced
from costcalc.units import exact


@dataclass(frozen=True, slots=True)
class Footprint(Result):
    """line holds the live bytes of plan's steps. given is the peak before reordering, best whether no order has a lower
    one (both None unless the order was searched for)."""

    graph: Graph
    execution: ExecutionOptions
    plan: Schedule
    line: Timeline
    arena: Arena | None = None
    given: Dim | None = None
    best: bool | None = None

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the table."""
        peak = "undecided" if self.peak is None else f"{exact(self.peak)} B"
        return f"<Footprint of {self.graph.name}: peak {peak}, {len(self.plan.buffers)} tensors>"

    @property
    def peak(self) -> Dim | None:
        """Peak activation bytes; None where open symbols leave it undecided."""
        return self.line.peak

    @property
    def total(self) -> Dim:
        """Bytes of all buffers together, as if none were ever freed."""
        result: Dim = 0
        for buffer in self.plan.buffers:
            result = result + buffer.nbytes
        return result

    def held(self, buffer: Buffer) -> bool:
        """Whether a buffer is alive at the peak."""
        return buffer.born <= self.line.step <= buffer.dies

    def operators(self, step: Step) -> tuple[str, ...]:
        """The operator types of a step."""
        return tuple([self.graph.nodes[i].op_type for i in step.nodes])

    def largest(self) -> tuple[int, ...]:
        """The places of the buffers in plan.buffers: those alive at the peak, then the others, the largest first."""
        buffers = self.plan.buffers
        return tuple(
            sorted(range(len(buffers)), key=lambda i: (not self.held(buffers[i]), -bounds(buffers[i].nbytes)[0]))
        )


def footprint(graph: Graph, execution: ExecutionOptions = ExecutionOptions()) -> Footprint:  # noqa: B008
    """What a graph needs when it is executed so. UndecidedError where sizes are open that an order or an arena is
    chosen by, UsageError for an alignment below 1."""
    if execution.align is not None and execution.align < 1:
        raise UsageError(f"the alignment is {execution.align} bytes", "give at least 1")
    steps = steps_of(graph, execution)
    given = best = None
    if execution.reorder:
        given = timeline(schedule(graph, steps, execution.in_place)).peak
        steps, best = reordered(graph, steps, execution.in_place)
    plan = schedule(graph, steps, execution.in_place)
    found = None
    if execution.align is not None:
        found = arena(plan, execution.align)
    return Footprint(graph, execution, plan, timeline(plan), found, given, best)


def steps_of(graph: Graph, execution: ExecutionOptions) -> tuple[Step, ...]:
    """A step a node, fused, or fused with blocks in slices."""
    if execution.fuse_blocks:
        return sliced(graph)
    if execution.fuse:
        return fused(graph)
    return node_steps(graph)
