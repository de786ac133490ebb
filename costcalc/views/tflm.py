"""TflmPlan -> its tables (buffers of the head, live bytes by operator), its notes and its JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from costcalc.analysis.memory.tflm.kernels import KernelMemory
from costcalc.analysis.memory.tflm.patches import PatchPlan
from costcalc.analysis.memory.tflm.plan import TflmPlan, is_live
from costcalc.analysis.memory.tflm.planner import PlannedBuffer
from costcalc.core.amount import Amount, LowerBound
from costcalc.core.units import format_count, format_share, share
from costcalc.views.table import Column, Note, StepPlot, Total

NO_KERNEL = KernelMemory()
"""What a scope of inputs asks for."""

LISTED = 3
"""Buffers that a note names."""


def tflm_document(plan: TflmPlan) -> dict[str, Any]:
    """The JSON entry: head, tail and total with what they consist of. lower_bound says that operators in `unknown`
    allocate more; scopes count from 0, the first of them is that of the inputs."""
    arena = plan.arena
    return {
        "runtime": arena.build.name,
        "build": arena.build.label,
        "arena_bytes": arena.total,
        "head_bytes": arena.head_bytes,
        "tail_bytes": arena.tail_bytes,
        "set_up_bytes": arena.planning_bytes,
        "lower_bound": bool(arena.unknown),
        "unknown": list(arena.unknown),
        "tail": {section.name: section.nbytes for section in arena.tail},
        "peak": {
            "bytes": plan.peak_bytes,
            "scope": plan.peak_scope,
            "operator": plan.operator_name(*arena.head.scopes[plan.peak_scope]),
            "buffers": [plan.buffer_name(buffer) for buffer in plan.peak_buffers()],
        },
        "patches": None if plan.patches is None else plan.patches._asdict(),
        "stored_order_bytes": None if plan.stored is None else plan.stored.total,
        "fixed_order": plan.fixed or None,
        "reordered_bytes": None if plan.reordered is None else plan.reordered.total,
        "scopes": [
            {"operator": plan.operator_name(*scope), "live_bytes": nbytes}
            for scope, nbytes in zip(arena.head.scopes, arena.head.live_bytes(), strict=True)
        ],
        "buffers": [_buffer_document(plan, buffer) for buffer in arena.head.buffers],
        "operators": [
            {
                "operator": plan.operator_name(item.subgraph, item.position),
                "persistent_bytes": None if item.memory is None else list(item.memory.persistent),
                "scratch_bytes": None if item.memory is None else list(item.memory.scratch),
            }
            for item in arena.operators
        ],
    }


def _buffer_document(plan: TflmPlan, buffer: PlannedBuffer) -> dict[str, Any]:
    return {
        "name": plan.buffer_name(buffer),
        "subgraph": buffer.subgraph,
        "bytes": buffer.nbytes,
        "offset": buffer.offset,
        "first": buffer.first,
        "last": buffer.last,
        "is_scratch": buffer.tensor < 0,
    }


def tflm_totals(plan: TflmPlan) -> Iterator[Total]:
    """The arena, its head and its tail; the head and the total are lower bounds where an operator has no figure."""

    def bound(nbytes: int) -> Amount:
        return LowerBound(nbytes) if plan.arena.unknown else nbytes

    yield Total("Arena bytes", bound(plan.arena.total), "bytes")
    yield Total("Head (tensors, scratch)", bound(plan.arena.head_bytes), "bytes")
    yield Total("Tail (structures)", bound(plan.arena.tail_bytes), "bytes")


def tflm_notes(plan: TflmPlan) -> Iterator[Note]:
    """For which build; what holds the peak; what the tail consists of; what would save memory; what has no figure."""
    arena = plan.arena
    yield Note("Runtime", f"TensorFlow Lite for Microcontrollers: {arena.build.label}")
    names = [f"{plan.buffer_name(b)} ({format_count(b.nbytes)})" for b in plan.peak_buffers()]
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    operator = plan.operator_name(*arena.head.scopes[plan.peak_scope])
    yield Note("Peak", f"{format_count(plan.peak_bytes)} bytes at {operator}: {' + '.join(names[:LISTED])}{more}")
    gap = arena.head_bytes - plan.peak_bytes
    more = f"{format_count(gap)} bytes ({format_share(gap, plan.peak_bytes)})" if gap and plan.peak_bytes else "no"
    yield Note("Head", f"{more} more than is alive at once; the greedy planner places the largest buffer first")
    sections = sorted(arena.tail, key=lambda section: -section.nbytes)
    yield Note("Tail", ", ".join(f"{section.name} {format_count(section.nbytes)}" for section in sections))
    if arena.planning_bytes > arena.total:
        yield Note(
            "Set-up", f"the arena must have at least {format_count(arena.planning_bytes)} bytes while the plan is made"
        )
    yield Note("Order", _order_text(plan))
    if plan.patches is not None:
        yield Note("Patches", _patch_text(plan, plan.patches))
    if not arena.build.is_recording:
        yield Note("Derived", "sizes of structures are those of the published code for 32-bit Arm, not measured")
    if arena.unknown:
        text = f"what {', '.join(arena.unknown)} allocates; figures marked ≥ are lower bounds"
        yield Note("Unknown", text, True)


def _order_text(plan: TflmPlan) -> str:
    """What another order of the operators would save."""
    if plan.fixed:
        return f"as in the file: {plan.fixed}, so that no other was tried"
    if plan.stored is not None:
        saved = plan.stored.total - plan.arena.total
        text = (
            f"another than in the file, which takes {format_count(plan.stored.total)} bytes: {format_count(saved)} less"
        )
        return f"{text} ({format_share(saved, plan.stored.total)})"
    if plan.reordered is None:
        return "no order of the operators that was tried has a smaller arena"
    saved = plan.arena.total - plan.reordered.total
    text = f"--reorder would save {format_count(saved)} bytes ({format_share(saved, plan.arena.total)})"
    return f"{text}: {format_count(plan.reordered.total)} with the operators in another order"


def _patch_text(plan: TflmPlan, patches: PatchPlan) -> str:
    """What computing the first operators in patches would save, and what it costs."""
    saved, again = plan.peak_bytes - patches.live_bytes, patches.patched_macs - patches.macs
    return (
        f"the first {patches.operators} operators in {patches.patches} × {patches.patches} patches would save "
        f"{format_count(saved)} of {format_count(plan.peak_bytes)} bytes at the peak and compute "
        f"{format_share(again, patches.macs)} of their MACs again (arXiv:2110.15352); the interpreter does not do so "
        "by itself"
    )


def tflm_plot(plan: TflmPlan) -> StepPlot | None:
    """Live bytes of the head by operator; none of a single one."""
    live = plan.arena.head.live_bytes()
    return StepPlot("Live bytes of the head by operator", tuple(live)) if len(live) > 1 else None


def tflm_rows(plan: TflmPlan, by: str) -> tuple[list[Column], Sequence[Any]]:
    """The columns of buffers (by tensor) or of operators (by step), and the buffers, those at the peak first, or the
    scopes."""
    return _buffer_rows(plan) if by == "tensor" else _scope_rows(plan)


def _buffer_rows(plan: TflmPlan) -> tuple[list[Column], Sequence[PlannedBuffer]]:
    scope, peak = plan.peak_scope, plan.peak_bytes

    def peak_share(buffer: PlannedBuffer) -> float | None:
        return share(buffer.nbytes, peak) if is_live(buffer, scope) else None

    columns = [
        Column("tensor", "Tensor", "name", 100, plan.buffer_name),
        Column("bytes", "Bytes", "number", 90, lambda buffer: buffer.nbytes),
        Column("offset", "Offset", "number", 85, lambda buffer: buffer.offset),
        Column("from", "From", "number", 50, lambda buffer: max(buffer.first, 0) if buffer.last >= 0 else None),
        Column("to", "To", "number", 50, lambda buffer: buffer.last if buffer.last >= 0 else None),
        Column("share", "% peak", "share", 80, peak_share),
        Column("bar", "", "bar", 55, peak_share),
    ]
    buffers = plan.arena.head.buffers
    return columns, sorted(buffers, key=lambda buffer: (not is_live(buffer, scope), -buffer.nbytes))


def _scope_rows(plan: TflmPlan) -> tuple[list[Column], Sequence[int]]:
    scopes, live = plan.arena.head.scopes, plan.arena.head.live_bytes()
    memory = {(item.subgraph, item.position): item.memory for item in plan.arena.operators}

    def requested(scope: int, kind: str) -> int | None:
        """Bytes that an operator's kernel asks for; None where they are not known."""
        found = memory.get(scopes[scope], NO_KERNEL)
        return None if found is None else sum(getattr(found, kind))

    columns = [
        Column("number", "Step", "number", 50, lambda i: i),
        Column("name", "Runs", "name", 100, lambda i: plan.operator_name(*scopes[i])),
        Column("live", "Live bytes", "number", 90, lambda i: live[i]),
        Column("scratch", "Scratch", "number", 70, lambda i: requested(i, "scratch")),
        Column("persistent", "Persistent", "number", 60, lambda i: requested(i, "persistent")),
        Column("share", "% peak", "share", 80, lambda i: share(live[i], plan.peak_bytes)),
        Column("bar", "", "bar", 55, lambda i: share(live[i], plan.peak_bytes)),
    ]
    return columns, range(len(scopes))
