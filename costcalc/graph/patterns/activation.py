"""GraphIndex → its activations: one operator, or several nodes that compute SiLU, GELU, Mish or hard-swish."""

from __future__ import annotations

import itertools
from math import pi
from typing import NamedTuple

from costcalc.core.ir import Node
from costcalc.graph.index import GraphIndex, operator_key

SINGLE = {
    ("", "Relu"): "relu",
    ("", "LeakyRelu"): "leaky_relu",
    ("", "PRelu"): "prelu",
    ("", "Elu"): "elu",
    ("", "HardSwish"): "hard_swish",
    ("", "Swish"): "silu",
    ("", "Gelu"): "gelu",
    ("com.microsoft", "Gelu"): "gelu",
    ("com.microsoft", "FastGelu"): "gelu",
    ("com.microsoft", "QuickGelu"): "silu",
}
"""Activations that are one operator."""

GATES = {
    ("Sigmoid",): "silu",
    ("Erf",): "gelu",
    ("HardSigmoid",): "hard_swish",
    ("Clip",): "hard_swish",
    ("Tanh", "Softplus"): "mish",
}
"""Functions f, the outermost first, and what a product x · f(x) is."""

GATE_OPERATORS = frozenset(("", op) for gate in GATES for op in gate)

MAX_CHAIN = 7
"""No gate is a longer chain of operators."""


class ActivationPattern(NamedTuple):
    """y = f(x): the kind of f, the nodes that compute it. operator is the ONNX operator that computes exactly the same
    in one node; "" where there is none, or the pattern is a single node. approximate is Gelu's attribute."""

    kind: str
    nodes: tuple[int, ...]
    x: str
    y: str
    operator: str = ""
    approximate: str = "none"


Chain = list[tuple[str, int | None]]
"""A value and the node that computes it, then what that is a function of, and so on."""


def find_activation(index: GraphIndex, i: int) -> ActivationPattern | None:
    """The activation that a node is, or whose product of x and a function of x a node is; None where it is none."""
    node = index.graph.nodes[i]
    kind = SINGLE.get(operator_key(node))
    if kind is None and operator_key(node) == ("", "Clip") and clip_bounds(index, node) == (0, 6):
        kind = "relu6"
    if kind is not None:
        return ActivationPattern(kind, (i,), node.inputs[0], node.outputs[0])
    if operator_key(node) != ("", "Mul"):
        return None
    return _find_gated_product(index, i) or _find_tanh_gelu(index, i)


def clip_bounds(index: GraphIndex, node: Node) -> tuple[float | None, float | None]:
    """The limits of a Clip, from its inputs or its attributes; None for one that is not known or not there."""
    low, high = (
        index.number(node.inputs[i]) if len(node.inputs) > i and node.inputs[i] else node.attributes.get(name)
        for i, name in ((1, "min"), (2, "max"))
    )
    return low, high


def _find_gated_product(index: GraphIndex, i: int) -> ActivationPattern | None:
    """A product of x, or of a multiple of x, and a gate that is a function of x; behind it a scale, where the gate has
    two."""
    node = index.graph.nodes[i]
    data = index.data_inputs(node)
    if len(data) != 2:
        return None
    chains = [_trace_chain(index, name) for name in data]
    values = {name for name, _ in chains[1]}
    x = next((name for name, _ in chains[0] if name in values), None)
    if x is None:
        return None
    sides = [_nodes_behind(chain, x) for chain in chains]
    gates = tuple(op for side in sides for j in side if ("", op := index.graph.nodes[j].op_type) in GATE_OPERATORS)
    kind = GATES.get(gates)
    if kind is None:
        return None
    nodes, y = [*sides[0], *sides[1], i], node.outputs[0]
    after = index.only_element_reader(y)
    if kind in ("gelu", "hard_swish") and after is not None and index.scales(index.graph.nodes[after]):
        nodes.append(after)
        y = index.graph.nodes[after].outputs[0]
    else:
        after = None
    pattern = ActivationPattern(kind, tuple(sorted(set(nodes))), x, y)
    return pattern._replace(operator=_fused_operator(index, gates, sides, after))


def _fused_operator(index: GraphIndex, gates: tuple[str, ...], sides: list[list[int]], after: int | None) -> str:
    """The ONNX operator that computes the same; "" where scales stand that it does not have, or by other numbers than
    it has. Numbers that are not known are taken for those."""
    nodes = index.graph.nodes
    direct, gate = sorted(sides, key=lambda side: any(nodes[j].op_type in gates for j in side))
    op_types = [nodes[j].op_type for j in gate]
    if gates == ("Erf",):
        erf = op_types.index("Erf")
        inner, outer = gate[erf + 1 :], gate[:erf]
        halves = [*outer[:-1], *direct, *([] if after is None else [after])]
        if not len(inner) == len(outer[-1:]) == len(halves) == 1:
            return ""
        root, plus_one = (
            _has_number(index, inner[0], Mul=0.5**0.5, Div=2**0.5),
            _has_number(index, outer[-1], Add=1.0),
        )
        return "Gelu" if root and plus_one and _has_number(index, halves[0], Mul=0.5, Div=2.0) else ""
    if direct or tuple(op_types) != gates or after is not None:
        return ""
    if gates == ("HardSigmoid",):
        attributes = nodes[gate[0]].attributes
        is_hard_swish = abs(attributes.get("alpha", 0.2) * 6 - 1) <= 1e-5 and attributes.get("beta", 0.5) == 0.5
        return "HardSwish" if is_hard_swish else ""
    return {("Sigmoid",): "Swish", ("Tanh", "Softplus"): "Mish"}.get(gates, "")


