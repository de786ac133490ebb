"""Bytes of the activations that are kept for the backward pass: all of them, or with the blocks checkpointed.

What an operator's backward pass needs of the forward pass: values that are kept, and bytes that only it keeps.

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

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from costcalc.analysis.training.gradients import GradientFlow
from costcalc.core.dim import Dim, bounds, maximum, remedy
from costcalc.core.errors import UndecidedError, UsageError
from costcalc.core.formula import Cost
from costcalc.core.ir import Graph, Node, TensorType
from costcalc.core.traits import Contraction, traits_of
from costcalc.ops.gradients import present


class SavedActivations(NamedTuple):
    """Values that are kept, and bytes that are in no value."""

    values: tuple[str, ...]
    extra: Dim = 0


FLOAT32_BYTES = 4
"""Bytes of a float32."""


def saved_activations(
    node: Node, graph: Graph, flow: GradientFlow, cost: Cost, parts: Sequence[Contraction]
) -> SavedActivations:
    """What a node with a gradient keeps."""
    types, operator = graph.types, traits_of(node)
    outputs = [name for name in node.outputs if name]
    out = types[outputs[0]]
    if operator.states:
        steps, recurrent = cost.macs.terms[0].factors[0].value, types[node.inputs[2]]
        assert recurrent.shape is not None
        states = steps * recurrent.shape[0] * recurrent.shape[2] * operator.states
        return SavedActivations(node.inputs[:1], TensorType(out.dtype, (states,)).nbytes)
    if parts:
        return _saved_operands(node, types[node.inputs[0]], flow, cost, parts, out)
    if operator.arithmetic in ("multiply", "divide"):
        return SavedActivations(_saved_factors(operator.arithmetic == "divide", node.inputs[0], node.inputs[1], flow))
    statistics = operator.statistics
    if statistics is not None:
        return SavedActivations(node.inputs[:1], statistics(types[node.inputs[0]], node.attributes) * FLOAT32_BYTES)
    match operator.keeps:
        case "output":
            return SavedActivations(tuple(outputs[:1]))
        case "nothing":
            return SavedActivations(())
        case "indices":
            return SavedActivations(tuple(n for n in node.inputs if n and not types[n].dtype.is_float))
        case "mask":
            return SavedActivations((), out.elements)
        case "maxima":
            # The places and the input's shape would do, but PyTorch holds the input itself until the backward pass.
            return SavedActivations(node.inputs[:1], 8 * out.elements)
    return SavedActivations(tuple(n for n in node.inputs if n and types[n].dtype.is_float))


def _saved_factors(divides: bool, a: str, b: str, flow: GradientFlow) -> tuple[str, ...]:
    """What a · b or a / b keeps."""
    values: dict[str, None] = {}
    if a in flow.needs:
        values[b] = None
    if b in flow.needs:
        values |= dict.fromkeys((a, b) if divides else (a,))
    return tuple(values)


def _saved_operands(
    node: Node, first: TensorType, flow: GradientFlow, cost: Cost, parts: Sequence[Contraction], out: TensorType
) -> SavedActivations:
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
    return SavedActivations(tuple(values), extra)


class Checkpoint(NamedTuple):
    """Blocks at one depth of the block tree: only their inputs are kept, the rest is computed again, one block at a
    time. nodes are the indices of what is computed again."""

    depth: int
    blocks: int
    nodes: tuple[int, ...]
    nbytes: Dim


class ActivationMemory:
    """Sizes of values; a view is its source, a weight takes no room of its own. Dropout, a view where a network is
    used, gives a new value where it is trained. What the body of a loop keeps is kept once a trip."""

    def __init__(self, graph: Graph, flow: GradientFlow) -> None:
        self.graph, self.weights = graph, flow.weights
        self.source: dict[str, str] = {}
        self.runs: dict[str, Dim] = {}
        for node in graph.nodes:
            if node.count.__class__ is not int or node.count != 1:
                self.runs |= dict.fromkeys((*node.inputs, *node.outputs), node.count)
            if traits_of(node).view and traits_of(node).keeps != "mask":
                self.source[node.outputs[0]] = self.source.get(node.inputs[0], node.inputs[0])

    def roots(self, values: Iterable[str]) -> dict[str, None]:
        """The buffers of values, each once."""
        found = dict.fromkeys(self.source.get(v, v) for v in values if v)
        types = self.graph.types
        return {v: None for v in found if v not in self.weights and types[v].shape is not None}

    def nbytes(self, roots: Iterable[str]) -> Dim:
        """Their bytes; what is known before the network runs takes none."""
        inputs = self.graph.inputs
        total: Dim = 0
        for name in roots:
            kind = self.graph.types[name]
            if kind.value is None or name in inputs:
                total = total + kind.nbytes * self.runs.get(name, 1)
        return total


def saved_bytes(store: ActivationMemory, kept: Mapping[int, SavedActivations]) -> Dim:
    """Bytes where nothing is computed again; a value that several layers keep counts once."""
    values = [v for item in kept.values() for v in item.values]
    return store.nbytes(store.roots(values)) + _sum_extra(kept.values())


def best_checkpoint(store: ActivationMemory, kept: Mapping[int, SavedActivations]) -> Checkpoint:
    """The depth of the block tree at which checkpoints leave the least to keep. UsageError where there is no block."""
    scopes = [node.scope for node in store.graph.nodes]
    depths = range(1, max(map(len, scopes), default=0) + 1)
    found = [_checkpoint_at(depth, scopes, store, kept) for depth in depths]
    if not found:
        raise UsageError("the model has no blocks to checkpoint", "leave --checkpoint out")
    least = found[0]
    for other in found[1:]:
        low, high = bounds(other.nbytes - least.nbytes)
        if low < 0 < high:
            raise UndecidedError("which blocks to checkpoint depends on open extents", remedy(other.nbytes))
        least = other if low < 0 else least
    return least


def _checkpoint_at(
    depth: int, scopes: Sequence[tuple[str, ...]], store: ActivationMemory, kept: Mapping[int, SavedActivations]
) -> Checkpoint:
    blocks: dict[tuple[str, ...], list[int]] = {}
    for index, scope in enumerate(scopes):
        if len(scope) >= depth:
            blocks.setdefault(scope[:depth], []).append(index)
    blocks = {path: members for path, members in blocks.items() if any(i in kept for i in members)}
    again = {i for members in blocks.values() for i in members}
    always = store.roots(v for i, item in kept.items() if i not in again for v in item.values)
    nodes = store.graph.nodes
    for members in blocks.values():
        own = {v for i in members for v in nodes[i].outputs}
        always |= store.roots(v for i in members for v in nodes[i].inputs if v not in own)
    largest: Dim = 0
    for members in blocks.values():
        mine = [kept[i] for i in members if i in kept]
        values = store.roots(v for item in mine for v in item.values)
        largest = maximum(largest, store.nbytes(v for v in values if v not in always) + _sum_extra(mine))
    outside = _sum_extra(item for i, item in kept.items() if i not in again)
    return Checkpoint(depth, len(blocks), tuple(sorted(again)), store.nbytes(always) + outside + largest)


def _sum_extra(items: Iterable[SavedActivations]) -> Dim:
    total: Dim = 0
    for item in items:
        total = total + item.extra
    return total
