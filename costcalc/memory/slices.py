"""Fused steps -> blocks computed in slices, so that an expanded tensor is never materialised (arXiv:1801.04381,
section 5).

A depthwise convolution reads each channel alone. The convolution before it can therefore give, and the pointwise one
behind it take, a few channels at a time; the slices themselves are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping

from costcalc.core.traits import traits_of
from costcalc.ir import Graph, Node
from costcalc.memory.fuse import dequantized, fused, root_of, step_of
from costcalc.memory.schedule import Step, computed


def sliced(graph: Graph) -> tuple[Step, ...]:
    """The fused steps with each depthwise convolution, the convolution before it and the pointwise one behind it as
    one. In order: a convolution that the block before has taken already stays there (so MobileNet v1's blocks begin
    with the depthwise convolution, except for the first, which has the network's first convolution). What anyone else
    reads, or is an output, is materialised.
    """
    steps, unpacked = fused(graph), dequantized(graph)
    made = {value: i for i, step in enumerate(steps) for value in step.writes}
    readers: dict[str, list[int]] = {value: [-1] for value in graph.outputs}
    for i, step in enumerate(steps):
        for value in step.reads:
            readers.setdefault(value, []).append(i)
    block = list(range(len(steps)))
    for i, step in enumerate(steps):
        node = root_of(graph, step.nodes)
        if not is_depthwise(graph, node):
            continue
        source = unpacked.get(node.inputs[0], node.inputs[0])
        before, behind = made.get(source), readers.get(step.writes[0], [])
        if before is not None and block[before] == before and readers[source] == [i]:
            block[before] = i if _is_convolution(root_of(graph, steps[before].nodes)) else before
        if len(behind) == 1 and behind[0] >= 0:
            after = root_of(graph, steps[behind[0]].nodes)
            if is_pointwise(graph, after) and unpacked.get(after.inputs[0], after.inputs[0]) == step.writes[0]:
                block[behind[0]] = i
    return _merged(graph, steps, block, unpacked)


def _merged(graph: Graph, steps: tuple[Step, ...], block: list[int], unpacked: Mapping[str, str]) -> tuple[Step, ...]:
    """The steps with those of one block together, each where its last member stands."""
    members: dict[int, list[int]] = {}
    for i, home in enumerate(block):
        members.setdefault(home, []).append(i)
    found, known = [], computed(graph)
    for i, home in enumerate(block):
        parts = members[home]
        if i != parts[-1]:
            continue
        if len(parts) == 1:
            found.append(steps[i])
        else:
            nodes = sorted(n for part in parts for n in steps[part].nodes)
            found.append(step_of(graph, nodes, known, unpacked, f"{steps[parts[0]].name} … {steps[i].name}"))
    return tuple(found)


def _is_convolution(node: Node) -> bool:
    return traits_of(node).kind == "convolution"


def is_depthwise(graph: Graph, node: Node) -> bool:
    """A convolution whose every filter reads one channel of several."""
    shape = _filters(graph, node)
    group = node.attributes.get("group", 1)
    return shape is not None and len(shape) > 2 and group > 1 and shape[1] == 1


def is_pointwise(graph: Graph, node: Node) -> bool:
    """A convolution that reads all channels of one place."""
    shape = _filters(graph, node)
    return shape is not None and node.attributes.get("group", 1) == 1 and all(k == 1 for k in shape[2:])


def _filters(graph: Graph, node: Node) -> tuple[object, ...] | None:
    """The shape of a convolution's filters."""
    if not _is_convolution(node):
        return None
    return graph.types[node.inputs[traits_of(node).factors[1]]].shape
