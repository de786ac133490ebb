"""Graph to GradientFlow: which values have a gradient, from the trained parameters (and inputs) to the outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from costcalc.core.elision import match_pattern, module_labels
from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.ir import DType, Graph, Node
from costcalc.core.traits import traits_of
from costcalc.graph.parameters import StoredTensor, find_stored_tensors


class GradientFlow(NamedTuple):
    """trained and frozen are parameters; with_gradient names every value that has a gradient, which a trained parameter
    that no output depends on has not; weights names the stored tensors and what is computed from them alone."""

    trained: tuple[StoredTensor, ...]
    frozen: tuple[StoredTensor, ...]
    with_gradient: frozenset[str]
    weights: frozenset[str]

    def has_gradient(self, node: Node) -> bool:
        """Whether an output of the node has a gradient."""
        return any(name in self.with_gradient for name in node.outputs)


def gradient_flow(graph: Graph, freeze: Sequence[str], input_gradient: bool) -> GradientFlow:
    """Graph -> which of its values have a gradient.

    A parameter is frozen if the model says so, or a pattern matches its name, the name of a layer that reads it, or a
    block or module around that layer; one that a later pattern with `!` before it matches is trained. A gradient passes
    through every node to its float outputs, and straight through quantisers, where an output of the graph depends on
    them. What the body of a loop reads from outside has one, for the iteration before computed it. UsageError where a
    pattern matches nothing.
    """
    parameters = [item for item in find_stored_tensors(graph) if item.kind == "param"]
    frozen_names = _frozen_parameters(graph, {item.name for item in parameters}, freeze)
    packed = {item.name for item in parameters if item.values != item.type.elements}
    untrained = frozen_names | packed
    with_gradient = {item.name for item in parameters if item.name not in untrained}
    if input_gradient:
        with_gradient |= {name for name in graph.inputs if graph.is_real(name)}
    weights = set(graph.initializers)
    inputs = set(graph.inputs)
    if with_gradient:
        with_gradient |= _loop_inputs(graph)
    for node in graph.nodes:
        inputs_read = [name for name in node.inputs if name]
        if inputs_read and all(
            n in weights or (graph.types[n].value is not None and n not in inputs) for n in inputs_read
        ):
            weights.update(node.outputs)
        if any(name in with_gradient for name in inputs_read):
            straight = traits_of(node).straight_through
            with_gradient.update(n for n in node.outputs if n and (straight or _is_differentiable(graph, n)))
    return GradientFlow(
        tuple(item for item in parameters if item.name not in untrained),
        tuple(item for item in parameters if item.name in untrained),
        frozenset(with_gradient & _values_that_outputs_need(graph, with_gradient)),
        frozenset(weights),
    )


def _values_that_outputs_need(graph: Graph, values: set[str]) -> set[str]:
    """Graph -> its outputs and what they are computed from; all of these values where it names no output. What a loop
    computes is needed, for the next iteration reads it."""
    if not any(graph.outputs):
        return values
    needed = {name for name in graph.outputs if name}
    for node in reversed(graph.nodes):
        if node.count.__class__ is not int or node.count != 1 or not needed.isdisjoint(node.outputs):
            needed.update(node.inputs)
    return needed


def _loop_inputs(graph: Graph) -> set[str]:
    """Graph -> the values that bodies of loops read from outside: read by a node that runs more than once, computed by
    none."""
    loops = [node for node in graph.nodes if node.count.__class__ is not int or node.count != 1]
    if not loops:
        return set()
    names = {name for node in loops for name in node.inputs if name}
    names.difference_update(graph.initializers, graph.inputs, *(node.outputs for node in graph.nodes))
    return {name for name in names if _is_differentiable(graph, name) and graph.types[name].value is None}


def _is_differentiable(graph: Graph, name: str) -> bool:
    """Whether a value can have a gradient: a real one, and one whose type no rule decides."""
    return graph.is_real(name) or graph.types[name].dtype is DType.UNDEFINED


def _frozen_parameters(graph: Graph, params: set[str], patterns: Sequence[str]) -> set[str]:
    """Graph, its parameters and patterns -> those that the graph says are frozen, with those that a pattern matches,
    and without those that a later pattern behind `!` matches."""
    frozen = params & graph.frozen
    if not patterns:
        return frozen
    names: dict[str, set[str]] = {}
    for name in params:
        names.setdefault(name, set()).add(name)
    for node in graph.nodes:
        parameters_read = params.intersection(node.inputs)
        if parameters_read:
            labels = [node.name, *_block_names(node.scope)]
            for label in {*labels, *module_labels(node.name)} if graph.modules else labels:
                names.setdefault(label, set()).update(parameters_read)
    for text in patterns:
        pattern = text.removeprefix("!")
        matches = match_pattern(pattern, names, "parameters, layers or blocks")
        if not matches:
            raise UsageError(
                f"--freeze {text}: no parameter, layer or block has such a name", _closest_name(pattern, names)
            )
        matched = {name for label in matches for name in names[label]}
        frozen = frozen | matched if text == pattern else frozen - matched
    return frozen


def _block_names(scope: Sequence[str]) -> Iterator[str]:
    """Blocks of a node, the outermost first -> the names that they have in a tree of blocks, and their whole names."""
    for start in range(len(scope)):
        for end in range(start + 1, len(scope) + 1):
            yield "/".join(scope[start:end])


def _closest_name(pattern: str, names: Iterable[str]) -> str:
    return f"{did_you_mean(pattern, names)} `*` stands for any text".lstrip()
