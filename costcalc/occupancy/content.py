"""Footprint -> a dictionary for JSON: every step, every tensor, the plan of the arena."""

from __future__ import annotations

from typing import Any

from costcalc.core.amount import plain
from costcalc.dim import symbols
from costcalc.memory.footprint import Footprint
from costcalc.memory.resolutions import resolutions


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
        "execution": {"in_place": how.in_place, "fuse": how.fuse or how.fuse_blocks, "blocks": how.fuse_blocks,
                      "reorder": how.reorder, "best_order": found.best},
        "totals": totals,
        "lower_bound": bool(found.plan.unknown),
        "unknown": list(found.plan.unknown),
        "peak_step": found.line.step if found.peak is not None and steps else None,
        "steps": [
            {"name": s.name, "layers": [found.graph.nodes[i].name for i in s.nodes], "live_bytes": plain(n)}
            for s, n in zip(steps, found.line.live, strict=False)
        ],
        "tensors": [
            {"name": b.name, "dtype": str(t.dtype), "shape": [plain(d) for d in t.shape or ()],
             "bytes": plain(b.nbytes), "born": b.born, "dies": b.dies, "at_peak": found.held(b),
             "values": list(b.values), **({} if arena is None else {"offset": arena.offsets[i]})}
            for i, b in enumerate(found.plan.buffers) for t in (found.graph.types[b.name],)
        ],
        "resolutions": [
            {"extents": [plain(d) for d in r.extents], "channels": plain(r.channels), "bytes": plain(r.nbytes),
             "tensor": r.tensor, "tensors": r.tensors}
            for r in resolutions(found)
        ],
        "assumptions": [str(a) for a in found.graph.assumptions],
        "notes": list(found.graph.notes),
    }  # fmt: skip
    if arena is not None:
        content["arena"] = {"bytes": arena.size, "alive_bytes": arena.bound, "alignment": arena.alignment}
    return content
