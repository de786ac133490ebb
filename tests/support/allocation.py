"""The peak of live bytes by playing an execution: memory is allocated before a node runs and freed after its last use.

It is written without the package's schedules: it knows the graph, and which operators are views or may work in place.
"""

from __future__ import annotations

from costcalc.core.ir import Graph
from costcalc.core.traits import TRAITS, UNKNOWN_TRAITS


def peak(graph: Graph, order: list[int] | None = None, in_place: bool = False) -> int:
    """The most bytes that are allocated at once; blocks are counted by references, as a runtime does. Views of weights
    are weights. An input that nothing reads is freed when the first node has run."""
    order = list(range(len(graph.nodes))) if order is None else order
    size = {name: kind.nbytes for name, kind in graph.types.items() if kind.shape is not None}
    uses: dict[str, int] = dict.fromkeys(graph.outputs, 1)
    for node in graph.nodes:
        for value in set(node.inputs):
            uses[value] = uses.get(value, 0) + 1
    weights = set(graph.initializers)
    block_of: dict[str, int] = {}
    blocks: list[list[int]] = []
    """Of each block its bytes and how many uses of values in it are to come."""
    given = set()

    def allocate(value: str, references: int) -> None:
        block_of[value] = len(blocks)
        blocks.append([int(size.get(value, 0)), references])

    for value in graph.inputs:
        if value not in weights:
            allocate(value, uses.get(value, 0))
            given.add(block_of[value])
    now = most = sum(b[0] for b in blocks)
    unread = [block for block in given if not blocks[block][1]]
    for i in order:
        node = graph.nodes[i]
        key = (node.domain, node.op_type)
        if TRAITS.get(key, UNKNOWN_TRAITS).view and node.inputs[0] in weights:
            weights.update(node.outputs)
            continue
        inputs = [v for v in dict.fromkeys(node.inputs) if v in block_of]
        outputs = [v for v in node.outputs if v]
        fresh, unread = unread, []
        for at, value in enumerate(outputs):
            home = None
            if at == 0 and TRAITS.get(key, UNKNOWN_TRAITS).view and node.inputs[0] in inputs:
                home = block_of[node.inputs[0]]
            elif at == 0 and in_place and TRAITS.get(key, UNKNOWN_TRAITS).in_place:
                for x in inputs:
                    last = blocks[block_of[x]][1] == sum(block_of[v] == block_of[x] for v in inputs)
                    same = graph.types[x].shape == graph.types[value].shape and size[x] == size[value]
                    if last and same and block_of[x] not in given:
                        home = block_of[x]
                        break
            if home is None:
                allocate(value, 0)
                fresh.append(block_of[value])
                now += blocks[block_of[value]][0]
            else:
                block_of[value] = home
            blocks[block_of[value]][1] += uses.get(value, 0)
        most = max(most, now)
        for value in inputs:
            blocks[block_of[value]][1] -= 1
        for block in {block_of[v] for v in inputs} | set(fresh):
            if blocks[block][1] == 0:
                now -= blocks[block][0]
                blocks[block][0] = 0
    return most
