"""Graph -> calls: what PyTorch would call to compute it, as a writing says, in the graph's order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from costcalc.core.ir import Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import operator
from costcalc.graph.patterns.activation import ActivationPattern, activation
from costcalc.graph.patterns.linear import LinearLayer, is_product, linear_layer
from costcalc.studies.reconcile.attention_calls import (
    AttentionCall,
    as_module,
    as_product,
    attention_calls,
    attention_layers,
    projections,
    sizes,
)
from costcalc.studies.reconcile.call import MODULES, PLANE, WORDS, Call
from costcalc.studies.reconcile.call_sizes import (
    CostIndex,
    call,
    conv,
    einsum_sizes,
    fixed_pool,
    is_convolution,
    is_recurrent,
    linear_call,
    norm,
    pool,
    recurrent,
    rows,
    upsample,
)
from costcalc.studies.reconcile.pytorch_style import Writing


class Found(NamedTuple):
    """What is found of a graph before its nodes are gone through: by the index of the node where it is called."""

    layers: dict[int, LinearLayer]
    forms: dict[int, str]
    attentions: dict[int, AttentionCall]
    activations: dict[int, ActivationPattern]
    taken: frozenset[int]
    beside: dict[int, AttentionCall]


def calls(flow: CostIndex, writing: Writing) -> tuple[Call, ...]:
    """The calls that a graph stands for. Nodes whose shapes are not known are left out."""
    found = _find(flow, writing)
    return tuple(
        call
        for index, node in enumerate(flow.graph.nodes)
        if _known(flow, node)
        for call in _of(flow, writing, found, index, node)
    )


def _find(flow: CostIndex, writing: Writing) -> Found:
    each = ((i, linear_layer(flow, i)) for i in range(len(flow.graph.nodes)))
    layers = {i: layer for i, layer in each if layer is not None}
    forms = dict.fromkeys(layers, "module")
    whole: dict[int, AttentionCall] = {}
    taken: set[int] = set()
    beside: dict[int, AttentionCall] = {}
    for item in attention_layers(flow):
        how = as_module(item, writing)
        for layer in projections(item):
            forms[layer.nodes[0]] = {"module": "inside", "functional": "function", "cosine": "function"}.get(
                how, "module"
            )
        if item.whole or how in ("module", "sdpa"):
            whole[item.nodes[-1]] = item
            taken.update(item.nodes)
        beside.update(dict.fromkeys(item.nodes, item))
    active: dict[int, ActivationPattern] = {}
    for index in range(len(flow.graph.nodes)):
        one = None if index in taken else activation(flow, index)
        if one is not None and one.approximate == "none":
            active[one.nodes[-1]] = one
            taken.update(one.nodes)
    taken.update(index for layer in layers.values() for index in layer.nodes)
    return Found(layers, forms, whole, active, frozenset(taken), beside)


def _known(flow: CostIndex, node: Node) -> bool:
    return all(flow.type(name).shape is not None for name in (*node.inputs, *node.outputs) if name)


def _of(flow: CostIndex, writing: Writing, found: Found, index: int, node: Node) -> Iterator[Call]:
    """The calls that stand at a node."""
    if index in found.layers:
        yield linear_call(flow, found.layers[index], found.forms[index])
    elif index in found.attentions:
        yield from attention_calls(flow, writing, found.attentions[index])
    elif index in found.activations:
        one = found.activations[index]
        form = _relu_form(writing, one, found)
        slope = flow.elements(node.inputs[1]) if one.kind == "prelu" else 0
        if one.kind in WORDS:
            yield call(flow, one.kind, form, one.nodes, one.x, one.y)._replace(weight=slope)
        else:
            yield call(flow, "elementwise", "operator", one.nodes, one.x, one.y)
    elif index not in found.taken and _of_shapes(flow, index, node):
        work = call(flow, "elementwise", "operator", (index,))
        yield from (work,) if work.flops != 0 else ()
    elif index not in found.taken:
        for single in _single(flow, writing, index, node):
            item = found.beside.get(index)
            yield from (single,) if item is None else _of_attention(writing, item, index, single)


def _of_attention(writing: Writing, item: AttentionCall, index: int, single: Call) -> Iterator[Call]:
    """A node of an attention whose products stand for themselves."""
    how = as_module(item, writing)
    yield as_product(single, how, index == item.pattern.products[0]) if index in item.pattern.products else single
    if single.kind == "softmax":
        yield from sizes(item, how, single)


def _of_shapes(flow: CostIndex, index: int, node: Node) -> bool:
    """Whether a node's elementwise operations are on shapes and stored values alone, and are no products of tables."""
    cost = flow.costs[index].cost
    known = bool(node.outputs) and node.outputs[0] in flow.constants
    table = traits_of(node).arithmetic == "multiply" and node.outputs[0] in flow.tables
    return known and not table and (cost is None or not cost.macs.terms)


def _single(flow: CostIndex, writing: Writing, index: int, node: Node) -> Iterator[Call]:
    """The call of a node that stands for itself."""
    one: Callable[[str, str], Call] = lambda kind, form: call(flow, kind, form, (index,))  # noqa: E731
    t, kind = traits_of(node), MODULES.get(operator(node), "")
    if is_convolution(node):
        yield from conv(flow, writing, index, node)
    elif kind and t.kind == "normalisation":
        yield norm(flow, index, node)
    elif kind == "upsample":
        yield upsample(flow, node, one(kind, "module"))
    elif kind:
        yield pool(flow, writing, index, node, one)
    elif is_recurrent(node):
        yield recurrent(flow, node, one("recurrent", "module"))
    elif operator(node) == ("", "Softmax"):
        last = node.outputs[0] in flow.graph.outputs
        form = writing.softmax if last else "function"
        yield one("softmax", {"layer": "module"}.get(form, form))._replace(also=(("rows", rows(flow, node)),))
    elif t.arithmetic == "multiply":
        yield one("mul", "operator")
    elif t.kind == "lookup" and node.inputs[0] in flow.constants:
        yield one("embedding", "module")._replace(weight=flow.elements(node.inputs[0]))
    elif t.view:
        if writing.flatten == "pool" and fixed_pool(flow, node):
            yield one("global_pool", "module")._replace(also=PLANE)
    else:
        yield from _other(flow, writing, index, one)


def _other(flow: CostIndex, writing: Writing, index: int, one: Callable[[str, str], Call]) -> Iterator[Call]:
    """A product of two moving values, another contraction, or elementwise operations."""
    cost, node = flow.costs[index].cost, flow.graph.nodes[index]
    if operator(node) == ("", "Einsum") and cost is not None and not cost.macs.terms:
        yield one("einsum", "function")._replace(also=einsum_sizes(flow, node))
    elif cost is None or cost == type(cost)():
        return
    elif cost.macs.terms:
        form = "operator" if writing.attention == "operator" else "function"
        if is_product(node):
            yield one("matmul", form)
        else:
            yield one("contraction", "function")._replace(also=einsum_sizes(flow, node))
    else:
        yield one("add" if traits_of(node).arithmetic == "add" else "elementwise", "operator")


def _relu_form(writing: Writing, one: ActivationPattern, found: Found) -> str:
    if one.kind != "relu":
        return "module"
    if writing.relu == "last":
        last = max(i for i, other in found.activations.items() if other.kind == "relu")
        return "function" if one.nodes[-1] == last else "module"
    return writing.relu