def _has_number(index: GraphIndex, i: int, **numbers: float) -> bool:
    """Whether a node scales or shifts by the number of its operator, within the accuracy of float16, or by one that is
    not known."""
    node = index.graph.nodes[i]
    expected = numbers.get(node.op_type)
    number = next((index.number(name) for name in node.inputs if index.is_number(name)), None)
    return expected is not None and (number is None or abs(number - expected) <= 1e-3 * expected)


def _nodes_behind(chain: Chain, x: str) -> list[int]:
    """The nodes of a chain that stand behind x, the last one first."""
    before = itertools.takewhile(lambda pair: pair[0] != x, chain)
    return [i for _, i in before if i is not None]


def _trace_chain(index: GraphIndex, value: str) -> Chain:
    """A value, and what it is a function of, back along gates and scales; each with the node that computes it."""
    chain: Chain = []
    for _ in range(MAX_CHAIN):
        i = index.producers.get(value)
        chain.append((value, i))
        node = None if i is None else index.graph.nodes[i]
        if node is None or not (operator_key(node) in GATE_OPERATORS or index.scales(node)):
            break
        value = index.data_inputs(node)[0]
    return chain


def _find_tanh_gelu(index: GraphIndex, i: int) -> ActivationPattern | None:
    """x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) / 2 whose product with x or with x/2 a node is."""
    nodes = index.graph.nodes
    for sum_value, factor in (nodes[i].inputs, nodes[i].inputs[::-1]):
        plus_one = _find_scaling(index, sum_value, "Add")
        tanh = _find_producer(index, plus_one[1], "Tanh") if plus_one is not None else None
        inner = _find_scaling(index, nodes[tanh].inputs[0], "Mul") if tanh is not None else None
        total = _find_producer(index, inner[1], "Add") if inner is not None else None
        if plus_one is None or tanh is None or inner is None or total is None:
            continue
        for x, name in (nodes[total].inputs, nodes[total].inputs[::-1]):
            scaled = _find_scaling(index, name, "Mul")
            cube = _find_cube(index, scaled[1], x) if scaled is not None else None
            half = _find_halving(index, i, factor, x)
            if scaled is None or cube is None or half is None:
                continue
            numbers = _has_number(index, scaled[0], Mul=0.044715), _has_number(index, inner[0], Mul=(2 / pi) ** 0.5)
            if all(numbers) and _has_number(index, plus_one[0], Add=1.0) and _has_number(index, half, Mul=0.5):
                chain = (*cube, scaled[0], total, inner[0], tanh, plus_one[0], i, half)
                y = nodes[max(i, half)].outputs[0]
                return ActivationPattern("gelu", tuple(sorted({*chain})), x, y, "Gelu", "tanh")
    return None


def _find_halving(index: GraphIndex, i: int, factor: str, x: str) -> int | None:
    """The node that halves x before the product, or the product behind it."""
    before = _find_scaling(index, factor, "Mul")
    if before is not None and before[1] == x:
        return before[0]
    after = index.only_reader(index.graph.nodes[i].outputs[0]) if factor == x else None
    return after if after is not None and _find_scaling(index, index.graph.nodes[after].outputs[0], "Mul") else None


def _find_cube(index: GraphIndex, value: str, x: str) -> tuple[int, ...] | None:
    """The nodes of x³: a power, or two products."""
    power = _find_scaling(index, value, "Pow")
    if power is not None:
        return (power[0],) if power[1] == x and _has_number(index, power[0], Pow=3.0) else None
    outer = _find_producer(index, value, "Mul")
    if outer is None or x not in index.graph.nodes[outer].inputs:
        return None
    square = next((name for name in index.graph.nodes[outer].inputs if name != x), "")
    inner = _find_producer(index, square, "Mul")
    return (inner, outer) if inner is not None and set(index.graph.nodes[inner].inputs) == {x} else None


def _find_producer(index: GraphIndex, value: str, op_type: str) -> int | None:
    """The node of this ONNX operator that computes a value."""
    i = index.producers.get(value)
    return i if i is not None and operator_key(index.graph.nodes[i]) == ("", op_type) else None


def _find_scaling(index: GraphIndex, value: str, op_type: str) -> tuple[int, str] | None:
    """The node of this ONNX operator that computes a value of a number and another value; and that other one."""
    i = _find_producer(index, value, op_type)
    if i is None:
        return None
    data = [name for name in index.graph.nodes[i].inputs if not index.is_number(name)]
    return (i, data[0]) if len(data) == 1 == len(index.graph.nodes[i].inputs) - 1 else None
