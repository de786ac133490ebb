"""Text of a YAML model -> its Graph, and the nodes that each use of each layer of the file adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from costcalc.core.ir import Graph
from costcalc.frontends.yaml.document import Map, Seq, YamlNode
from costcalc.frontends.yaml.elaborate import Elaborator
from costcalc.frontends.yaml.items import BlockDefinition, LayerItem, Scope, Values
from costcalc.frontends.yaml.layers.base import ParameterStyle
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
    parent: int


class ItemPosition(NamedTuple):
    """The list that contains a layer, and the index of the layer's entry in it."""

    layers: Seq
    entry: int


class Trace(NamedTuple):
    """A file's graph with its text and all calls, in the order in which they end; positions are those of the items, by
    the identity of their nodes."""

    graph: Graph
    text: str
    file: str
    reader: ValueReader
    calls: tuple[LayerUse, ...]
    positions: Mapping[int, ItemPosition]

    def position(self, call: LayerUse) -> ItemPosition:
        """A use of a layer -> the list that contains the layer, and its index there."""
        return self.positions[id(call.item.node)]


def trace(text: str, file: str, source: str = "", **options: Any) -> Trace:
    """The text of a YAML model -> its Trace; the options are load_spec's."""
    elaborators: list[TracingElaborator] = []
    graph = load_spec(text, file, source, elaborator=partial(_make_tracing_elaborator, elaborators), **options)
    return make_trace(graph, text, file, elaborators[0])


def make_trace(graph: Graph, text: str, file: str, elaborator: TracingElaborator) -> Trace:
    """A graph, the text it is read from, and the elaborator that has added its layers -> the Trace."""
    positions: dict[int, ItemPosition] = {}
    _find_positions(elaborator.reader.document.root, positions)
    calls = [call._replace(parent=elaborator.ids.get(call.parent, -1)) for call in elaborator.uses]
    return Trace(graph, text, file, elaborator.reader, tuple(calls), positions)


class SourceMap(NamedTuple):
    """The trace of a file, how a rewritten text of it is read in the same way, and the byte order mark that the file
    begins with, or ""."""

    trace: Trace
    reread: Callable[[str], Trace]
    bom: str


def source_map(content: bytes, file: str, source: str, **options: Any) -> SourceMap | None:
    """The bytes of a YAML model -> its SourceMap; the options are load_spec's. None where they are not UTF-8."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None

    def reread(text: str) -> Trace:
        return trace(text, file, source, **options)

    return SourceMap(reread(text.removeprefix(BOM)), reread, BOM if text.startswith(BOM) else "")


class TracingElaborator(Elaborator):
    """An Elaborator that records each use of a layer; a use that holds others has a number before it ends."""

    def __init__(
        self,
        reader: ValueReader,
        builder: GraphBuilder,
        blocks: Mapping[str, BlockDefinition],
        style: ParameterStyle,
    ) -> None:
        super().__init__(reader, builder, blocks, style)
        self.uses: list[LayerUse] = []
        self.ids: dict[int, int] = {}
        self.stack = [-1]
        self.count = 0

    def layer(self, item: LayerItem, scope: Scope, current: Values, plural: frozenset[str]) -> Values:
        first, parent = len(self.builder.nodes), self.stack[-1]
        self.count += 1
        number = self.count
        self.stack.append(number)
        try:
            values = super().layer(item, scope, current, plural)
        finally:
            self.stack.pop()
        if len(self.builder.nodes) > first:
            self.ids[number] = len(self.uses)
            self.uses.append(LayerUse(item, first, len(self.builder.nodes), scope.names, parent))
        return values


def _make_tracing_elaborator(
    elaborators: list[TracingElaborator],
    reader: ValueReader,
    builder: GraphBuilder,
    blocks: Mapping[str, BlockDefinition],
    style: ParameterStyle,
) -> TracingElaborator:
    elaborators.append(TracingElaborator(reader, builder, blocks, style))
    return elaborators[0]


def _find_positions(node: YamlNode, positions: dict[int, ItemPosition]) -> None:
    """Adds the position of each entry of each list below a node; of an alias, its anchor's."""
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
                positions.setdefault(id(child), ItemPosition(node, i))
        elif isinstance(node, Map):
            children = tuple(node.values.values())
        pending.extend(reversed(children))
