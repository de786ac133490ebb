"""What an exporter seems to have done to a network, as notes: a tied weight stored twice, BatchNormalization folded.

They correct nothing: what stands in the file is counted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from costcalc.dim import Dim
from costcalc.ir import Graph, Node

TABLES, PRODUCTS, CONVOLUTIONS = ("Gather", "GatherND"), ("MatMul", "Gemm"), ("Conv", "ConvTranspose")
FOLDED_NAME = "onnx::Conv"
"""What torch's exporter calls the weight of a convolution that it has changed: it folded a BatchNormalization in."""
NORM_BLOCK = re.compile(r"(?:^|[._])(?:bn|batch_?norm)\d*$", re.IGNORECASE)
"""A block whose name says BatchNormalization; torch's newer exporter leaves a convolution in it when it folds it."""


def hints(graph: Graph) -> Iterator[str]:
    """Notes on a graph, each a sentence."""
    tables: dict[str, tuple[Dim, ...]] = {}
    weights: dict[frozenset[Dim], set[str]] = defaultdict(set)
    folded = ""
    stored = graph.initializers
    for node in graph.nodes:
        op = node.op_type
        if op in PRODUCTS:
            for name in node.inputs[:2]:
                if name in stored and len(stored[name].shape or ()) == 2:
                    weights[frozenset(stored[name].shape or ())].add(name)
        elif op in CONVOLUTIONS:
            if not folded and len(node.inputs) > 1 and _took_a_norm(node):
                folded = node.inputs[1]
        elif op in TABLES and node.inputs[0] in stored and len(stored[node.inputs[0]].shape or ()) == 2:
            tables[node.inputs[0]] = stored[node.inputs[0]].shape or ()
    yield from _tied(graph, tables, weights)
    if folded:
        yield (
            f"BatchNormalization seems to be folded into convolutions ({folded}, …): the trained network has more "
            "parameters than the file"
        )


def _took_a_norm(node: Node) -> bool:
    """Whether a convolution looks as if a BatchNormalization had been folded into it."""
    return node.inputs[1].startswith(FOLDED_NAME) or bool(node.scope and NORM_BLOCK.search(node.scope[-1]))


def _tied(graph: Graph, tables: dict[str, tuple[Dim, ...]], weights: dict[frozenset[Dim], set[str]]) -> Iterator[str]:
    """A table and the one product's weight that has its shape, or that of its transpose, are often one weight."""
    for table, shape in tables.items():
        alike = weights.get(frozenset(shape), set())
        others = [name for name, other in tables.items() if frozenset(other) == frozenset(shape) and name != table]
        if len(alike) != 1 or table in alike or others or len(set(shape)) == 1:
            continue
        (weight,) = alike
        yield (
            f"{table} and {weight} have the same shape up to transposition: if they are one tied weight, "
            f"{graph.initializers[table].elements:,} of the parameters are counted twice"
        )
