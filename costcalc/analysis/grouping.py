"""Rows to groups: one for each operator type, or the tree of the blocks, or of the modules, that layers belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from costcalc.analysis.layers import LayerCost
from costcalc.core.dim import Dim


class LayerGroup(NamedTuple):
    """Rows that are shown as one: those of an operator type, of a block, or those that --top leaves over. is_block
    says that the group is a block of the model, depth how deep it is in the tree; class_name is a module's."""

    name: str
    rows: tuple[LayerCost, ...]
    depth: int = 0
    label: str = ""
    is_block: bool = True
    class_name: str = ""


DEFAULT_BLOCKS = 8
"""Number of blocks that the default depth of the block tree shows at least."""

DOMINANT = 0.9
"""A block with more of the MACs than this is opened."""

MAX_BLOCKS = 60
"""For that, no more blocks than these are shown."""


def group_by_operator(rows: Iterable[LayerCost]) -> list[LayerGroup]:
    """Rows -> one group for each operator type, in order of first use."""
    members: dict[str, list[LayerCost]] = {}
    for row in rows:
        members.setdefault(row.operator, []).append(row)
    return [LayerGroup(operator, tuple(group), is_block=False) for operator, group in members.items()]


class LayerBlock:
    """A node of the tree: a block with its rows and inner blocks in execution order, or a single layer. label is the
    end of its path that its parent's lacks. is_folded: it stands for layers beside blocks. class_name is a
    module's; is_module: the block is one, which may have none inside."""

    __slots__ = ("children", "class_name", "is_folded", "is_module", "label", "path", "rows")

    def __init__(
        self,
        path: tuple[str, ...],
        label: str = "",
        rows: Iterable[LayerCost] = (),
        *,
        class_name: str = "",
        is_folded: bool = False,
        is_module: bool = False,
    ) -> None:
        self.path, self.label, self.rows, self.class_name = path, label, list(rows), class_name
        self.children: dict[str, LayerBlock] = {}
        self.is_folded, self.is_module = is_folded, is_module


def module_tree(rows: Iterable[LayerCost]) -> LayerBlock:
    """Rows -> the root of their tree of modules, by the parts of their paths; that of their blocks where rows have no
    modules.

    A module that is called again, or elsewhere, continues its first call. Layers of a module beside its inner modules
    are those that the module's own code calls; where a module has none inside, they are only shown if several cost
    something.
    """
    rows = tuple(rows)
    classes = {row.module.path: row.module.class_name for row in rows if row.module}
    if not classes:
        return block_tree(rows)
    root = LayerBlock((), class_name=classes.get("", ""), is_module=True)
    for row in rows:
        block = root
        block.rows.append(row)
        path = row.module.path if row.module else ""
        for end in [i for i, c in enumerate(f"{path}.") if c == "."] if path else ():
            inner = path[:end]
            child = block.children.get(inner)
            if child is None:
                label = inner.rpartition(".")[2]
                class_name = classes.get(inner, "")
                child = block.children[inner] = LayerBlock((inner,), label, class_name=class_name, is_module=True)
            block = child
            block.rows.append(row)
        label = row.name.removeprefix(f"{path}/").removeprefix(f"{path.rpartition('.')[0]}.")
        block.children["\0" + row.name] = LayerBlock((row.name,), label, [row])
    stack = [root]
    while stack:
        block = stack.pop()
        if block is not root and len(block.rows) == 1 and not any(c.is_module for c in block.children.values()):
            block.children = {}  # the module is the layer
        stack.extend(block.children.values())
    return root


def block_tree(rows: Iterable[LayerCost]) -> LayerBlock:
    """Rows -> the root of their tree of blocks.

    A block that is entered again continues its first entry. A row that has the name of a block of others (a layer of
    several nodes) belongs to that block. A block that holds one inner block and nothing else is one with it
    (`model/backbone`), and the root has several children, or layers.
    """
    root = LayerBlock(())
    rows = tuple(rows)
    paths = {row.scope[:depth] for row in rows for depth in range(1, len(row.scope) + 1)}
    for row in rows:
        block = root
        block.rows.append(row)
        layer_path = (*row.scope, row.name.rsplit("/", 1)[-1])
        for name in layer_path if layer_path in paths else row.scope:
            child = block.children.get(name)
            if child is None:
                child = block.children[name] = LayerBlock((*block.path, name), _inner_label(name, block.path))
            block = child
            block.rows.append(row)
        last = row.name.rsplit("/", 1)[-1]
        block.children["\0" + row.name] = LayerBlock((*block.path, last), last, [row])
    _merge_single_children(root)
    return root


def _inner_label(name: str, path: Sequence[str]) -> str:
    """A block's name and the path of the block around it -> the name without that block's: `layers` of `m.layers`; a
    number alone (`features.3`) keeps it."""
    inner = name.removeprefix(f"{path[-1]}.") if path else name
    return name if inner[:1].isdigit() else inner


def join_path(path: Iterable[str]) -> str:
    """The parts of a path -> the path as one name; a part that says the one before it again stands for both: `m.model`
    of `m`, `m.model`."""
    parts: list[str] = []
    for part in path:
        if parts and part.startswith(f"{parts[-1]}."):
            parts[-1] = part
        else:
            parts.append(part)
    return "/".join(parts)


def _merge_single_children(root: LayerBlock) -> None:
    stack = [root]
    while stack:
        block = stack.pop()
        while len(block.children) == 1:
            (child,) = block.children.values()
            if not child.children:
                break
            block.path, block.children = child.path, child.children
            block.label = f"{block.label}/{child.label}" if block.label else ""
        if block is root:
            _raise_only_block(root)
        stack.extend(child for child in block.children.values() if child.children)


