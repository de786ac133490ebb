"""An attention as calls: one module, one function, or two products and a softmax, as a writing says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.formula import Formula
from costcalc.graph.patterns.attention import (
    AttentionPattern,
    attentions,
    is_split_by_part,
    is_unchanged,
    output_projection,
    projection,
    window_merges,
)
from costcalc.graph.patterns.linear import LinearLayer
from costcalc.ops.attention import attention_heads
from costcalc.studies.reconcile.call import Call
from costcalc.studies.reconcile.call_sizes import CostIndex
from costcalc.studies.reconcile.pytorch_style import Writing


class AttentionCall(NamedTuple):
    """An attention with the linear layers that give queries, keys and values and the one that reads its output, the
    elements of the queries and of the scores. usual: it may be an nn.MultiheadAttention. cuts is how many products of
    sizes it takes to cut its windows."""

    pattern: AttentionPattern
    inputs: tuple[LinearLayer, ...]
    output: LinearLayer | None
    queries: Dim
    scores: Dim
    macs: Formula
    usual: bool
    cuts: int = 0

    @property
    def nodes(self) -> tuple[int, ...]:
        """The nodes of the attention."""
        return self.pattern.nodes

    @property
    def whole(self) -> bool:
        """Whether it is one operator of the graph."""
        return not self.pattern.products


def attention_layers(flow: CostIndex) -> Iterator[AttentionCall]:
    """Every attention of a graph with the layers around it, in execution order."""
    for pattern in attentions(flow):
        values = (pattern.query, pattern.key, pattern.value)
        layers = [projection(flow, value) for value in values]
        inputs = tuple(dict.fromkeys(layer for layer in layers if layer is not None)) if all(layers) else ()
        unchanged = all(layer and is_unchanged(flow, layer, value) for layer, value in zip(layers, values, strict=True))
        output = output_projection(flow, pattern.output)
        usual = unchanged and output is not None
        costs = [flow.costs[i].cost for i in pattern.products or pattern.nodes]
        macs = Formula(tuple(term for cost in costs if cost is not None for term in cost.macs.terms))
        if pattern.products:
            usual = usual and len(inputs) == 1 and is_split_by_part(flow, inputs[0]) and not pattern.einsum
            cuts = window_merges(flow, inputs[0].x) if inputs else 0
            scores = flow.elements(flow.graph.nodes[pattern.products[0]].outputs[0])
            yield AttentionCall(pattern, inputs, output, flow.elements(pattern.query), scores, macs, usual, cuts)
        elif all(flow.type(value).shape is not None for value in values):
            scores, plain = _heads(flow, pattern)
            usual = usual and plain and len({flow.origin(layer.x) for layer in inputs}) == 1
            yield AttentionCall(pattern, inputs, output, flow.elements(pattern.query), scores, macs, usual)


def _heads(flow: CostIndex, pattern: AttentionPattern) -> tuple[Dim, bool]:
    """The scores of an operator, and whether nn.MultiheadAttention has what it does."""
    node = flow.graph.nodes[pattern.nodes[0]]
    q, k, v = (flow.type(name) for name in node.inputs[:3])
    past = flow.type(node.inputs[4]) if len(node.inputs) > 4 and node.inputs[4] else None
    counts = (node.attributes.get(name, 0) for name in ("q_num_heads", "kv_num_heads"))
    heads = attention_heads(q, k, v, past, *counts)
    plain = not node.attributes.get("is_causal", 0) and heads.q_heads == heads.kv_heads and past is None
    return heads.batch * heads.q_heads * heads.queries * heads.keys, plain


def as_module(item: AttentionCall, writing: Writing) -> str:
    """How an attention is written: an answer of CHOICES["attention"] but auto."""
    if writing.attention != "auto":
        return writing.attention
    if item.usual:
        return "module"
    if item.pattern.einsum:
        return "einsum"
    return "sdpa" if item.whole else "matmul"


def product_form(how: str, first: bool) -> str:
    """How a product of an attention is called: the first, of the scores, or the second, of the values."""
    return "operator" if how == "operator" or (how == "cosine" and first) else "function"


def as_product(call: Call, how: str, first: bool) -> Call:
    """A product of two moving values as that of an attention."""
    kind = "contraction" if how == "einsum" else "matmul"
    einsum = (("combinations", call.macs.value), ("summed", 1), ("plain", 0)) if how == "einsum" else ()
    return call._replace(kind=kind, form=product_form(how, first), also=(*einsum, ("attention", 1)))


def projections(item: AttentionCall) -> tuple[LinearLayer, ...]:
    """The linear layers around an attention."""
    return (*item.inputs, item.output) if item.output is not None else item.inputs


def attention_calls(flow: CostIndex, writing: Writing, item: AttentionCall) -> Iterator[Call]:
    """The calls of an attention without the linear layers around it."""
    how = as_module(item, writing)
    costs = [flow.costs[i].cost for i in item.nodes]
    flops = sum((cost.flops for cost in costs if cost is not None), 0)
    runs = flow.graph.nodes[item.nodes[-1]].count
    out = flow.graph.nodes[item.nodes[-1]].outputs[0]
    gives, shape = flow.elements(out), flow.type(out).shape or (1,)
    whole = Call(
        "attention",
        "module",
        item.nodes,
        item.queries,
        gives,
        shape[0],
        macs=item.macs,
        flops=flops,
        runs=runs,
        also=(("scores", item.scores),),
    )
    if how in ("module", "sdpa"):
        yield whole if how == "module" else whole._replace(form="function")
        return
    yield Call("mul", "operator", item.nodes, item.queries, item.queries, shape[0], runs=runs)
    for index, term in enumerate(item.macs.terms):
        one = Call(
            "matmul",
            "",
            item.nodes,
            gives=gives,
            batch=shape[0],
            macs=Formula((term,)),
            flops=2 * term.value,
            runs=runs,
        )
        yield as_product(one, how, index == 0)
    left = flops - 2 * item.macs.value
    softmax = Call("softmax", "function", item.nodes, item.scores, item.scores, shape[0], flops=left, runs=runs)
    yield softmax
    yield from sizes(item, how, softmax)


def sizes(item: AttentionCall, how: str, call: Call) -> Iterator[Call]:
    """What a tracer sees of an attention's own code besides, products of single numbers: how many windows there are,
    and how many in a batch; with cosines, where the keys end in the joint bias."""
    count = item.cuts + (how == "cosine") if how in CUTTING else 0
    if count:
        yield Call("sizes", "operator", call.nodes, reads=count, gives=count, runs=call.runs)


CUTTING = frozenset(("functional", "cosine", "einsum"))
"""Writings whose code cuts the windows."""
