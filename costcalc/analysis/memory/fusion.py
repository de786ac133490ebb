"""Graph -> steps that runtimes fuse: a contraction with the normalisation, activations and residual addition behind it.

What is computed inside a step is never materialised. A step runs where its last member stands, so that all that it
reads is there. Of a quantised model each operator is a step with the DequantizeLinear before and the QuantizeLinear
behind it, as integer kernels are: it reads and writes what is quantised.

Fused steps -> blocks computed in slices, so that an expanded tensor is never materialised (arXiv:1801.04381,
section 5).

A depthwise convolution reads each channel alone. The convolution before it can therefore give, and the pointwise one
behind it take, a few channels at a time; the slices themselves are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costcalc.analysis.memory.liveness import ScheduleStep, runtime_values
from costcalc.core.ir import Graph, Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex

MAX_BRANCH = 16
"""How many operators beyond a fork are looked at to find where its branches meet (x · sigmoid(x) meets after two)."""

Readers = Mapping[str, Sequence[int]]


def fuse_steps(graph: Graph) -> tuple[ScheduleStep, ...]:
    """The steps of a graph whose contractions take in what follows them; all others are a node each.

    Where two contractions meet in an addition, the later one takes it: the other's result is the residual.
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
    known = runtime_values(graph)
    groups = [member.get(i, [i]) for i in range(len(nodes))]
    return tuple([make_step(graph, group, known, unpacked) for i, group in enumerate(groups) if i == group[-1]])


def dequantized_values(graph: Graph) -> dict[str, str]:
    """What DequantizeLinear gives -> what it reads. Every reader does it for itself, so that it is never materialised;
    unless it is an output, or nobody reads it."""
    pairs = {n.outputs[0]: n.inputs[0] for n in graph.nodes if traits_of(n).passes_on == "dequantised"}
    if not pairs:
        return {}
    read = {value for node in graph.nodes for value in node.inputs}
    return {made: source for made, source in pairs.items() if made in read and made not in graph.outputs}


def make_step(
    graph: Graph, members: Sequence[int], known: set[str], unpacked: Mapping[str, str], name: str = ""
) -> ScheduleStep:
    """One step of nodes in execution order; all but the last write only what the others read."""
    nodes = [graph.nodes[i] for i in members]
    inside = {value for node in nodes for value in node.outputs}
    reads = [unpacked.get(v, v) for node in nodes for v in node.inputs if v not in inside]
    reads = [v for v in dict.fromkeys(reads) if v in known and v not in inside]
    return ScheduleStep(name or first_operator(graph, members).name, tuple(members), tuple(reads), _outputs(nodes[-1]))


def first_operator(graph: Graph, members: Sequence[int]) -> Node:
    """The node that a step begins with, what unpacks its inputs aside."""
    nodes = [graph.nodes[i] for i in members]
    return next((node for node in nodes if traits_of(node).passes_on != "dequantised"), nodes[0])


def _fusible_nodes(
    graph: Graph, root: int, readers: Readers, outputs: frozenset[str], taken: Mapping[int, object]
) -> list[int]:
    """The nodes from a contraction on, as far as a single value is all that others see of them.

    waiting holds, of each value that is read further on, who still has to read it.
    """
    node = graph.nodes[root]
    members = [root]
    done = 1
    shape = graph.types[node.outputs[0]].shape if node.outputs[0] else None
    waiting: dict[str, set[int]] = {v: set(readers.get(v, ())) for v in _outputs(node)}
    while shape is not None and len(members) - done <= MAX_BRANCH and outputs.isdisjoint(waiting):
        behind = set().union(*waiting.values())
        if not behind:
            break
        index = min(behind)
        node = graph.nodes[index]
        if index in taken or not _joins(graph, node, waiting) or graph.types[node.outputs[0]].shape != shape:
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
            done = len(members)
    return members[:done]


def _joins(graph: Graph, node: Node, waiting: Mapping[str, object]) -> bool:
    """Whether the operator works element by element on what a step computes, and gives one value."""
    operator = traits_of(node)
    if len(_outputs(node)) != 1 or not node.outputs[0]:
        return False
    if operator.fusion == "joins":
        return node.inputs[0] in waiting
    return operator.in_place


def _outputs(node: Node) -> tuple[str, ...]:
    return tuple([v for v in node.outputs if v])


def fuse_blocks(graph: Graph) -> tuple[ScheduleStep, ...]:
    """The fused steps with each depthwise convolution, the convolution before it and the pointwise one behind it as
    one. In order: a convolution that the block before has taken already stays there (so MobileNet v1's blocks begin
    with the depthwise convolution, except for the first, which has the network's first convolution). What anyone else
    reads, or is an output, is materialised.
    """
    steps, unpacked = fuse_steps(graph), dequantized_values(graph)
    made = {value: i for i, step in enumerate(steps) for value in step.writes}
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
        before, behind = made.get(source), readers.get(step.writes[0], [])
        if before is not None and block[before] == before and readers[source] == [i]:
            block[before] = i if _is_convolution(first_operator(graph, steps[before].nodes)) else before
        if len(behind) == 1 and behind[0] >= 0:
            after = first_operator(graph, steps[behind[0]].nodes)
            if is_pointwise(graph, after) and unpacked.get(after.inputs[0], after.inputs[0]) == step.writes[0]:
                block[behind[0]] = i
    return _merge_blocks(graph, steps, block, unpacked)


def _merge_blocks(
    graph: Graph, steps: tuple[ScheduleStep, ...], block: list[int], unpacked: Mapping[str, str]
) -> tuple[ScheduleStep, ...]:
    """The steps with those of one block together, each where its last member stands."""
    members: dict[int, list[int]] = {}
    for i, home in enumerate(block):
        members.setdefault(home, []).append(i)
    found, known = [], runtime_values(graph)
    for i, home in enumerate(block):
        parts = members[home]
        if i != parts[-1]:
            continue
        if len(parts) == 1:
            found.append(steps[i])
        else:
            nodes = sorted(n for part in parts for n in steps[part].nodes)
            found.append(make_step(graph, nodes, known, unpacked, f"{steps[parts[0]].name} … {steps[i].name}"))
    return tuple(found)


def _is_convolution(node: Node) -> bool:
    return traits_of(node).kind == "convolution"


def is_depthwise(graph: Graph, node: Node) -> bool:
    """A convolution whose every filter reads one channel of several."""
    shape = _filter_shape(graph, node)
    group = node.attributes.get("group", 1)
    return shape is not None and len(shape) > 2 and group > 1 and shape[1] == 1


def is_pointwise(graph: Graph, node: Node) -> bool:
    """A convolution that reads all channels of one place."""
    shape = _filter_shape(graph, node)
    return shape is not None and node.attributes.get("group", 1) == 1 and all(k == 1 for k in shape[2:])


def _filter_shape(graph: Graph, node: Node) -> tuple[object, ...] | None:
    """The shape of a convolution's filters."""
    if not _is_convolution(node):
        return None
    return graph.types[node.inputs[traits_of(node).factors[1]]].shape
