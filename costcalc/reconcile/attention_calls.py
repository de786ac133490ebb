"""An attention as calls: one module, one function, or two products and a softmax, as a writing says."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.formula import Formula
from costcalc.reconcile.attention import Attention
from costcalc.reconcile.call import Call
from costcalc.reconcile.linear import Linear
from costcalc.reconcile.reading import Reading
from costcalc.reconcile.writing import Writing


def as_module(item: Attention, writing: Writing) -> str:
    """How an attention is written: an answer of CHOICES["attention"] but auto."""
    if writing.attention != "auto":
        return writing.attention
    if item.usual:
        return "module"
    if item.einsum:
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


def projections(item: Attention) -> tuple[Linear, ...]:
    """The linear layers around an attention."""
    return (*item.inputs, item.output) if item.output is not None else item.inputs


def attention_calls(reading: Reading, writing: Writing, item: Attention) -> Iterator[Call]:
    """The calls of an attention without the linear layers around it."""
    how = as_module(item, writing)
    costs = [reading.costs[i].cost for i in item.nodes]
    flops = sum((cost.flops for cost in costs if cost is not None), 0)
    runs = reading.graph.nodes[item.nodes[-1]].count
    out = reading.graph.nodes[item.nodes[-1]].outputs[0]
    gives, shape = reading.elements(out), reading.type(out).shape or (1,)
    whole = Call("attention", "module", item.nodes, item.queries, gives, shape[0], macs=item.macs, flops=flops,
                 runs=runs, also=(("scores", item.scores),))  # fmt: skip
    if how in ("module", "sdpa"):
        yield whole if how == "module" else whole._replace(form="function")
        return
    yield Call("mul", "operator", item.nodes, item.queries, item.queries, shape[0], runs=runs)
    for index, term in enumerate(item.macs.terms):
        one = Call("matmul", "", item.nodes, gives=gives, batch=shape[0], macs=Formula((term,)), flops=2 * term.value,
                   runs=runs)  # fmt: skip
        yield as_product(one, how, index == 0)
    left = flops - 2 * item.macs.value
    softmax = Call("softmax", "function", item.nodes, item.scores, item.scores, shape[0], flops=left, runs=runs)
    yield softmax
    yield from sizes(item, how, softmax)


def sizes(item: Attention, how: str, call: Call) -> Iterator[Call]:
    """What a tracer sees of an attention's own code besides, products of single numbers: how many windows there are,
    and how many in a batch; with cosines, where the keys end in the joint bias."""
    count = item.cuts + (how == "cosine") if how in CUTTING else 0
    if count:
        yield Call("sizes", "operator", call.nodes, reads=count, gives=count, runs=call.runs)


CUTTING = frozenset(("functional", "cosine", "einsum"))
"""Writings whose code cuts the windows."""
