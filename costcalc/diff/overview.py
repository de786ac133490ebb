"""Diffs → one Sheet that lists them, for whoever compares several models at once."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.columns import Column
from costcalc.diff.change import Diff
from costcalc.diff.known import rise
from costcalc.diff.sheets import amount, counted, share, title
from costcalc.sheet import Sheet

COLUMNS = (
    Column("model", "Model", "name", 100),
    Column("before", "MACs before", "number", 70),
    Column("after", "MACs after", "number", 80),
    Column("difference", "Δ MACs", "change", 95),
    Column("percent", "%", "percent", 90),
    Column("params", "Δ Params", "change", 85),
    Column("layers", "Layers", "prose", 40),
)


def overview(diffs: Sequence[Diff]) -> Sheet:
    """A row for each model: its MACs before and after, what its parameters gained, how many layers differ."""
    rows = [
        (title(diff), amount(diff, "macs", 0), amount(diff, "macs", 1),
         rise(diff, "macs"), share(diff, "macs"), rise(diff, "params"), counted(diff))
        for diff in diffs
    ]  # fmt: skip
    return Sheet(f"{len(diffs):,} models differ", "", COLUMNS, tuple(rows), kind="models")
