"""Footprint -> its tables (tensors at the peak, live bytes by step, the most by resolution) and its JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from costcalc.analysis.memory.footprint import Footprint, resolutions
from costcalc.core.amount import Amount, AtLeast, plain
from costcalc.core.dim import Dim, remedy, symbols
from costcalc.core.units import exact, percent, shape_text, share
from costcalc.views.table import Column, Fact, Plot, Remark, Sheet, make_table


def memory_document(found: Footprint) -> dict[str, Any]:
    """The JSON entry: totals, steps, tensors, resolutions, the plan of the arena. peak_step is null where open symbols
    leave the peak undecided."""
    arena, steps = found.arena, found.plan.steps
    totals = {"peak_activation_bytes": plain(found.peak), "all_tensors_bytes": plain(found.total)}
    if found.given is not None:
        totals["given_order_bytes"] = plain(found.given)
    content: dict[str, Any] = {
        "name": found.graph.name,
        "source": found.graph.source,
        "symbols": {
            **dict.fromkeys(symbols(*found.line.live, found.total)),
            **{name: plain(value) for name, value in found.graph.symbols.items()},
        },
        "execution": _execution_document(found),
        "totals": totals,
        "lower_bound": bool(found.plan.unknown),
        "unknown": list(found.plan.unknown),
        "peak_step": found.line.step if found.peak is not None and steps else None,
        "steps": [
            {"name": s.name, "layers": [found.graph.nodes[i].name for i in s.nodes], "live_bytes": plain(n)}
            for s, n in zip(steps, found.line.live, strict=False)
        ],
        "tensors": [_tensor_document(found, i) for i in range(len(found.plan.buffers))],
        "resolutions": _resolution_documents(found),
        "assumptions": [str(a) for a in found.graph.assumptions],
        "notes": list(found.graph.notes),
    }
    if arena is not None:
        content["arena"] = {"bytes": arena.size, "alive_bytes": arena.bound, "alignment": arena.alignment}
    return content


def _execution_document(found: Footprint) -> dict[str, Any]:
    how = found.execution
    return {
        "in_place": how.in_place,
        "fuse": how.fuse or how.fuse_blocks,
        "blocks": how.fuse_blocks,
        "reorder": how.reorder,
        "best_order": found.best,
    }


def _tensor_document(found: Footprint, place: int) -> dict[str, Any]:
    """A tensor: it is there from its step `born` (-1: an input) through `dies` (the number of steps: an output), which
    count from 0."""
    buffer = found.plan.buffers[place]
    kind = found.graph.types[buffer.name]
    return {
        "name": buffer.name,
        "dtype": str(kind.dtype),
        "shape": [plain(d) for d in kind.shape or ()],
        "bytes": plain(buffer.nbytes),
        "born": buffer.born,
        "dies": buffer.dies,
        "at_peak": found.held(buffer),
        "values": list(buffer.values),
        **({} if found.arena is None else {"offset": found.arena.offsets[place]}),
    }


def _resolution_documents(found: Footprint) -> list[dict[str, Any]]:
    return [
        {
            "extents": [plain(d) for d in r.extents],
            "channels": plain(r.channels),
            "bytes": plain(r.nbytes),
            "tensor": r.tensor,
            "tensors": r.tensors,
        }
        for r in resolutions(found)
    ]


def facts(found: Footprint) -> Iterator[Fact]:
    """The peak (not where it is undecided), what it was before reordering, the arena, and all tensors together."""
    if found.peak is not None:
        yield Fact("Peak activation bytes", _least(found, found.peak), "bytes")
    if found.given is not None and found.given != found.peak:
        yield Fact("In the given order", _least(found, found.given), "bytes")
    if found.arena is not None:
        yield Fact("Arena bytes", _least(found, found.arena.size), "bytes")
    yield Fact("All tensors together", _least(found, found.total), "bytes")


def remarks(found: Footprint) -> Iterator[Remark]:
    """Where the peak stands or what would decide it, then every assumption."""
    steps = found.plan.steps
    if found.peak is None:
        names = symbols(*found.line.live)
        yield Remark(
            "Open", f"which step is the largest depends on {', '.join(names)}; {remedy(sum(found.line.live, 0))}", True
        )
    elif steps:
        yield Remark("Peak", f"at step {found.line.step + 1} of {len(steps):,}, {steps[found.line.step].name}")
    if found.arena is not None:
        over = found.arena.size - found.arena.bound
        more = f"{exact(over)} bytes ({percent(over, found.arena.bound)})" if over else "no"
        yield Remark("Arena", f"{more} more than is alive at once; offsets are multiples of {found.arena.alignment}")
    yield Remark("Execution", "; ".join(_execution(found)))
    yield Remark("Not counted", "weights, and an operator's own working memory")
    said = [f"{name} = {exact(value)}" for name, value in found.graph.symbols.items()]
    given = [text for text in said if not any(note.startswith(text) for note in found.graph.notes)]
    if given:
        yield Remark("Bound", ", ".join(given))
    for assumption in found.graph.assumptions:
        yield Remark("Assumed", assumption.shown())
    for note in found.graph.notes:
        yield Remark("Note", note)
    if found.plan.unknown:
        names = found.plan.unknown
        listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        yield Remark("Unknown", f"the size of {len(names)} tensors ({listed}); figures marked ≥ are lower bounds", True)


def _execution(found: Footprint) -> Iterator[str]:
    """What is taken for granted, in words."""
    how = found.execution
    if how.fuse_blocks:
        yield "contractions with what follows them as one step, depthwise blocks in slices"
    elif how.fuse:
        yield "contractions with their normalisation, activation and residual addition as one step"
    else:
        yield "one step for each layer"
    if found.best is None:
        yield "in the given order"
    else:
        yield "in an order with the lowest peak there is" if found.best else "in the best order that was found"
    yield "elementwise operators write over what nothing reads later" if how.in_place else "nothing in place"
    yield "views share their source's memory"


def _least(found: Footprint, value: Dim) -> Amount:
    """A lower bound where the size of a tensor is not known."""
    return AtLeast(value) if found.plan.unknown else value


def memory_table(found: Footprint, by: str = "tensor", top: int | None = None) -> Sheet:
    """A row per tensor (those alive at the peak first), per step, or per resolution; under it the peak and what is
    taken for granted. top keeps the first rows."""
    columns, items = {"tensor": _tensors, "step": _steps, "resolution": _resolutions}[by](found)
    kept = items if top is None else items[:top]
    notes = [*remarks(found)]
    if len(kept) < len(items):
        notes.insert(0, Remark("Shown", f"{len(kept)} of {len(items):,} {by}s (--top {len(items)} shows all)"))
    live = [n for n in found.line.live if isinstance(n, int)]
    plot = Plot("Live activation bytes by step", tuple(live)) if len(live) == len(found.line.live) > 1 else None
    return make_table(
        found.graph.name,
        columns,
        kept,
        ", ".join(f"{n} {shape_text(t.shape)} {t.dtype}" for n in found.graph.inputs for t in (found.graph.types[n],)),
        facts=tuple(facts(found)),
        remarks=tuple(notes),
        plot=plot if by != "resolution" else None,
    )


def _tensors(found: Footprint) -> tuple[list[Column], Sequence[int]]:
    """The columns of tensors, and the tensors' places in the plan."""
    buffers, types, arena = found.plan.buffers, found.graph.types, found.arena
    steps = max(len(found.plan.steps), 1)

    def part(i: int) -> float | None:
        return share(buffers[i].nbytes, found.peak) if found.held(buffers[i]) else None

    columns = [
        Column("tensor", "Tensor", "name", 100, lambda i: buffers[i].name),
        Column("type", "Type", "text", 40, lambda i: str(types[buffers[i].name].dtype)),
        Column("shape", "Shape", "shape", 60, lambda i: (types[buffers[i].name].shape,)),
        Column("bytes", "Bytes", "number", 90, lambda i: buffers[i].nbytes),
        Column("from", "From", "number", 50, lambda i: max(buffers[i].born, 0) + 1),
        Column("to", "To", "number", 50, lambda i: min(buffers[i].dies + 1, steps)),
        Column("share", "% peak", "share", 80, part),
        Column("bar", "", "bar", 55, part),
    ]
    if arena is not None:
        columns.insert(4, Column("offset", "Offset", "number", 85, lambda i: arena.offsets[i]))
    return columns, found.largest()


