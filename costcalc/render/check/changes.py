"""CheckResult -> what changed in each model since its baseline, as blocks of Markdown that open: totals, causes,
layers.

Of a text that must stay below a size, rows are left out from the end, which it says, and no block is left open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from costcalc.core.quantities import CATALOGUE, TOTALS
from costcalc.core.sanitize import escape_html, escape_markdown_line
from costcalc.render.layout import shorten_middle
from costcalc.render.markdown import table
from costcalc.studies.check.verdict import CheckResult, ModelCheck
from costcalc.studies.check.wording import quantity_kind
from costcalc.studies.diff.diff import Diff, diff
from costcalc.views.check import delta_text
from costcalc.views.diff import diff_tables
from costcalc.views.table import Table

RESERVED_BYTES = 400
"""Bytes that are kept for saying what is left out."""


class MarkdownBlock(NamedTuple):
    """Lines before the rows, the rows, lines behind them. row_noun says what a left-out row is: `limits`; one row that
    says so has as many cells as the others, or none in a list."""

    head: tuple[str, ...]
    rows: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    row_noun: str = "more"
    cells: int = 0


def fit_blocks(blocks: Sequence[MarkdownBlock], most: int) -> str:
    """Blocks -> Markdown, in their order and in at most `most` bytes of UTF-8, hence no more characters; those that do
    not fit give rows away, and those of which not even the head fits are counted."""
    lines: list[str] = []
    room = most - RESERVED_BYTES
    skipped = 0
    for block in blocks:
        rows = _fit_rows(block, room - _count_bytes((*block.head, *block.tail)))
        if rows is None:
            skipped += 1
            continue
        block_lines = [*block.head, *rows, *block.tail, ""]
        room -= _count_bytes(block_lines)
        lines += block_lines
    if skipped:
        lines += [f"… and {skipped:,} more {'part' if skipped == 1 else 'parts'} that found no room here.", ""]
    return "\n".join(lines).rstrip("\n")


def _fit_rows(block: MarkdownBlock, room: int) -> list[str] | None:
    """Block and room in bytes -> the rows that fit, and behind them how many more there are; None where none fits, or
    the head does not."""
    room -= 1
    if _count_bytes(block.rows) <= room:
        return list(block.rows)
    rows: list[str] = []
    room -= RESERVED_BYTES // 4
    for row in block.rows:
        room -= _count_bytes((row,))
        if room < 0:
            break
        rows.append(row)
    if not rows:
        return None
    text = f"… and {len(block.rows) - len(rows):,} more {block.row_noun}"
    rows.append(f"| {text} {'| ' * block.cells}".rstrip() if block.cells else f"- {text}")
    return rows


def _count_bytes(lines: Sequence[str]) -> int:
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
    """Outcome -> a block for each model that has a baseline and differs from it."""
    for checked in outcome.models:
        if checked.snapshot is None or checked.baseline is None or checked.snapshot == checked.baseline:
            continue
        difference = diff(checked.baseline, checked.snapshot)
        if difference.changes:
            yield _model_block(checked, difference)


def _model_block(checked: ModelCheck, difference: Diff) -> MarkdownBlock:
    """Model and its diff -> the tables of `costcalc diff`; of the last one, the layers, rows may be left out."""
    *sheets, layers = map(_shorten_names, diff_tables(difference, MAX_LAYERS))
    lines = [line for sheet in sheets for line in [*table(sheet), ""]]
    header, rule, *rows = table(layers)
    title = escape_html(shorten_middle(checked.title, NAME))
    head = f"<details><summary>{title}: {escape_html(summary(difference))}</summary>"
    subtitle = [escape_markdown_line(layers.subtitle), ""] if layers.subtitle else []
    return MarkdownBlock(
        (head, "", *lines, *subtitle, header, rule), tuple(rows), ("", "</details>"), "layers", len(layers.columns)
    )


def summary(difference: Diff) -> str:
    """Diff -> `1 layer changed, 3 following; MACs +1,234 (+2.0%)`."""
    counts = Counter(change.status for change in difference.changes)
    counted_words = [(counts[status], word) for status, word in STATUS_TEXTS.items() if counts[status]]
    first = next((key for key in TOTALS if difference.totals(key)[0] != difference.totals(key)[1]), None)
    rise = "" if first is None else delta_text(*difference.totals(first), quantity_kind(first))
    noun = " layer" if counted_words and counted_words[0][0] == 1 else " layers"
    parts = [f"{n:,}{'' if i else noun} {word}" for i, (n, word) in enumerate(counted_words)]
    return f"{', '.join(parts)}; {CATALOGUE[first].label} {rise}" if first and rise else ", ".join(parts)


def _shorten_names(sheet: Table) -> Table:
    """Sheet -> the same without the middles of names longer than NAME characters."""

    def cut(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple([shorten_middle(cell, NAME) if isinstance(cell, str) else cell for cell in row])

    return sheet._replace(rows=tuple(map(cut, sheet.rows)))
