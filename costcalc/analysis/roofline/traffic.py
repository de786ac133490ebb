"""Graph -> the bytes that any execution moves between memory and the chip, whatever its schedule and its fusion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from costcalc.analysis.layers import Row
from costcalc.analysis.roofline.multiplications import constant_nodes, reachable_nodes
from costcalc.core.dim import Dim
from costcalc.core.ir import Graph
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex
from costcalc.graph.parameters import stored


def minimum_traffic(graph: Graph, rows: Iterable[Row]) -> int:
    """Bytes that any execution moves between memory and the chip: weights that contractions read, rows that look-ups
    give, inputs and outputs, each once. A tensor that is only looked up or cut counts as what that gives at most. Nodes
    that no output needs read nothing, and contractions of stored tensors only are done before."""
    used = reachable_nodes(graph)
    readers = {name: [i for i in nodes if used[i]] for name, nodes in GraphIndex(graph).readers.items()}
    works = [
        bool(row.amounts["macs"]) and traits_of(row).kind != "experts" and read and not constant
        for row, read, constant in zip(rows, used, constant_nodes(graph), strict=True)
    ]
    weights = [
        item.name
        for item in stored(graph)
        if item.kind != "constant"
        and (
            works[item.owner]
            or _bytes_looked_up(graph, item.name, readers.get(item.name, [])) is not None
            or _is_multiplied(graph, item.name, readers, works)
        )
    ]
    given = [name for name in graph.inputs if name not in graph.initializers]
    total = sum(_bytes_read(graph, name, readers.get(name, [])) for name in (*weights, *given))
    for name in graph.outputs:
        size = value_bytes(graph, name)
        total += size if name not in graph.inputs else 0
    return total


def _is_multiplied(
    graph: Graph, name: str, readers: Mapping[str, list[int]], works: Sequence[bool], depth: int = 4
) -> bool:
    """Whether a contraction reads a stored tensor, itself or what only passes it on: a table that is tied to a head."""
    for index in readers.get(name, ()):
        node = graph.nodes[index]
        if works[index]:
            return True
        if traits_of(node).passes_on and depth and _is_multiplied(graph, node.outputs[0], readers, works, depth - 1):
            return True
    return False


def _bytes_read(graph: Graph, name: str, readers: list[int]) -> int:
    parts = _bytes_looked_up(graph, name, readers)
    whole = value_bytes(graph, name) if readers else 0
    return whole if parts is None else min(whole, parts)


def _bytes_looked_up(graph: Graph, name: str, readers: list[int]) -> int | None:
    """What its readers take of a tensor that is only looked up, cut or asked for its shape; None where one reads it."""
    total = 0
    for index in readers:
        node = graph.nodes[index]
        reads = traits_of(node).reads
        if reads == "all" or node.inputs[0] != name or name in node.inputs[1:]:
            return None
        runs = node.count if isinstance(node.count, int) else 1
        total += sum(value_bytes(graph, output) for output in node.outputs if output) * runs if reads == "part" else 0
    return total


def value_bytes(graph: Graph, name: str) -> int:
    """Bytes of a value; 0 while its shape is not a number."""
    kind = graph.types[name]
    size: Dim = 0 if kind.shape is None else kind.nbytes
    return size if isinstance(size, int) else 0
