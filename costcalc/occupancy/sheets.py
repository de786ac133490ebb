"""Footprint -> sheets: the tensors that hold the peak, live bytes by step, the most by resolution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costcalc.columns import Column
from costcalc.footer import Remark
from costcalc.memory.footprint import Footprint
from costcalc.memory.resolutions import resolutions
from costcalc.memory.schedule import Buffer
from costcalc.occupancy.remarks import facts, remarks
from costcalc.sheet import Plot, Sheet
from costcalc.units import shape_text, share

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
