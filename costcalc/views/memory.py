"""What `costcalc memory` shows: a footprint as sheets and as a dictionary.

Footprint -> a dictionary for JSON: every step, every tensor, the plan of the arena.

Footprint -> what stands under its sheets: the peak, the arena, what is taken for granted of the execution.

Footprint -> sheets: the tensors that hold the peak, live bytes by step, the most by resolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costcalc.analysis.memory.footprint import Footprint, resolutions
from costcalc.analysis.memory.liveness import Buffer
from costcalc.core.amount import Amount, AtLeast, plain
from costcalc.core.dim import Dim, remedy, symbols
from costcalc.core.units import exact, percent, shape_text, share
from costcalc.views.table import Column, Fact, Plot, Remark, Sheet


def to_dict(found: Footprint) -> dict[str, Any]:
    """The JSON entry. Steps count from 0; a tensor is there from its step `born` (-1: an input) through `dies` (the
    number of steps: an output). peak_step is null where open symbols leave the peak undecided."""
    how, arena = found.execution, found.arena
    steps = found.plan.steps
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
        "execution": {
            "in_place": how.in_place,
            "fuse": how.fuse or how.fuse_blocks,
            "blocks": how.fuse_blocks,
            "reorder": how.reorder,
            "best_order": found.best,
        },
        "totals": totals,
        "lower_bound": bool(found.plan.unknown),
        "unknown": list(found.plan.unknown),
        "peak_step": found.line.step if found.peak is not None and steps else None,
        "steps": [
            {"name": s.name, "layers": [found.graph.nodes[i].name for i in s.nodes], "live_bytes": plain(n)}
            for s, n in zip(steps, found.line.live, strict=False)
        ],
        "tensors": [
            {
                "name": b.name,
                "dtype": str(t.dtype),
                "shape": [plain(d) for d in t.shape or ()],
                "bytes": plain(b.nbytes),
                "born": b.born,
                "dies": b.dies,
                "at_peak": found.held(b),
                "values": list(b.values),
                **({} if arena is None else {"offset": arena.offsets[i]}),
            }
            for i, b in enumerate(found.plan.buffers)
            for t in (found.graph.types[b.name],)
        ],
        "resolutions": [
            {
                "extents": [plain(d) for d in r.extents],
                "channels": plain(r.channels),
                "bytes": plain(r.nbytes),
                "tensor": r.tensor,
                "tensors": r.tensors,
            }
            for r in resolutions(found)
        ],
        "assumptions": [str(a) for a in found.graph.assumptions],
        "notes": list(found.graph.notes),
    }
    if arena is not None:
        content["arena"] = {"bytes": arena.size, "alive_bytes": arena.bound, "alignment": arena.alignment}
    return content


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


TENSOR = (
    Column("tensor", "Tensor", "name", 100),
    Column("type", "Type", "text", 40),
    Column("shape", "Shape", "shape", 60),
    Column("bytes", "Bytes", "number", 90),
    Column("from", "From", "number", 50),
    Column("to", "To", "number", 50),
    Column("share", "% peak", "share", 80),
    Column("bar", "", "bar", 55),
)

OFFSET = Column("offset", "Offset", "number", 85)

STEP = (
    Column("number", "Step", "number", 50),
    Column("name", "Runs", "name", 100),
    Column("op", "Operator", "text", 60),
    Column("live", "Live bytes", "number", 90),
    Column("share", "% peak", "share", 80),
    Column("bar", "", "bar", 55),
)

RESOLUTION = (
    Column("resolution", "Resolution", "name", 100),
    Column("channels", "Channels", "number", 90),
    Column("bytes", "Bytes", "number", 85),
    Column("tensor", "Tensor", "text", 60),
    Column("tensors", "Tensors", "number", 40),
)


def sheet(found: Footprint, by: str = "tensor", top: int | None = None) -> Sheet:
    """A row per tensor (those alive at the peak first), per step, or per resolution; under it the peak and what is
    taken for granted. top keeps the first rows."""
    rows = list({"tensor": _tensors, "step": _steps, "resolution": _resolutions}[by](found))
    shown = {"tensor": TENSOR, "step": STEP, "resolution": RESOLUTION}[by]
    if by == "tensor" and found.arena is not None:
        shown = (*shown[:4], OFFSET, *shown[4:])
    kept = rows if top is None else rows[:top]
    said = [*remarks(found)]
    if len(kept) < len(rows):
        said.insert(0, Remark("Shown", f"{len(kept)} of {len(rows):,} {by}s (--top {len(rows)} shows all)"))
    live = [n for n in found.line.live if isinstance(n, int)]
    plot = Plot("Live activation bytes by step", tuple(live)) if len(live) == len(found.line.live) > 1 else None
    return Sheet(
        found.graph.name,
        ", ".join(f"{n} {shape_text(t.shape)} {t.dtype}" for n in found.graph.inputs for t in (found.graph.types[n],)),
        shown,
        tuple(kept),
        facts=tuple(facts(found)),
        remarks=tuple(said),
        plot=plot if by != "resolution" else None,
    )


def _tensors(found: Footprint) -> Iterator[tuple[Any, ...]]:
    for i in found.largest():
        buffer = found.plan.buffers[i]
        kind = found.graph.types[buffer.name]
        part = share(buffer.nbytes, found.peak) if found.held(buffer) else None
        offset = () if found.arena is None else (found.arena.offsets[i],)
        yield (buffer.name, str(kind.dtype), (kind.shape,), buffer.nbytes, *offset, *_life(found, buffer), part, part)


def _life(found: Footprint, buffer: Buffer) -> tuple[int, int]:
    """The first and the last step that a buffer lives through, from 1 on."""
    return max(buffer.born, 0) + 1, min(buffer.dies + 1, max(len(found.plan.steps), 1))


def _steps(found: Footprint) -> Iterator[tuple[Any, ...]]:
    for i, step in enumerate(found.plan.steps):
        part = share(found.line.live[i], found.peak)
        yield i + 1, step.name, "+".join(found.operators(step)), found.line.live[i], part, part


def _resolutions(found: Footprint) -> Iterator[tuple[Any, ...]]:
    for row in resolutions(found):
        yield shape_text(row.extents), row.channels, row.nbytes, row.tensor, row.tensors
