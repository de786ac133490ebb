"""Two branches in a builder, of which one runs -> the one that counts: that with more FLOPs."""

from __future__ import annotations

from costcalc.core import registry
from costcalc.core.dim import Dim, pretty_text
from costcalc.core.errors import UndecidedError
from costcalc.graph.builder import GraphBuilder

Span = tuple[int, int]
"""The nodes of a branch: nodes[first:last] of the builder."""


def drop_cheaper_branch(
    builder: GraphBuilder, name: str, spans: tuple[Span, Span], labels: tuple[str, str]
) -> tuple[int | None, bool]:
    """The nodes of the two branches of a node that its name tells -> (the branch with fewer FLOPs, the second of equal
    ones, whose nodes get the count 0; None where a symbol decides, then both count; whether they differ). A note shows
    what branches that differ cost."""
    first, second = (sum_flops(builder, *span) for span in spans)
    cheaper: int | None = 1
    if first != second:
        counts = "the dearer one counts"
        try:
            cheaper = 0 if first < second else 1
        except UndecidedError:
            cheaper, counts = None, "both count until a symbol is bound"
        costs = f"{labels[0]} {_number_text(first)} FLOPs, {labels[1]} {_number_text(second)}"
        builder.notes.append(f"{name}: {costs}: {counts}")
    if cheaper is not None:
        start, end = spans[cheaper]
        builder.nodes[start:end] = [n._replace(count=0) for n in builder.nodes[start:end]]
    return cheaper, first != second


def _number_text(d: Dim) -> str:
    return f"{d:,}" if isinstance(d, int) else pretty_text(d)


def sum_flops(builder: GraphBuilder, first: int, last: int) -> Dim:
    """FLOPs of nodes[first:last], those without a rule left out."""
    types = builder.types
    total: Dim = 0
    for node in builder.nodes[first:last]:
        rule = registry.COST_RULES.get((node.domain, node.op_type))
        inputs = [types[name] if name else None for name in node.inputs]
        outputs = [types[name] if name else None for name in node.outputs]
        if rule is None or any(t is not None and t.shape is None for t in (*inputs, *outputs)):
            continue
        context = {"out": outputs[0], "outs": outputs, "opset": builder.opset.get(node.domain, 0)}
        cost = registry.infer_cost(rule, inputs, node.attributes, context)
        if cost is None:
            continue
        node_flops = 2 * cost.macs.value if cost.macs.terms else 0
        for work in cost.work:
            node_flops = node_flops + work.formula.value
        total = total + node_flops * node.count
    return total
