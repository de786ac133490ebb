"""What an operator's backward pass needs of the forward pass: values that are kept, and bytes that only it keeps.

- A contraction keeps one side where the other has a gradient: the input of a layer with a trained weight, both factors
  of QKᵀ. Weights are there anyway.
- Functions whose derivative follows from the output (Relu, Sigmoid, Tanh, Softmax, Exp, Sqrt …) keep the output, all
  others their input. A product keeps a factor where the other one has a gradient, a quotient its divisor.
- Sums, means, copies, cuts, casts, averages and interpolation keep nothing; what looks up keeps its indices, a
  selection its condition.
- A maximum pool keeps its input and the place of each maximum (int64), a dropout its mask (a byte an element).
- A normalisation keeps its input and its statistics (float32): mean and deviation of each channel, group or row.
- An attention also keeps its probabilities (no fused kernel that computes them again is assumed), one with projections
  its queries, keys and values; a recurrent layer its gates and states at every step.

Every other operator is taken to keep its float inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from costcalc.core.traits import Contraction, traits_of
from costcalc.dim import Dim
from costcalc.formula import Cost
from costcalc.ir import Graph, Node, TensorType
from costcalc.training.backward import present
from costcalc.training.flow import Flow


class Kept(NamedTuple):
    """Values that are kept, and bytes that are in no value."""

    values: tuple[str, ...]
    extra: Dim = 0


STATISTIC = 4
"""Bytes of a float32."""


def kept(node: Node, graph: Graph, flow: Flow, cost: Cost, parts: Sequence[Contraction]) -> Kept:
    """What a node with a gradient keeps."""
    types, operator = graph.types, traits_of(node)
    outputs = [name for name in node.outputs if name]
    out = types[outputs[0]]
    if operator.states:
        steps, recurrent = cost.macs.terms[0].factors[0].value, types[node.inputs[2]]
        assert recurrent.shape is not None
        states = steps * recurrent.shape[0] * recurrent.shape[2] * operator.states
        return Kept(node.inputs[:1], TensorType(out.dtype, (states,)).nbytes)
    if parts:
        return _contracted(node, types[node.inputs[0]], flow, cost, parts, out)
    if operator.arithmetic in ("multiply", "divide"):
        return Kept(_factors(operator.arithmetic == "divide", node.inputs[0], node.inputs[1], flow))
    statistics = operator.statistics
    if statistics is not None:
        return Kept(node.inputs[:1], statistics(types[node.inputs[0]], node.attributes) * STATISTIC)
    match operator.keeps:
        case "output":
            return Kept(tuple(outputs[:1]))
        case "nothing":
            return Kept(())
        case "indices":
            return Kept(tuple(n for n in node.inputs if n and not types[n].dtype.is_float))
        case "mask":
            return Kept((), out.elements)
        case "maxima":
            # The places and the input's shape would do, but PyTorch holds the input itself until the backward pass.
            return Kept(node.inputs[:1], 8 * out.elements)
    return Kept(tuple(n for n in node.inputs if n and types[n].dtype.is_float))


def _factors(divides: bool, a: str, b: str, flow: Flow) -> tuple[str, ...]:
    """What a · b or a / b keeps."""
    values: dict[str, None] = {}
    if a in flow.needs:
        values[b] = None
    if b in flow.needs:
        values |= dict.fromkeys((a, b) if divides else (a,))
    return tuple(values)


def _contracted(
    node: Node, first: TensorType, flow: Flow, cost: Cost, parts: Sequence[Contraction], out: TensorType
) -> Kept:
    values: dict[str, None] = {}
    for part in parts:
        left, right = present(node.inputs, part.left), present(node.inputs, part.right)
        if any(name in flow.needs for name in right):
            values.update(dict.fromkeys(left))
        if any(name in flow.needs for name in left):
            values.update(dict.fromkeys(right))
    extra: Dim = 0
    scores = [f.value for term in cost.macs.terms for f in term.factors if f.name == "#scores"]
    if scores:
        extra = TensorType(first.dtype, (scores[0],)).nbytes
        if cost.macs.terms[0].name == "projections":
            rows, weights = cost.macs.terms[0].factors
            extra = extra + TensorType(first.dtype, (rows.value, weights.of[1].value)).nbytes
    elif traits_of(node).keeps == "output":
        values[node.outputs[0]] = None
    return Kept(tuple(values), extra)
