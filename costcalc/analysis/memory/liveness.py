"""Graph to Schedule to LiveMemory: steps in execution order, the buffers that they need, live bytes at each step, the
peak.

A view shares its source's buffer. An input lives until its last reader, an output until the end. Stored tensors and
views of them are weights, not activations: such a view is no step and has no buffer. A node that computes from stored
tensors alone has an activation like any other. An input that nothing reads lives through the first step: the caller
puts it there, and a planner gives its memory to others then (micro_allocation_info.cc of TensorFlow Lite for
Microcontrollers marks a subgraph's inputs as created and last used at its start).
"""

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from costcalc.core.dim import Dim, bounds, maximum, substitute_all, symbols
from costcalc.core.ir import Graph, Node
from costcalc.core.result import short_repr
from costcalc.core.traits import traits_of
from costcalc.graph.parameters import stored_values


class ScheduleStep(NamedTuple):
    """One step: a node, or several that run as one. reads and writes are the values that it takes from memory and
    leaves there."""

    name: str
    nodes: tuple[int, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]


class Buffer(NamedTuple):
    """Memory of one or more values (a view, and what is computed in place, share it). It lives from first_step (-1
    for a graph input) through last_step."""

    name: str
    nbytes: Dim
    first_step: int
    last_step: int
    values: tuple[str, ...] = ()


class Schedule(NamedTuple):
    """Steps in order, and the buffers that they need; unknown names the values whose shapes are unknown."""

    steps: tuple[ScheduleStep, ...]
    buffers: tuple[Buffer, ...]
    unknown: tuple[str, ...]

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr("Schedule of", f"{len(self.steps):,} steps", f"{len(self.buffers):,} buffers")


def runtime_values(graph: Graph) -> set[str]:
    """Graph -> the values that exist at run time only: graph inputs and what nodes compute, without stored tensors and
    views of them."""
    names = set(graph.data_inputs).union(*[node.outputs for node in graph.nodes])
    names.difference_update(stored_values(graph), ("",))
    return names


def node_steps(graph: Graph) -> tuple[ScheduleStep, ...]:
    """Graph -> one step for each node that is no view of a stored tensor, in the graph's order."""
    values = runtime_values(graph)
    has_views = not all(map(values.issuperset, [node.outputs for node in graph.nodes]))
    return tuple(
        [
            ScheduleStep(
                node.name,
                (i,),
                node.inputs if values.issuperset(node.inputs) else tuple(filter(values.__contains__, node.inputs)),
                node.outputs if "" not in node.outputs else tuple(filter(None, node.outputs)),
            )
            for i, node in enumerate(graph.nodes)
            if not (has_views and is_stored_view(node, values))
        ]
    )


def is_stored_view(node: Node, values: set[str]) -> bool:
    """Node and the values of run time -> whether it is a view of a stored tensor, which no run computes."""
    return values.isdisjoint(node.outputs) and any(node.outputs)


def make_schedule(graph: Graph, steps: Sequence[ScheduleStep] | None = None, in_place: bool = False) -> Schedule:
    """Graph and steps (one for each node unless given) -> the schedule with the lifetime of every buffer.

    in_place lets an elementwise step write over an input of the same size that nothing reads later (a graph input is
    never written over).
    """
    steps = node_steps(graph) if steps is None else tuple(steps)
    last_reads = _last_reads(graph, steps)
    buffer_of: dict[str, str] = {}
    types = graph.types
    buffers: dict[str, Buffer] = {}
    for name in graph.data_inputs:
        size = 0 if types[name].shape is None else types[name].nbytes
        buffers[name] = Buffer(name, size, -1, last_reads.get(name, 0), (name,))
    sharing: dict[str, list[str]] = {}
    unknown: list[str] = []
    nodes = graph.nodes
    for index, step in enumerate(steps):
        may_share = in_place or (step.nodes and traits_of(nodes[step.nodes[0]]).view)
        source = _shared_buffer(graph, step, buffer_of, buffers, index, in_place) if may_share else ""
        for position, value in enumerate(step.writes):
            type_, last_step = types[value], last_reads.get(value, index)
            if type_.shape is None:
                unknown.append(value)
            elif source and position == 0:
                buffer_of[value] = source
                sharing.setdefault(source, [source]).append(value)
                buffers[source] = buffers[source]._replace(last_step=max(buffers[source].last_step, last_step))
            else:
                buffers[value] = Buffer(value, type_.nbytes, index, last_step, (value,))
    for source, values in sharing.items():
        buffers[source] = buffers[source]._replace(values=tuple(values))
    for name in graph.data_inputs:
        if types[name].shape is None:
            buffers.pop(name, None)
    return Schedule(steps, tuple(buffers.values()), tuple(unknown))


