"""Blocks of Markdown → a text below a size: rows are left out from the end, and said so, and nothing is left open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

RESERVE = 400
"""Bytes that are kept for saying what is left out."""


class Block(NamedTuple):
    """Lines before the rows, the rows, lines behind them. more says what a left-out row is: `limits`; one row that
    says so has as many cells as the others, or none in a list."""

    head: tuple[str, ...]
    rows: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    more: str = "more"
    cells: int = 0


def fitted(blocks: Sequence[Block], most: int) -> str:
    """The blocks in their order in at most `most` bytes of UTF-8, hence no more characters; those that do not fit give
    rows away, and those of which not even the head fits are counted."""
    lines: list[str] = []
    room = most - RESERVE
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


def _rows(block: Block, room: int) -> list[str] | None:
    """The rows that fit, and behind them how many more there are; None where none fits, or the head does not."""
    room -= 1
    if _size(block.rows) <= room:
        return list(block.rows)
    found: list[str] = []
    room -= RESERVE // 4
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
