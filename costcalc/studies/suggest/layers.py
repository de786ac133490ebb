"""A change of a graph → the layers of a YAML file that add the nodes which it takes away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from costcalc.frontends.yaml.document import Seq
from costcalc.frontends.yaml.items import LayerItem
from costcalc.frontends.yaml.source_map import ItemPosition, LayerUse, Trace
from costcalc.studies.suggest.replacement import GraphChange
from costcalc.studies.suggest.text import yaml_text


class LayerRange(NamedTuple):
    """The layers first to last of a list in a file; prototype is the one whose options are copied."""

    layers: Seq
    first: int
    last: int
    prototype: int


class LayerRangeFinder:
    """Finds the layers of changes in one file; innermost is the innermost call of each node."""

    __slots__ = ("innermost", "trace")

    def __init__(self, trace: Trace) -> None:
        self.trace, self.innermost = trace, [-1] * len(trace.graph.nodes)
        for i, call in enumerate(trace.calls):  # they end from the inside out
            for node in range(call.first, call.last):
                if self.innermost[node] < 0:
                    self.innermost[node] = i

    def find_range(self, change: GraphChange) -> LayerRange | None:
        """The layers of one list that add exactly the change's nodes; None where there are none."""
        first, last = change.nodes[0], change.nodes[-1]
        if change.nodes != tuple(range(first, last + 1)):
            return None
        for a in self._enclosing_calls(first):
            for b in self._enclosing_calls(last):
                begin, end = self.trace.position(a), self.trace.position(b)
                if a.first != first or b.last != last + 1 or a.parent != b.parent or begin.layers is not end.layers:
                    continue
                if a is b or begin.entry < end.entry:
                    return self._make_range(change, begin, end)
        return None

    def _enclosing_calls(self, node: int) -> Iterator[LayerUse]:
        """The calls that a node stands in, from the inside out."""
        at = self.innermost[node]
        while at >= 0:
            yield self.trace.calls[at]
            at = self.trace.calls[at].parent

    def _make_range(self, change: GraphChange, begin: ItemPosition, end: ItemPosition) -> LayerRange | None:
        prototype = self.trace.position(self.trace.calls[self.innermost[change.prototype]])
        if prototype.layers is not begin.layers or not begin.entry <= prototype.entry <= end.entry:
            return None
        return LayerRange(begin.layers, begin.entry, end.entry, prototype.entry)


def condition_text(item: LayerItem) -> str | None:
    """A layer's condition as it stands in the file."""
    return None if item.when is None else yaml_text(item.when)
