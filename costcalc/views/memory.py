"""Footprint -> its tables (tensors at the peak, live bytes by step, the most by resolution) and its JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from costcalc.analysis.memory.arena import arena_remark
from costcalc.analysis.memory.footprint import MemoryFootprint, memory_by_resolution
from costcalc.core.amount import Amount, LowerBound, json_amount
from costcalc.core.dim import Dim, bind_remedy, symbols
from costcalc.core.elision import list_symbols
from costcalc.core.settings import non_defaults
from costcalc.core.units import format_count, format_shape, format_share, share
from costcalc.views.flash import file_notes, flash_document
from costcalc.views.onnxruntime import ort_document, ort_notes, ort_plot, ort_rows, ort_totals
from costcalc.views.settings import given_notes, parameters_text, settings_document
from costcalc.views.table import Column, Note, StepPlot, Table, Total, make_table
from costcalc.views.tflm import tflm_document, tflm_notes, tflm_plot, tflm_rows, tflm_totals


def memory_document(footprint: MemoryFootprint) -> dict[str, Any]:
    """The JSON entry: totals, steps, tensors, resolutions, the plan of the arena. peak_step is null where open symbols
    leave the peak undecided."""
    arena, steps = footprint.arena, footprint.schedule.steps
    totals = {"peak_activation_bytes": json_amount(footprint.peak), "all_tensors_bytes": json_amount(footprint.total)}
    if footprint.graph_order_peak is not None:
        totals["given_order_bytes"] = json_amount(footprint.graph_order_peak)
    content: dict[str, Any] = {
        "name": footprint.graph.name,
        "source": footprint.graph.source,
        **settings_document(_settings(footprint)),
        "symbols": {
            **dict.fromkeys(symbols(*footprint.liveness.live_bytes, footprint.total)),
            **{name: json_amount(value) for name, value in footprint.graph.symbols.items()},
        },
        "execution": _execution_document(footprint),
        "totals": totals,
        "lower_bound": bool(footprint.schedule.unknown),
        "unknown": list(footprint.schedule.unknown),
        "peak_step": footprint.liveness.peak_step if footprint.peak is not None and steps else None,
        "steps": [
            {"name": s.name, "layers": [footprint.graph.nodes[i].name for i in s.nodes], "live_bytes": json_amount(n)}
            for s, n in zip(steps, footprint.liveness.live_bytes, strict=False)
        ],
        "tensors": [_tensor_document(footprint, i) for i in range(len(footprint.schedule.buffers))],
        "resolutions": _resolution_documents(footprint),
        "assumptions": [str(a) for a in footprint.graph.assumptions],
        "notes": list(footprint.graph.notes),
    }
    if arena is not None:
        content["arena"] = {"bytes": arena.size, "alive_bytes": arena.bound, "alignment": arena.alignment}
    if footprint.tflm is not None:
        content["tflm"] = tflm_document(footprint.tflm)
    if footprint.onnxruntime is not None:
        content["onnxruntime"] = ort_document(footprint.onnxruntime, footprint.graph)
    if footprint.graph.flat is not None:
        content["flash"] = flash_document(footprint.graph.flat)
    return content


def _settings(footprint: MemoryFootprint) -> dict[str, Any]:
    """The settings of a footprint that are not their defaults."""
    execution = non_defaults(footprint.execution)
    return {**footprint.graph.settings, **({"execution": execution} if execution else {})}


def _execution_document(footprint: MemoryFootprint) -> dict[str, Any]:
    execution = footprint.execution
    return {
        "in_place": execution.in_place,
        "fuse": execution.fuse or execution.fuse_blocks,
        "blocks": execution.fuse_blocks,
        "reorder": execution.reorder,
        "best_order": footprint.is_optimal,
    }


def _tensor_document(footprint: MemoryFootprint, index: int) -> dict[str, Any]:
    """A tensor: it is there from its step `born` (-1: an input) through `dies` (the number of steps: an output), which
    count from 0."""
    buffer = footprint.schedule.buffers[index]
    kind = footprint.graph.types[buffer.name]
    return {
        "name": buffer.name,
        "dtype": str(kind.dtype),
        "shape": [json_amount(d) for d in kind.shape or ()],
        "bytes": json_amount(buffer.nbytes),
        "born": buffer.first_step,
        "dies": buffer.last_step,
        "at_peak": footprint.is_live_at_peak(buffer),
        "values": list(buffer.values),
        **({} if footprint.arena is None else {"offset": footprint.arena.offsets[index]}),
    }


def _resolution_documents(footprint: MemoryFootprint) -> list[dict[str, Any]]:
    return [
        {
            "extents": [json_amount(d) for d in r.extents],
            "channels": json_amount(r.channels),
            "bytes": json_amount(r.nbytes),
            "tensor": r.tensor,
            "tensors": r.tensors,
        }
        for r in memory_by_resolution(footprint)
    ]


def memory_totals(footprint: MemoryFootprint) -> Iterator[Total]:
    """The peak (not where it is undecided), what it was before reordering, the arena, and all tensors together."""
    if footprint.peak is not None:
        yield Total("Peak activation bytes", _with_bound(footprint, footprint.peak), "bytes")
    if footprint.graph_order_peak is not None and footprint.graph_order_peak != footprint.peak:
        yield Total("In the given order", _with_bound(footprint, footprint.graph_order_peak), "bytes")
    if footprint.arena is not None:
        yield Total("Arena bytes", _with_bound(footprint, footprint.arena.size), "bytes")
    yield Total("All tensors together", _with_bound(footprint, footprint.total), "bytes")


def open_peak_text(footprint: MemoryFootprint) -> str:
    """A footprint whose largest step depends on symbols -> that reason, and how they are bound."""
    live_bytes = footprint.liveness.live_bytes
    return (
        f"which step is the largest depends on {list_symbols(symbols(*live_bytes))}; {bind_remedy(sum(live_bytes, 0))}"
    )


def memory_notes(footprint: MemoryFootprint) -> Iterator[Note]:
    """Where the peak stands or what would decide it, then every assumption."""
    steps = footprint.schedule.steps
    if footprint.peak is None:
        yield Note("Open", open_peak_text(footprint), True)
    elif steps:
        yield Note(
            "Peak",
            f"at step {footprint.liveness.peak_step + 1} of {len(steps):,}, {steps[footprint.liveness.peak_step].name}",
        )
    if footprint.arena is not None:
        gap = footprint.arena.size - footprint.arena.bound
        more = f"{format_count(gap)} bytes ({format_share(gap, footprint.arena.bound)})" if gap else "no"
        yield Note("Arena", f"{more} more than is alive at once; offsets are multiples of {footprint.arena.alignment}")
    yield Note("Execution", "; ".join(_execution_texts(footprint)))
    yield Note("Not counted", "weights, and an operator's own working memory")
    if footprint.graph.flat is not None and footprint.graph.flat.is_as_stored:
        yield Note("Runtime", f"none, {arena_remark(footprint.graph, footprint.execution)}")
    if footprint.graph.flat is not None:
        yield from file_notes(footprint.graph.flat)
    bindings = [f"{name} = {format_count(value)}" for name, value in footprint.graph.symbols.items()]
    unnoted_bindings = [text for text in bindings if not any(note.startswith(text) for note in footprint.graph.notes)]
    if unnoted_bindings:
        yield Note("Sizes", ", ".join(unnoted_bindings))
    yield from given_notes(footprint.graph)
    for assumption in footprint.graph.assumptions:
        yield Note("Assumed", assumption.format())
    for note in footprint.graph.notes:
        yield Note("Note", note)
    if footprint.schedule.unknown:
        names = footprint.schedule.unknown
        listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        yield Note("Unknown", f"the size of {len(names)} tensors ({listed}); figures marked ≥ are lower bounds", True)


def _execution_texts(footprint: MemoryFootprint) -> Iterator[str]:
    """A footprint → its execution settings in words, one text for each."""
    execution = footprint.execution
    if execution.fuse_blocks:
        yield "contractions with what follows them as one step, depthwise blocks in slices"
    elif execution.fuse:
        yield "contractions with their normalisation, activation and residual addition as one step"
    else:
        yield "one step for each layer"
    if footprint.is_optimal is None:
        yield "in the given order"
    else:
        yield (
            "in an order with the lowest peak there is" if footprint.is_optimal else "in the best order that was found"
        )
    yield "elementwise operators write over what nothing reads later" if execution.in_place else "nothing in place"
    yield "views share their source's memory"


def _with_bound(footprint: MemoryFootprint, value: Dim) -> Amount:
    """A number of bytes → the same; a lower bound where the size of a tensor is not known."""
    return LowerBound(value) if footprint.schedule.unknown else value


def memory_table(footprint: MemoryFootprint, by: str = "tensor", top: int | None = None) -> Table:
    """A row per tensor (those alive at the peak first), per step, or per resolution; under it the peak and what is
    taken for granted. top keeps the first rows. Under a runtime tensors and steps are those of its plan."""
    if (footprint.tflm or footprint.onnxruntime) and by != "resolution":
        return _runtime_table(footprint, by, top)
    columns, items = {"tensor": _tensor_rows, "step": _step_rows, "resolution": _resolution_rows}[by](footprint)
    notes = [*memory_notes(footprint)]
    rows, shown = _select_rows(items, by, top)
    live = [n for n in footprint.liveness.live_bytes if isinstance(n, int)]
    plot = (
        StepPlot("Live activation bytes by step", tuple(live))
        if len(live) == len(footprint.liveness.live_bytes) > 1
        else None
    )
    return make_table(
        footprint.graph.name,
        columns,
        rows,
        _input_texts(footprint),
        totals=tuple(memory_totals(footprint)),
        notes=(*shown, *notes),
        plot=plot if by != "resolution" else None,
    )


def _select_rows(items: Sequence[Any], by: str, top: int | None) -> tuple[Sequence[Any], list[Note]]:
    """The first rows, and a note that says so where there are more."""
    rows = items if top is None else items[:top]
    text = f"{len(rows)} of {len(items):,} {by}s (--top {len(items)} shows all)"
    return rows, [Note("Shown", text)] if len(rows) < len(items) else []


def _input_texts(footprint: MemoryFootprint) -> str:
    types = footprint.graph.types
    inputs = [f"{n} {format_shape(types[n].shape)} {types[n].dtype}" for n in footprint.graph.inputs]
    return ", ".join(filter(None, (parameters_text(footprint.graph), *inputs)))


def _runtime_table(footprint: MemoryFootprint, by: str, top: int | None) -> Table:
    """The tables of the plan of a runtime."""
    graph, plan, block = footprint.graph, footprint.tflm, footprint.onnxruntime
    if plan is not None:
        assert graph.flat is not None
        columns, items = tflm_rows(plan, by)
        totals, notes, plot = tflm_totals(plan), (*tflm_notes(plan), *file_notes(graph.flat)), tflm_plot(plan)
    else:
        assert block is not None
        columns, items = ort_rows(block, graph, by)
        totals, notes, plot = ort_totals(block), tuple(ort_notes(block, graph)), ort_plot(block)
    rows, shown = _select_rows(items, by, top)
    return make_table(
        graph.name,
        columns,
        rows,
        _input_texts(footprint),
        totals=tuple(totals),
        notes=(*shown, *notes, *given_notes(graph), *[Note("Note", note) for note in graph.notes]),
        plot=plot,
    )


def _tensor_rows(footprint: MemoryFootprint) -> tuple[list[Column], Sequence[int]]:
    """The columns of tensors, and the tensors' places in the plan."""
    buffers, types, arena = footprint.schedule.buffers, footprint.graph.types, footprint.arena
    steps = max(len(footprint.schedule.steps), 1)

    def peak_share(i: int) -> float | None:
        return share(buffers[i].nbytes, footprint.peak) if footprint.is_live_at_peak(buffers[i]) else None

    columns = [
        Column("tensor", "Tensor", "name", 100, lambda i: buffers[i].name),
        Column("type", "Type", "text", 40, lambda i: str(types[buffers[i].name].dtype)),
        Column("shape", "Shape", "shape", 60, lambda i: (types[buffers[i].name].shape,)),
        Column("bytes", "Bytes", "number", 90, lambda i: buffers[i].nbytes),
        Column("from", "From", "number", 50, lambda i: max(buffers[i].first_step, 0) + 1),
        Column("to", "To", "number", 50, lambda i: min(buffers[i].last_step + 1, steps)),
        Column("share", "% peak", "share", 80, peak_share),
        Column("bar", "", "bar", 55, peak_share),
    ]
    if arena is not None:
        columns.insert(4, Column("offset", "Offset", "number", 85, lambda i: arena.offsets[i]))
    return columns, footprint.rank_buffers()


