"""Graph and number of pipeline stages to the stage of every node: contiguous layers, the embedding before the first
and the head behind the last.

Layers are the repeated blocks of the graph (`model.layers.7`). Where they do not divide evenly, the stages before the
last have one more, as in vLLM (`get_pp_indices`): the first has the embedding and the last the head.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from costcalc.analysis.roofline.traffic import value_bytes
from costcalc.core.errors import UsageError
from costcalc.core.ir import Graph, Node
from costcalc.core.traits import traits_of
from costcalc.graph.index import GraphIndex

_NUMBERED = re.compile(r"(.*?)(\d+)(?=\D|$)")


def layer_counts(layers: int, stages: int) -> tuple[int, ...]:
    """Layers and stages -> the number of layers of each stage. UsageError where there are more stages than layers."""
    if stages > layers:
        raise UsageError(f"{layers:,} layers cannot be split into {stages:,} stages", f"use --pp {layers} or fewer")
    counts = [layers // stages] * stages
    for i in range(2, layers % stages + 2):
        counts[-i] += 1
    return tuple(counts)


def node_stages(graph: Graph, stages: int) -> tuple[int, ...]:
    """Graph and number of stages -> the stage of each node, from 0. UsageError where the graph has too few layers."""
    if stages == 1:
        return (0,) * len(graph.nodes)
    layers = _layer_of_nodes(graph)
    order = list(dict.fromkeys(layer for layer in layers if layer))
    counts = layer_counts(len(order), stages)
    stage_of = dict(zip(order, _repeat(counts), strict=True))
    last_node = max(i for i, layer in enumerate(layers) if layer)
    result, current = [], 0
    for index, layer in enumerate(layers):
        current = stages - 1 if index > last_node else stage_of[layer] if layer else current
        result.append(current)
    return tuple(result)


def _repeat(counts: tuple[int, ...]) -> list[int]:
    return [stage for stage, count in enumerate(counts) for _ in range(count)]


def _layer_of_nodes(graph: Graph) -> list[str]:
    """Graph -> the layer that each node stands in, "" outside of all: blocks that are numbered, of the kind that most
    nodes stand in."""
    numbers = [_numbered_block(node) for node in graph.nodes]
    sizes: dict[str, int] = {}
    for block in numbers:
        if block:
            sizes[block[0]] = sizes.get(block[0], 0) + 1
    stem = max(sizes, key=lambda name: sizes[name], default=None)
    return [f"{block[0]}{block[1]}" if block and block[0] == stem else "" for block in numbers]


def _numbered_block(node: Node) -> tuple[str, str] | None:
    match = _NUMBERED.match("/".join((*node.scope, "")) if node.scope else node.name)
    return (match.group(1), match.group(2)) if match else None


def stored_stages(graph: Graph, stages: tuple[int, ...]) -> Mapping[str, frozenset[int]]:
    """Graph and the stage of each node -> the stages that hold each stored tensor and each input: a table that is tied
    to the head stands in the first and in the last. What only passes a tensor on stands where its reader does."""
    found: dict[str, set[int]] = {}
    roots: dict[str, str] = {}
    for stage, node in zip(stages, graph.nodes, strict=True):
        names = {roots.get(name, name) for name in node.inputs if name}
        source = roots.get(node.inputs[0], node.inputs[0]) if node.inputs else ""
        if traits_of(node).passes_on and source in graph.initializers:
            roots |= dict.fromkeys(node.outputs, source)
            names.discard(source)
        for name in names:
            found.setdefault(name, set()).add(stage)
    return {name: frozenset(values) for name, values in found.items()}


def boundary_bytes(graph: Graph, stages: tuple[int, ...]) -> int:
    """Graph and the stage of each node -> bytes of the largest value that passes from one stage to the next: the
    residual stream (tables of positions are computed again)."""
    readers, largest = GraphIndex(graph).readers, 0
    for stage, node in zip(stages, graph.nodes, strict=True):
        for name in filter(None, node.outputs):
            if any(stages[reader] > stage for reader in readers.get(name, ())):
                largest = max(largest, value_bytes(graph, name))
    return largest
