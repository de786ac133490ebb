"""Diff → Sheets: the totals before and after, the difference by cause, the layers that changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from costcalc.columns import Column
from costcalc.core.amount import Amount, AtLeast, add
from costcalc.core.quantities import CATALOGUE, TOTALS
from costcalc.diff.change import CAUSES, Diff, LayerChange
from costcalc.diff.known import partial, rise
from costcalc.diff.remarks import remarks
from costcalc.diff.words import operator, words
from costcalc.dim import Dim
from costcalc.footer import Remark
from costcalc.rows import QUANTITIES
from costcalc.sheet import Sheet, only

SAID = {"changed": "~ {} changed", "added": "+ {} added", "removed": "- {} removed", "renamed": "= {} renamed",
        "follows": "→ {} follow what they read", "same": "{} the same"}  # fmt: skip
MEANT = {"resolution": "height, width, length of a sequence",
         "other": "element types, biases, how often a layer runs, which layer counts a shared weight"}  # fmt: skip
"""What a cause stands for where its name does not tell."""
OWN = ("added", "removed", "changed")
"""What became of a layer by itself."""


def sheets(diff: Diff, top: int | None = None) -> tuple[Sheet, ...]:
    """The tables for people; of the layers, top leaves those with the largest difference, and a row for the rest.
    Where nothing changed, the totals alone."""
    both = diff.before.source and diff.after.source
    return (_totals(diff), *(_causes(diff) if both else ()), *_layers(diff, top))


def title(diff: Diff) -> str:
    """The model's name; both where it has another one now."""
    old, new = diff.before, diff.after
    if not old.source or not new.source or old.name == new.name:
        return new.name if new.source else old.name
    return f"{old.name} → {new.name}"


def between(diff: Diff) -> str:
    """Where the versions came from."""
    old, new = diff.before.source, diff.after.source
    return f"{old} → {new}" if old and new else f"new: {new}" if new else f"no longer there: {old}"


def counted(diff: Diff) -> str:
    """~ 1 changed, + 2 added, 20 the same: with the signs of the table."""
    counts = Counter(change.status for change in diff.layers)
    return ", ".join(said.format(f"{counts[status]:,}") for status, said in SAID.items() if counts[status])


def differing(diff: Diff) -> list[str]:
    """The totals that are not the same, or not known to be."""
    return [key for key in TOTALS if diff.totals(key) != (None, None) and rise(diff, key) != 0]


def _totals(diff: Diff) -> Sheet:
    shown: tuple[Column, ...] = (
        Column("figure", "", "name", 100),
        Column("before", "Before", "number", 90),
        Column("after", "After", "number", 95),
        Column("difference", "Difference", "change", 92),
        Column("percent", "%", "percent", 80),
    )
    moved = differing(diff)
    if all(share(diff, key) is None for key in moved):
        shown = shown[:-1]
    rows = []
    for key in moved or ("macs", "params"):
        before, after = (amount(diff, key, side) for side in (0, 1))
        rows.append((CATALOGUE[key].label, before, after, rise(diff, key), share(diff, key))[: len(shown)])
    return Sheet(title(diff), between(diff), shown, tuple(rows), remarks=tuple(remarks(diff, moved)),
                 groups=(tuple(range(1, len(shown))),), kind="figure")  # fmt: skip


def amount(diff: Diff, key: str, side: int) -> Amount:
    """A total before (0) or after (1); at least that where a layer is not known."""
    value = diff.totals(key)[side]
    snapshot = (diff.before, diff.after)[side]
    return AtLeast(value) if value is not None and partial(snapshot, key) else value


def share(diff: Diff, key: str) -> Fraction | None:
    """The rise as a part of what it was; None where that is no number."""
    grown, before = rise(diff, key), diff.totals(key)[0]
    known = isinstance(grown, int) and isinstance(before, int) and not partial(diff.before, key)
    return Fraction(grown, before) if known and before else None  # type: ignore[arg-type]


