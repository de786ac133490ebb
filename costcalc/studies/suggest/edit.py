"""Changes → a new Graph: the nodes that they name give way to new ones, which the ordinary builder adds and types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from costcalc.core.assumptions import collect_assumptions
from costcalc.core.dim import Dim
from costcalc.core.ir import DType, Graph, Node, Value
from costcalc.frontends.yaml.layers.base import Site
from costcalc.graph.builder import GraphBuilder
from costcalc.graph.parameters import stored_values
from costcalc.studies.suggest.replacement import GraphChange, Replacement


class _Builder(GraphBuilder):
    """A builder whose layers store their weights in the model's own element type."""

    stored = DType.FLOAT32

    def add_initializer(self, name: str, dtype: DType, shape: Sequence[Dim], value: Value | None = None) -> str:
        return super().add_initializer(name, self.stored if dtype is DType.FLOAT32 else dtype, shape, value)


def edit(graph: Graph, changes: Iterable[GraphChange]) -> Graph:
    """The graph with all changes made; no node may be part of two. Nodes behind a value whose type changes are typed
    anew. Stored tensors that nobody reads any more are gone. ShapeError where the new layers do not fit."""
    at = {i: change for change in changes for i in change.nodes}
    builder = _Builder(graph.name, graph.source, graph.opset, binding=graph.symbols)
    builder.types = dict(graph.types)
    for i in at:
        for name in graph.nodes[i].outputs:
            builder.types.pop(name, None)
    builder.initializers = dict(graph.initializers)
    used_names = set(graph.types) | {node.name for node in graph.nodes}
    renamed: dict[str, str] = {}
    changed: set[str] = set()
    with collect_assumptions():
        for i, node in enumerate(graph.nodes):
            change = at.get(i)
            if change is None:
                inputs = tuple([renamed.get(name, name) for name in node.inputs]) if renamed else node.inputs
                _keep(builder, graph, replace(node, inputs=inputs) if inputs != node.inputs else node, changed)
            elif i == change.nodes[-1]:
                sources = tuple([renamed.get(name, name) for name in change.sources])
                if change.pieces:
                    _emit(builder, graph, change, sources, used_names)
                    given = [name for j in change.nodes for name in graph.nodes[j].outputs]
                    changed.update(n for n in given if n in builder.types and builder.types[n] != graph.types[n])
                else:
                    renamed[change.output] = sources[0]
    before = {name for node in graph.nodes for name in node.inputs}
    nodes = _without_idle(builder.nodes, stored_values(graph) & before.difference(graph.outputs))
    read = {name for node in nodes for name in node.inputs}
    gone = (graph.initializers.keys() & before) - read
    return replace(
        graph,
        nodes=tuple(nodes),
        types={name: t for name, t in builder.types.items() if name not in gone},
        initializers={name: t for name, t in builder.initializers.items() if name not in gone},
        outputs=tuple(renamed.get(name, name) for name in graph.outputs),
        parameters=(graph.parameters | frozenset(builder.parameters)) - gone,
    )


def _without_idle(nodes: Sequence[Node], stored: frozenset[str]) -> Sequence[Node]:
    """The nodes without views of stored tensors that rewritten layers alone have read."""
    kept: list[Node] = []
    read: set[str] = set()
    for node in reversed(nodes):
        is_view = any(node.outputs) and stored.issuperset(filter(None, node.outputs))
        if not is_view or not read.isdisjoint(node.outputs):
            kept.append(node)
            read.update(node.inputs)
    return kept[::-1]


def _keep(builder: GraphBuilder, graph: Graph, node: Node, changed: set[str]) -> None:
    """A node that stays; typed anew where what it reads has changed."""
    if not changed or changed.isdisjoint(node.inputs):
        builder.nodes.append(node)
        return
    for name in node.outputs:
        builder.types.pop(name, None)
    builder.add(
        node.op_type,
        node.inputs,
        node.attributes,
        name=node.name,
        outputs=node.outputs,
        domain=node.domain,
        scope=node.scope,
        count=node.count,
        place=node.place,
    )
    changed.update(name for name in node.outputs if name and builder.types[name] != graph.types[name])


def _emit(builder: _Builder, graph: Graph, change: GraphChange, sources: Sequence[str], used_names: set[str]) -> None:
    """Adds the pieces; the last one's value takes the old name."""
    model = graph.nodes[change.model]
    weights = [graph.types[name].dtype for name in model.inputs if name in graph.initializers]
    builder.stored = next((t for t in weights if t.is_float), DType.FLOAT32)
    first, values = len(builder.nodes), tuple(sources)
    for piece in change.pieces:
        name = _free(f"{model.name}/{_word(piece, model)}", used_names)
        site = Site(builder, name, (*model.scope, model.name.rpartition("/")[2]), values, model.place, set())
        values = (piece.emit(site),)
    result = values[0]
    new = [replace(n, count=model.count) if model.count != 1 else n for n in builder.nodes[first:]]
    if result != change.output:
        builder.types[change.output] = builder.types.pop(result)
        named = {result: change.output}
        new = [
            replace(
                n,
                inputs=tuple([named.get(v, v) for v in n.inputs]),
                outputs=tuple([named.get(v, v) for v in n.outputs]),
            )
            for n in new
        ]
    builder.nodes[first:] = new


def _word(piece: Replacement, model: Node) -> str:
    return piece.kind or model.op_type.lower()


def _free(name: str, used_names: set[str]) -> str:
    """A name that no value, weight or node has."""
    number, found = 1, name
    while found in used_names:
        number += 1
        found = f"{name}_{number}"
    used_names.add(found)
    return found
