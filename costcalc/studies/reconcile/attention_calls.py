"""Graph to its attentions with the linear layers around them, and to their calls: one module, one function, or two
products and a softmax, as the style or the program says.
"""

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
    is_view_of_projection,
)
from costcalc.graph.patterns.linear import LinearLayer
from costcalc.ops.attention import attention_heads
from costcalc.studies.reconcile.call import ModuleCall
from costcalc.studies.reconcile.call_sizes import CostIndex
from costcalc.studies.reconcile.program_form import find_class, program_form, source_call
from costcalc.studies.reconcile.pytorch_style import PROGRAM, PyTorchStyle


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


def find_attention_calls(index: CostIndex) -> Iterator[AttentionCall]:
    """Graph -> its attentions with the layers around them, in execution order."""
    for pattern in find_attentions(index):
        values = (pattern.query, pattern.key, pattern.value)
        layers = [find_projection(index, value) for value in values]
        inputs = tuple(dict.fromkeys(layer for layer in layers if layer is not None)) if all(layers) else ()
        unchanged = all(
            layer and is_view_of_projection(index, layer, value) for layer, value in zip(layers, values, strict=True)
        )
        output = find_output_projection(index, pattern.output)
        is_module = unchanged and output is not None
        costs = [index.costs[i].cost for i in pattern.products or pattern.nodes]
        macs = Formula(tuple(term for cost in costs if cost is not None for term in cost.macs.terms))
        if pattern.products:
            is_module = is_module and len(inputs) == 1 and is_split_by_part(index, inputs[0]) and not pattern.einsum
            windows = count_window_merges(index, inputs[0].x) if inputs else 0
            scores = index.elements(index.graph.nodes[pattern.products[0]].outputs[0])
            yield AttentionCall(
                pattern, inputs, output, index.elements(pattern.query), scores, macs, is_module, windows
            )
        elif all(index.type(value).shape is not None for value in values):
            scores, is_plain = _scores_of_operator(index, pattern)
            is_module = is_module and is_plain and len({index.origin(layer.x) for layer in inputs}) == 1
            yield AttentionCall(pattern, inputs, output, index.elements(pattern.query), scores, macs, is_module)


def _scores_of_operator(index: CostIndex, pattern: AttentionPattern) -> tuple[Dim, bool]:
    """Attention operator -> elements of its scores, and whether nn.MultiheadAttention can compute it."""
    node = index.graph.nodes[pattern.nodes[0]]
    q, k, v = (index.type(name) for name in node.inputs[:3])
    past = index.type(node.inputs[4]) if len(node.inputs) > 4 and node.inputs[4] else None
    counts = (node.attributes.get(name, 0) for name in ("q_num_heads", "kv_num_heads"))
    heads = attention_heads(q, k, v, past, *counts)
    is_plain = not node.attributes.get("is_causal", 0) and heads.q_heads == heads.kv_heads and past is None
    return heads.batch * heads.q_heads * heads.queries * heads.keys, is_plain


def attention_answer(index: CostIndex, attention: AttentionCall, style: PyTorchStyle) -> str:
    """Attention -> how it is written: an answer of STYLE_CHOICES["attention"] other than auto."""
    if style.attention == PROGRAM:
        return _program_answer(index, attention)
    if style.attention != "auto":
        return style.attention
    if attention.is_module:
        return "module"
    if attention.pattern.einsum:
        return "einsum"
    return "sdpa" if attention.is_operator else "matmul"


def _program_answer(index: CostIndex, attention: AttentionCall) -> str:
    """Attention of an exported program -> how it is written. nn.MultiheadAttention is one fused operator where queries,
    keys and values come of one linear layer; else it calls functions."""
    graph, pattern = index.graph, attention.pattern
    node = graph.nodes[attention.nodes[-1]]
    if find_class(graph, node) == MULTIHEAD_ATTENTION and len(attention.inputs) == 1:
        return "module"
    if attention.is_operator or source_call(graph, node).operator in FUSED:
        return "sdpa"
    if pattern.einsum:
        return "einsum"
    forms = [program_form(index, graph.nodes[i], "matmul") for i in pattern.products]
    is_operator = forms[0] == "operator" or _is_cosine(index, attention)
    if any(program_form(index, graph.nodes[layer.nodes[0]], "linear") == "function" for layer in attention.inputs):
        return "cosine" if is_operator else "functional"
    return "operator" if is_operator else "matmul"


