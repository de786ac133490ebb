"""Footprint -> its tables (tensors at the peak, live bytes by step, the most by resolution) and its JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from costcalc.analysis.memory.footprint import MemoryFootprint, memory_by_resolution
from costcalc.core.amount import Amount, LowerBound, json_amount
from costcalc.core.dim import Dim, bind_remedy, symbols
from costcalc.core.units import format_count, format_shape, format_share, share
from costcalc.views.table import Column, Note, StepPlot, Table, Total, make_table


def memory_document(found: MemoryFootprint) -> dict[str, Any]:
    """The JSON entry: totals, steps, tensors, resolutions, the plan of the arena. peak_step is null where open symbols
    leave the peak undecided."""
    arena, steps = found.arena, found.schedule.steps
    totals = {"peak_activation_bytes": json_amount(found.peak), "all_tensors_bytes": json_amount(found.total)}
    if found.graph_order_peak is not None:
        totals["given_order_bytes"] = json_amount(found.graph_order_peak)
    content: dict[str, Any] = {
        "name": found.graph.name,
        "source": found.graph.source,
        "symbols": {
            **dict.fromkeys(symbols(*found.liveness.live_bytes, found.total)),
            **{name: json_amount(value) for name, value in found.graph.symbols.items()},
        },
        "execution": _execution_document(found),
        "totals": totals,
        "lower_bound": bool(found.schedule.unknown),
        "unknown": list(found.schedule.unknown),
        "peak_step": found.liveness.peak_step if found.peak is not None and steps else None,
        "steps": [
            {"name": s.name, "layers": [found.graph.nodes[i].name for i in s.nodes], "live_bytes": json_amount(n)}
            for s, n in zip(steps, found.liveness.live_bytes, strict=False)
        ],
        "tensors": [_tensor_document(found, i) for i in range(len(found.schedule.buffers))],
        "resolutions": _resolution_documents(found),
        "assumptions": [str(a) for a in found.graph.assumptions],
        "notes": list(found.graph.notes),
    }
    if arena is not None:
        content["arena"] = {"bytes": arena.size, "alive_bytes": arena.bound, "alignment": arena.alignment}
    return content


def _execution_document(found: MemoryFootprint) -> dict[str, Any]:
    how = found.execution
    return {
        "in_place": how.in_place,
        "fuse": how.fuse or how.fuse_blocks,
        "blocks": how.fuse_blocks,
        "reorder": how.reorder,
        "best_order": found.is_optimal,
    }


def _tensor_document(found: MemoryFootprint, place: int) -> dict[str, Any]:
    """A tensor: it is there from its step `born` (-1: an input) through `dies` (the number of steps: an output), which
    count from 0."""
    buffer = found.schedule.buffers[place]
    kind = found.graph.types[buffer.name]
    return {
        "name": buffer.name,
        "dtype": str(kind.dtype),
        "shape": [json_amount(d) for d in kind.shape or ()],
        "bytes": json_amount(buffer.nbytes),
        "born": buffer.first_step,
        "dies": buffer.last_step,
        "at_peak": found.is_live_at_peak(buffer),
        "values": list(buffer.values),
        **({} if found.arena is None else {"offset": found.arena.offsets[place]}),
    }


def _resolution_documents(found: MemoryFootprint) -> list[dict[str, Any]]:
    return [
        {
            "extents": [json_amount(d) for d in r.extents],
            "channels": json_amount(r.channels),
            "bytes": json_amount(r.nbytes),
            "tensor": r.tensor,
            "tensors": r.tensors,
        }
        for r in memory_by_resolution(found)
    ]


def memory_totals(found: MemoryFootprint) -> Iterator[Total]:
    """The peak (not where it is undecided), what it was before reordering, the arena, and all tensors together."""
    if found.peak is not None:
        yield Total("Peak activation bytes", _least(found, found.peak), "bytes")
    if found.graph_order_peak is not None and found.graph_order_peak != found.peak:
        yield Total("In the given order", _least(found, found.graph_order_peak), "bytes")
    if found.arena is not None:
        yield Total("Arena bytes", _least(found, found.arena.size), "bytes")
    yield Total("All tensors together", _least(found, found.total), "bytes")


def memory_notes(found: MemoryFootprint) -> Iterator[Note]:
    """Where the peak stands or what would decide it, then every assumption."""
    steps = found.schedule.steps
    if found.peak is None:
        live = found.liveness.live_bytes
        names = symbols(*live)
        yield Note(
            "Open",
            f"which step is the largest depends on {', '.join(names)}; {bind_remedy(sum(live, 0))}",
            True,
        )
    elif steps:
        yield Note(
            "Peak", f"at step {found.liveness.peak_step + 1} of {len(steps):,}, {steps[found.liveness.peak_step].name}"
        )
    if found.arena is not None:
        over = found.arena.size - found.arena.bound
        more = f"{format_count(over)} bytes ({format_share(over, found.arena.bound)})" if over else "no"
        yield Note("Arena", f"{more} more than is alive at once; offsets are multiples of {found.arena.alignment}")
    yield Note("Execution", "; ".join(_execution(found)))
    yield Note("Not counted", "weights, and an operator's own working memory")
    said = [f"{name} = {format_count(value)}" for name, value in found.graph.symbols.items()]
    given = [text for text in said if not any(note.startswith(text) for note in found.graph.notes)]
    if given:
        yield Note("Bound", ", ".join(given))
    for assumption in found.graph.assumptions:
        yield Note("Assumed", assumption.shown())
    for note in found.graph.notes:
        yield Note("Note", note)
    if found.schedule.unknown:
        names = found.schedule.unknown
        listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        yield Note("Unknown", f"the size of {len(names)} tensors ({listed}); figures marked ≥ are lower bounds", True)


def _execution(found: MemoryFootprint) -> Iterator[str]:
    """What is taken for granted, in words."""
    how = found.execution
    if how.fuse_blocks:
        yield "contractions with what follows them as one step, depthwise blocks in slices"
    elif how.fuse:
        yield "contractions with their normalisation, activation and residual addition as one step"
    else:
        yield "one step for each layer"
    if found.is_optimal is None:
        yield "in the given order"
    else:
        yield "in an order with the lowest peak there is" if found.is_optimal else "in the best order that was found"
    yield "elementwise operators write over what nothing reads later" if how.in_place else "nothing in place"
    yield "views share their source's memory"


def _least(found: MemoryFootprint, value: Dim) -> Amount:
    """A lower bound where the size of a tensor is not known."""
    return LowerBound(value) if found.schedule.unknown else value


def memory_table(found: MemoryFootprint, by: str = "tensor", top: int | None = None) -> Table:
    """A row per tensor (those alive at the peak first), per step, or per resolution; under it the peak and what is
    taken for granted. top keeps the first rows."""
    columns, items = {"tensor": _tensors, "step": _steps, "resolution": _resolutions}[by](found)
    kept = items if top is None else items[:top]
    notes = [*memory_notes(found)]
    if len(kept) < len(items):
        notes.insert(0, Note("Shown", f"{len(kept)} of {len(items):,} {by}s (--top {len(items)} shows all)"))
    live = [n for n in found.liveness.live_bytes if isinstance(n, int)]
    plot = (
        StepPlot("Live activation bytes by step", tuple(live))
        if len(live) == len(found.liveness.live_bytes) > 1
        else None
    )
    return make_table(
        found.graph.name,
        columns,
        kept,
        ", ".join(
            f"{n} {format_shape(t.shape)} {t.dtype}" for n in found.graph.inputs for t in (found.graph.types[n],)
        ),
        facts=tuple(memory_totals(found)),
        remarks=tuple(notes),
        plot=plot if by != "resolution" else None,
    )


def _tensors(found: MemoryFootprint) -> tuple[list[Column], Sequence[int]]:
    """The columns of tensors, and the tensors' places in the plan."""
    buffers, types, arena = found.schedule.buffers, found.graph.types, found.arena
    steps = max(len(found.schedule.steps), 1)

    def part(i: int) -> float | None:
        return share(buffers[i].nbytes, found.peak) if found.is_live_at_peak(buffers[i]) else None

    columns = [
        Column("tensor", "Tensor", "name", 100, lambda i: buffers[i].name),
        Column("type", "Type", "text", 40, lambda i: str(types[buffers[i].name].dtype)),
        Column("shape", "Shape", "shape", 60, lambda i: (types[buffers[i].name].shape,)),
        Column("bytes", "Bytes", "number", 90, lambda i: buffers[i].nbytes),
        Column("from", "From", "number", 50, lambda i: max(buffers[i].first_step, 0) + 1),
        Column("to", "To", "number", 50, lambda i: min(buffers[i].last_step + 1, steps)),
        Column("share", "% peak", "share", 80, part),
        Column("bar", "", "bar", 55, part),
    ]
    if arena is not None:
        columns.insert(4, Column("offset", "Offset", "number", 85, lambda i: arena.offsets[i]))
    return columns, found.rank_buffers()


