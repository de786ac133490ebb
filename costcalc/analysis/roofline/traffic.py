"""Graph to its compulsory traffic: the bytes that any execution moves between memory and the chip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from costcalc.analysis.layers import LayerCost
from costcalc.analysis.roofline.multiplications import constant_nodes, reachable_nodes
from costcalc.core.dim import Dim
from costcalc.core.ir import Graph
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex
from costcalc.graph.parameters import find_stored_tensors


def minimum_traffic(graph: Graph, rows: Iterable[LayerCost]) -> int:
    """Graph and its rows -> bytes that any execution moves, whatever its schedule and its fusion: weights that
    contractions read, rows that look-ups give, inputs and outputs, each once.

    A tensor that is only looked up or cut counts as much as the result at most. Nodes that no output needs read
    nothing, and contractions of stored tensors only are computed before any inference.
    """
    used = reachable_nodes(graph)
    readers = {name: [i for i in nodes if used[i]] for name, nodes in GraphIndex(graph).readers.items()}
    works = [
        bool(row.amounts["macs"]) and traits_of(row).kind != "experts" and read and not constant
        for row, read, constant in zip(rows, used, constant_nodes(graph), strict=True)
    ]
    weights = [
        item.name
        for item in find_stored_tensors(graph)
        if item.kind != "constant"
        and (
            works[item.owner]
            or _bytes_looked_up(graph, item.name, readers.get(item.name, [])) is not None
            or _is_multiplied(graph, item.name, readers, works)
        )
    ]
    total = sum(_bytes_read(graph, name, readers.get(name, [])) for name in (*weights, *graph.data_inputs))
    for name in graph.outputs:
        size = value_bytes(graph, name)
        total += size if name not in graph.inputs else 0
    return total


def _is_multiplied(
    graph: Graph, name: str, readers: Mapping[str, list[int]], works: Sequence[bool], depth: int = 4
) -> bool:
    """Whether a contraction reads a stored tensor, directly or behind operators that only pass it on: an embedding
    table that is tied to the head."""
    for index in readers.get(name, ()):
        node = graph.nodes[index]
        if works[index]:
            return True
        if traits_of(node).passes_on and depth and _is_multiplied(graph, node.outputs[0], readers, works, depth - 1):
            return True
    return False


def _bytes_read(graph: Graph, name: str, readers: list[int]) -> int:
    parts = _bytes_looked_up(graph, name, readers)
    size = value_bytes(graph, name) if readers else 0
    return size if parts is None else min(size, parts)


def _bytes_looked_up(graph: Graph, name: str, readers: list[int]) -> int | None:
    """Tensor and its readers -> bytes that they take of it where all only look it up, cut it or read its shape; None
    where one reads all of it."""
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
    """Name of a value -> its bytes; 0 where its size is not a number."""
    kind = graph.types[name]
    size: Dim = 0 if kind.shape is None else kind.nbytes
    return size if isinstance(size, int) else 0
