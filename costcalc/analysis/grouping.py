"""Rows put together: one group per operator type, or a tree of the blocks that layers stand in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from costcalc.analysis.layers import Row


class Group(NamedTuple):
    """Rows that are shown as one: an operator type, a block, or what --top leaves over."""

    name: str
    rows: tuple[Row, ...]
    depth: int = 0
    label: str = ""
    whole: bool = True


ENOUGH = 8
"""Unless a depth is given, the block tree opens just far enough to show this many blocks."""


def by_operator(rows: Iterable[Row]) -> list[Group]:
    """One group per operator type, in order of first use."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.operator, []).append(row)
    return [Group(op, tuple(members), whole=False) for op, members in found.items()]


@dataclass(slots=True)
class Block:
    """A node of the tree: a block with what stands in it, in execution order, or a single layer."""

    path: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    children: dict[str, Block] = field(default_factory=dict)


def tree(rows: Iterable[Row]) -> Block:
    """The blocks of all rows; a block that is entered again goes on with its first entry. A row that is called as a
    block of others (a layer of several nodes) stands in it."""
    root = Block(())
    rows = tuple(rows)
    paths = {row.scope[:depth] for row in rows for depth in range(1, len(row.scope) + 1)}
    for row in rows:
        block = root
        block.rows.append(row)
        own = (*row.scope, row.name.rsplit("/", 1)[-1])
        for part in own if own in paths else row.scope:
            child = block.children.get(part)
            if child is None:
                child = block.children[part] = Block((*block.path, part))
            block = child
            block.rows.append(row)
        block.children["\0" + row.name] = Block((*block.path, row.name.rsplit("/", 1)[-1]), [row])
    return root


def opened(root: Block, depth: int | None) -> list[Group]:
    """The tree, opened to a depth, as groups from top to bottom; each block stands before what is in it."""
    depth = enough(root) if depth is None else depth
    found: list[Group] = []
    stack = [(block, 1) for block in reversed(root.children.values())]
    while stack:
        block, level = stack.pop()
        found.append(_group(block, level - 1))
        if level < depth:
            stack.extend((child, level + 1) for child in reversed(_inside(block)))
    return found


def frontier(root: Block, depth: int | None) -> list[Group]:
    """The innermost blocks and layers of the opened tree: every row is in exactly one of them."""
    depth = enough(root) if depth is None else depth
    return [_group(block, 0) for block in _frontier(root, depth)]


def enough(root: Block) -> int:
    """The least depth that shows ENOUGH blocks; the deepest one where there are fewer."""
    depth, shown = 1, len(_frontier(root, 1))
    while shown < ENOUGH:
        deeper = len(_frontier(root, depth + 1))
        if deeper == shown:
            break
        depth, shown = depth + 1, deeper
    return depth


def _frontier(root: Block, depth: int) -> list[Block]:
    blocks = list(root.children.values())
    for _ in range(depth - 1):
        blocks = [inner for block in blocks for inner in (_inside(block) or [block])]
    return blocks


def _inside(block: Block) -> list[Block]:
    """What a block opens into; a block of one layer does not open."""
    return list(block.children.values()) if len(block.rows) > 1 else []


def _group(block: Block, depth: int) -> Group:
    name = block.rows[0].name if not block.children else "/".join(block.path)
    return Group(name, tuple(block.rows), depth, block.path[-1])
