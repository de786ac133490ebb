"""Calls that PyTorch's decompositions write in place of a product with a vector -> the product.

ExportedProgram.run_decompositions() writes mv, dot and vdot, and with them matmul of vectors, as an elementwise product
and its sum (torch/_decomp/decompositions.py, torch/_refs/__init__.py); the function that both are made for stands in
their metadata. So a contraction has its MACs, however it is written.
"""

from __future__ import annotations

from typing import Any

from costcalc.frontends.pytorch.program import Call, ProgramGraph, SubgraphArgument, ValueName
from costcalc.frontends.pytorch.weights import count_uses

CONTRACTIONS = frozenset(
    ("dot", "inner", "linalg_matmul", "linalg_vecdot", "linear", "matmul", "mv", "tensordot", "vdot")
)
"""Functions of PyTorch that are decomposed so."""

PRODUCT, SUM = "aten.mul.Tensor", "aten.sum.dim_IntList"


def join_products(graph: ProgramGraph) -> ProgramGraph:
    """A graph -> the same, with one call for each product and its sum that stand for a contraction, in the graphs
    inside it too."""
    sums = [call for call in graph.calls if call.target == SUM and _function(call) in CONTRACTIONS]
    if not sums and not any(call.target.startswith("higher_order.") for call in graph.calls):
        return graph
    uses = count_uses(graph)
    products = {call.outputs[0]: call for call in graph.calls if call.target == PRODUCT and call.outputs}
    joined: dict[str, Call] = {}
    for call in sums:
        product = products.get(str(call.arguments.get("self")))
        if product is not None and uses[product.outputs[0]] == 1 and product.outputs[0] not in graph.outputs:
            contraction = _join(graph, product, call)
            if contraction is not None:
                joined[call.name] = contraction
                joined[product.name] = contraction
    last = {call.name for call in sums}
    calls = [
        _join_subgraphs(joined.get(call.name, call))
        for call in graph.calls
        if call.name not in joined or call.name in last
    ]
    return graph._replace(calls=tuple(calls))


def _function(call: Call) -> str:
    """The function that a call is made for: `mv` of `mv_1;builtin_function_or_method.mv`."""
    return str(call.metadata.get("torch_fn") or "").rpartition(".")[2]


def _join(graph: ProgramGraph, product: Call, total: Call) -> Call | None:
    """A product and its sum -> the contraction; None where they are not of one function, or no such sum."""
    operands = [product.arguments.get(name) for name in ("self", "other")]
    types = [graph.types.get(str(operand)) for operand in operands if isinstance(operand, ValueName)]
    ranks = [len(t.shape) for t in types if t is not None and t.shape is not None]
    axes: Any = total.arguments.get("dim")
    is_one = product.metadata.get("torch_fn") == total.metadata.get("torch_fn")
    if not is_one or len(ranks) != 2 or not isinstance(axes, tuple) or total.arguments.get("keepdim"):
        return None
    rank = max(ranks)
    axis = axes[0] if len(axes) == 1 and isinstance(axes[0], int) else -1 if rank == 1 and not axes else None
    if axis is None or not rank:
        return None
    x, y = operands
    if axis % rank == rank - 1 and ranks in ([2, 1], [1, 1]):
        return total._replace(target="aten.matmul.default", arguments={"self": x, "other": y})
    return total._replace(target="aten.linalg_vecdot.default", arguments={"x": x, "y": y, "dim": axis})


def _join_subgraphs(call: Call) -> Call:
    """A call -> the same, the graphs among its arguments joined."""
    inner = {
        name: SubgraphArgument(value.name, join_products(value.graph))
        for name, value in call.arguments.items()
        if isinstance(value, SubgraphArgument)
    }
    return call._replace(arguments={**call.arguments, **inner}) if inner else call
