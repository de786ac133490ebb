"""Outcome → what changed in each model since its baseline, as blocks of Markdown that open: totals, causes, layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from costcalc.budget.verdict import Checked, Outcome
from costcalc.budget.words import kind
from costcalc.core.quantities import CATALOGUE, TOTALS
from costcalc.diff.change import Diff
from costcalc.render.layout import middle
from costcalc.render.markdown import table
from costcalc.render.untrusted import html, markdown_line
from costcalc.render.verdicts.fitted import Block
from costcalc.render.verdicts.said import delta
from costcalc.sheet import Sheet

NAME = 100
MOST = 100
"""Layers of a model that are shown, those with the largest difference; the others are summed up in a row."""
SAID = {"changed": "changed", "added": "added", "removed": "removed", "follows": "following", "renamed": "renamed"}
"""What became of layers, in the order in which it is said; a layer follows that is defined as before."""


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
    """The tables of `costcalc diff`; of the last one, the layers, rows may be left out."""
    from costcalc.diff.sheets import sheets

    *others, layers = map(_shortened, sheets(found, MOST))
    lines = [line for sheet in others for line in [*table(sheet), ""]]
    header, rule, *rows = table(layers)
    head = f"<details><summary>{html(middle(checked.title, NAME))}: {html(summary(found))}</summary>"
    said = [markdown_line(layers.subtitle), ""] if layers.subtitle else []
    return Block(
        (head, "", *lines, *said, header, rule), tuple(rows), ("", "</details>"), "layers", len(layers.columns)
    )


def summary(found: Diff) -> str:
    """1 layer changed, 3 following; MACs +1,234 (+2.0%)."""
    counts = Counter(change.status for change in found.changes)
    said = [(counts[status], word) for status, word in SAID.items() if counts[status]]
    first = next((key for key in TOTALS if found.totals(key)[0] != found.totals(key)[1]), None)
    rise = "" if first is None else delta(*found.totals(first), kind(first))
    noun = " layer" if said and said[0][0] == 1 else " layers"
    parts = [f"{n:,}{'' if i else noun} {word}" for i, (n, word) in enumerate(said)]
    return f"{', '.join(parts)}; {CATALOGUE[first].label} {rise}" if first and rise else ", ".join(parts)


def _shortened(sheet: Sheet) -> Sheet:
    """The sheet without the middles of endless names."""

    def cut(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple([middle(cell, NAME) if isinstance(cell, str) else cell for cell in row])

    return replace(sheet, rows=tuple(map(cut, sheet.rows)))
