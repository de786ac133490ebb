"""Operators that run other subgraphs of the file -> the nodes of these: CALL, IF and WHILE, and their StableHLO forms.

Of an IF the branch with more FLOPs counts; the number of a WHILE's runs is a symbol.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from costcalc.core.errors import LoadError
from costcalc.core.ir import UNKNOWN
from costcalc.frontends.branches import Span, drop_cheaper_branch
from costcalc.frontends.tflite.flatbuffer import REMEDY
from costcalc.frontends.tflite.model import OperatorCall
from costcalc.graph.builder import GraphBuilder

Inline = Callable[[int, Sequence[str], str], list[str]]
"""(subgraph, values of its inputs, name before those of its values) -> the values of its outputs, its nodes added."""

CALLEES = frozenset(("subgraph", "then_subgraph", "cond_subgraph"))
"""Attributes of which an operator that runs subgraphs has one."""


def add_control(
    builder: GraphBuilder, operator: OperatorCall, name: str, inputs: Sequence[str], inline: Inline
) -> list[str]:
    """Adds the subgraphs that an operator runs; returns the values that its outputs have. LoadError where the operator
    and its subgraphs disagree in their outputs."""
    attributes = operator.attributes
    if "subgraph" in attributes:
        results = inline(attributes["subgraph"], inputs, name)
    elif "then_subgraph" in attributes:
        results = _add_branches(builder, operator, name, inputs, inline)
    else:
        results = _add_loop(builder, operator, name, inputs, inline)
    if len(results) != len(operator.outputs):
        fact = f"{name} has {len(operator.outputs)} outputs, what it runs gives {len(results)}"
        raise LoadError(fact, REMEDY)
    return results


def _add_branches(
    builder: GraphBuilder, operator: OperatorCall, name: str, inputs: Sequence[str], inline: Inline
) -> list[str]:
    """A condition and the inputs of both branches: the branch with more FLOPs counts, and gives the results."""
    spans: list[Span] = []
    results: list[list[str]] = []
    for key in ("then", "else"):
        start = len(builder.nodes)
        results.append(inline(operator.attributes[f"{key}_subgraph"], inputs[1:], f"{name}/{key}"))
        spans.append((start, len(builder.nodes)))
    cheaper, differ = drop_cheaper_branch(builder, name, (spans[0], spans[1]), ("then", "else"))
    if differ:
        builder.choices.append(name)
    chosen = results[0 if cheaper is None else 1 - cheaper]
    values = [value for branch in results for value in branch if value]
    return _join(builder, operator.name, name, (*inputs[:1], *values), chosen)


def _add_loop(
    builder: GraphBuilder, operator: OperatorCall, name: str, inputs: Sequence[str], inline: Inline
) -> list[str]:
    """A condition and a body that both take the carried values: the body runs as often as a symbol says, the condition
    once more."""
    carried: list[str] = []
    for position, value in enumerate(inputs):
        carried.append(f"{name}/carried{position}")
        if carried[-1] in builder.types:
            raise LoadError(f"two values are called {carried[-1]!r}", REMEDY)
        builder.types[carried[-1]] = builder.types.get(value, UNKNOWN)._replace(value=None)
    trips = builder.fresh(name, "trips")
    results: list[str] = []
    for key, runs in (("cond", trips + 1), ("body", trips)):
        start = len(builder.nodes)
        results = inline(operator.attributes[f"{key}_subgraph"], carried, f"{name}/{key}")
        builder.nodes[start:] = [node._replace(count=node.count * runs) for node in builder.nodes[start:]]
    return _join(builder, operator.name, name, (*inputs, *filter(None, results)), results)


def _join(builder: GraphBuilder, operator: str, name: str, inputs: Sequence[str], results: Sequence[str]) -> list[str]:
    """Adds the node of the operator itself, which computes nothing: its outputs have the types of the results."""
    outputs = [f"{name}/out{i}" if value else "" for i, value in enumerate(results)]
    types = [builder.types.get(value, UNKNOWN)._replace(value=None) for value in results]
    if not outputs:
        return []
    given = [value for value in inputs if value]
    return list(builder.add(operator, given, {}, name=name, outputs=outputs, domain="tflite", types=types))