def _step_rows(footprint: MemoryFootprint) -> tuple[list[Column], Sequence[int]]:
    """The columns of steps, and the steps' places in the plan."""
    steps, live = footprint.schedule.steps, footprint.liveness.live_bytes
    columns = [
        Column("number", "Step", "number", 50, lambda i: i + 1),
        Column("name", "Runs", "name", 100, lambda i: steps[i].name),
        Column("op", "Operator", "text", 60, lambda i: "+".join(footprint.operators(steps[i]))),
        Column("live", "Live bytes", "number", 90, lambda i: live[i]),
        Column("share", "% peak", "share", 80, lambda i: share(live[i], footprint.peak)),
        Column("bar", "", "bar", 55, lambda i: share(live[i], footprint.peak)),
    ]
    return columns, range(len(steps))


def _resolution_rows(footprint: MemoryFootprint) -> tuple[list[Column], Sequence[Any]]:
    """The columns of resolutions, and the resolutions."""
    columns = [
        Column("resolution", "Resolution", "name", 100, lambda row: format_shape(row.extents)),
        Column("channels", "Channels", "number", 90, lambda row: row.channels),
        Column("bytes", "Bytes", "number", 85, lambda row: row.nbytes),
        Column("tensor", "Tensor", "text", 60, lambda row: row.tensor),
        Column("tensors", "Tensors", "number", 40, lambda row: row.tensors),
    ]
    return columns, memory_by_resolution(footprint)
