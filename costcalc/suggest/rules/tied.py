"""An output projection whose weights could be the embedding's."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex, operator
from costcalc.ir import Node
from costcalc.load.layers.base import Site
from costcalc.storage import UNSCALED
from costcalc.suggest.pieces import Change, Emit, Knobs, Match, Piece
from costcalc.suggest.registry import rule

PROBABILITIES = {("", "Softmax"), ("", "LogSoftmax")}


@rule("tied", "weights tied to the embedding",
      source="Press and Wolf, Using the Output Embedding, arXiv:1608.05859; Inan et al., arXiv:1611.01462")  # fmt: skip
def tied(flow: GraphIndex, knobs: Knobs) -> Iterator[Match]:
    """The projection to the vocabulary reads the table that tokens are looked up in, transposed: it is stored once.
    MACs stay; vocabulary × features parameters go. Only for a projection without a bias."""
    graph = flow.graph
    tables = [node.inputs[0] for node in graph.nodes if _looks_up(flow, node)]
    for i, node in enumerate(graph.nodes):
        if operator(node) not in {("", "MatMul"), ("", "Gemm")} or not flow.is_owned(node, 1) or len(node.inputs) > 2:
            continue
        if not _ends(flow, node.outputs[0]):
            continue
        weight, given = graph.types[node.inputs[1]], flow.shape(node.inputs[0])
        by_rows = bool(node.attributes.get("transB", 0))
        if weight.shape is None or len(weight.shape) != 2 or len(given) < 2 or node.attributes.get("transA", 0):
            continue
        rows = weight.shape if by_rows else weight.shape[::-1]
        table = next((t for t in tables if graph.types[t].shape == rows and graph.types[t].dtype is weight.dtype), None)
        if table is None or rows[0] == 1:
            continue
        # `weights:` names a layer of the file; the table's tensor is called after it
        piece = Piece("", (("weights", table.removesuffix(".weight")),), _product(table))
        change = Change((i,), node.inputs[:1], (piece,), node.outputs[0], i, ("linear",))
        said = f"{table} {rows[0]}×{rows[1]} serves both"
        yield Match((node.name,), (change,), None, said)


def _looks_up(flow: GraphIndex, node: Node) -> bool:
    """Whether a node looks rows of a stored table up by indices that the network is given."""
    if (
        traits_of(node).kind != "lookup"
        or node.inputs[0] not in flow.graph.initializers
        or node.attributes.get("axis", 0)
    ):
        return False
    indices = node.inputs[1]
    while (before := flow.producer(indices)) is not None and traits_of(before).passes_on in UNSCALED:
        indices = before.inputs[0]
    return indices in flow.graph.inputs


def _ends(flow: GraphIndex, value: str) -> bool:
    """Whether a value is what the network gives, or that before a softmax."""
    while value not in flow.graph.outputs:
        reader = flow.only_reader(value)
        node = None if reader is None else flow.graph.nodes[reader]
        if node is None or not (traits_of(node).passes_on in UNSCALED or operator(node) in PROBABILITIES):
            return False
        value = node.outputs[0]
    return True


def _product(table: str) -> Emit:
    """x · tableᵀ as one Gemm, over rows where x is no matrix."""

    def emit(site: Site) -> str:
        *rows, features = site.shape()
        entries = site.shape(table)[0]
        if len(rows) == 1:
            return site.op("Gemm", [site.x, table], {"transB": 1})
        flat = site.op("Reshape", [site.x, site.ints((-1, features), "rows")], suffix="rows")
        product = site.op("Gemm", [flat, table], {"transB": 1})
        return site.op("Reshape", [product, site.ints((*rows, entries), "shape")], suffix="unrows")

    return emit