def _steps(found: Footprint) -> tuple[list[Column], Sequence[int]]:
    """The columns of steps, and the steps' places in the plan."""
    steps, live = found.plan.steps, found.line.live
    columns = [
        Column("number", "Step", "number", 50, lambda i: i + 1),
        Column("name", "Runs", "name", 100, lambda i: steps[i].name),
        Column("op", "Operator", "text", 60, lambda i: "+".join(found.operators(steps[i]))),
        Column("live", "Live bytes", "number", 90, lambda i: live[i]),
        Column("share", "% peak", "share", 80, lambda i: share(live[i], found.peak)),
        Column("bar", "", "bar", 55, lambda i: share(live[i], found.peak)),
    ]
    return columns, range(len(steps))


def _resolutions(found: Footprint) -> tuple[list[Column], Sequence[Any]]:
    """The columns of resolutions, and the resolutions."""
    columns = [
        Column("resolution", "Resolution", "name", 100, lambda row: shape_text(row.extents)),
        Column("channels", "Channels", "number", 90, lambda row: row.channels),
        Column("bytes", "Bytes", "number", 85, lambda row: row.nbytes),
        Column("tensor", "Tensor", "text", 60, lambda row: row.tensor),
        Column("tensors", "Tensors", "number", 40, lambda row: row.tensors),
    ]
    return columns, resolutions(found)
