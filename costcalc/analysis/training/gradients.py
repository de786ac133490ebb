"""Which values of a graph have a gradient: from the trained parameters, and the inputs if asked, to the outputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from costcalc.core.errors import UsageError
from costcalc.core.ir import DType, Graph, Node
from costcalc.core.traits import traits_of
from costcalc.graph.parameters import Stored, stored

DIFFERENTIABLE_TYPES = frozenset(t for t in DType if t.is_float or t is DType.UNDEFINED)
"""What can have a gradient; a value whose type no rule could tell might."""


class GradientFlow(NamedTuple):
    """trained and frozen are parameters; needs names every value that has a gradient; weights are the stored tensors
    and what is computed from them alone."""

    trained: tuple[Stored, ...]
    frozen: tuple[Stored, ...]
    needs: frozenset[str]
    weights: frozenset[str]

    def has_gradient(self, node: Node) -> bool:
        """Whether the gradient passes through a node."""
        return any(name in self.needs for name in node.outputs)


def gradient_flow(graph: Graph, freeze: Sequence[str], input_gradient: bool) -> GradientFlow:
    """What has a gradient. A parameter is frozen if a pattern fits its name, the name of a layer that reads it, or a
    block around that layer. A gradient passes through every node to its float outputs, and straight through quantisers;
    what the body of a loop is given is taken to have one, for the trip before computed it. UsageError where a pattern
    fits nothing."""
    known = [item for item in stored(graph) if item.kind == "param"]
    frozen_names = _frozen_parameters(graph, {item.name for item in known}, freeze)
    packed = {item.name for item in known if item.values != item.type.elements}
    held = frozen_names | packed
    needs = {item.name for item in known if item.name not in held}
    if input_gradient:
        needs |= {name for name in graph.inputs if graph.types[name].dtype.is_float}
    weights = set(graph.initializers)
    inputs = set(graph.inputs)
    if needs:
        needs |= _loop_inputs(graph)
    for node in graph.nodes:
        given = [name for name in node.inputs if name]
        if given and all(n in weights or (graph.types[n].value is not None and n not in inputs) for n in given):
            weights.update(node.outputs)
        if any(name in needs for name in given):
            straight = traits_of(node).straight_through
            needs.update(n for n in node.outputs if n and (straight or graph.types[n].dtype in DIFFERENTIABLE_TYPES))
    return GradientFlow(
        tuple(item for item in known if item.name not in held),
        tuple(item for item in known if item.name in held),
        frozenset(needs),
        frozenset(weights),
    )


def _loop_inputs(graph: Graph) -> set[str]:
    """What the bodies of loops are given: read by a node that runs more than once, computed by none."""
    loops = [node for node in graph.nodes if node.count.__class__ is not int or node.count != 1]
    if not loops:
        return set()
    given = {name for node in loops for name in node.inputs if name}
    given.difference_update(graph.initializers, graph.inputs, *(node.outputs for node in graph.nodes))
    return {
        name for name in given if graph.types[name].dtype in DIFFERENTIABLE_TYPES and graph.types[name].value is None
    }


def _frozen_parameters(graph: Graph, params: set[str], patterns: Sequence[str]) -> set[str]:
    """The parameters that a pattern fits."""
    if not patterns:
        return set()
    names: dict[str, set[str]] = {}
    for name in params:
        names.setdefault(name, set()).add(name)
    for node in graph.nodes:
        read = params.intersection(node.inputs)
        if read:
            for label in (node.name, *("/".join(node.scope[:n]) for n in range(1, len(node.scope) + 1)), *node.scope):
                names.setdefault(label, set()).update(read)
    found: set[str] = set()
    for pattern in patterns:
        fits = [label for label in names if fnmatchcase(label, pattern)]
        if not fits:
            raise UsageError(
                f"--freeze {pattern}: no parameter, layer or block has such a name", _closest_name(pattern, names)
            )
        found.update(*(names[label] for label in fits))
    return found


def _closest_name(pattern: str, names: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(pattern, list(names), 1, 0.4)
    return f"did you mean {close[0]!r}? `*` stands for any text" if close else "`*` stands for any text"