def _raise_only_block(root: LayerBlock) -> None:
    """Root -> while it has one block, and layers that cost next to nothing, the block's children in the block's
    place."""
    while True:
        inner_blocks = [child for child in root.children.values() if child.children]
        others = [child for child in root.children.values() if not child.children]
        if len(inner_blocks) != 1 or not all(map(_is_minor, others)):
            return
        children: list[LayerBlock] = []
        for child in root.children.values():
            children.extend(child.children.values() if child.children else (child,))
        root.children = {str(i): child for i, child in enumerate(children)}


def _fold_minor(children: list[LayerBlock]) -> list[LayerBlock]:
    """Children of a block -> the same; beside blocks, the layers that cost next to nothing are one, the last."""
    minor = [child for child in children if _is_minor(child)]
    if len(minor) < 2 or not any(child.children or child.is_module for child in children):
        return children
    label = f"({len(minor):,} other layers)"
    folded = LayerBlock((label,), label, [row for child in minor for row in child.rows], is_folded=True)
    folded.children = {label: minor[0]}
    return [*(child for child in children if not _is_minor(child)), folded]


def _is_minor(block: LayerBlock) -> bool:
    """Whether it is a layer without MACs and parameters."""
    figures = block.rows[0].figures
    return not block.children and not block.is_module and figures["macs"] == 0 and figures["params"] == 0


def expand_tree(root: LayerBlock, depth: int | None, all_layers: bool = False) -> list[LayerGroup]:
    """Tree and depth (None: default_depth) -> its blocks down to that depth as groups, each before its inner blocks;
    all_layers gives those that cost next to nothing a group each, too."""
    depth = default_depth(root) if depth is None else depth
    inner = _all_children if all_layers else _children
    groups: list[LayerGroup] = []
    stack = [(block, 1) for block in reversed(_all_children(root) if all_layers else _fold_minor(_all_children(root)))]
    while stack:
        block, level = stack.pop()
        groups.append(_block_group(block, level - 1))
        if level < depth:
            stack.extend((child, level + 1) for child in reversed(inner(block)))
    return groups


def innermost_groups(root: LayerBlock, depth: int | None) -> list[LayerGroup]:
    """Tree and depth (None: default_depth) -> the innermost blocks and layers at that depth: every row is in exactly
    one."""
    depth = default_depth(root) if depth is None else depth
    return [_block_group(block, 0) for block in _frontier_blocks(root, depth)]


def default_depth(root: LayerBlock) -> int:
    """Tree -> the least depth that shows DEFAULT_BLOCKS blocks, none of them with nearly all MACs; the deepest one
    where there are fewer, and the last before MAX_BLOCKS."""
    depth, count = 1, _count_blocks(root, 1)
    while count < DEFAULT_BLOCKS or _has_dominant(root, depth):
        deeper_count = _count_blocks(root, depth + 1)
        if deeper_count == count or (deeper_count > MAX_BLOCKS and count >= DEFAULT_BLOCKS):
            break
        depth, count = depth + 1, deeper_count
    return depth


def _has_dominant(root: LayerBlock, depth: int) -> bool:
    """Whether a block with inner blocks, the innermost at a depth, has nearly all MACs; of open ones, nearly all
    layers."""
    weights = [_weight(row.figures["macs"]) for row in root.rows]
    if None in weights:
        weights = [1] * len(weights)
    weight_by_row = dict(zip(map(id, root.rows), weights, strict=True))
    whole = sum(filter(None, weights))
    for block in _frontier_blocks(root, depth):
        if any(child.children for child in _children(block)):
            share = sum(weight_by_row[id(row)] or 0 for row in block.rows)
            if share > whole * DOMINANT:
                return True
    return False


def _weight(macs: Dim | None) -> int | None:
    """A layer's MACs -> the same, 0 where they are unknown; None where they are a formula."""
    return macs if isinstance(macs, int) else 0 if macs is None else None


def costly_parts(root: LayerBlock, key: str) -> list[LayerBlock]:
    """Tree and the key of a quantity -> the blocks and layers of its first level that have some of it, or whose part is
    open; where that is one block alone, those of its own first level, and so on."""
    while True:
        parts = [
            child for child in root.children.values() if any(row.figures[key] not in (0, None) for row in child.rows)
        ]
        if len(parts) != 1 or not parts[0].children:
            return parts
        root = parts[0]


def _count_blocks(root: LayerBlock, depth: int) -> int:
    """Blocks and layers down to a depth, each folded layer for itself."""
    return sum(len(block.rows) if block.is_folded else 1 for block in _frontier_blocks(root, depth))


def _frontier_blocks(root: LayerBlock, depth: int) -> list[LayerBlock]:
    blocks = _fold_minor(list(root.children.values()))
    for _ in range(depth - 1):
        if not any(_children(block) for block in blocks):  # a depth may be any number
            break
        blocks = [inner for block in blocks for inner in (_children(block) or [block])]
    return blocks


def _all_children(block: LayerBlock) -> list[LayerBlock]:
    """Block -> its inner blocks and layers, each for itself."""
    return list(block.children.values())


def _children(block: LayerBlock) -> list[LayerBlock]:
    """Block -> its inner blocks and layers; none of a block with one layer, or whose layers cost next to nothing."""
    children = list(block.children.values())
    if block.is_folded or len(block.rows) == 1 or all(map(_is_minor, children)):
        return []
    if block.is_module and not any(child.is_module for child in children):
        return _fold_minor(children) if sum(not _is_minor(child) for child in children) > 1 else []
    return _fold_minor(children)


def _block_group(block: LayerBlock, depth: int) -> LayerGroup:
    name = "/".join(block.path) if block.children or block.is_module else block.rows[0].name
    return LayerGroup(name, tuple(block.rows), depth, block.label, class_name=block.class_name)
