"""Activations that a graph spells out in several operators → the one operator that computes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from costcalc.ir import Node
from costcalc.suggest.pieces import Change, Knobs, Match, Piece, layer
from costcalc.suggest.registry import EXACT, rule
from costcalc.suggest.view import View

SHORT = {"HardSwish": "hard_swish", "Gelu": "gelu", "Mish": "mish"}


class Chain(NamedTuple):
    """The nodes of an activation of x, in their order, and the operator that is the same."""

    nodes: tuple[int, ...]
    x: str
    op_type: str
    words: str
    options: Mapping[str, str] = {}


@rule("fused", "activation in one operator", accuracy=EXACT,
      source="ONNX: HardSwish (opset 14), Gelu (20), Swish (24); Hendrycks and Gimpel, arXiv:1606.08415")  # fmt: skip
def fused(seen: View, knobs: Knobs) -> Iterator[Match]:
    """x · sigmoid(x), x · hard_sigmoid(x), x · tanh(softplus(x)) and x · (1 + erf(x/√2)) / 2, or its approximation by
    tanh, are one operator each: Swish, HardSwish, Mish, Gelu. What stands between their parts is never stored:
    activations, traffic and often the peak shrink. Runtimes that fuse by themselves do so already. Numbers between the
    parts are taken for √2, 1 and 1/2 where the file's are not read."""
    nodes = seen.graph.nodes
    for i in range(len(nodes)):
        chain = _gate(seen, i) or _mish(seen, i) or _gelu(seen, i) or _tanh_gelu(seen, i)
        if chain is None:
            continue
        output = nodes[chain.nodes[-1]].outputs[0]
        short = SHORT.get(chain.op_type)
        piece = layer(short, **chain.options) if short is not None else _operator(chain.op_type)
        change = Change(chain.nodes, (chain.x,), (piece,), output, chain.nodes[-1], ("mul", "Mul", "silu"))
        yield Match(tuple(nodes[j].name for j in chain.nodes), (change,), None, f"{chain.words} as {chain.op_type}")


def _operator(op_type: str) -> Piece:
    """An operator that has no short name."""
    return Piece(op_type, (), lambda site: site.op(op_type, [site.x]))


def _gate(seen: View, index: int) -> Chain | None:
    """x · sigmoid(x), x · hard_sigmoid(x)."""
    node = seen.graph.nodes[index]
    if node.domain or node.op_type not in ("Sigmoid", "HardSigmoid"):
        return None
    reader = seen.only_reader(node.outputs[0])
    x = node.inputs[0]
    if reader is None or not _is(seen, reader, "Mul") or set(seen.graph.nodes[reader].inputs) != {x, node.outputs[0]}:
        return None
    if node.op_type == "Sigmoid":
        return Chain((index, reader), x, "Swish", "x · sigmoid(x)")
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    if abs(alpha * 6 - 1) > 1e-5 or beta != 0.5:
        return None
    return Chain((index, reader), x, "HardSwish", "x · hard_sigmoid(x)")


def _mish(seen: View, index: int) -> Chain | None:
    """x · tanh(softplus(x))."""
    nodes = seen.graph.nodes
    tanh = seen.only_reader(nodes[index].outputs[0]) if _is(seen, index, "Softplus") else None
    reader = seen.only_reader(nodes[tanh].outputs[0]) if tanh is not None and _is(seen, tanh, "Tanh") else None
    if tanh is None or reader is None or not _is(seen, reader, "Mul"):
        return None
    x = nodes[index].inputs[0]
    if set(nodes[reader].inputs) != {x, nodes[tanh].outputs[0]}:
        return None
    return Chain((index, tanh, reader), x, "Mish", "x · tanh(softplus(x))")


def _tanh_gelu(seen: View, index: int) -> Chain | None:
    """x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) / 2, with the half at either end."""
    nodes = seen.graph.nodes
    inner = _made(seen, nodes[index].inputs[0], "Mul") if _is(seen, index, "Tanh") else None
    total = _made(seen, _other(seen, nodes[inner]), "Add") if inner is not None else None
    if inner is None or total is None:
        return None
    for x, name in (nodes[total].inputs, nodes[total].inputs[::-1]):
        scaled = _made(seen, name, "Mul")
        cube = _cube(seen, _other(seen, nodes[scaled]), x) if scaled is not None else None
        half = _halved(seen, index, x)
        if scaled is not None and cube is not None and half is not None:
            chain = tuple(sorted({*cube, scaled, total, inner, index, *half}))
            return Chain(chain, x, "Gelu", "x · (1 + tanh(√(2/π)·(x + 0.044715·x³))) / 2", {"approximate": "tanh"})
    return None


