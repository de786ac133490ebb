"""Attention of a graph to PyTorch calls: one module, one function, or two products and a softmax, as the style says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.formula import Formula
from costcalc.graph.patterns.attention import (
    AttentionPattern,
    count_window_merges,
    find_attentions,
    find_output_projection,
    find_projection,
    is_split_by_part,
    is_unchanged,
)
from costcalc.graph.patterns.linear import LinearLayer
from costcalc.ops.attention import attention_heads
from costcalc.studies.reconcile.call import ModuleCall
from costcalc.studies.reconcile.call_sizes import CostIndex
from costcalc.studies.reconcile.pytorch_style import PyTorchStyle


class AttentionCall(NamedTuple):
    """An attention with the linear layers around it: inputs give queries, keys and values, output reads its result.

    queries and scores are elements, macs the products'. is_module: it can be an nn.MultiheadAttention. window_products
    counts the products of sizes that its code computes to cut windows."""

    pattern: AttentionPattern
    inputs: tuple[LinearLayer, ...]
    output: LinearLayer | None
    queries: Dim
    scores: Dim
    macs: Formula
    is_module: bool
    window_products: int = 0

    @property
    def nodes(self) -> tuple[int, ...]:
        """The indexes of the attention's nodes."""
        return self.pattern.nodes

    @property
    def is_operator(self) -> bool:
        """Whether it is one operator of the graph."""
        return not self.pattern.products


def find_attention_calls(model: CostIndex) -> Iterator[AttentionCall]:
    """Graph -> its attentions with the layers around them, in execution order."""
    for pattern in find_attentions(model):
        values = (pattern.query, pattern.key, pattern.value)
        layers = [find_projection(model, value) for value in values]
        inputs = tuple(dict.fromkeys(layer for layer in layers if layer is not None)) if all(layers) else ()
        unchanged = all(
            layer and is_unchanged(model, layer, value) for layer, value in zip(layers, values, strict=True)
        )
        output = find_output_projection(model, pattern.output)
        is_module = unchanged and output is not None
        costs = [model.costs[i].cost for i in pattern.products or pattern.nodes]
        macs = Formula(tuple(term for cost in costs if cost is not None for term in cost.macs.terms))
        if pattern.products:
            is_module = is_module and len(inputs) == 1 and is_split_by_part(model, inputs[0]) and not pattern.einsum
            windows = count_window_merges(model, inputs[0].x) if inputs else 0
            scores = model.elements(model.graph.nodes[pattern.products[0]].outputs[0])
            yield AttentionCall(
                pattern, inputs, output, model.elements(pattern.query), scores, macs, is_module, windows
            )
        elif all(model.type(value).shape is not None for value in values):
            scores, plain = _scores_of_operator(model, pattern)
            is_module = is_module and plain and len({model.origin(layer.x) for layer in inputs}) == 1
            yield AttentionCall(pattern, inputs, output, model.elements(pattern.query), scores, macs, is_module)


def _scores_of_operator(model: CostIndex, pattern: AttentionPattern) -> tuple[Dim, bool]:
    """Attention operator -> elements of its scores, and whether nn.MultiheadAttention can compute it."""
    node = model.graph.nodes[pattern.nodes[0]]
    q, k, v = (model.type(name) for name in node.inputs[:3])
    past = model.type(node.inputs[4]) if len(node.inputs) > 4 and node.inputs[4] else None
    counts = (node.attributes.get(name, 0) for name in ("q_num_heads", "kv_num_heads"))
    heads = attention_heads(q, k, v, past, *counts)
    plain = not node.attributes.get("is_causal", 0) and heads.q_heads == heads.kv_heads and past is None
    return heads.batch * heads.q_heads * heads.queries * heads.keys, plain


def attention_style(item: AttentionCall, style: PyTorchStyle) -> str:
    """Attention -> how it is written: an answer of STYLE_CHOICES["attention"] other than auto."""
    if style.attention != "auto":
        return style.attention
    if item.is_module:
        return "module"
    if item.pattern.einsum:
        return "einsum"
    return "sdpa" if item.is_operator else "matmul"


def product_form(how: str, first: bool) -> str:
    """Answer of the style -> the form of an attention's first product (the scores) or of its second (the values)."""
    return "operator" if how == "operator" or (how == "cosine" and first) else "function"


def attention_product(call: ModuleCall, how: str, first: bool) -> ModuleCall:
    """Call of a product of two computed values -> the same call as a product of an attention."""
    kind = "contraction" if how == "einsum" else "matmul"
    einsum = (("combinations", call.macs.value), ("summed", 1), ("plain", 0)) if how == "einsum" else ()
    return call._replace(kind=kind, form=product_form(how, first), sizes=(*einsum, ("attention", 1)))


def projections(item: AttentionCall) -> tuple[LinearLayer, ...]:
    """Attention -> the linear layers around it."""
    return (*item.inputs, item.output) if item.output is not None else item.inputs


def attention_calls(model: CostIndex, style: PyTorchStyle, item: AttentionCall) -> Iterator[ModuleCall]:
    """Attention -> its calls, without those of the linear layers around it."""
    how = attention_style(item, style)
    costs = [model.costs[i].cost for i in item.nodes]
    flops = sum((cost.flops for cost in costs if cost is not None), 0)
    runs = model.graph.nodes[item.nodes[-1]].count
    out = model.graph.nodes[item.nodes[-1]].outputs[0]
    elements, shape = model.elements(out), model.type(out).shape or (1,)
    fused = ModuleCall(
        "attention",
        "module",
        item.nodes,
        item.queries,
        elements,
        shape[0],
        macs=item.macs,
        flops=flops,
        runs=runs,
        sizes=(("scores", item.scores),),
    )
    if how in ("module", "sdpa"):
        yield fused if how == "module" else fused._replace(form="function")
        return
    yield ModuleCall("mul", "operator", item.nodes, item.queries, item.queries, shape[0], runs=runs)
    for index, term in enumerate(item.macs.terms):
        one = ModuleCall(
            "matmul",
            "",
            item.nodes,
            output_elements=elements,
            batch=shape[0],
            macs=Formula((term,)),
            flops=2 * term.value,
            runs=runs,
        )
        yield attention_product(one, how, index == 0)
    elementwise = flops - 2 * item.macs.value
    softmax = ModuleCall(
        "softmax", "function", item.nodes, item.scores, item.scores, shape[0], flops=elementwise, runs=runs
    )
    yield softmax
    yield from size_products(item, how, softmax)


def size_products(item: AttentionCall, how: str, call: ModuleCall) -> Iterator[ModuleCall]:
    """Attention -> the products of single numbers in its code, which a tracer sees too: how many windows there are and
    how many in a batch; with cosines, where the keys end in the joint bias."""
    count = item.window_products + (how == "cosine") if how in WINDOW_STYLES else 0
    if count:
        yield ModuleCall("sizes", "operator", call.nodes, input_elements=count, output_elements=count, runs=call.runs)


WINDOW_STYLES = frozenset(("functional", "cosine", "einsum"))
"""Styles whose code cuts windows."""