def _last_reads(graph: Graph, steps: Iterable[ScheduleStep]) -> dict[str, int]:
    """Value -> the last step that reads it; for an output of the graph the number of steps."""
    last: dict[str, int] = {}
    count = 0
    for index, step in enumerate(steps):
        count += 1
        for value in step.reads:
            last[value] = index
    for value in graph.outputs:
        last[value] = count
    return last


def _shared_buffer(
    graph: Graph,
    step: ScheduleStep,
    buffer_of: Mapping[str, str],
    buffers: Mapping[str, Buffer],
    index: int,
    in_place: bool,
) -> str:
    """Step -> the buffer that its first output shares: a view's source, or an input that it writes over; "" for a new
    one."""
    if len(step.nodes) != 1 or not step.reads:
        return ""
    node = graph.nodes[step.nodes[0]]
    if traits_of(node).view and node.inputs[0] in step.reads:
        root = buffer_of.get(node.inputs[0], node.inputs[0])
        return root if root in buffers else ""
    if in_place:
        for value in in_place_inputs(graph, step):
            root = buffer_of.get(value, value)
            buffer = buffers.get(root)
            if buffer is not None and buffer.last_step == index and buffer.first_step >= 0:
                return root
    return ""


def in_place_inputs(graph: Graph, step: ScheduleStep) -> Iterator[str]:
    """Elementwise step -> the inputs of the result's size, which it can write its result over where nothing reads them
    later."""
    node = graph.nodes[step.nodes[0]]
    if len(step.nodes) != 1 or not traits_of(node).in_place:
        return
    out = graph.types[step.writes[0]]
    for value in step.reads:
        type_ = graph.types[value]
        if type_.shape is not None and type_.shape == out.shape and type_.dtype.bits == out.dtype.bits:
            yield value


MAX_FORMULAS = 4
"""Most formulas that a symbolic peak is the maximum of; of more the peak is undecided."""


class LiveMemory(NamedTuple):
    """live_bytes[i] are those that step i needs (its inputs, its outputs and what lives across it); peak is their
    maximum, None where open symbols leave it undecided; peak_step is the first step at the peak."""

    live_bytes: tuple[Dim, ...]
    peak: Dim | None
    peak_step: int

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr(
            "LiveMemory of", f"{len(self.live_bytes):,} steps", f"peak {self.peak} bytes at step {self.peak_step}"
        )


def live_memory(schedule: Schedule) -> LiveMemory:
    """Schedule -> live activation bytes at each step, and the peak."""
    live = live_bytes(schedule)
    peak, peak_step = maximum_and_step(live)
    return LiveMemory(tuple(live), peak, peak_step)


def live_bytes(schedule: Schedule) -> list[Dim]:
    """Schedule -> live bytes at each step: a buffer is added at its first step and subtracted after its last."""
    count = len(schedule.steps)
    add, subtract = lru_cache(maxsize=None)(operator.add), lru_cache(maxsize=None)(operator.sub)  # blocks repeat sums
    changes: list[Dim] = [0] * (count + 2)
    for buffer in schedule.buffers:
        start = max(buffer.first_step, 0)
        changes[start] = add(changes[start], buffer.nbytes)
        if buffer.last_step < count:
            changes[buffer.last_step + 1] = subtract(changes[buffer.last_step + 1], buffer.nbytes)
    return list(accumulate(changes[: max(count, 1)], add))


def maximum_and_step(values: list[Dim]) -> tuple[Dim | None, int]:
    """Values -> (their maximum, the first index at it): a max() of a few formulas where symbols leave it open, None of
    more than MAX_FORMULAS."""
    numbers = [v for v in values if isinstance(v, int)]
    if len(numbers) == len(values):
        peak = max(numbers, default=0)
        return peak, values.index(peak) if values else 0
    names = symbols(*values)
    points = [dict.fromkeys(names, n) for n in (1, 100, 100_003)] + [{name: 7 + 31 * i for i, name in enumerate(names)}]
    formulas = list(dict.fromkeys(values))
    samples = dict(zip(formulas, zip(*[substitute_all(formulas, point) for point in points], strict=True), strict=True))

    def covers(a: Dim, b: Dim) -> bool:
        """Whether a >= b for all values of the symbols; numbers disprove most pairs at less cost than bounds."""
        return all(x >= y for x, y in zip(samples[a], samples[b], strict=True)) and bounds(a - b)[0] >= 0

    maxima: list[Dim] = []
    for value in sorted(samples, key=lambda v: samples[v][2], reverse=True):
        if any(covers(other, value) for other in maxima):
            continue
        maxima = [other for other in maxima if not covers(value, other)] + [value]
        if len(maxima) > MAX_FORMULAS * 4:
            return None, 0
    maxima.sort(key=lambda v: -bounds(v)[0])
    if len(maxima) > MAX_FORMULAS:
        return None, 0
    total = maxima[0]
    for value in maxima[1:]:
        total = maximum(total, value)
    return total, values.index(maxima[0])
