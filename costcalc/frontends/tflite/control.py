"""Operators that run other subgraphs of the file -> the nodes of these: CALL, IF and WHILE, and their StableHLO forms.

Of the branches of an IF or a CASE the one with most FLOPs counts; the number of a WHILE's runs is a symbol where its
condition depends on data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from costcalc.core.errors import LoadError
from costcalc.core.ir import UNKNOWN, TensorType
from costcalc.frontends.branches import drop_cheaper_branch
from costcalc.frontends.tflite.flatbuffer import REMEDY
from costcalc.frontends.tflite.model import OperatorCall
from costcalc.graph.builder import GraphBuilder
from costcalc.ops.tflite import TFLITE

Inline = Callable[[int, Sequence[str], str], list[str]]
"""(subgraph, values of its inputs, name before those of its values) -> the values of its outputs, its nodes added."""

AnalyseLoop = Callable[[OperatorCall, Sequence[int | None]], tuple[int | None, frozenset[int]]]
"""(WHILE, the first values of what it carries where they are known) -> how often its body runs, None of an open one;
and the positions of what stays the same in all runs."""

CALLEES = frozenset(("subgraph", "then_subgraph", "cond_subgraph", "branch_subgraphs"))
"""Attributes of which an operator that runs subgraphs has one."""


def add_control(
    builder: GraphBuilder,
    operator: OperatorCall,
    name: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    inline: Inline,
    analyse: AnalyseLoop,
    scope: tuple[str, ...],
) -> None:
    """Adds the subgraphs that an operator runs, and the operator itself, which computes nothing: its outputs ("" for
    one that nothing takes) have the types of what these give. LoadError where they disagree in their number."""
    attributes = operator.attributes
    if "subgraph" in attributes:
        results = inline(attributes["subgraph"], inputs, name)
        read = results
    elif "then_subgraph" in attributes:
        branches = {key: attributes[f"{key}_subgraph"] for key in ("then", "else")}
        read, results = _add_branches(builder, name, inputs, inline, branches)
    elif "branch_subgraphs" in attributes:
        branches = {f"branch{i}": callee for i, callee in enumerate(attributes["branch_subgraphs"])}
        read, results = _add_branches(builder, name, inputs, inline, branches)
    else:
        read, results = _add_loop(builder, operator, name, inputs, inline, analyse)
    read = [value for value in dict.fromkeys(read) if value]
    if len(results) != len(outputs):
        raise LoadError(f"{name} has {len(outputs)} outputs, what it runs gives {len(results)}", REMEDY)
    if outputs:
        types = [builder.types.get(value, UNKNOWN)._replace(value=None) for value in results]
        kept = {key: attributes[key] for key in ("name",) if key in attributes}
        builder.add(operator.name, read, kept, name=name, outputs=outputs, domain=TFLITE, scope=scope, types=types)


def _add_branches(
    builder: GraphBuilder, name: str, inputs: Sequence[str], inline: Inline, branches: Mapping[str, int]
) -> tuple[list[str], list[str]]:
    """A condition or a number before the inputs of all branches, and the branches by their labels -> what the operator
    reads, and its results: those of the branch with most FLOPs, which counts."""
    dearest, chosen, values, differ = (0, 0), [], [], False
    label = ""
    for key, callee in branches.items():
        start = len(builder.nodes)
        results = inline(callee, inputs[1:], f"{name}/{key}")
        span = (start, len(builder.nodes))
        values += [value for value in results if value]
        if label:
            cheaper, is_other = drop_cheaper_branch(builder, name, (dearest, span), (label, key))
            differ = differ or is_other
        if not label or cheaper == 0:
            label, dearest, chosen = key, span, results
    if differ:
        builder.choices.append(name)
    return [*inputs[:1], *values], chosen


def _add_loop(
    builder: GraphBuilder,
    operator: OperatorCall,
    name: str,
    inputs: Sequence[str],
    inline: Inline,
    analyse: AnalyseLoop,
) -> tuple[list[str], list[str]]:
    """A condition and a body that both take the carried values -> what the operator reads, and its results: those of
    the body, which runs as often as its counters or a symbol say, the condition once more."""
    count_of_runs, invariants = analyse(operator, [_known_integer(builder.types.get(value)) for value in inputs])
    carried: list[str] = []
    for position, value in enumerate(inputs):
        if position in invariants:
            carried.append(value)
            continue
        if value in builder.initializers and builder.types[value].dtype.is_float:
            builder.stored_kinds.setdefault(value, "buffer")  # what the first run begins with is not learned
        carried.append(f"{name}/carried{position}")
        if carried[-1] in builder.types:
            raise LoadError(f"two values are called {carried[-1]!r}", REMEDY)
        builder.types[carried[-1]] = builder.types.get(value, UNKNOWN)._replace(value=None)
    trips = builder.fresh(name, "trips") if count_of_runs is None else count_of_runs
    results: list[str] = []
    for key, runs in (("cond", trips + 1), ("body", trips)):
        start = len(builder.nodes)
        results = inline(operator.attributes[f"{key}_subgraph"], carried, f"{name}/{key}")
        builder.nodes[start:] = [node._replace(count=node.count * runs) for node in builder.nodes[start:]]
    return [*inputs, *results], results


def _known_integer(t: TensorType | None) -> int | None:
    """The element of a tensor of one whole number; None of another tensor, or where it is not known."""
    value = t.value if t is not None else None
    return value[0] if value is not None and len(value) == 1 and type(value[0]) is int else None
