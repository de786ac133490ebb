"""Activations that a graph writes in several operators → the one operator that computes them."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.graph.index import GraphIndex
from costcalc.graph.patterns.activation import find_activation
from costcalc.studies.suggest.catalogue import EXACT, rule
from costcalc.studies.suggest.replacement import GraphChange, Replacement, RewriteMatch, RewriteOptions, layer

SHORT = {"HardSwish": "hard_swish", "Gelu": "gelu", "Mish": "mish"}
"""Operators that have a short name."""

FORMULAS = {
    ("Swish", "none"): "x · sigmoid(x)",
    ("HardSwish", "none"): "x · hard_sigmoid(x)",
    ("Mish", "none"): "x · tanh(softplus(x))",
    ("Gelu", "none"): "x · (1 + erf(x/√2)) / 2",
    ("Gelu", "tanh"): "x · (1 + tanh(√(2/π)·(x + 0.044715·x³))) / 2",
}
"""What an operator, with its approximation, computes."""


@rule(
    "fused",
    "activation in one operator",
    accuracy=EXACT,
    source="ONNX: HardSwish (opset 14), Gelu (20), Swish (24); Hendrycks and Gimpel, arXiv:1606.08415",
)
def fuse_activations(index: GraphIndex, options: RewriteOptions) -> Iterator[RewriteMatch]:
    """x · sigmoid(x), x · hard_sigmoid(x), x · tanh(softplus(x)) and x · (1 + erf(x/√2)) / 2, or its approximation by
    tanh, are one operator each: Swish, HardSwish, Mish, Gelu. What stands between their parts is never stored:
    activations, traffic and often the peak shrink. Runtimes that fuse by themselves do so already. Numbers between the
    parts are taken for √2, 1 and 1/2 where the file's are not read."""
    nodes = index.graph.nodes
    for i in range(len(nodes)):
        pattern = find_activation(index, i)
        if pattern is None or not pattern.operator or not index.is_internal(pattern.nodes, pattern.y):
            continue
        last = pattern.nodes[-1]
        change = GraphChange(
            pattern.nodes,
            (pattern.x,),
            (_operator_layer(pattern.operator, pattern.approximate),),
            pattern.y,
            last,
            ("mul", "Mul", "silu"),
        )
        formula = FORMULAS[pattern.operator, pattern.approximate]
        yield RewriteMatch(
            tuple(nodes[j].name for j in pattern.nodes), (change,), None, f"{formula} as {pattern.operator}"
        )


def _operator_layer(op_type: str, approximate: str) -> Replacement:
    """The operator as a layer by its short name, or by its own where it has none."""
    if op_type not in SHORT:
        return Replacement(op_type, (), lambda site: site.op(op_type, [site.x]))
    options = {} if approximate == "none" else {"approximate": approximate}
    return layer(SHORT[op_type], **options)
