"""Graph to calls, in the graph's order: what PyTorch would call to compute it in a style, or its ONNX nodes as
calls for counters of ONNX graphs.

Attention is one module, one function, or two products and a softmax, as the style says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from costcalc.core.dim import Dim, prod
from costcalc.core.ir import Node, qualified_name
from costcalc.core.traits import traits_of
from costcalc.graph.index import operator_key
from costcalc.graph.patterns.activation import ActivationPattern, find_activation
from costcalc.graph.patterns.linear import LinearLayer, find_linear_layer, is_product
from costcalc.ops.schema import find_schema
from costcalc.studies.reconcile.attention_calls import (
    MULTIHEAD_ATTENTION,
    AttentionCall,
    attention_answer,
    attention_calls,
    attention_product,
    find_attention_calls,
    projections,
    size_products,
)
from costcalc.studies.reconcile.call import KIND_NAMES, MAP_RANK, MODULE_KINDS, ModuleCall
from costcalc.studies.reconcile.call_sizes import (
    CostIndex,
    bias_of,
    convolution_calls,
    einsum_sizes,
    is_convolution,
    is_recurrent,
    linear_call,
    make_call,
    normalisation_call,
    recurrent_call,
    softmax_rows,
    upsample_call,
)
from costcalc.studies.reconcile.pool_calls import POOL_KINDS, flattens_map, pool_call
from costcalc.studies.reconcile.program_form import find_class, program_form, source_call
from costcalc.studies.reconcile.pytorch_style import PROGRAM, PyTorchStyle


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
        _as_written(index, style, call)
        for node_index, node in enumerate(index.graph.nodes)
        if _has_shapes(index, node)
        for call in _calls_of_node(index, style, plan, node_index, node)
    )


QUESTIONS = {
    "relu": "relu",
    "softmax": "softmax",
    "linear": "attention",
    "matmul": "attention",
    "attention": "attention",
}
"""Kind of call -> the question of the style that its form is the answer to."""


def _as_written(index: CostIndex, style: PyTorchStyle, call: ModuleCall) -> ModuleCall:
    """A call in the form that the program has it in, where the graph is of a program, and the style says nothing else
    of it. What nn.MultiheadAttention computes besides is a part of it."""
    node = index.graph.nodes[call.nodes[0]]
    question = QUESTIONS.get(call.kind)
    is_answered = question is not None and getattr(style, question) != PROGRAM
    if (
        not index.graph.calls
        or call.form == "inside"
        or is_answered
        or call.kind in POOL_KINDS | {"attention", "sizes"}
    ):
        return call
    source = source_call(index.graph, node)
    if find_class(index.graph, node) == MULTIHEAD_ATTENTION and call.kind not in ("linear", "matmul"):
        return call._replace(kind="elementwise", form="inside")
    if call.kind == "mul" and source.operator not in ("mul", "multiply"):
        return call._replace(kind="elementwise")
    if call.has("attention") and source.function == "tensor.matmul":
        return call
    form = program_form(index, node, call.kind)
    further = ((source.operator, 1),) if source.operator in ("mm", "bmm", "baddbmm", "addmm") else ()
    return call._replace(form=form, sizes=(*call.sizes, *further))


def _plan_calls(index: CostIndex, style: PyTorchStyle) -> CallPlan:
    layers = {i: layer for i in range(len(index.graph.nodes)) if (layer := _find_layer(index, i)) is not None}
    forms = dict.fromkeys(layers, "module")
    attention_calls_at: dict[int, AttentionCall] = {}
    covered: set[int] = set()
    attention_nodes: dict[int, AttentionCall] = {}
    for attention in find_attention_calls(index):
        answer = attention_answer(index, attention, style)
        form = {"module": "inside", "functional": "function", "cosine": "function"}.get(answer, "module")
        forms.update((layer.nodes[0], form) for layer in projections(attention))
        if attention.is_operator or answer in ("module", "sdpa"):
            attention_calls_at[attention.nodes[-1]] = attention
            covered.update(attention.nodes)
        attention_nodes.update(dict.fromkeys(attention.nodes, attention))
    activations: dict[int, ActivationPattern] = {}
    for node_index in range(len(index.graph.nodes)):
        activation = None if node_index in covered else find_activation(index, node_index)
        if activation is not None and activation.approximate == "none" and _is_one_call(index, activation):
            activations[activation.nodes[-1]] = activation
            covered.update(activation.nodes)
    covered.update(node_index for layer in layers.values() for node_index in layer.nodes)
    return CallPlan(layers, forms, attention_calls_at, activations, frozenset(covered), attention_nodes)


LINEAR_OPERATORS = frozenset(("", "linear", "addmm"))


def _find_layer(index: CostIndex, node_index: int) -> LinearLayer | None:
    """The linear layer whose product a node is; None where it is none, or the program multiplies there by itself."""
    operator = source_call(index.graph, index.graph.nodes[node_index]).operator
    return find_linear_layer(index, node_index) if operator in LINEAR_OPERATORS else None


def _is_one_call(index: CostIndex, activation: ActivationPattern) -> bool:
    """Whether an activation is one call, as far as is known: of a program, that its nodes stand for the same one."""
    nodes = [index.graph.nodes[i] for i in activation.nodes]
    return len(nodes) == 1 or source_call(index.graph, nodes[-1]).operator not in ("mul", "div")


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
            yield from (
                (call,) if attention is None else _attention_node_calls(index, style, attention, node_index, call)
            )


def _attention_node_calls(
    index: CostIndex, style: PyTorchStyle, attention: AttentionCall, node_index: int, call: ModuleCall
) -> Iterator[ModuleCall]:
    """Node of an attention that is written in several calls -> its calls."""
    answer = attention_answer(index, attention, style)
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
    that is none of KNOWN_DOMAINS, or has no operator of this name."""
    return tuple(_onnx_calls(index))


def _onnx_calls(index: CostIndex) -> Iterator[ModuleCall]:
    for node_index, node in enumerate(index.graph.nodes):
        if all(index.type(name).shape is not None for name in (*node.inputs, *node.outputs) if name):
            first = node.inputs[0] if node.inputs else ""
            is_known = node.domain in KNOWN_DOMAINS and find_schema(node.domain, node.op_type, 0) is not None
            kind = node.op_type if is_known else qualified_name(node.domain, node.op_type)
            call = make_call(index, kind, "node", (node_index,), first, node.outputs[0])
            bias = bias_of(node)
            call = call._replace(bias=index.elements(bias) if bias else 0, sizes=tuple(_onnx_sizes(index, node, kind)))
            if is_recurrent(node):
                call = recurrent_call(index, node, call)._replace(kind=kind)
            yield call


def _onnx_sizes(index: CostIndex, node: Node, kind: str) -> Iterator[tuple[str, Dim]]:
    """Node and the kind of its call -> the further sizes that counters of ONNX graphs look at, by name."""
    if kind == "ConvTranspose":
        yield "filter", prod((index.type(node.inputs[1]).shape or ())[1:])
    elif kind in ("MaxPool", "AveragePool"):
        yield "kernel", prod(node.attributes["kernel_shape"])
    elif kind == "LayerNormalization":
        yield "last", (index.type(node.inputs[0]).shape or (1,))[node.attributes.get("axis", -1)]
    elif kind == "LRN":
        yield "window", node.attributes["size"]
    elif kind == "Sum":
        yield "inputs", len(node.inputs)
    elif kind == "Resize":
        yield str(node.attributes.get("mode", "nearest")), 1
