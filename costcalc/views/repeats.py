"""Items of a table → its repeats: blocks with running numbers that equal the blocks before them row for row, each run
of them as one group.

A block is what stands together under one number of its path: the layers of `model.layers.7`, of `decoder3`. The unit
that repeats is a block, or several (five with a sliding window, one without). Blocks are compared from the outermost
number of a path inwards.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from costcalc.analysis.grouping import LayerGroup, join_path
from costcalc.analysis.layers import LayerCost
from costcalc.analysis.repeats import Repeat, find_repeats

MAX_NUMBERS = 6
"""Numbers of a path that blocks are looked for at, from the outermost one."""

LEAST_UNITS = 3
"""Equal blocks that are folded: a row that stands for one block says less than the block."""

_NUMBER = re.compile(r"(?<![0-9])[0-9]{1,18}(?![0-9])")

_SUFFIX = re.compile(r"_?[0-9]+")
"""What tells names of one operator apart: exporters write `Add`, `Add_1`."""


class ItemGroup(NamedTuple):
    """Items from start to before stop, the group that stands for them, and how many equal units they are."""

    start: int
    stop: int
    group: LayerGroup
    times: int


class _Line(NamedTuple):
    """An item: the path of its block, its own name behind that, a number that equal items share, its depth in a
    tree."""

    path: str
    name: str
    identity: int
    depth: int

    def parts(self, level: int) -> tuple[str, str, Hashable] | None:
        """The level-th number of path and name → what stands before it, the number, and what stands behind it without
        numbers of the name; None where there are fewer."""
        text, width = self.path + self.name, len(self.path)
        match = _NUMBER.search(text) if not level else next(islice(_NUMBER.finditer(text), level, None), None)
        if match is None:
            return None
        start, end = match.span()
        behind = text[max(end, width) :]
        return text[:start], text[start:end], (text[end:width], behind and _SUFFIX.sub("", behind))


class _Block(NamedTuple):
    """Lines from start to before stop, the text before their number, and the number ("" where they have none); the
    token is equal where blocks are equal but for the number."""

    start: int
    stop: int
    prefix: str
    number: str
    token: Hashable


def find_item_repeats(
    items: Sequence[LayerCost | LayerGroup], cells: Sequence[Hashable], least_saved: int
) -> list[ItemGroup]:
    """Items of a table in execution order, or in that of a tree, and the cells of each but its name → the repeats that
    save so many rows, in their order."""
    identities: dict[Hashable, int] = {}
    lines = []
    for item, values in zip(items, cells, strict=True):
        identity = identities.setdefault((_identify(item), values), len(identities))
        lines.append(_make_line(item, identity))
    runs = sorted(_Search(lines, least_saved).find_runs(0, len(lines), 0), key=lambda run: run[0][0].start)
    return [ItemGroup(run[0].start, run[-1].stop, _make_group(items, run, times), times) for run, times in runs]


def _identify(item: LayerCost | LayerGroup) -> Hashable:
    """An item → a value that is equal where all is equal but the names."""
    if isinstance(item, LayerGroup):
        return item.class_name, tuple(map(_identify, item.rows))
    outputs = [value for output in item.outputs for value in output.type[:2]]
    return item.op_type, item.domain, item.state, item.count, *outputs, *item.figures.values()


def _make_line(item: LayerCost | LayerGroup, identity: int) -> _Line:
    path, name = _split_path(item)
    depth = item.depth if isinstance(item, LayerGroup) else 0
    return _Line(path, name, identity, depth)


def _split_path(item: LayerCost | LayerGroup) -> tuple[str, str]:
    """An item → the path of its block, and its own name behind that."""
    if isinstance(item, LayerGroup):
        return join_path(item.name.split("/")), ""
    path = join_path(item.scope)
    if not path:
        return "", item.name
    for written in (path, "/".join(item.scope)):
        before, found, behind = item.name.partition(written)
        if found and before in ("", "/"):
            return path, behind
    return f"{path}/", item.name


def _make_blocks(lines: Sequence[_Line], start: int, stop: int, level: int) -> list[_Block]:
    """Lines from start to before stop → blocks: lines together that have the same text up to the level-th number, with
    what a tree has below them; a line without such a number alone."""
    blocks: list[_Block] = []
    parts_of = [line.parts(level) for line in lines[start:stop]]
    i = start
    while i < stop:
        parts = parts_of[i - start]
        if parts is None:
            blocks.append(_Block(i, i + 1, "", "", ("alone", i)))
            i += 1
            continue
        prefix, number, rest = parts
        rows = [(rest, lines[i].identity, lines[i].depth)]
        end = i + 1
        while end < stop:
            parts = parts_of[end - start]
            is_same = parts is not None and parts[:2] == (prefix, number)
            if not is_same and lines[end].depth <= lines[i].depth:
                break
            rest = parts[2] if parts is not None and is_same else lines[end].path
            rows.append((rest, lines[end].identity, lines[end].depth))
            end += 1
        blocks.append(_Block(i, end, prefix, number, (prefix, tuple(rows))))
        i = end
    return blocks


class _Search(NamedTuple):
    """Lines, and the rows that a repeat must save."""

    lines: Sequence[_Line]
    least_saved: int

    def find_runs(self, start: int, stop: int, level: int) -> Iterator[tuple[Sequence[_Block], int]]:
        """Lines from start to before stop → the runs of blocks that equal those before them, with blocks by their
        level-th number and by numbers behind it, each with how many times."""
        if stop - start > self.least_saved and level < MAX_NUMBERS:
            yield from self._find_block_runs(_make_blocks(self.lines, start, stop, level), level)

    def _find_block_runs(self, blocks: Sequence[_Block], level: int) -> Iterator[tuple[Sequence[_Block], int]]:
        end = 0
        for start, period, times in (*find_repeats([block.token for block in blocks], 1), Repeat(len(blocks), 0, 0)):
            for block in blocks[end:start]:
                yield from self.find_runs(block.start, block.stop, level + 1)
            end = start + period * times
            units = [blocks[i : i + period] for i in range(start, end, period)] if period else []
            if self._is_worthwhile(units):
                yield blocks[start + period : end], times - 1
                units = units[:1]
            for unit in units:
                if period > 1:
                    yield from self._find_block_runs(unit, level)
                else:
                    yield from self.find_runs(unit[0].start, unit[0].stop, level + 1)

    def _is_worthwhile(self, units: Sequence[Sequence[_Block]]) -> bool:
        """Whether a repeat has LEAST_UNITS that save rows enough, and the numbers of their blocks grow from each to the
        next."""
        if len(units) < LEAST_UNITS or units[-1][-1].stop - units[1][0].start - 1 < self.least_saved:
            return False
        numbers = [[int(block.number) for block in unit] for unit in units]
        return all(a < b for pair in pairwise(numbers) for a, b in zip(*pair, strict=True))


def _make_group(items: Sequence[LayerCost | LayerGroup], run: Sequence[_Block], times: int) -> LayerGroup:
    """A run of blocks → their layers as a group, called `model.layers.1 … 27 × 27`."""
    first, last = run[0], run[-1]
    end = last.number if last.prefix == first.prefix else f"{last.prefix}{last.number}"
    name = f"{first.prefix}{first.number}"
    suffix = f" … {end}" if len(run) > 1 else ""
    suffix += f" × {times:,}"
    if len(run) > times:
        kind = "layers" if all(block.stop - block.start == 1 for block in run) else "blocks"
        suffix += f" ({len(run) // times} {kind} each)"
    top, members = items[first.start], items[first.start : last.stop]
    if isinstance(top, LayerCost):
        rows = [item for item in members if isinstance(item, LayerCost)]
        return LayerGroup(name + suffix, tuple(rows), is_block=False)
    groups = [item for item in members if isinstance(item, LayerGroup) and item.depth == top.depth]
    label = top.label if top.label.endswith(first.number) else name
    return LayerGroup(
        name + suffix, tuple([row for group in groups for row in group.rows]), top.depth, label + suffix, is_block=False
    )