def _steps(found: MemoryFootprint) -> tuple[list[Column], Sequence[int]]:
    """The columns of steps, and the steps' places in the plan."""
    steps, live = found.schedule.steps, found.liveness.live_bytes
    columns = [
        Column("number", "Step", "number", 50, lambda i: i + 1),
        Column("name", "Runs", "name", 100, lambda i: steps[i].name),
        Column("op", "Operator", "text", 60, lambda i: "+".join(found.operators(steps[i]))),
        Column("live", "Live bytes", "number", 90, lambda i: live[i]),
        Column("share", "% peak", "share", 80, lambda i: share(live[i], found.peak)),
        Column("bar", "", "bar", 55, lambda i: share(live[i], found.peak)),
    ]
    return columns, range(len(steps))


def _resolutions(found: MemoryFootprint) -> tuple[list[Column], Sequence[Any]]:
    """The columns of resolutions, and the resolutions."""
    columns = [
        Column("resolution", "Resolution", "name", 100, lambda row: format_shape(row.extents)),
        Column("channels", "Channels", "number", 90, lambda row: row.channels),
        Column("bytes", "Bytes", "number", 85, lambda row: row.nbytes),
        Column("tensor", "Tensor", "text", 60, lambda row: row.tensor),
        Column("tensors", "Tensors", "number", 40, lambda row: row.tensors),
    ]
    return columns, memory_by_resolution(found)
