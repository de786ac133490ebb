"""Changes → a new Graph: the nodes that they name give way to new ones, which the ordinary builder adds and types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
    """Graph and changes -> the graph with all of them made; no node may be part of two. Nodes behind a value whose type
    changes are typed anew. Stored tensors that nobody reads any more are gone. ShapeError where the new layers do not
    fit."""
    change_of_node = {i: change for change in changes for i in change.nodes}
    builder = _Builder(graph.name, graph.source, graph.opset, binding=graph.symbols)
    builder.types = dict(graph.types)
    for i in change_of_node:
        for name in graph.nodes[i].outputs:
            builder.types.pop(name, None)
    builder.initializers = dict(graph.initializers)
    used_names = set(graph.types) | {node.name for node in graph.nodes}
    renamed: dict[str, str] = {}
    changed: set[str] = set()
    with collect_assumptions():
        for i, node in enumerate(graph.nodes):
            change = change_of_node.get(i)
            if change is None:
                inputs = tuple([renamed.get(name, name) for name in node.inputs]) if renamed else node.inputs
                _copy_node(builder, graph, node._replace(inputs=inputs) if inputs != node.inputs else node, changed)
            elif i == change.nodes[-1]:
                sources = tuple([renamed.get(name, name) for name in change.sources])
                if change.replacements:
                    _emit_replacements(builder, graph, change, sources, used_names)
                    outputs = [name for j in change.nodes for name in graph.nodes[j].outputs]
                    changed.update(n for n in outputs if n in builder.types and builder.types[n] != graph.types[n])
                else:
                    renamed[change.output] = sources[0]
    read_before = {name for node in graph.nodes for name in node.inputs}
    nodes = _drop_idle_views(builder.nodes, stored_values(graph) & read_before.difference(graph.outputs))
    read = {name for node in nodes for name in node.inputs}
    unread = (graph.initializers.keys() & read_before) - read
    return graph._replace(
        nodes=tuple(nodes),
        types={name: t for name, t in builder.types.items() if name not in unread},
        initializers={name: t for name, t in builder.initializers.items() if name not in unread},
        outputs=tuple(renamed.get(name, name) for name in graph.outputs),
        parameters=(graph.parameters | frozenset(builder.parameters)) - unread,
    )


def _drop_idle_views(nodes: Sequence[Node], stored: frozenset[str]) -> Sequence[Node]:
    """The nodes without views of stored tensors that rewritten layers alone have read."""
    remaining: list[Node] = []
    read: set[str] = set()
    for node in reversed(nodes):
        is_view = any(node.outputs) and stored.issuperset(filter(None, node.outputs))
        if not is_view or not read.isdisjoint(node.outputs):
            remaining.append(node)
            read.update(node.inputs)
    return remaining[::-1]


def _copy_node(builder: GraphBuilder, graph: Graph, node: Node, changed: set[str]) -> None:
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


def _emit_replacements(
    builder: _Builder, graph: Graph, change: GraphChange, sources: Sequence[str], used_names: set[str]
) -> None:
    """Adds the replacements; the last one's value takes the old name."""
    prototype = graph.nodes[change.prototype]
    weights = [graph.types[name].dtype for name in prototype.inputs if name in graph.initializers]
    builder.stored = next((t for t in weights if t.is_float), DType.FLOAT32)
    first, values = len(builder.nodes), tuple(sources)
    for replacement in change.replacements:
        name = _unused_name(f"{prototype.name}/{_layer_word(replacement, prototype)}", used_names)
        site = Site(
            builder, name, (*prototype.scope, prototype.name.rpartition("/")[2]), values, prototype.place, set()
        )
        values = (replacement.emit(site),)
    result = values[0]
    new = [n._replace(count=prototype.count) if prototype.count != 1 else n for n in builder.nodes[first:]]
    if result != change.output:
        builder.types[change.output] = builder.types.pop(result)
        renames = {result: change.output}
        new = [
            n._replace(
                inputs=tuple([renames.get(v, v) for v in n.inputs]),
                outputs=tuple([renames.get(v, v) for v in n.outputs]),
            )
            for n in new
        ]
    builder.nodes[first:] = new


def _layer_word(replacement: Replacement, prototype: Node) -> str:
    return replacement.kind or prototype.op_type.lower()


def _unused_name(name: str, used_names: set[str]) -> str:
    """A name that no value, weight or node has."""
    number, unused = 1, name
    while unused in used_names:
        number += 1
        unused = f"{name}_{number}"
    used_names.add(unused)
    return unused
