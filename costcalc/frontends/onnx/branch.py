"""An If -> the nodes of the branch that is taken, and the stored tensors of the other.

A decided If counts the branch that it takes; the other stands in the graph with count 0 where it holds weights. Of an
open If the branch with more FLOPs counts, the other has count 0, and the node is one of the graph's choices: totals are
then upper bounds. The If itself comes after its branches and reads their results, besides its condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from costcalc.core.assumptions import Assumption, add_assumptions, collect_assumptions
from costcalc.core.errors import CostcalcError, LimitError, LoadError
from costcalc.frontends.branches import drop_cheaper_branch
from costcalc.frontends.onnx.bodies import (
    WalkerState,
    add_control_node,
    body_graph,
    inner_frame,
    merge_types,
    multiply_counts,
    restore_state,
    save_state,
    scalar_value,
)
from costcalc.frontends.onnx.constants import may_be_weight
from costcalc.frontends.onnx.messages import GraphProto
from costcalc.frontends.onnx.scopes import Frame, ResolvedNode
from costcalc.frontends.onnx.walker import Walker


class _Branch(NamedTuple):
    """A branch in the builder: its nodes are nodes[first:last]."""

    results: tuple[str, ...]
    first: int
    last: int
    assumptions: Iterable[Assumption]


def expand_if(walker: Walker, frame: Frame, call: ResolvedNode) -> None:
    """Adds an If with its branches."""
    then_graph, else_graph = body_graph(call, "then_branch"), body_graph(call, "else_branch")
    condition = scalar_value(walker.builder.types.get(call.inputs[0]))
    if not isinstance(condition, bool):
        _expand_open_if(walker, frame, call, then_graph, else_graph)
        return
    if not condition:
        stored = _add_uncounted_branch(walker, frame, call, "then_branch", then_graph)
        branch = _add_branch(walker, frame, call, "else_branch", else_graph)
    else:
        branch = _add_branch(walker, frame, call, "then_branch", then_graph)
        stored = _add_uncounted_branch(walker, frame, call, "else_branch", else_graph)
    add_assumptions(branch.assumptions)
    add_control_node(walker, call, (*branch.results, *stored), [walker.builder.types[name] for name in branch.results])


def _expand_open_if(
    walker: Walker, frame: Frame, call: ResolvedNode, then_graph: GraphProto, else_graph: GraphProto
) -> None:
    """Adds both branches of an If without a known condition; counts the one with more FLOPs, or both where a symbol
    decides which has. A branch whose types do not
    fit is one that is never taken."""
    branches: list[_Branch] = []
    stored: tuple[str, ...] = ()
    failure: CostcalcError | None = None
    for name, graph in (("then_branch", then_graph), ("else_branch", else_graph)):
        start = save_state(walker)
        try:
            branches.append(_add_branch(walker, frame, call, name, graph))
        except LimitError:
            raise
        except CostcalcError as error:
            stored += _keep_stored_tensors(walker, call, name, start)
            failure = error
    if not branches:
        assert failure is not None
        raise failure
    types = walker.builder.types
    cheaper = None
    if len(branches) == 2:
        spans = ((branches[0].first, branches[0].last), (branches[1].first, branches[1].last))
        position, differ = drop_cheaper_branch(walker.builder, call.name, spans, ("then_branch", "else_branch"))
        cheaper = None if position is None else branches[position]
        if differ:
            walker.choices.append(call.name)
    for branch in branches:
        if branch is not cheaper:
            add_assumptions(branch.assumptions)
    merged = [types[name] for name in branches[0].results]
    for branch in branches[1:]:
        merged = [
            merge_types(walker, call.name, name, t, types[result], is_choice=True)
            for name, t, result in zip(call.outputs, merged, branch.results, strict=True)
        ]
    add_control_node(walker, call, (*(name for branch in branches for name in branch.results), *stored), merged)


def _add_branch(walker: Walker, frame: Frame, call: ResolvedNode, branch: str, graph: GraphProto) -> _Branch:
    first = len(walker.builder.nodes)
    with collect_assumptions() as assumptions:
        results = walker.graph(inner_frame(frame, call, branch), graph)
    if len(results) != len(call.outputs):
        raise LoadError(f"its {branch} gives {len(results)} values, {len(call.outputs)} are named", "export it again")
    return _Branch(results, first, len(walker.builder.nodes), tuple(assumptions))


def _add_uncounted_branch(
    walker: Walker, frame: Frame, call: ResolvedNode, branch: str, graph: GraphProto
) -> Sequence[str]:
    """Adds a branch that is not taken, with count 0, where it holds weights. It need not be valid: then the stored
    tensors that no node of it reads are returned."""
    start = save_state(walker)
    try:
        _add_branch(walker, frame, call, branch, graph)
    except LimitError:
        raise
    except CostcalcError:
        return _keep_stored_tensors(walker, call, branch, start)
    builder = walker.builder
    stored = builder.initializers.keys() | walker.definitions.constants
    read = {name for n in builder.nodes[start.nodes :] for name in n.inputs if name in stored}
    if any(t.dtype.is_float or may_be_weight(t) for t in map(builder.types.__getitem__, read)):
        multiply_counts(walker, start, 0)
    else:
        restore_state(walker, start)
    return ()


def _keep_stored_tensors(walker: Walker, call: ResolvedNode, branch: str, start: WalkerState) -> tuple[str, ...]:
    """Removes a branch whose types do not fit, but for its stored tensors: the file holds them all the same."""
    builder = walker.builder
    added = list(islice(reversed(builder.initializers.items()), len(builder.initializers) - start.initializers))
    tensors = {n: t for n, t in reversed(added) if may_be_weight(t)}
    restore_state(walker, start)
    for name, type_ in tensors.items():
        builder.initializers[name] = builder.types[name] = type_
    builder.parameters |= tensors.keys()
    remark = ", what it stores counts" if tensors else ""
    builder.notes.append(f"{call.name}: the types of its {branch} do not fit; it is taken to never run{remark}")
    return tuple(tensors)
