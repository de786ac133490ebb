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


def find_attention_calls(model: CostIndex) -> Iterator[AttentionCall]:
    """Graph -> its attentions with the layers around them, in execution order."""
    for pattern in find_attentions(model):
        values = (pattern.query, pattern.key, pattern.value)
        layers = [find_projection(model, value) for value in values]
        inputs = tuple(dict.fromkeys(layer for layer in layers if layer is not None)) if all(layers) else ()
        unchanged = all(
            layer and is_view_of_projection(model, layer, value) for layer, value in zip(layers, values, strict=True)
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


def pytorch_calls(model: CostIndex, style: PyTorchStyle) -> tuple[ModuleCall, ...]:
    """Graph and style -> the calls of PyTorch that compute it. Nodes whose shapes are unknown are left out."""
    plan = _plan_calls(model, style)
    return tuple(
        call
        for index, node in enumerate(model.graph.nodes)
        if _has_shapes(model, node)
        for call in _calls_at(model, style, plan, index, node)
    )


def _plan_calls(model: CostIndex, style: PyTorchStyle) -> CallPlan:
    each = ((i, find_linear_layer(model, i)) for i in range(len(model.graph.nodes)))
    layers = {i: layer for i, layer in each if layer is not None}
    forms = dict.fromkeys(layers, "module")
    attention_calls_at: dict[int, AttentionCall] = {}
    covered: set[int] = set()
    attention_nodes: dict[int, AttentionCall] = {}
    for item in find_attention_calls(model):
        how = attention_style(item, style)
        for layer in projections(item):
            forms[layer.nodes[0]] = {"module": "inside", "functional": "function", "cosine": "function"}.get(
                how, "module"
            )
        if item.is_operator or how in ("module", "sdpa"):
            attention_calls_at[item.nodes[-1]] = item
            covered.update(item.nodes)
        attention_nodes.update(dict.fromkeys(item.nodes, item))
    active: dict[int, ActivationPattern] = {}
    for index in range(len(model.graph.nodes)):
        one = None if index in covered else find_activation(model, index)
        if one is not None and one.approximate == "none":
            active[one.nodes[-1]] = one
            covered.update(one.nodes)
    covered.update(index for layer in layers.values() for index in layer.nodes)
    return CallPlan(layers, forms, attention_calls_at, active, frozenset(covered), attention_nodes)


def _has_shapes(model: CostIndex, node: Node) -> bool:
    return all(model.type(name).shape is not None for name in (*node.inputs, *node.outputs) if name)


def _calls_at(model: CostIndex, style: PyTorchStyle, plan: CallPlan, index: int, node: Node) -> Iterator[ModuleCall]:
    """Node -> the calls that stand at its place."""
    if index in plan.layers:
        yield linear_call(model, plan.layers[index], plan.forms[index])
    elif index in plan.attentions:
        yield from attention_calls(model, style, plan.attentions[index])
    elif index in plan.activations:
        one = plan.activations[index]
        form = _relu_form(style, one, plan)
        slope = model.elements(node.inputs[1]) if one.kind == "prelu" else 0
        if one.kind in KIND_NAMES:
            yield make_call(model, one.kind, form, one.nodes, one.x, one.y)._replace(weight=slope)
        else:
            yield make_call(model, "elementwise", "operator", one.nodes, one.x, one.y)
    elif index not in plan.covered and _computes_shapes(model, index, node):
        work = make_call(model, "elementwise", "operator", (index,))
        yield from (work,) if work.flops != 0 else ()
    elif index not in plan.covered:
        for single in _node_calls(model, style, index, node):
            item = plan.attention_nodes.get(index)
            yield from (single,) if item is None else _attention_node_calls(style, item, index, single)


def _attention_node_calls(
    style: PyTorchStyle, item: AttentionCall, index: int, single: ModuleCall
) -> Iterator[ModuleCall]:
    """Node of an attention that is written in several calls -> its calls."""
    how = attention_style(item, style)
    yield (
        attention_product(single, how, index == item.pattern.products[0]) if index in item.pattern.products else single
    )
    if single.kind == "softmax":
        yield from size_products(item, how, single)


def _computes_shapes(model: CostIndex, index: int, node: Node) -> bool:
    """Whether a node computes from shapes and stored values alone, and is no product of tables."""
    cost = model.costs[index].cost
    known = bool(node.outputs) and node.outputs[0] in model.constants
    table = traits_of(node).arithmetic == "multiply" and node.outputs[0] in model.tables
    return known and not table and (cost is None or not cost.macs.terms)


def _node_calls(model: CostIndex, style: PyTorchStyle, index: int, node: Node) -> Iterator[ModuleCall]:
    """Node that is in no pattern -> its calls."""
    one: Callable[[str, str], ModuleCall] = lambda kind, form: make_call(model, kind, form, (index,))  # noqa: E731
    t, kind = traits_of(node), MODULE_KINDS.get(operator_key(node), "")
    if is_convolution(node):
        yield from convolution_calls(model, style, index, node)
    elif kind and t.kind == "normalisation":
        yield normalisation_call(model, index, node)
    elif kind == "upsample":
        yield upsample_call(model, node, one(kind, "module"))
    elif kind:
        yield pool_call(model, style, index, node, one)
    elif is_recurrent(node):
        yield recurrent_call(model, node, one("recurrent", "module"))
    elif operator_key(node) == ("", "Softmax"):
        last = node.outputs[0] in model.graph.outputs
        form = style.softmax if last else "function"
        yield one("softmax", {"layer": "module"}.get(form, form))._replace(sizes=(("rows", softmax_rows(model, node)),))
    elif t.arithmetic == "multiply":
        yield one("mul", "operator")
    elif t.kind == "lookup" and node.inputs[0] in model.constants:
        yield one("embedding", "module")._replace(weight=model.elements(node.inputs[0]))
    elif t.view:
        if style.flatten == "pool" and flattens_map(model, node):
            yield one("global_pool", "module")._replace(sizes=MAP_RANK)
    else:
        yield from _other_calls(model, style, index, one)


def _other_calls(
    model: CostIndex, style: PyTorchStyle, index: int, one: Callable[[str, str], ModuleCall]
) -> Iterator[ModuleCall]:
    """Product of two computed values, other contraction or elementwise operator -> its call."""
    cost, node = model.costs[index].cost, model.graph.nodes[index]
    if operator_key(node) == ("", "Einsum") and cost is not None and not cost.macs.terms:
        yield one("einsum", "function")._replace(sizes=einsum_sizes(model, node))
    elif cost is None or cost == type(cost)():
        return
    elif cost.macs.terms:
        form = "operator" if style.attention == "operator" else "function"
        if is_product(node):
            yield one("matmul", form)
        else:
            yield one("contraction", "function")._replace(sizes=einsum_sizes(model, node))
    else:
        yield one("add" if traits_of(node).arithmetic == "add" else "elementwise", "operator")


def _relu_form(style: PyTorchStyle, one: ActivationPattern, plan: CallPlan) -> str:
    if one.kind != "relu":
        return "module"
    if style.relu == "last":
        last = max(i for i, other in plan.activations.items() if other.kind == "relu")
        return "function" if one.nodes[-1] == last else "module"
    return style.relu


KNOWN_DOMAINS = ("", "com.microsoft")
"""Domains of the operators that counters of ONNX graphs know by their bare names."""


def onnx_calls(model: CostIndex) -> tuple[ModuleCall, ...]:
    """Graph -> a call for every node whose shapes are known; its kind is the operator's name, with its domain where
    that is none of KNOWN_DOMAINS."""
    return tuple(_onnx_calls(model))


def _onnx_calls(model: CostIndex) -> Iterator[ModuleCall]:
    for index, node in enumerate(model.graph.nodes):
        if all(model.type(name).shape is not None for name in (*node.inputs, *node.outputs) if name):
            first = node.inputs[0] if node.inputs else ""
            kind = node.op_type if node.domain in KNOWN_DOMAINS else qualified_name(node.domain, node.op_type)
            one = make_call(model, kind, "node", (index,), first, node.outputs[0])
            bias = bias_of(node)
            one = one._replace(bias=model.elements(bias) if bias else 0, sizes=tuple(_sizes(model, node)))
            if is_recurrent(node):
                one = recurrent_call(model, node, one)._replace(kind=kind)
            yield one


def _sizes(model: CostIndex, node: Node) -> Iterator[tuple[str, Dim]]:
    """Node -> the further sizes that counters of ONNX graphs look at, by name."""
    key = operator_key(node)
    if key == ("", "ConvTranspose"):
        yield "filter", prod((model.type(node.inputs[1]).shape or ())[1:])
    elif key in {("", "MaxPool"), ("", "AveragePool")}:
        yield "kernel", prod(node.attributes["kernel_shape"])
    elif key == ("", "LayerNormalization"):
        yield "last", (model.type(node.inputs[0]).shape or (1,))[node.attributes.get("axis", -1)]
    elif key == ("", "LRN"):
        yield "window", node.attributes["size"]
    elif key == ("", "Sum"):
        yield "inputs", len(node.inputs)
    elif key == ("", "Resize"):
        yield str(node.attributes.get("mode", "nearest")), 1
