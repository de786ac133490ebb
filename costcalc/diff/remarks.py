"""Diff → remarks: what did not change, inputs that have other shapes, what is bound, assumed and unknown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from costcalc.core.quantities import CATALOGUE, TOTALS
from costcalc.diff.change import Diff
from costcalc.footer import Remark
from costcalc.units import exact, shape_text


def remarks(diff: Diff, moved: Sequence[str]) -> Iterator[Remark]:
    """What stands below the totals; moved are those that differ."""
    same = [
        CATALOGUE[key].label for key in TOTALS if key not in moved and diff.totals(key) not in ((None, None), (0, 0))
    ]
    if not moved and not diff.changes:
        n = len(diff.layers)
        yield Remark("No difference", "its layer is the same" if n == 1 else f"all {n:,} layers are the same")
        return
    if same:
        yield Remark("Unchanged", ", ".join(same))
    yield from _inputs(diff)
    for label, before, after in (
        ("Bound", _symbols(diff.before.symbols), _symbols(diff.after.symbols)),
        ("Assumed", "; ".join(diff.before.assumptions), "; ".join(diff.after.assumptions)),
    ):
        if before != after and diff.before.source and diff.after.source:
            yield Remark(label, f"{before or 'nothing'} → {after or 'nothing'}")
        elif after:
            yield Remark(label, after)
    for which, snapshot in (("before", diff.before), ("after", diff.after)):
        for op, count in snapshot.unknown.items():
            yield Remark("Unknown", f"{op} × {count} {which}: totals marked ≥ are lower bounds", True)


def _inputs(diff: Diff) -> Iterator[Remark]:
    """The inputs that have another shape or element type now."""
    old = {tensor.name: tensor for tensor in diff.before.inputs}
    for new in diff.after.inputs:
        was = old.get(new.name)
        if was is not None and (was.shape, was.dtype) != (new.shape, new.dtype):
            types = ("", "") if was.dtype == new.dtype else (f" {was.dtype}", f" {new.dtype}")
            shapes = f"{shape_text(was.shape)}{types[0]} → {shape_text(new.shape)}{types[1]}"
            yield Remark("Input", f"{new.name} {shapes}")


def _symbols(bound: Any) -> str:
    return ", ".join(f"{name} = {exact(value)}" for name, value in bound.items())