def _causes(diff: Diff) -> Iterator[Sheet]:
    """The differences by what they are due to; each column's parts sum to the difference of its total."""
    found = diff.causes
    shown = [key for key in QUANTITIES if any(part != 0 for part in found.get(key, {}).values())]
    if not shown:
        return
    rows = [(cause, *(found[key].get(cause, 0) for key in shown)) for cause in CAUSES
            if any(found[key].get(cause, 0) != 0 for key in shown)]  # fmt: skip
    sums = [sum((part for part in found[key].values()), 0) for key in shown]
    columns = [Column(key, CATALOGUE[key].label, "change", 90 - i) for i, key in enumerate(shown)]
    there = {row[0] for row in rows}
    meant = tuple([Remark(cause, text) for cause, text in MEANT.items() if cause in there])
    yield Sheet("By cause", "", (Column("cause", "Cause", "name", 100), *columns), tuple(rows),
                total=("Total", *sums), remarks=meant, kind="figure")  # fmt: skip


def _layers(diff: Diff, top: int | None) -> Iterator[Sheet]:
    changes = diff.changes
    if not changes:
        return
    first = _first(changes)
    others = ("params", "macs", "flops", "weight_bytes", "activation_bytes", "traffic_bytes")
    usual = "macs" if first == "params" else "params"
    second = next((key for key in others if key != first and any(c.delta(key) != 0 for c in changes)), usual)
    kept = foremost(diff, top)
    shown = set(map(id, kept))
    left = [c for c in changes if id(c) not in shown]
    columns = (
        Column("status", "", "sign", 99),
        Column("name", "Layer", "name", 100),
        Column("op", "Operator", "text", 40),
        Column("change", "What changed", "prose", 85),
        Column("before", f"{CATALOGUE[first].label} before", "number", 44),
        Column("after", f"{CATALOGUE[first].label} after", "number", 45),
        Column("difference", f"Δ {CATALOGUE[first].label}", "change", 95),
        Column("more", f"Δ {CATALOGUE[second].label}", "change", 80),
    )
    rest = (None if not left else
            ("", f"({len(left):,} more)", "", "", *_sums(left, first), _sum_of(left, second)))  # fmt: skip
    rows = tuple([_row(change, first, second) for change in kept])
    total = ("", f"Total of {len(changes):,}", "", "", *_sums(changes, first), _sum_of(changes, second))
    whole = Sheet("Layers", counted(diff), columns, rows, rest, total if len(changes) > 1 else None, kind="layers")
    told = list(zip(*rows, total, strict=True))
    empty = {i for i, c in enumerate(columns) if c.kind in ("prose", "change") and all(v in ("", 0) for v in told[i])}
    yield only(whole, [i for i in range(len(columns)) if i not in empty])


def foremost(diff: Diff, top: int | None) -> Sequence[LayerChange]:
    """The layers that changed; of more than top those with the largest difference."""
    changes = diff.changes
    return changes if top is None or len(changes) <= top else _largest(changes, _first(changes), top)


def _first(changes: Sequence[LayerChange]) -> str:
    """The quantity by which layers are told: MACs, unless it is the same in all."""
    return next((key for key in QUANTITIES if any(c.delta(key) != 0 for c in changes)), "macs")


def _row(change: LayerChange, first: str, second: str) -> tuple[Any, ...]:
    before, after = change.amounts(first)
    return (change.status, change.name, operator(change), words(change), before, after, change.delta(first),
            change.delta(second))  # fmt: skip


def _largest(changes: Sequence[LayerChange], key: str, top: int) -> list[LayerChange]:
    """Those that changed by themselves before those that follow, the largest difference first; in the model's order."""

    def weight(i: int) -> tuple[bool, int]:
        delta = changes[i].delta(key)
        return changes[i].status not in OWN, -abs(delta) if isinstance(delta, int) else -(1 << 200)

    return [changes[i] for i in sorted(sorted(range(len(changes)), key=weight)[:top])]


def _sums(changes: Sequence[LayerChange], key: str) -> tuple[Amount, Amount, Dim | None]:
    return add(c.amounts(key)[0] for c in changes), add(c.amounts(key)[1] for c in changes), _sum_of(changes, key)


def _sum_of(changes: Sequence[LayerChange], key: str) -> Dim | None:
    """The sum of the differences; None where one is not known, for it may be below 0."""
    found = add(c.delta(key) for c in changes)
    return None if isinstance(found, AtLeast) else found