def _is_cosine(index: CostIndex, attention: AttentionCall) -> bool:
    """Whether the scores are a product of what F.normalize gives, in a program that does not say how it multiplies:
    then as in torchvision, by the operator."""
    graph = index.graph
    product = graph.nodes[attention.pattern.products[0]]
    producer = index.producer(product.inputs[0])
    is_open = source_call(graph, product).function == "tensor.matmul"
    return is_open and producer is not None and source_call(graph, producer).function == "function.normalize"


FUSED = frozenset(("scaled_dot_product_attention", "flex_attention"))
"""Operators of a program that are one call, though the graph may have several nodes of them."""

MULTIHEAD_ATTENTION = "torch.nn.modules.activation.MultiheadAttention"


def product_form(answer: str, first: bool) -> str:
    """Answer of the style -> the form of an attention's first product (the scores) or of its second (the values)."""
    return "operator" if answer == "operator" or (answer == "cosine" and first) else "function"


def attention_product(call: ModuleCall, answer: str, first: bool) -> ModuleCall:
    """Call of a product of two computed values -> the same call as a product of an attention."""
    kind = "contraction" if answer == "einsum" else "matmul"
    einsum = (("combinations", call.macs.value), ("summed", 1), ("plain", 0)) if answer == "einsum" else ()
    return call._replace(kind=kind, form=product_form(answer, first), sizes=(*einsum, ("attention", 1)))


def projections(attention: AttentionCall) -> tuple[LinearLayer, ...]:
    """Attention -> the linear layers around it."""
    return (*attention.inputs, attention.output) if attention.output is not None else attention.inputs


def attention_calls(index: CostIndex, style: PyTorchStyle, attention: AttentionCall) -> Iterator[ModuleCall]:
    """Attention -> its calls, without those of the linear layers around it."""
    answer = attention_answer(index, attention, style)
    costs = [index.costs[i].cost for i in attention.nodes]
    flops = sum((cost.flops for cost in costs if cost is not None), 0)
    runs = index.graph.nodes[attention.nodes[-1]].count
    out = index.graph.nodes[attention.nodes[-1]].outputs[0]
    elements, shape = index.elements(out), index.type(out).shape or (1,)
    fused = ModuleCall(
        "attention",
        "module",
        attention.nodes,
        attention.queries,
        elements,
        shape[0],
        macs=attention.macs,
        flops=flops,
        runs=runs,
        sizes=(("scores", attention.scores),),
    )
    if answer in ("module", "sdpa"):
        yield fused if answer == "module" else fused._replace(form="function")
        return
    yield ModuleCall("mul", "operator", attention.nodes, attention.queries, attention.queries, shape[0], runs=runs)
    for position, term in enumerate(attention.macs.terms):
        product = ModuleCall(
            "matmul",
            "",
            attention.nodes,
            output_elements=elements,
            batch=shape[0],
            macs=Formula((term,)),
            flops=2 * term.value,
            runs=runs,
        )
        yield attention_product(product, answer, position == 0)
    elementwise = flops - 2 * attention.macs.value
    softmax = ModuleCall(
        "softmax",
        "function",
        attention.nodes,
        attention.scores,
        attention.scores,
        shape[0],
        flops=elementwise,
        runs=runs,
    )
    yield softmax
    yield from size_products(attention, answer, softmax)


def size_products(attention: AttentionCall, answer: str, call: ModuleCall) -> Iterator[ModuleCall]:
    """Attention -> the products of single numbers in its code, which a tracer sees too: how many windows there are and
    how many in a batch; with cosines, where the keys end in the joint bias."""
    count = attention.window_products + (answer == "cosine") if answer in WINDOW_STYLES else 0
    if count:
        yield ModuleCall("sizes", "operator", call.nodes, input_elements=count, output_elements=count, runs=call.runs)


WINDOW_STYLES = frozenset(("functional", "cosine", "einsum"))
"""Styles whose code cuts windows."""
