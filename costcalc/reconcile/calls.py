"""Graph -> calls: what PyTorch would call to compute it, as a writing says, in the graph's order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from costcalc.ir import Node
from costcalc.reconcile.activations import Activation, activation
from costcalc.reconcile.attention import Attention, attentions
from costcalc.reconcile.attention_calls import as_module, as_product, attention_calls, projections, sizes
from costcalc.reconcile.call import PLANE, Call
from costcalc.reconcile.einsum import einsum_sizes
from costcalc.reconcile.layers import CONTRACTIONS, NORMS, call, conv, linear_call, norm, rows
from costcalc.reconcile.linear import PRODUCTS, Linear, linears
from costcalc.reconcile.pools import POOLS, fixed_pool, pool, upsample
from costcalc.reconcile.reading import Reading
from costcalc.reconcile.recurrent import RECURRENT, recurrent
from costcalc.reconcile.writing import Writing


class Found(NamedTuple):
    """What is found of a graph before its nodes are gone through: by the index of the node where it is called."""

    layers: dict[int, Linear]
    forms: dict[int, str]
    attentions: dict[int, Attention]
    activations: dict[int, Activation]
    taken: frozenset[int]
    beside: dict[int, Attention]


def calls(reading: Reading, writing: Writing) -> tuple[Call, ...]:
    """The calls that a graph stands for. Nodes whose shapes are not known are left out."""
    found = _find(reading, writing)
    return tuple(
        call
        for index, node in enumerate(reading.graph.nodes)
        if _known(reading, node)
        for call in _of(reading, writing, found, index, node)
    )


def _find(reading: Reading, writing: Writing) -> Found:
    layers = dict(linears(reading))
    forms = dict.fromkeys(layers, "module")
    whole: dict[int, Attention] = {}
    taken: set[int] = set()
    beside: dict[int, Attention] = {}
    for item in attentions(reading, layers):
        how = as_module(item, writing)
        for layer in projections(item):
            forms[layer.nodes[0]] = {"module": "inside", "functional": "function", "cosine": "function"}.get(
                how, "module"
            )
        if item.whole or how in ("module", "sdpa"):
            whole[item.nodes[-1]] = item
            taken.update(item.nodes)
        beside.update(dict.fromkeys(item.nodes, item))
    active: dict[int, Activation] = {}
    for index in range(len(reading.graph.nodes)):
        one = None if index in taken else activation(reading, index)
        if one is not None:
            active[one.nodes[-1]] = one
            taken.update(one.nodes)
    taken.update(index for layer in layers.values() for index in layer.nodes)
    return Found(layers, forms, whole, active, frozenset(taken), beside)


def _known(reading: Reading, node: Node) -> bool:
    return all(reading.type(name).shape is not None for name in (*node.inputs, *node.outputs) if name)


def _of(reading: Reading, writing: Writing, found: Found, index: int, node: Node) -> Iterator[Call]:
    """The calls that stand at a node."""
    if index in found.layers:
        yield linear_call(reading, found.layers[index], found.forms[index])
    elif index in found.attentions:
        yield from attention_calls(reading, writing, found.attentions[index])
    elif index in found.activations:
        one = found.activations[index]
        form = _relu_form(writing, one, found)
        slope = reading.elements(node.inputs[1]) if one.kind == "prelu" else 0
        yield call(reading, one.kind, form, one.nodes, one.x, one.y)._replace(weight=slope)
    elif index not in found.taken and _of_shapes(reading, index, node):
        work = call(reading, "elementwise", "operator", (index,))
        yield from (work,) if work.flops != 0 else ()
    elif index not in found.taken:
        for single in _single(reading, writing, index, node):
            item = found.beside.get(index)
            yield from (single,) if item is None else _of_attention(writing, item, index, single)


def _of_attention(writing: Writing, item: Attention, index: int, single: Call) -> Iterator[Call]:
    """A node of an attention whose products stand for themselves."""
    how = as_module(item, writing)
    yield as_product(single, how, index == item.products[0]) if index in item.products else single
    if single.kind == "softmax":
        yield from sizes(item, how, single)


def _of_shapes(reading: Reading, index: int, node: Node) -> bool:
    """Whether a node's elementwise operations are on shapes and stored values alone, and are no products of tables."""
    cost = reading.costs[index].cost
    known = bool(node.outputs) and node.outputs[0] in reading.stored
    table = node.op_type == "Mul" and node.outputs[0] in reading.tables
    return known and not table and (cost is None or not cost.macs.terms)


def _single(reading: Reading, writing: Writing, index: int, node: Node) -> Iterator[Call]:
    """The call of a node that stands for itself."""
    one: Callable[[str, str], Call] = lambda kind, form: call(reading, kind, form, (index,))  # noqa: E731
    op = node.op_type
    if op in CONTRACTIONS:
        yield from conv(reading, writing, index, node)
    elif op in NORMS:
        yield norm(reading, index, node)
    elif op in POOLS:
        yield pool(reading, writing, index, node, one)
    elif op in RECURRENT:
        yield recurrent(reading, node, one("recurrent", "module"))
    elif op == "Softmax":
        last = node.outputs[0] in reading.graph.outputs
        form = writing.softmax if last else "function"
        yield one("softmax", {"layer": "module"}.get(form, form))._replace(also=(("rows", rows(reading, node)),))
    elif op == "Mul":
        yield one("mul", "operator")
    elif op in ("Resize", "Upsample"):
        yield upsample(reading, node, one("upsample", "module"))
    elif op == "Gather" and node.inputs[0] in reading.stored:
        yield one("embedding", "module")._replace(weight=reading.elements(node.inputs[0]))
    elif op in ("Flatten", "Reshape"):
        if writing.flatten == "pool" and fixed_pool(reading, node):
            yield one("global_pool", "module")._replace(also=PLANE)
    else:
        yield from _other(reading, writing, index, one)


def _other(reading: Reading, writing: Writing, index: int, one: Callable[[str, str], Call]) -> Iterator[Call]:
    """A product of two moving values, another contraction, or elementwise operations."""
    cost, node = reading.costs[index].cost, reading.graph.nodes[index]
    if node.op_type == "Einsum" and cost is not None and not cost.macs.terms:
        yield one("einsum", "function")._replace(also=einsum_sizes(reading, node))
    elif cost is None or cost == type(cost)():
        return
    elif cost.macs.terms:
        form = "operator" if writing.attention == "operator" else "function"
        if node.op_type in PRODUCTS:
            yield one("matmul", form)
        else:
            yield one("contraction", "function")._replace(also=einsum_sizes(reading, node))
    else:
        yield one("add" if node.op_type == "Add" else "elementwise", "operator")


def _relu_form(writing: Writing, one: Activation, found: Found) -> str:
    if one.kind != "relu":
        return "module"
    if writing.relu == "last":
        last = max(i for i, other in found.activations.items() if other.kind == "relu")
        return "function" if one.nodes[-1] == last else "module"
    return writing.relu
