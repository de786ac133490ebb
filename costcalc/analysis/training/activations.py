"""Node to the activations that its backward pass needs of the forward pass, and their bytes, with or without
checkpoints.

- A contraction saves one side where the other has a gradient: the input of a layer with a trained weight, both factors
  of QKᵀ. Weights are in memory anyway.
- Functions whose derivative follows from the output (Relu, Sigmoid, Tanh, Softmax, Exp, Sqrt …) save the output, all
  others their input. A product saves a factor where the other one has a gradient, a quotient its divisor.
- Sums, means, copies, cuts, casts, averages and interpolation save nothing; a look-up saves its indices, a selection
  its condition.
- A maximum pool saves its input and the position of each maximum (int64), a dropout its mask (a byte an element).
- A normalisation saves its input and its statistics (float32): mean and deviation of each channel, group or row.
- An attention also saves its probabilities (no fused kernel that computes them again is assumed), one with projections
  its queries, keys and values; a recurrent layer its gates and states at every step.

Every other operator is assumed to save its float inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from costcalc.analysis.training.gradients import GradientFlow
from costcalc.core.dim import Dim, bind_remedy, bounds, maximum
from costcalc.core.errors import UndecidedError, UsageError
from costcalc.core.formula import Cost
from costcalc.core.ir import Graph, Node, TensorType
from costcalc.core.traits import Contraction, traits_of
from costcalc.ops.gradients import present_inputs


class SavedActivations(NamedTuple):
    """Names of the values that a backward pass needs, and extra bytes that belong to no value of the graph."""

    values: tuple[str, ...]
    extra_bytes: Dim = 0


FLOAT32_BYTES = 4
"""Bytes of a float32."""


def saved_activations(
    node: Node, graph: Graph, gradients: GradientFlow, cost: Cost, products: Sequence[Contraction]
) -> SavedActivations | None:
    """Node with a gradient, its cost and its contractions -> what it saves of the forward pass; None where that
    depends on a shape that is not known."""
    types, operator = graph.types, traits_of(node)
    outputs = [name for name in node.outputs if name]
    out = types[outputs[0]]
    if operator.states:
        steps, recurrent = cost.macs.terms[0].factors[0].value, types[node.inputs[2]]
        assert recurrent.shape is not None
        states = steps * recurrent.shape[0] * recurrent.shape[2] * operator.states
        return SavedActivations(node.inputs[:1], TensorType(out.dtype, (states,)).nbytes)
    if products:
        return _saved_operands(node, types[node.inputs[0]], gradients, cost, products, out)
    if operator.arithmetic in ("multiply", "divide"):
        return SavedActivations(
            _saved_factors(operator.arithmetic == "divide", node.inputs[0], node.inputs[1], gradients)
        )
    statistics = operator.statistics
    if statistics is not None:
        return SavedActivations(node.inputs[:1], statistics(types[node.inputs[0]], node.attributes) * FLOAT32_BYTES)
    match operator.keeps:
        case "output":
            return SavedActivations(tuple(outputs[:1]))
        case "nothing":
            return SavedActivations(())
        case "indices":
            return SavedActivations(tuple(n for n in node.inputs if n and not graph.is_real(n)))
        case "mask" | "maxima" if out.shape is None:
            return None
        case "mask":
            return SavedActivations((), out.elements)
        case "maxima":
            # The places and the input's shape would do, but PyTorch holds the input itself until the backward pass.
            return SavedActivations(node.inputs[:1], 8 * out.elements)
    return SavedActivations(tuple(n for n in node.inputs if n and graph.is_real(n)))


def _saved_factors(divides: bool, a: str, b: str, gradients: GradientFlow) -> tuple[str, ...]:
    """Operands of a · b or a / b -> the values that it saves."""
    values: dict[str, None] = {}
    if a in gradients.with_gradient:
        values[b] = None
    if b in gradients.with_gradient:
        values |= dict.fromkeys((a, b) if divides else (a,))
    return tuple(values)


def _saved_operands(
    node: Node, first: TensorType, gradients: GradientFlow, cost: Cost, products: Sequence[Contraction], out: TensorType
) -> SavedActivations:
    values: dict[str, None] = {}
    for product in products:
        left, right = present_inputs(node.inputs, product.left), present_inputs(node.inputs, product.right)
        if any(name in gradients.with_gradient for name in right):
            values.update(dict.fromkeys(left))
        if any(name in gradients.with_gradient for name in left):
            values.update(dict.fromkeys(right))
    extra: Dim = 0
    scores = [f.value for term in cost.macs.terms for f in term.factors if f.name == "#scores"]
    if scores:
        extra = TensorType(first.dtype, (scores[0],)).nbytes
        if cost.macs.terms[0].name == "projections":
            rows, weights = cost.macs.terms[0].factors
            extra = extra + TensorType(first.dtype, (rows.value, weights.factors[1].value)).nbytes
    elif traits_of(node).keeps == "output":
        values[node.outputs[0]] = None
    return SavedActivations(tuple(values), extra)


class Checkpoint(NamedTuple):
    """Checkpointed blocks at one depth of the block tree: only their inputs are saved, the rest is computed again, one
    block at a time. nodes are the indexes of the nodes that are computed again, nbytes the bytes of all that is
    saved, working_bytes those of them that the block takes which is computed again."""

    depth: int
    blocks: int
    nodes: tuple[int, ...]
    nbytes: Dim
    working_bytes: Dim


class ActivationMemory:
    """Values of a graph -> their bytes while it is trained. A view shares its source's memory, weights count elsewhere.
    Dropout, a view in inference, has a memory of its own in training. What the body of a loop saves is saved in each
    iteration."""

    def __init__(self, graph: Graph, gradients: GradientFlow) -> None:
        self.graph, self.weights = graph, gradients.weights
        self.view_source: dict[str, str] = {}
        self.run_counts: dict[str, Dim] = {}
        for node in graph.nodes:
            if node.count.__class__ is not int or node.count != 1:
                self.run_counts |= dict.fromkeys((*node.inputs, *node.outputs), node.count)
            if traits_of(node).view and traits_of(node).keeps != "mask":
                self.view_source[node.outputs[0]] = self.view_source.get(node.inputs[0], node.inputs[0])

    def memory_roots(self, values: Iterable[str]) -> dict[str, None]:
        """Values -> the values whose memory they share, each once, without weights."""
        sources = dict.fromkeys(self.view_source.get(v, v) for v in values if v)
        types = self.graph.types
        return {v: None for v in sources if v not in self.weights and types[v].shape is not None}

    def nbytes(self, roots: Iterable[str]) -> Dim:
        """Values -> their bytes; what is constant before the network runs takes none."""
        inputs = self.graph.inputs
        total: Dim = 0
        for name in roots:
            tensor_type = self.graph.types[name]
            if tensor_type.value is None or name in inputs:
                total = total + tensor_type.nbytes * self.run_counts.get(name, 1)
        return total


def saved_bytes(memory: ActivationMemory, saved: Mapping[int, SavedActivations]) -> Dim:
    """What nodes save -> its bytes where nothing is computed again; a value that several layers save counts once."""
    values = [v for item in saved.values() for v in item.values]
    return memory.nbytes(memory.memory_roots(values)) + _sum_extra(saved.values())


def best_checkpoint(memory: ActivationMemory, saved: Mapping[int, SavedActivations]) -> Checkpoint:
    """What nodes save -> the checkpoints at the depth of the block tree that save the fewest bytes. UsageError where
    there is no block, UndecidedError where open symbols leave the depth undecided."""
    scopes = [node.scope for node in memory.graph.nodes]
    depths = range(1, max(map(len, scopes), default=0) + 1)
    checkpoints = [_checkpoint_at(depth, scopes, memory, saved) for depth in depths]
    if not checkpoints:
        raise UsageError("the model has no blocks to checkpoint", "leave --checkpoint out")
    smallest = checkpoints[0]
    for checkpoint in checkpoints[1:]:
        low, high = bounds(checkpoint.nbytes - smallest.nbytes)
        if low < 0 < high:
            raise UndecidedError("which blocks to checkpoint depends on open extents", bind_remedy(checkpoint.nbytes))
        smallest = checkpoint if low < 0 else smallest
    return smallest


def _checkpoint_at(
    depth: int, scopes: Sequence[tuple[str, ...]], memory: ActivationMemory, saved: Mapping[int, SavedActivations]
) -> Checkpoint:
    blocks: dict[tuple[str, ...], list[int]] = {}
    for index, scope in enumerate(scopes):
        if len(scope) >= depth:
            blocks.setdefault(scope[:depth], []).append(index)
    blocks = {path: members for path, members in blocks.items() if any(i in saved for i in members)}
    recomputed = {i for members in blocks.values() for i in members}
    permanent = memory.memory_roots(v for i, item in saved.items() if i not in recomputed for v in item.values)
    nodes = memory.graph.nodes
    for members in blocks.values():
        block_outputs = {v for i in members for v in nodes[i].outputs}
        permanent |= memory.memory_roots(v for i in members for v in nodes[i].inputs if v not in block_outputs)
    largest: Dim = 0
    for members in blocks.values():
        block_saved = [saved[i] for i in members if i in saved]
        values = memory.memory_roots(v for item in block_saved for v in item.values)
        largest = maximum(largest, memory.nbytes(v for v in values if v not in permanent) + _sum_extra(block_saved))
    outside = _sum_extra(item for i, item in saved.items() if i not in recomputed)
    return Checkpoint(
        depth, len(blocks), tuple(sorted(recomputed)), memory.nbytes(permanent) + outside + largest, largest
    )


def _sum_extra(items: Iterable[SavedActivations]) -> Dim:
    total: Dim = 0
    for item in items:
        total = total + item.extra_bytes
    return total
