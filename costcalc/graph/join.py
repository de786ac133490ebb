"""Graphs of the parts of a network -> one graph: the parts stand side by side, each under its name, with inputs and
outputs of its own; a part may go on from the output of one before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from costcalc.core.errors import ShapeError
from costcalc.core.ir import Graph, Node

Item = TypeVar("Item")


class Part(NamedTuple):
    """A part of a network: the name that stands before its blocks, its graph, and by the beginning of a name in it what
    it begins with in the whole network ("": any name). Of a part that goes on from another, reads is that one's name:
    the output of its graph is the first input of this one."""

    name: str
    graph: Graph
    prefixes: Mapping[str, str]
    reads: str = ""


def join_graphs(parts: Sequence[Part], name: str, source: str) -> Graph:
    """Parts -> one graph with the inputs, nodes, outputs and notes of all, in their order. ShapeError where two of them
    give a value or an input one name."""
    graphs = _connect(parts, [_rename(part) for part in parts])
    names = [key for graph in graphs for key in graph.types]
    if len(set(names)) < len(names):
        twice = next(key for key in names if names.count(key) > 1)
        raise ShapeError(f"two parts have a value {twice!r}", "give their names another beginning")

    return graphs[0]._replace(
        name=name,
        source=source,
        inputs=_chain(graph.inputs for graph in graphs),
        outputs=_chain(graph.outputs for graph in graphs),
        nodes=tuple([node for graph in graphs for node in graph.nodes]),
        notes=_chain(graph.notes for graph in graphs),
        assumptions=_chain(graph.assumptions for graph in graphs),
        initializers=_merge(graph.initializers for graph in graphs),
        types=_merge(graph.types for graph in graphs),
        symbols=_merge(graph.symbols for graph in graphs),
        stored_kinds=_merge(graph.stored_kinds for graph in graphs),
        owners=_merge(graph.owners for graph in graphs),
        parameters=frozenset().union(*[graph.parameters for graph in graphs]),
    )


def _chain(values: Iterable[Iterable[Item]]) -> tuple[Item, ...]:
    """The values of all parts in their order, each once."""
    return tuple(dict.fromkeys(value for part in values for value in part))


def _merge(mappings: Iterable[Mapping[str, Item]]) -> dict[str, Item]:
    return {key: value for mapping in mappings for key, value in mapping.items()}


class _NamesInWhole(dict[str, str]):
    """Names of a part -> those in the whole network, each made once: a name stands at its value and at each reader."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        super().__init__()
        self.prefixes = prefixes

    def __missing__(self, name: str) -> str:
        whole = name
        for old, new in self.prefixes.items():
            if name.startswith(old):
                whole = f"{new}{name.removeprefix(old)}"
                break
        self[name] = whole
        return whole


def _connect(parts: Sequence[Part], graphs: Sequence[Graph]) -> list[Graph]:
    """Parts and their graphs under the names of the whole -> the graphs, each reading what it goes on from."""
    connected = list(graphs)
    positions = {part.name: i for i, part in enumerate(parts)}
    for i, part in enumerate(parts):
        if not part.reads:
            continue
        tower, graph = connected[positions[part.reads]], connected[i]
        (given,), read = tower.outputs, graph.inputs[0]

        def joined(names: Iterable[str], read: str = read, given: str = given) -> tuple[str, ...]:
            return tuple([given if name == read else name for name in names])

        connected[positions[part.reads]] = tower._replace(outputs=())
        connected[i] = graph._replace(
            inputs=graph.inputs[1:],
            outputs=joined(graph.outputs),
            nodes=tuple([node._replace(inputs=joined(node.inputs)) for node in graph.nodes]),
            types={name: value for name, value in graph.types.items() if name != read},
        )
    return connected


def _rename(part: Part) -> Graph:
    """The part's graph with all names but those of its inputs as in the whole network."""
    graph, names_in_whole = part.graph, _NamesInWhole(part.prefixes)
    names_in_whole.update({name: name for name in ("", *part.graph.inputs)})
    new_name = names_in_whole.__getitem__

    def new_names(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(new_name, names))

    def new_node(node: Node) -> Node:
        scope = (part.name, *new_names(node.scope[:1]), *node.scope[1:])
        outputs = new_names(node.outputs)
        return node._replace(name=new_name(node.name), inputs=new_names(node.inputs), outputs=outputs, scope=scope)

    return graph._replace(
        outputs=new_names(graph.outputs),
        initializers={new_name(name): t for name, t in graph.initializers.items()},
        nodes=tuple([new_node(node) for node in graph.nodes]),
        types={new_name(name): t for name, t in graph.types.items()},
        parameters=frozenset(new_names(graph.parameters)),
        stored_kinds={new_name(name): kind for name, kind in graph.stored_kinds.items()},
        owners={new_name(name): new_name(owner) for name, owner in graph.owners.items()},
    )
