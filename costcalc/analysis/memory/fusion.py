"""Graph to the steps that runtimes fuse: a contraction with the normalisation, activations and residual addition behind
it; depthwise blocks in slices.

What is computed inside a step is never materialised. A step runs where its last member stands, so that all that it
reads is there. Of a quantised model each operator is a step with the DequantizeLinear before and the QuantizeLinear
behind it, as integer kernels are: it reads and writes quantised values.

A block computed in slices never materialises its expanded tensor (arXiv:1801.04381, section 5). A depthwise convolution
reads each channel alone. The convolution before it can therefore compute, and the pointwise one behind it read, a few
channels at a time; the slices themselves are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costcalc.analysis.memory.liveness import ScheduleStep, is_stored_view, runtime_values
from costcalc.core.ir import Graph, Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex
from costcalc.graph.patterns.convolution import is_convolution, is_depthwise, is_pointwise

MAX_BRANCH = 16
"""Most operators behind a fork that are searched for where its branches meet (x · sigmoid(x) meets after two)."""

Readers = Mapping[str, Sequence[int]]
"""Value -> the indexes of the nodes that read it."""


def fuse_steps(graph: Graph) -> tuple[ScheduleStep, ...]:
    """Graph -> its steps: contractions with the operators fused behind them; every other node is a step of its own.

    Where two contractions meet in an addition, it is fused to the later one: the other's result is the residual.
    """
    readers, outputs, nodes = GraphIndex(graph).readers, frozenset(graph.outputs), graph.nodes
    unpacked = dequantized_values(graph)
    member: dict[int, list[int]] = {}
    for index in range(len(nodes) - 1, -1, -1):
        node = nodes[index]
        if node.outputs[0] in unpacked:
            first = member[readers[node.outputs[0]][0]]
            first.insert(0, index)
            member[index] = first
        elif traits_of(node).fusion == "begins" or (
            index not in member and not unpacked.keys().isdisjoint(node.inputs)
        ):
            members = _fusible_nodes(graph, index, readers, outputs, member)
            member.update(dict.fromkeys(members, members))
    values = runtime_values(graph)
    groups = [(i, member.get(i, [i])) for i, node in enumerate(nodes) if not is_stored_view(node, values)]
    return tuple([make_step(graph, group, values, unpacked) for i, group in groups if i == group[-1]])


def dequantized_values(graph: Graph) -> dict[str, str]:
    """Graph -> outputs of DequantizeLinear that are never materialised, with what it reads: every reader dequantises
    for itself. Outputs of the graph and values without readers are materialised."""
    pairs = {n.outputs[0]: n.inputs[0] for n in graph.nodes if traits_of(n).passes_on == "dequantised"}
    if not pairs:
        return {}
    values_read = {value for node in graph.nodes for value in node.inputs}
    return {output: source for output, source in pairs.items() if output in values_read and output not in graph.outputs}


def make_step(
    graph: Graph, members: Sequence[int], values: set[str], unpacked: Mapping[str, str], name: str = ""
) -> ScheduleStep:
    """Nodes in execution order -> one step; all but the last write only what the others read. values are those of
    run time."""
    nodes = [graph.nodes[i] for i in members]
    internal_values = {value for node in nodes for value in node.outputs}
    reads = [unpacked.get(v, v) for node in nodes for v in node.inputs if v not in internal_values]
    reads = [v for v in dict.fromkeys(reads) if v in values and v not in internal_values]
    return ScheduleStep(
        name or first_operator(graph, members).name, tuple(members), tuple(reads), _output_names(nodes[-1])
    )


def first_operator(graph: Graph, members: Sequence[int]) -> Node:
    """Members of a step -> its first node that is no DequantizeLinear."""
    nodes = [graph.nodes[i] for i in members]
    return next((node for node in nodes if traits_of(node).passes_on != "dequantised"), nodes[0])


def _fusible_nodes(
    graph: Graph, root: int, readers: Readers, outputs: frozenset[str], members_of: Mapping[int, object]
) -> list[int]:
    """Contraction -> itself and the nodes fused behind it, up to the last one at which other nodes read a single value.

    waiting maps each value that is still read to its remaining readers.
    """
    node = graph.nodes[root]
    members = [root]
    closed_count = 1
    shape = graph.types[node.outputs[0]].shape if node.outputs[0] else None
    waiting: dict[str, set[int]] = {v: set(readers.get(v, ())) for v in _output_names(node)}
    while shape is not None and len(members) - closed_count <= MAX_BRANCH and outputs.isdisjoint(waiting):
        readers_behind = set().union(*waiting.values())
        if not readers_behind:
            break
        index = min(readers_behind)
        node = graph.nodes[index]
        if index in members_of or not _is_fusible(node, waiting) or graph.types[node.outputs[0]].shape != shape:
            break
        if node.count != graph.nodes[root].count:
            break
        members.append(index)
        for value in node.inputs:
            if value in waiting:
                waiting[value].discard(index)
                if not waiting[value]:
                    del waiting[value]
        waiting[node.outputs[0]] = set(readers.get(node.outputs[0], ()))
        if len(waiting) == 1:
            closed_count = len(members)
    return members[:closed_count]


def _is_fusible(node: Node, waiting: Mapping[str, object]) -> bool:
    """Whether an operator works element by element on values of the step, and writes one value."""
    operator = traits_of(node)
    if len(_output_names(node)) != 1 or not node.outputs[0]:
        return False
    if operator.fusion == "joins":
        return node.inputs[0] in waiting
    return operator.in_place


def _output_names(node: Node) -> tuple[str, ...]:
    return tuple([v for v in node.outputs if v])


def fuse_blocks(graph: Graph) -> tuple[ScheduleStep, ...]:
    """Graph -> its fused steps, with each depthwise convolution, the convolution before it and the pointwise one behind
    it as one step.

    In order: a convolution that belongs to the block before stays there (so MobileNet v1's blocks begin with the
    depthwise convolution, except for the first, which has the network's first convolution). What other nodes read, and
    outputs of the graph, are materialised.
    """
    steps, unpacked = fuse_steps(graph), dequantized_values(graph)
    writers = {value: i for i, step in enumerate(steps) for value in step.writes}
    readers: dict[str, list[int]] = {value: [-1] for value in graph.outputs}
    for i, step in enumerate(steps):
        for value in step.reads:
            readers.setdefault(value, []).append(i)
    block = list(range(len(steps)))
    for i, step in enumerate(steps):
        node = first_operator(graph, step.nodes)
        if not is_depthwise(graph, node):
            continue
        source = unpacked.get(node.inputs[0], node.inputs[0])
        before, behind = writers.get(source), readers.get(step.writes[0], [])
        if before is not None and block[before] == before and readers[source] == [i]:
            block[before] = i if is_convolution(first_operator(graph, steps[before].nodes)) else before
        if len(behind) == 1 and behind[0] >= 0:
            after = first_operator(graph, steps[behind[0]].nodes)
            if is_pointwise(graph, after) and unpacked.get(after.inputs[0], after.inputs[0]) == step.writes[0]:
                block[behind[0]] = i
    return _merge_blocks(graph, steps, block, unpacked)


def _merge_blocks(
    graph: Graph, steps: tuple[ScheduleStep, ...], block: list[int], unpacked: Mapping[str, str]
) -> tuple[ScheduleStep, ...]:
    """Steps and the block of each -> the steps with those of one block united, at the place of the last."""
    members: dict[int, list[int]] = {}
    for i, block_index in enumerate(block):
        members.setdefault(block_index, []).append(i)
    merged, values = [], runtime_values(graph)
    for i, block_index in enumerate(block):
        block_steps = members[block_index]
        if i != block_steps[-1]:
            continue
        if len(block_steps) == 1:
            merged.append(steps[i])
        else:
            nodes = sorted(n for step in block_steps for n in steps[step].nodes)
            merged.append(make_step(graph, nodes, values, unpacked, f"{steps[block_steps[0]].name} … {steps[i].name}"))
    return tuple(merged)
