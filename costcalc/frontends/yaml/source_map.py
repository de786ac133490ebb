"""Text of a YAML model -> its Graph, and the nodes that each use of each layer of the file adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from costcalc.core.ir import Graph
from costcalc.frontends.yaml.document import Map, Seq, YamlNode
from costcalc.frontends.yaml.elaborate import Elaborator
from costcalc.frontends.yaml.items import BlockDefinition, LayerItem, Scope, Values
from costcalc.frontends.yaml.reader import load_spec
from costcalc.frontends.yaml.values import ValueReader
from costcalc.graph.builder import GraphBuilder

BOM = "\ufeff"


class LayerUse(NamedTuple):
    """One use of a layer of the file: its nodes from first up to last (indexes, last left out), the values of the
    visible names, and the use of a block or residual that contains it (an index into the calls, -1: none)."""

    item: LayerItem
    first: int
    last: int
    names: Mapping[str, Any]
    within: int


class ItemPosition(NamedTuple):
    """The list that contains a layer, and the layer's index in it."""

    layers: Seq
    at: int


class Trace(NamedTuple):
    """A file's graph with its text and all calls, in the order in which they end; homes by the identity of the item's
    node."""

    graph: Graph
    text: str
    file: str
    reader: ValueReader
    calls: tuple[LayerUse, ...]
    homes: Mapping[int, ItemPosition]

    def home(self, call: LayerUse) -> ItemPosition:
        """Where a call's layer stands."""
        return self.homes[id(call.item.node)]


def trace(text: str, file: str, source: str = "", **options: Any) -> Trace:
    """load_spec with its trace; the options are load_spec's."""
    elaborators: list[_TracingElaborator] = []
    graph = load_spec(text, file, source, elaborator=partial(_make_tracing_elaborator, elaborators), **options)
    (elaborator,) = elaborators
    homes: dict[int, ItemPosition] = {}
    _find_homes(elaborator.reader.document.root, homes)
    calls = [call._replace(within=elaborator.ids.get(call.within, -1)) for call in elaborator.uses]
    return Trace(graph, text, file, elaborator.reader, tuple(calls), homes)


class SourceMap(NamedTuple):
    """The trace of a file, how a rewritten text of it is read in the same way, and the byte order mark that the file
    begins with, or ""."""

    trace: Trace
    again: Callable[[str], Trace]
    mark: str


def source_map(content: bytes, file: str, source: str, **options: Any) -> SourceMap | None:
    """A file's graph and its layers' places; the options are load_spec's. None where it is not in UTF-8."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None

    def again(text: str) -> Trace:
        return trace(text, file, source, **options)

    return SourceMap(again(text.removeprefix(BOM)), again, BOM if text.startswith(BOM) else "")


class _TracingElaborator(Elaborator):
    """Notes each call; a call that holds others is known by a number before it ends."""

    def __init__(self, reader: ValueReader, builder: GraphBuilder, blocks: Mapping[str, BlockDefinition]) -> None:
        super().__init__(reader, builder, blocks)
        self.uses: list[LayerUse] = []
        self.ids: dict[int, int] = {}
        self.stack = [-1]
        self.count = 0

    def layer(self, item: LayerItem, scope: Scope, current: Values, plural: frozenset[str]) -> Values:
        first, within = len(self.builder.nodes), self.stack[-1]
        self.count += 1
        number = self.count
        self.stack.append(number)
        try:
            values = super().layer(item, scope, current, plural)
        finally:
            self.stack.pop()
        if len(self.builder.nodes) > first:
            self.ids[number] = len(self.uses)
            self.uses.append(LayerUse(item, first, len(self.builder.nodes), scope.names, within))
        return values


def _make_tracing_elaborator(
    elaborators: list[_TracingElaborator],
    reader: ValueReader,
    builder: GraphBuilder,
    blocks: Mapping[str, BlockDefinition],
) -> _TracingElaborator:
    elaborators.append(_TracingElaborator(reader, builder, blocks))
    return elaborators[0]


def _find_homes(node: YamlNode, homes: dict[int, ItemPosition]) -> None:
    """Where each entry of each list stands; of an alias, its anchor's place."""
    pending: list[YamlNode] = [node]
    visited: set[int] = set()
    while pending:
        node = pending.pop()
        if id(node) in visited:
            continue
        visited.add(id(node))
        children: Sequence[YamlNode] = ()
        if isinstance(node, Seq):
            children = node.items
            for i, child in enumerate(node.items):
                homes.setdefault(id(child), ItemPosition(node, i))
        elif isinstance(node, Map):
            children = tuple(node.values.values())
        pending.extend(reversed(children))
