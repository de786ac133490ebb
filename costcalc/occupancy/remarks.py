"""Footprint -> what stands under its sheets: the peak, the arena, what is taken for granted of the execution."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.core.amount import Amount, AtLeast
from costcalc.dim import Dim, remedy, symbols
from costcalc.footer import Fact, Remark
from costcalc.memory.footprint import Footprint
from costcalc.units import exact, percent


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
