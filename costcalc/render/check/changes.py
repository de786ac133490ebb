"""CheckResult -> what changed in each model since its baseline, as blocks of Markdown that open: totals, causes,
layers.

Of a text that must stay below a size, rows are left out from the end, which it says, and no block is left open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from costcalc.core.quantities import CATALOGUE, TOTALS
from costcalc.core.sanitize import escape_html, escape_markdown_line
from costcalc.render.layout import shorten_middle
from costcalc.render.markdown import table
from costcalc.studies.check.verdict import CheckedModel, CheckResult
from costcalc.studies.check.wording import kind
from costcalc.studies.diff.diff import Diff, diff
from costcalc.views.check import delta_text
from costcalc.views.diff import diff_tables
from costcalc.views.table import Table

RESERVED_BYTES = 400
"""Bytes that are kept for saying what is left out."""


class MarkdownBlock(NamedTuple):
    """Lines before the rows, the rows, lines behind them. more says what a left-out row is: `limits`; one row that
    says so has as many cells as the others, or none in a list."""

    head: tuple[str, ...]
    rows: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    more: str = "more"
    cells: int = 0


def fit_blocks(blocks: Sequence[MarkdownBlock], most: int) -> str:
    """The blocks in their order in at most `most` bytes of UTF-8, hence no more characters; those that do not fit give
    rows away, and those of which not even the head fits are counted."""
    lines: list[str] = []
    room = most - RESERVED_BYTES
    left_out = 0
    for block in blocks:
        rows = _rows(block, room - _size((*block.head, *block.tail)))
        if rows is None:
            left_out += 1
            continue
        found = [*block.head, *rows, *block.tail, ""]
        room -= _size(found)
        lines += found
    if left_out:
        lines += [f"… and {left_out:,} more {'part' if left_out == 1 else 'parts'} that found no room here.", ""]
    return "\n".join(lines).rstrip("\n")


def _rows(block: MarkdownBlock, room: int) -> list[str] | None:
    """The rows that fit, and behind them how many more there are; None where none fits, or the head does not."""
    room -= 1
    if _size(block.rows) <= room:
        return list(block.rows)
    found: list[str] = []
    room -= RESERVED_BYTES // 4
    for row in block.rows:
        room -= _size((row,))
        if room < 0:
            break
        found.append(row)
    if not found:
        return None
    text = f"… and {len(block.rows) - len(found):,} more {block.more}"
    found.append(f"| {text} {'| ' * block.cells}".rstrip() if block.cells else f"- {text}")
    return found


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode("utf-8", "surrogatepass")) + 1 for line in lines)


NAME = 100

MAX_LAYERS = 100
"""Layers of a model that are shown, those with the largest difference; the others are summed up in a row."""

STATUS_TEXTS = {
    "changed": "changed",
    "added": "added",
    "removed": "removed",
    "follows": "following",
    "renamed": "renamed",
}
"""What became of layers, in the order in which it is said; a layer follows that is defined as before."""


def changed_models(outcome: CheckResult) -> Iterator[MarkdownBlock]:
    """A block for each model that has a baseline and differs from it."""
    for checked in outcome.checked:
        if checked.now is None or checked.before is None or checked.now == checked.before:
            continue
        found = diff(checked.before, checked.now)
        if found.changes:
            yield _block(checked, found)


def _block(checked: CheckedModel, found: Diff) -> MarkdownBlock:
    """The tables of `costcalc diff`; of the last one, the layers, rows may be left out."""
    *others, layers = map(_shortened, diff_tables(found, MAX_LAYERS))
    lines = [line for sheet in others for line in [*table(sheet), ""]]
    header, rule, *rows = table(layers)
    head = (
        f"<details><summary>{escape_html(shorten_middle(checked.title, NAME))}: {escape_html(summary(found))}</summary>"
    )
    said = [escape_markdown_line(layers.subtitle), ""] if layers.subtitle else []
    return MarkdownBlock(
        (head, "", *lines, *said, header, rule), tuple(rows), ("", "</details>"), "layers", len(layers.columns)
    )


def summary(found: Diff) -> str:
    """1 layer changed, 3 following; MACs +1,234 (+2.0%)."""
    counts = Counter(change.status for change in found.changes)
    said = [(counts[status], word) for status, word in STATUS_TEXTS.items() if counts[status]]
    first = next((key for key in TOTALS if found.totals(key)[0] != found.totals(key)[1]), None)
    rise = "" if first is None else delta_text(*found.totals(first), kind(first))
    noun = " layer" if said and said[0][0] == 1 else " layers"
    parts = [f"{n:,}{'' if i else noun} {word}" for i, (n, word) in enumerate(said)]
    return f"{', '.join(parts)}; {CATALOGUE[first].label} {rise}" if first and rise else ", ".join(parts)


def _shortened(sheet: Table) -> Table:
    """The sheet without the middles of endless names."""

    def cut(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple([shorten_middle(cell, NAME) if isinstance(cell, str) else cell for cell in row])

    return replace(sheet, rows=tuple(map(cut, sheet.rows)))
