"""Graph to its compulsory traffic: the bytes that any execution moves between memory and the chip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from costcalc.analysis.layers import LayerCost
from costcalc.analysis.roofline.multiplications import constant_nodes, reachable_nodes
from costcalc.core.dim import Dim
from costcalc.core.ir import Graph, TensorType
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex
from costcalc.graph.parameters import find_stored_tensors


def minimum_traffic(graph: Graph, rows: Iterable[LayerCost]) -> int:
    """Graph and its rows -> bytes that any execution moves, whatever its schedule and its fusion: weights that
    contractions read, rows that look-ups give, inputs and outputs, each once.

    A tensor that is only looked up or cut counts as much as the result at most. Nodes that no output needs read
    nothing, and contractions of stored tensors only are computed before any inference.
    """
    reachable = reachable_nodes(graph)
    readers = {name: [i for i in nodes if reachable[i]] for name, nodes in GraphIndex(graph).readers.items()}
    multiplying = [
        bool(row.figures["macs"]) and traits_of(row).kind != "experts" and is_reachable and not is_constant
        for row, is_reachable, is_constant in zip(rows, reachable, constant_nodes(graph), strict=True)
    ]
    weights = [
        item.name
        for item in find_stored_tensors(graph)
        if item.kind != "constant"
        and (
            multiplying[item.owner]
            or _lookup_bytes(graph, item.name, readers.get(item.name, [])) is not None
            or _feeds_contraction(graph, item.name, readers, multiplying)
        )
    ]
    total = sum(_read_bytes(graph, name, readers.get(name, [])) for name in (*weights, *graph.data_inputs))
    for name in graph.outputs:
        size = value_bytes(graph, name)
        total += size if name not in graph.inputs else 0
    return total


def _feeds_contraction(
    graph: Graph, name: str, readers: Mapping[str, list[int]], multiplying: Sequence[bool], depth: int = 4
) -> bool:
    """Whether a contraction reads a stored tensor, directly or behind operators that only pass it on: an embedding
    table that is tied to the head."""
    for index in readers.get(name, ()):
        node = graph.nodes[index]
        if multiplying[index]:
            return True
        if (
            traits_of(node).passes_on
            and depth
            and _feeds_contraction(graph, node.outputs[0], readers, multiplying, depth - 1)
        ):
            return True
    return False


def _read_bytes(graph: Graph, name: str, readers: list[int]) -> int:
    looked_up_bytes = _lookup_bytes(graph, name, readers)
    size = value_bytes(graph, name) if readers else 0
    sparse = graph.sparse.get(name)
    if sparse is not None:
        stored = TensorType(graph.types[name].dtype, (sparse.values,)).nbytes
        size = min(size, sparse.index_bytes + (stored if isinstance(stored, int) else 0))
    return size if looked_up_bytes is None else min(size, looked_up_bytes)


def _lookup_bytes(graph: Graph, name: str, readers: list[int]) -> int | None:
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
    tensor_type = graph.types[name]
    size: Dim = 0 if tensor_type.shape is None else tensor_type.nbytes
    return size if isinstance(size, int) else 0
