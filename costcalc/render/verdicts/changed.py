"""Outcome → what changed in each model since its baseline, as blocks that open: totals, causes, layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from costcalc.budget.limits import TOTALS
from costcalc.budget.verdict import Checked, Outcome
from costcalc.budget.words import kind, told
from costcalc.diff.change import Diff, LayerChange
from costcalc.footer import TOTALS as LABELS
from costcalc.render.layout import middle
from costcalc.render.untrusted import html, markdown
from costcalc.render.verdicts.fitted import Block
from costcalc.render.verdicts.said import delta

NAME = 100
COLUMNS = ("macs", "params", "flops", "activation_bytes", "weight_bytes", "traffic_bytes")
"""The figures of a layer, in the order in which two are chosen: those that changed."""


def changed(outcome: Outcome) -> Iterator[Block]:
    """A block for each model that has a baseline and differs from it."""
    for checked in outcome.checked:
        if checked.now is None or checked.before is None or checked.now == checked.before:
            continue
        from costcalc.diff.differ import diff

        found = diff(checked.before, checked.now)
        if found.changes:
            yield _block(checked, found)


def _block(checked: Checked, found: Diff) -> Block:
    shown = [key for key in COLUMNS if any(_differs(change, key) for change in found.changes)][:2] or ["macs"]
    head = ["Layer", "", "Operator"]
    for key in shown:
        head += [f"{LABELS[key]} before", "now", "Δ"]
    return Block(
        (
            f"<details><summary>{html(middle(checked.title, NAME))}: {summary(found)}</summary>",
            "",
            *_totals(found),
            *_causes(found, shown),
            f"| {' | '.join(cell or ' ' for cell in head)} |",
            f"| :-- | :-- | :-- |{' --: |' * 3 * len(shown)}",
        ),
        tuple(_row(change, shown) for change in sorted(found.changes, key=lambda c: _size(c, shown[0]), reverse=True)),
        ("", "</details>"),
        "layers",
        len(head),
    )


def summary(found: Diff) -> str:
    """1 changed, 2 added; MACs +1,234 (+2.0%)."""
    counts: dict[str, int] = {}
    for change in found.changes:
        counts[change.status] = counts.get(change.status, 0) + 1
    words = {"follows": "cost differently for what they read", "removed": "removed"}
    parts = [f"{count:,} {words.get(status, status)}" for status, count in counts.items()]
    first = next((key for key in COLUMNS if found.totals(key)[0] != found.totals(key)[1]), None)
    rise = "" if first is None else delta(*found.totals(first), kind(first))
    return f"{', '.join(parts)}; {LABELS[first]} {html(rise)}" if first and rise else ", ".join(parts)


def _totals(found: Diff) -> list[str]:
    """The totals that differ."""
    rows = []
    for key in TOTALS:
        before, after = found.totals(key)
        if before != after:
            texts = [told(before, kind(key)), told(after, kind(key)), delta(before, after, kind(key))]
            rows.append(f"| {LABELS[key]} | {' | '.join(map(markdown, texts))} |")
    return ["| Total | Before | Now | Δ |", "| :-- | --: | --: | --: |", *rows, ""] if rows else []


def _causes(found: Diff, shown: Sequence[str]) -> list[str]:
    """MACs by cause: channels +1,024, kernel -512."""
    lines = []
    for key in shown:
        parts = {cause: amount for cause, amount in found.causes.get(key, {}).items() if amount != 0}
        if parts:
            texts = ", ".join(f"{cause} {markdown(delta(0, amount, kind(key)))}" for cause, amount in parts.items())
            lines += [f"{LABELS[key]} by cause: {texts}", ""]
    return lines


def _row(change: LayerChange, shown: Sequence[str]) -> str:
    old, new = change.before, change.after
    label = change.name
    if old is not None and new is not None and old.name != new.name:
        label = f"{old.name} → {new.name}"
    operators = dict.fromkeys(layer.op_type for layer in (old, new) if layer is not None)
    cells = [middle(label, NAME), change.status, middle(" → ".join(operators), NAME)]
    for key in shown:
        before, after = change.amounts(key)
        cells += ["" if old is None else told(before, kind(key)), "" if new is None else told(after, kind(key))]
        cells.append(delta(before, after, kind(key)))
    return f"| {' | '.join(map(markdown, cells))} |"


def _differs(change: LayerChange, key: str) -> bool:
    before, after = change.amounts(key)
    return before != after


def _size(change: LayerChange, key: str) -> int:
    """How much a layer's figure changed, for the order; formulas and unknown ones come first."""
    rise = change.delta(key)
    return abs(rise) if isinstance(rise, int) else 1 << 200