def _cube(seen: View, value: str | None, x: str) -> tuple[int, ...] | None:
    """The nodes of x³: a power, or two products."""
    power = _made(seen, value, "Pow")
    if power is not None:
        return (power,) if _other(seen, seen.graph.nodes[power]) == x else None
    outer = _made(seen, value, "Mul")
    if outer is None or x not in seen.graph.nodes[outer].inputs:
        return None
    square = next((name for name in seen.graph.nodes[outer].inputs if name != x), None)
    square_at = _made(seen, square, "Mul")
    return (square_at, outer) if square_at is not None and set(seen.graph.nodes[square_at].inputs) == {x} else None


def _halved(seen: View, index: int, x: str) -> tuple[int, ...] | None:
    """The nodes of (1 + tanh) · (x/2) behind a tanh, or of (1 + tanh) · x / 2."""
    nodes = seen.graph.nodes
    one = seen.only_reader(nodes[index].outputs[0])
    product = seen.only_reader(nodes[one].outputs[0]) if one is not None and _is(seen, one, "Add") else None
    if one is None or product is None or not _is(seen, product, "Mul") or _other(seen, nodes[one]) is None:
        return None
    factor = next((name for name in nodes[product].inputs if name != nodes[one].outputs[0]), None)
    half = _made(seen, factor, "Mul")
    if half is not None:
        return (one, half, product) if _other(seen, nodes[half]) == x else None
    last = seen.only_reader(nodes[product].outputs[0])
    if factor != x or last is None or not _is(seen, last, "Mul") or _other(seen, nodes[last]) is None:
        return None
    return one, product, last


def _made(seen: View, value: str | None, op_type: str) -> int | None:
    """The node of this type that computes a value for one reader alone."""
    at = seen.producers.get(value) if value is not None else None
    if at is None or value is None or not _is(seen, at, op_type) or seen.only_reader(value) is None:
        return None
    return at


def _gelu(seen: View, index: int) -> Chain | None:
    """Divide, Erf, Add, and the products with x and one half in either order."""
    nodes = seen.graph.nodes
    if not _is(seen, index, "Erf"):
        return None
    first = seen.producers.get(nodes[index].inputs[0])
    if (
        first is None
        or nodes[first].op_type not in ("Div", "Mul")
        or seen.only_reader(nodes[first].outputs[0]) != index
    ):
        return None
    x = _other(seen, nodes[first])
    chain, products, half = [first, index], 0, False
    while x is not None and not (products and half):
        reader = seen.only_reader(nodes[chain[-1]].outputs[0])
        if reader is None or nodes[reader].domain:
            return None
        node = nodes[reader]
        if node.op_type == "Add" and len(chain) == 2:
            pass
        elif node.op_type == "Mul" and len(chain) > 2 and x in node.inputs and not products:
            products += 1
        elif node.op_type == "Mul" and len(chain) > 2 and not half:
            half = True
        else:
            return None
        if x not in node.inputs and _other(seen, node) != nodes[chain[-1]].outputs[0]:
            return None
        chain.append(reader)
    return None if x is None else Chain(tuple(chain), x, "Gelu", "x · (1 + erf(x/√2)) / 2")


def _is(seen: View, index: int, op_type: str) -> bool:
    node = seen.graph.nodes[index]
    return node.op_type == op_type and not node.domain


def _other(seen: View, node: Node) -> str | None:
    """The input beside a number; None where no input is one."""
    numbers = [name for name in node.inputs if _is_number(seen, name)]
    rest = [name for name in node.inputs if name not in numbers]
    return rest[0] if len(numbers) == 1 == len(rest) else None


def _is_number(seen: View, name: str) -> bool:
    fixed = name in seen.graph.initializers or (name not in seen.producers and name not in seen.graph.inputs)
    return fixed and seen.graph.types[name].elements == 1
