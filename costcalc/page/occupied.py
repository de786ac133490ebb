"""A report -> its memory timeline for the page: live bytes at each step, and every buffer with the steps it lives."""

from __future__ import annotations

from typing import Any

from costcalc.dim import remedy, symbols
from costcalc.memory.footprint import footprint
from costcalc.page.figures import figure
from costcalc.render.untrusted import printable
from costcalc.report import Report
from costcalc.units import shape_text


def memory(report: Report) -> dict[str, Any]:
    """{"open": why} where open symbols leave it undecided."""
    found = footprint(report.graph)
    live = found.line.live
    if not all(isinstance(n, int) for n in live):
        names = ", ".join(symbols(*live))
        return {"open": f"Live bytes depend on {names}: {remedy(sum(live, 0))}"}
    return {
        "steps": [printable(step.name) for step in found.plan.steps],
        "live": [figure(n) for n in live],
        "peak": figure(found.peak),
        "step": found.line.step,
        "least": bool(found.plan.unknown),
        "buffers": [
            [printable(b.name), shape_text(kind.shape), str(kind.dtype), figure(b.nbytes), max(b.born, 0),
             min(b.dies, max(len(found.plan.steps) - 1, 0))]
            for b in found.plan.buffers for kind in (found.graph.types[b.name],)
        ],
    }  # fmt: skip
