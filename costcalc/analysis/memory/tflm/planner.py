"""FlatModel and scratch buffers -> PlannedBuffers: lifetimes and offsets in the head of the arena.

Lifetimes are counted as AllocationInfoBuilder does (micro_allocation_info.cc): a scope for each operator, and one for
each subgraph that an operator runs; offsets are those of GreedyMemoryPlanner (greedy_memory_planner.cc): the largest
buffer first, each in the lowest gap between those that live with it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from costcalc.analysis.memory.tflm.build import ALIGNMENT
from costcalc.analysis.memory.tflm.kernels import tensor_bytes
from costcalc.core.budget import spend
from costcalc.core.flat_model import FlatModel, FlatOperator

CALLEES = {
    "IF": ("then_subgraph", "else_subgraph"),
    "WHILE": ("cond_subgraph", "body_subgraph"),
    "CALL_ONCE": ("init_subgraph",),
}
"""Operators that run subgraphs -> the attributes that name those."""

NEVER = -1
"""First and last scope of a tensor that no visited operator, input or output names."""

MAX_SCOPES = 1_000_000
"""Most scopes that are counted: subgraphs may run one another."""


class ScratchRequest(NamedTuple):
    """A scratch buffer: the subgraph and the operator in it that ask for it, and its bytes."""

    subgraph: int
    operator: int
    nbytes: int


class PlannedBuffer(NamedTuple):
    """A buffer of the head: the tensor (subgraph and index; -1, -1 of a scratch buffer), its bytes, rounded up to the
    alignment, the scopes that it lives through, its offset, and the operator of a scratch buffer."""

    subgraph: int
    tensor: int
    nbytes: int
    first: int
    last: int
    offset: int = 0
    operator: int = -1


class Lifetimes:
    """The first and the last scope of each tensor and each scratch buffer. scopes holds (subgraph, operator) of each
    scope, operator -1 where a subgraph begins."""

    def __init__(self, model: FlatModel, scratch: Sequence[ScratchRequest]) -> None:
        self.model, self.scratch = model, scratch
        self.tensors = [[[NEVER, NEVER] for _ in subgraph.tensors] for subgraph in model.subgraphs]
        self.buffers = [[NEVER, NEVER] for _ in scratch]
        self.requests: dict[tuple[int, int], list[int]] = {}
        for i, request in enumerate(scratch):
            self.requests.setdefault((request.subgraph, request.operator), []).append(i)
        self.scopes: list[tuple[int, int]] = [(0, -1)]
        self.visit(0)

    @property
    def now(self) -> int:
        """The scope that is counted."""
        return len(self.scopes) - 1

    def mark(self, spans: Sequence[list[int]], indexes: Iterable[int], begins: bool, ends: bool) -> None:
        """Tensors are there in this scope: created, where they were not before, and used."""
        for index in indexes:
            if index >= 0:
                if begins and spans[index][0] == NEVER:
                    spans[index][0] = self.now
                if ends:
                    spans[index][1] = self.now

    def visit(self, subgraph: int) -> None:
        """A subgraph, with those that its operators run."""
        inner, spans = self.model.subgraphs[subgraph], self.tensors[subgraph]
        self.mark(spans, inner.inputs, True, True)
        for position, operator in enumerate(inner.operators):
            self.scopes.append((subgraph, position))
            self.mark(spans, operator.outputs, True, False)
            start = self.now
            for callee in called_subgraphs(operator):
                if not 0 <= callee < len(self.model.subgraphs) or len(self.scopes) > MAX_SCOPES:
                    raise IndexError(callee)
                self.scopes.append((callee, -1))
                self.visit(callee)
            self.mark(spans, operator.inputs, False, True)
            self.mark(spans, operator.outputs, False, True)
            for i in self.requests.get((subgraph, position), ()):
                first = self.buffers[i][0]
                self.buffers[i] = [start if first == NEVER else first, self.now]
        self.mark(spans, inner.outputs, True, True)


def called_subgraphs(operator: FlatOperator) -> list[int]:
    """An operator -> the subgraphs that it runs."""
    return [operator.attributes.get(key, 0) for key in CALLEES.get(operator.name, ())]


class HeadPlan(NamedTuple):
    """The buffers of the head with their offsets, the scopes, and the bytes of the head."""

    buffers: tuple[PlannedBuffer, ...]
    scopes: tuple[tuple[int, int], ...]
    nbytes: int

    def live_bytes(self) -> list[int]:
        """Bytes of the buffers that live in each scope. What no scope names lives in none: it shares its place."""
        changes = [0] * (len(self.scopes) + 1)
        for buffer in self.buffers:
            if buffer.last != NEVER:
                changes[max(buffer.first, 0)] += buffer.nbytes
                changes[buffer.last + 1] -= buffer.nbytes
        live, current = [], 0
        for change in changes[:-1]:
            current += change
            live.append(current)
        return live


def plan_head(model: FlatModel, scratch: Sequence[ScratchRequest]) -> HeadPlan:
    """A model and its scratch buffers -> the plan of the head. IndexError where an operator runs a subgraph that there
    is not, RecursionError where subgraphs run one another without an end."""
    lifetimes = Lifetimes(model, scratch)
    buffers: list[PlannedBuffer] = []
    planned: list[int] = []
    offsets = iter(model.planned_offsets)
    for number, subgraph in enumerate(model.subgraphs):
        handles = {o.outputs[0] for o in subgraph.operators if o.name == "VAR_HANDLE" and o.outputs}
        for index, tensor in enumerate(subgraph.tensors):
            offset = next(offsets, -1)
            is_allocated = not tensor.stored_bytes and (not tensor.is_variable or offset >= 0)
            if is_allocated and index not in handles and tensor_bytes(tensor):
                first, last = lifetimes.tensors[number][index]
                buffers.append(PlannedBuffer(number, index, align(tensor_bytes(tensor)), first, last))
                planned.append(offset)
    for request, (first, last) in zip(scratch, lifetimes.buffers, strict=True):
        nbytes = align(request.nbytes)
        buffers.append(PlannedBuffer(request.subgraph, -1, nbytes, first, last, operator=request.operator))
        planned.append(-1)
    placed = place_buffers(buffers, planned)
    head = max([buffer.offset + buffer.nbytes for buffer in placed], default=0)
    return HeadPlan(tuple(placed), tuple(lifetimes.scopes), head)


def align(nbytes: int) -> int:
    """Bytes -> the same, rounded up to the alignment of the arena."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def place_buffers(buffers: Sequence[PlannedBuffer], planned: Sequence[int]) -> list[PlannedBuffer]:
    """Buffers, and the offsets that a converter planned (-1: none) -> the buffers with their offsets: those planned
    first, the others by size, the largest first, of equal ones the last first."""
    order = [i for i in range(len(buffers)) if planned[i] >= 0]
    order += sorted(
        [i for i in reversed(range(len(buffers))) if planned[i] < 0], key=lambda i: buffers[i].nbytes, reverse=True
    )
    result = list(buffers)
    entries: list[tuple[int, int, int]] = []
    for rank, i in enumerate(order):
        spend(1 + len(entries) // 16)
        offset = planned[i]
        if offset < 0:
            offset = _find_gap(buffers[i], [(start, result[j]) for start, _, j in entries]) if rank else 0
        result[i] = buffers[i]._replace(offset=offset)
        insort(entries, (offset, rank, i))
    return result


def _find_gap(buffer: PlannedBuffer, placed: Iterable[tuple[int, PlannedBuffer]]) -> int:
    """A buffer and those that are placed, by offset -> the lowest offset between those that live with it."""
    low = 0
    for start, other in placed:
        if other.first > buffer.last or buffer.first > other.last:
            continue
        if start - low >= buffer.nbytes:
            break
        low = max(low, start + other.nbytes)
    return low
