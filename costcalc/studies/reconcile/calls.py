"""Graph to calls, in the graph's order: what PyTorch would call to compute it in a style, or its ONNX nodes as
calls for counters of ONNX graphs.

Attention is one module, one function, or two products and a softmax, as the style says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from costcalc.core.dim import Dim, prod
from costcalc.core.formula import Formula
from costcalc.core.ir import Node, qualified_name
from costcalc.core.traits import traits_of
from costcalc.graph.index import operator_key
from costcalc.graph.patterns.activation import ActivationPattern, find_activation
from costcalc.graph.patterns.attention import (
    AttentionPattern,
    count_window_merges,
    find_attentions,
    find_output_projection,
    find_projection,
    is_split_by_part,
    is_view_of_projection,
)
from costcalc.graph.patterns.linear import LinearLayer, find_linear_layer, is_product
from costcalc.ops.attention import attention_heads
from costcalc.studies.reconcile.call import KIND_NAMES, MAP_RANK, MODULE_KINDS, ModuleCall
from costcalc.studies.reconcile.call_sizes import (
    CostIndex,
    bias_of,
    convolution_calls,
    einsum_sizes,
    flattens_map,
    is_convolution,
    is_recurrent,
    linear_call,
    make_call,
    normalisation_call,
    pool_call,
    recurrent_call,
    softmax_rows,
    upsample_call,
)
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


def attention_answer(attention: AttentionCall, style: PyTorchStyle) -> str:
    """Attention -> how it is written: an answer of STYLE_CHOICES["attention"] other than auto."""
    if style.attention != "auto":
        return style.attention
    if attention.is_module:
        return "module"
    if attention.pattern.einsum:
        return "einsum"
    return "sdpa" if attention.is_operator else "matmul"


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
    answer = attention_answer(attention, style)
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


class CallPlan(NamedTuple):
    """Which calls stand for several nodes, by the index of the node where they are called.

    forms are those of the linear layers, covered the nodes inside another call; attention_nodes maps every node of an
    attention to it."""

    layers: dict[int, LinearLayer]
    forms: dict[int, str]
    attentions: dict[int, AttentionCall]
    activations: dict[int, ActivationPattern]
    covered: frozenset[int]
    attention_nodes: dict[int, AttentionCall]


def pytorch_calls(index: CostIndex, style: PyTorchStyle) -> tuple[ModuleCall, ...]:
    """Graph and style -> the calls of PyTorch that compute it. Nodes whose shapes are unknown are left out."""
    plan = _plan_calls(index, style)
    return tuple(
        call
        for node_index, node in enumerate(index.graph.nodes)
        if _has_shapes(index, node)
        for call in _calls_of_node(index, style, plan, node_index, node)
    )


def _plan_calls(index: CostIndex, style: PyTorchStyle) -> CallPlan:
    candidates = ((i, find_linear_layer(index, i)) for i in range(len(index.graph.nodes)))
    layers = {i: layer for i, layer in candidates if layer is not None}
    forms = dict.fromkeys(layers, "module")
    attention_calls_at: dict[int, AttentionCall] = {}
    covered: set[int] = set()
    attention_nodes: dict[int, AttentionCall] = {}
    for attention in find_attention_calls(index):
        answer = attention_answer(attention, style)
        form = {"module": "inside", "functional": "function", "cosine": "function"}.get(answer, "module")
        forms.update((layer.nodes[0], form) for layer in projections(attention))
        if attention.is_operator or answer in ("module", "sdpa"):
            attention_calls_at[attention.nodes[-1]] = attention
            covered.update(attention.nodes)
        attention_nodes.update(dict.fromkeys(attention.nodes, attention))
    activations: dict[int, ActivationPattern] = {}
    for node_index in range(len(index.graph.nodes)):
        activation = None if node_index in covered else find_activation(index, node_index)
        if activation is not None and activation.approximate == "none":
            activations[activation.nodes[-1]] = activation
            covered.update(activation.nodes)
    covered.update(node_index for layer in layers.values() for node_index in layer.nodes)
    return CallPlan(layers, forms, attention_calls_at, activations, frozenset(covered), attention_nodes)


def _has_shapes(index: CostIndex, node: Node) -> bool:
    return all(index.type(name).shape is not None for name in (*node.inputs, *node.outputs) if name)


def _calls_of_node(
    index: CostIndex, style: PyTorchStyle, plan: CallPlan, node_index: int, node: Node
) -> Iterator[ModuleCall]:
    """Node -> the calls that stand at its place."""
    if node_index in plan.layers:
        yield linear_call(index, plan.layers[node_index], plan.forms[node_index])
    elif node_index in plan.attentions:
        yield from attention_calls(index, style, plan.attentions[node_index])
    elif node_index in plan.activations:
        activation = plan.activations[node_index]
        form = _relu_form(style, activation, plan)
        slope = index.elements(node.inputs[1]) if activation.kind == "prelu" else 0
        if activation.kind in KIND_NAMES:
            yield make_call(index, activation.kind, form, activation.nodes, activation.x, activation.y)._replace(
                weight=slope
            )
        else:
            yield make_call(index, "elementwise", "operator", activation.nodes, activation.x, activation.y)
    elif node_index not in plan.covered and _computes_shapes(index, node_index, node):
        work = make_call(index, "elementwise", "operator", (node_index,))
        yield from (work,) if work.flops != 0 else ()
    elif node_index not in plan.covered:
        for call in _node_calls(index, style, node_index, node):
            attention = plan.attention_nodes.get(node_index)
            yield from (call,) if attention is None else _attention_node_calls(style, attention, node_index, call)


def _attention_node_calls(
    style: PyTorchStyle, attention: AttentionCall, node_index: int, call: ModuleCall
) -> Iterator[ModuleCall]:
    """Node of an attention that is written in several calls -> its calls."""
    answer = attention_answer(attention, style)
    is_product = node_index in attention.pattern.products
    yield attention_product(call, answer, node_index == attention.pattern.products[0]) if is_product else call
    if call.kind == "softmax":
        yield from size_products(attention, answer, call)


def _computes_shapes(index: CostIndex, node_index: int, node: Node) -> bool:
    """Whether a node computes from shapes and stored values alone, and is no product of tables."""
    cost = index.costs[node_index].cost
    is_constant = bool(node.outputs) and node.outputs[0] in index.constants
    is_table_product = traits_of(node).arithmetic == "multiply" and node.outputs[0] in index.tables
    return is_constant and not is_table_product and (cost is None or not cost.macs.terms)


def _node_calls(index: CostIndex, style: PyTorchStyle, node_index: int, node: Node) -> Iterator[ModuleCall]:
    """Node that is in no pattern -> its calls."""
    make: Callable[[str, str], ModuleCall] = lambda kind, form: make_call(index, kind, form, (node_index,))  # noqa: E731
    t, kind = traits_of(node), MODULE_KINDS.get(operator_key(node), "")
    if is_convolution(node):
        yield from convolution_calls(index, style, node_index, node)
    elif kind and t.kind == "normalisation":
        yield normalisation_call(index, node_index, node)
    elif kind == "upsample":
        yield upsample_call(index, node, make(kind, "module"))
    elif kind:
        yield pool_call(index, style, node_index, node, make)
    elif is_recurrent(node):
        yield recurrent_call(index, node, make("recurrent", "module"))
    elif operator_key(node) == ("", "Softmax"):
        last = node.outputs[0] in index.graph.outputs
        form = style.softmax if last else "function"
        yield make("softmax", {"layer": "module"}.get(form, form))._replace(
            sizes=(("rows", softmax_rows(index, node)),)
        )
    elif t.arithmetic == "multiply":
        yield make("mul", "operator")
    elif t.kind == "lookup" and node.inputs[0] in index.constants:
        yield make("embedding", "module")._replace(weight=index.elements(node.inputs[0]))
    elif t.view:
        if style.flatten == "pool" and flattens_map(index, node):
            yield make("global_pool", "module")._replace(sizes=MAP_RANK)
    else:
        yield from _other_calls(index, style, node_index, make)


def _other_calls(
    index: CostIndex, style: PyTorchStyle, node_index: int, make: Callable[[str, str], ModuleCall]
) -> Iterator[ModuleCall]:
    """Product of two computed values, other contraction or elementwise operator -> its call."""
    cost, node = index.costs[node_index].cost, index.graph.nodes[node_index]
    if operator_key(node) == ("", "Einsum") and cost is not None and not cost.macs.terms:
        yield make("einsum", "function")._replace(sizes=einsum_sizes(index, node))
    elif cost is None or cost == type(cost)():
        return
    elif cost.macs.terms:
        form = "operator" if style.attention == "operator" else "function"
        if is_product(node):
            yield make("matmul", form)
        else:
            yield make("contraction", "function")._replace(sizes=einsum_sizes(index, node))
    else:
        yield make("add" if traits_of(node).arithmetic == "add" else "elementwise", "operator")


def _relu_form(style: PyTorchStyle, activation: ActivationPattern, plan: CallPlan) -> str:
    if activation.kind != "relu":
        return "module"
    if style.relu == "last":
        last = max(i for i, pattern in plan.activations.items() if pattern.kind == "relu")
        return "function" if activation.nodes[-1] == last else "module"
    return style.relu


KNOWN_DOMAINS = ("", "com.microsoft")
"""Domains of the operators that counters of ONNX graphs know by their bare names."""


def onnx_calls(index: CostIndex) -> tuple[ModuleCall, ...]:
    """Graph -> a call for every node whose shapes are known; its kind is the operator's name, with its domain where
    that is none of KNOWN_DOMAINS."""
    return tuple(_onnx_calls(index))


def _onnx_calls(index: CostIndex) -> Iterator[ModuleCall]:
    for node_index, node in enumerate(index.graph.nodes):
        if all(index.type(name).shape is not None for name in (*node.inputs, *node.outputs) if name):
            first = node.inputs[0] if node.inputs else ""
            kind = node.op_type if node.domain in KNOWN_DOMAINS else qualified_name(node.domain, node.op_type)
            call = make_call(index, kind, "node", (node_index,), first, node.outputs[0])
            bias = bias_of(node)
            call = call._replace(bias=index.elements(bias) if bias else 0, sizes=tuple(_onnx_sizes(index, node)))
            if is_recurrent(node):
                call = recurrent_call(index, node, call)._replace(kind=kind)
            yield call


def _onnx_sizes(index: CostIndex, node: Node) -> Iterator[tuple[str, Dim]]:
    """Node -> the further sizes that counters of ONNX graphs look at, by name."""
    key = operator_key(node)
    if key == ("", "ConvTranspose"):
        yield "filter", prod((index.type(node.inputs[1]).shape or ())[1:])
    elif key in {("", "MaxPool"), ("", "AveragePool")}:
        yield "kernel", prod(node.attributes["kernel_shape"])
    elif key == ("", "LayerNormalization"):
        yield "last", (index.type(node.inputs[0]).shape or (1,))[node.attributes.get("axis", -1)]
    elif key == ("", "LRN"):
        yield "window", node.attributes["size"]
    elif key == ("", "Sum"):
        yield "inputs", len(node.inputs)
    elif key == ("", "Resize"):
        yield str(node.attributes.get("mode", "nearest")), 1
