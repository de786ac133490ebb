"""YAML text -> a tree of nodes that know their line and column.

PyYAML's parser is read event by event: its own composer recurses in C, so that a deeply nested file ends the process,
and its resolver turns `no` into false and `12:30` into 750. Here scalars stay text; what they mean is decided by the
key that they stand at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn, Union

import yaml

from costcalc.errors import SpecError

MAX_DEPTH = 60
MAX_ALIASED = 100_000
"""Values that all aliases of a file stand for at most: each level of aliases multiplies them."""
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar:
    """A leaf; plain tells that it is not quoted."""

    __slots__ = ("column", "line", "plain", "text")

    def __init__(self, text: str, plain: bool, line: int, column: int) -> None:
        self.text, self.plain, self.line, self.column = text, plain, line, column

    @property
    def is_null(self) -> bool:
        """An empty value, ~ or null."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


class Seq:
    """A list."""

    __slots__ = ("column", "items", "line")

    def __init__(self, line: int, column: int) -> None:
        self.items: list[YamlNode] = []
        self.line, self.column = line, column


class Map:
    """A mapping, in the file's order; keys are scalars, none twice."""

    __slots__ = ("column", "keys", "line", "values")

    def __init__(self, line: int, column: int) -> None:
        self.values: dict[str, YamlNode] = {}
        self.keys: dict[str, Scalar] = {}
        self.line, self.column = line, column


YamlNode = Union[Scalar, Seq, Map]


class Document(NamedTuple):
    """A parsed file and the name that errors give it. kept is for what readers find out about its nodes and need again,
    by the nodes' identity: they live as long as it does."""

    root: YamlNode
    file: str
    kept: dict[Any, Any]

    def place(self, node: YamlNode) -> str:
        """file:line:column"""
        return f"{self.file}:{node.line}:{node.column}"


def parse(text: str | bytes, file: str) -> Document:
    """One YAML document; SpecError with its place where the text is not one."""
    try:
        return Document(_compose(iter(Loader(text).get_event, None), file), file, {})
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise SpecError(f"not YAML: {error.problem or error.context}", "mend the syntax there", place) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(
            f"not YAML: {str(error).splitlines()[0]}", "give a YAML, an ONNX file or a built-in name", file
        ) from error


def _compose(events: Iterable[Any], file: str) -> YamlNode:
    root: YamlNode | None = None
    stack: list[Seq | Map] = []
    keys: list[Scalar | None] = []
    anchors: dict[str, YamlNode] = {}
    extents: dict[int, tuple[int, int]] = {}
    aliased = documents = 0
    for event in events:
        kind = type(event)
        node: YamlNode
        if kind is yaml.ScalarEvent:
            mark = event.start_mark
            node = Scalar(event.value, event.implicit[0], mark.line + 1, mark.column + 1)
        elif kind is yaml.MappingStartEvent:
            mark = event.start_mark
            node = Map(mark.line + 1, mark.column + 1)
        elif kind is yaml.SequenceStartEvent:
            mark = event.start_mark
            node = Seq(mark.line + 1, mark.column + 1)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            stack.pop()
            keys.pop()
            continue
        elif kind is yaml.AliasEvent:
            mark = event.start_mark
            if event.anchor not in anchors:
                _refuse(f"the alias *{event.anchor} has no anchor before it", "define it above", file, mark)
            node = anchors[event.anchor]
            if any(node is open_node for open_node in stack):
                _refuse(f"the alias *{event.anchor} stands inside its own anchor", "a model has no cycles", file, mark)
            values, levels = _extent(node, extents)
            aliased += values
            if aliased > MAX_ALIASED:
                _refuse(f"aliases stand for more than {MAX_ALIASED:,} values", "use blocks and repeat", file, mark)
            if len(stack) + levels > MAX_DEPTH:
                _refuse(f"more than {MAX_DEPTH} levels are nested", "use blocks", file, mark)
        else:
            documents += kind is yaml.DocumentStartEvent
            if documents > 1:
                _refuse("a second document starts", "give one model a file", file, event.start_mark)
            continue
        if kind is not yaml.AliasEvent:
            if event.tag and not event.tag.startswith("tag:yaml.org,2002:") and event.tag != "!":
                _refuse(f"the tag {event.tag} is not part of the language", "remove it", file, event.start_mark)
            if event.anchor:
                anchors[event.anchor] = node
        if not stack:
            root = node
        elif isinstance(top := stack[-1], Seq):
            top.items.append(node)
        elif (key := keys[-1]) is None:
            keys[-1] = _key(node, top, file)
        else:
            top.values[key.text] = node
            keys[-1] = None
        if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            if len(stack) >= MAX_DEPTH:
                _refuse(f"more than {MAX_DEPTH} levels are nested", "use blocks", file, event.start_mark)
            stack.append(node)  # type: ignore[arg-type]
            keys.append(None)
    if root is None:
        raise SpecError("the file is empty", "a model has at least `input:` and `layers:`", file)
    return root


def _extent(node: YamlNode, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """A node -> how many values and levels it has, where an alias has those of what it stands for. known holds the
    extents of lists and mappings by identity, among them all that an alias has named before."""
    if isinstance(node, Scalar):
        return 1, 0
    if id(node) not in known:
        items = node.items if isinstance(node, Seq) else node.values.values()
        extents = [_extent(item, known) for item in items]
        known[id(node)] = 1 + sum(values for values, _ in extents), 1 + max((n for _, n in extents), default=0)
    return known[id(node)]


def _key(node: YamlNode, mapping: Map, file: str) -> Scalar:
    if not isinstance(node, Scalar):
        raise SpecError("a key is a list or a mapping", "keys are words", f"{file}:{node.line}:{node.column}")
    if node.text == "<<":
        place = f"{file}:{node.line}:{node.column}"
        raise SpecError("merge keys (<<) are not part of the language", "write a block with arguments", place)
    if node.text in mapping.keys:
        place = f"{file}:{node.line}:{node.column}"
        first = mapping.keys[node.text].line
        raise SpecError(f"the key {node.text!r} is given twice (first in line {first})", "remove one", place)
    mapping.keys[node.text] = node
    return node


def _refuse(fact: str, remedy: str, file: str, mark: yaml.Mark) -> NoReturn:
    raise SpecError(fact, remedy, f"{file}:{mark.line + 1}:{mark.column + 1}")
