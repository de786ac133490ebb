"""Report -> live bytes at each step and every buffer of activations, without tensors that are computed from weights
alone.

A model with quantised weights may compute them in wider types at run time. Such tensors are weights in another form:
they stand in no chart of activations, and a sentence says what they take.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from costcalc.analysis.memory.footprint import MemoryFootprint, measure_footprint
from costcalc.analysis.memory.liveness import Buffer
from costcalc.analysis.report import Report
from costcalc.core.dim import Dim, sum_dims, symbols
from costcalc.core.elision import bind_options, list_symbols
from costcalc.core.errors import UndecidedError
from costcalc.core.ir import Graph
from costcalc.core.sanitize import printable
from costcalc.core.settings import option_words
from costcalc.core.units import format_bytes, format_shape
from costcalc.graph.parameters import stored_values
from costcalc.views.page.amounts import amount_data


def memory_data(report: Report) -> dict[str, Any]:
    """Live bytes at each step of the report's execution, and every buffer; {"open": why} where open symbols leave it
    undecided."""
    try:
        footprint = measure_footprint(report.graph, report.execution._replace(align=None))
    except UndecidedError as error:
        return {"open": str(error)}
    live = footprint.liveness.live_bytes
    if not all(isinstance(n, int) for n in live):
        names = symbols(*live)
        return {"open": f"Live bytes depend on {list_symbols(names)}: bind with {bind_options(names)}"}
    weights = weight_tensors(report.graph)
    left_out = [buffer for buffer in footprint.schedule.buffers if buffer.name in weights]
    buffers = [buffer for buffer in footprint.schedule.buffers if buffer.name not in weights]
    if left_out:
        live = _live_bytes(buffers, len(footprint.schedule.steps))
    peak = max(live, default=0)
    return {
        "execution": ", ".join(option_words(footprint.execution)),
        "steps": [printable(step.name) for step in footprint.schedule.steps],
        "live": [amount_data(n) for n in live],
        "peak": amount_data(peak),
        "step": live.index(peak) if left_out else footprint.liveness.peak_step,
        "least": bool(footprint.schedule.unknown),
        "weights": _weights_text(left_out, footprint),
        "buffers": [list(_buffer_cells(buffer, footprint)) for buffer in buffers],
    }


def weight_tensors(graph: Graph) -> frozenset[str]:
    """A graph -> the names of the tensors that are computed from stored ones alone: weights in another form."""
    stored = stored_values(graph)
    known = set(stored)
    for node in graph.nodes:
        read = list(filter(None, node.inputs))
        if read and known.issuperset(read):
            known.update(node.outputs)
    return frozenset(known - stored - set(graph.outputs))


def _live_bytes(buffers: list[Buffer], steps: int) -> tuple[Dim, ...]:
    """Buffers of known sizes -> the bytes of those alive at each step."""
    changes: list[Dim] = [0] * (steps + 1)
    for buffer in buffers:
        first, last = max(buffer.first_step, 0), min(buffer.last_step, max(steps - 1, 0))
        changes[first] += buffer.nbytes
        changes[last + 1] -= buffer.nbytes
    return tuple(accumulate(changes[:steps]))


def _weights_text(left_out: list[Buffer], footprint: MemoryFootprint) -> str:
    """What is left out of the chart, and the peak with it; "" where nothing is."""
    if not left_out:
        return ""
    n, size = len(left_out), sum_dims(buffer.nbytes for buffer in left_out)
    tensors = "1 tensor that is" if n == 1 else f"{n:,} tensors that are"
    return (
        f"Left out: {tensors} computed from weights alone, such as dequantised weights, {format_bytes(size)} together. "
        f"With them the peak is {format_bytes(footprint.peak)}: the figure in the summary counts what a run computes."
    )


def _buffer_cells(buffer: Buffer, footprint: MemoryFootprint) -> Iterator[Any]:
    """A buffer -> its name, shape, type and bytes, the first and the last step that it lives through."""
    kind = footprint.graph.types[buffer.name]
    yield printable(buffer.name)
    yield format_shape(kind.shape)
    yield str(kind.dtype)
    yield amount_data(buffer.nbytes)
    yield max(buffer.first_step, 0)
    yield min(buffer.last_step, max(len(footprint.schedule.steps) - 1, 0))
