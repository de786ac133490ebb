"""OrtPlan -> its tables (buffers of the block, live bytes by step), its notes and its JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from costcalc.analysis.memory.onnxruntime import ALIGNMENT, OrtBuffer, OrtPlan
from costcalc.core.ir import Graph
from costcalc.core.units import format_count, format_share, share
from costcalc.views.table import Column, Note, StepPlot, Total


def ort_document(plan: OrtPlan, graph: Graph) -> dict[str, Any]:
    """The JSON entry: the block and its buffers, whose steps count from 0 in the order of `steps`; `unread` are values
    that nothing reads, by whose bytes the block is unsure."""
    return {
        "runtime": "onnxruntime",
        "block_bytes": plan.nbytes,
        "output_bytes": plan.output_bytes,
        "unread": list(plan.unread),
        "steps": [
            {"name": graph.nodes[i].name, "live_bytes": nbytes}
            for i, nbytes in zip(plan.order, plan.live_bytes(), strict=True)
        ],
        "buffers": [{**buffer._asdict(), "values": list(buffer.values)} for buffer in plan.buffers],
    }


def ort_totals(plan: OrtPlan) -> Iterator[Total]:
    """The block, and the outputs beside it."""
    yield Total("Block of activations", plan.nbytes, "bytes")
    yield Total("Outputs beside it", plan.output_bytes, "bytes")


def ort_notes(plan: OrtPlan, graph: Graph) -> Iterator[Note]:
    """Of which runtime; what holds the peak; what is known of it, and what is not."""
    live = plan.live_bytes()
    peak = max(live, default=0)
    yield Note("Runtime", "ONNX Runtime on a CPU, one stream, optimisations of the graph off, memory pattern on")
    if plan.buffers:
        step = live.index(peak)
        held = sorted([b for b in plan.buffers if b.first <= step <= b.last], key=lambda b: -b.nbytes)
        names = " + ".join(f"{b.values[0]} ({format_count(b.nbytes)})" for b in held[:3])
        more = f" and {len(held) - 3} more" if len(held) > 3 else ""
        yield Note("Peak", f"{format_count(peak)} bytes at {graph.nodes[plan.order[step]].name}: {names}{more}")
        gap = plan.nbytes - peak
        text = f"{format_count(gap)} bytes ({format_share(gap, peak)})" if gap else "no"
        yield Note("Block", f"{text} more than is alive at once; sizes are multiples of {ALIGNMENT}")
    yield Note(
        "Verified",
        "onnxruntime 1.32 asks its arena for such a block from the second run with the same shapes on; give the model "
        "that it has optimised (optimized_model_filepath) for what it really runs",
    )
    yield Note(
        "Not counted",
        "weights, inputs (the caller's), working memory of kernels, and what the arena reserves beyond: it grows by "
        "powers of two unless arena_extend_strategy is kSameAsRequested",
    )
    if plan.unread:
        yield Note("Unsure", f"how long it keeps what nothing reads ({', '.join(plan.unread[:3])}) is not known", True)


def ort_plot(plan: OrtPlan) -> StepPlot | None:
    """Live bytes by step; none of a single one."""
    live = plan.live_bytes()
    return StepPlot("Live bytes of the block by step", tuple(live)) if len(live) > 1 else None


def ort_rows(plan: OrtPlan, graph: Graph, by: str) -> tuple[list[Column], Sequence[Any]]:
    """The columns of buffers (by tensor) or of steps, and the buffers, those at the peak first, or the steps."""
    live = plan.live_bytes()
    peak = max(live, default=0)
    if by == "step":
        columns = [
            Column("number", "Step", "number", 50, lambda i: i + 1),
            Column("name", "Runs", "name", 100, lambda i: graph.nodes[plan.order[i]].name),
            Column("live", "Live bytes", "number", 90, lambda i: live[i]),
            Column("share", "% peak", "share", 80, lambda i: share(live[i], peak)),
        ]
        return columns, range(len(live))
    step = live.index(peak) if live else 0

    def is_live(buffer: OrtBuffer) -> bool:
        return buffer.first <= step <= buffer.last

    columns = [
        Column("tensor", "Tensor", "name", 100, lambda buffer: buffer.values[0]),
        Column("bytes", "Bytes", "number", 90, lambda buffer: buffer.nbytes),
        Column("offset", "Offset", "number", 85, lambda buffer: buffer.offset),
        Column("from", "From", "number", 50, lambda buffer: buffer.first + 1),
        Column("to", "To", "number", 50, lambda buffer: buffer.last + 1),
        Column("values", "Values", "number", 45, lambda buffer: len(buffer.values)),
        Column("share", "% peak", "share", 80, lambda buffer: share(buffer.nbytes, peak) if is_live(buffer) else None),
    ]
    return columns, sorted(plan.buffers, key=lambda buffer: (not is_live(buffer), -buffer.nbytes))
