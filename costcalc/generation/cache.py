"""The KV cache of a graph: where a decoder takes it as inputs, and how one that does not is given it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from costcalc.core.traits import traits_of
from costcalc.dim import Dim
from costcalc.ir import DType, Graph, Node, TensorType
from costcalc.load.onnx_symbols import symbol_name
from costcalc.ops.attention import by_head


def cache_inputs(graph: Graph) -> tuple[str, ...]:
    """The inputs that hold keys and values of earlier tokens: float, [batch, heads, past, size] (or with an axis of two
    before), `past` or `cache` in their name, and an open extent of past tokens."""
    found = []
    for name in graph.inputs:
        kind = graph.types[name]
        says = "past" in name.lower() or "cache" in name.lower()
        shape = kind.shape if says and kind.dtype.is_float else None
        if shape is not None and len(shape) in (4, 5) and symbol_name(shape[-2]) is not None:
            found.append(name)
    return tuple(found)


def presents(graph: Graph, caches: Iterable[str], tokens: Dim) -> tuple[str, ...]:
    """The outputs that give the cache back, with the keys and values of the new tokens."""
    alike = {(len(shape), shape[-1]) for name in caches if (shape := graph.types[name].shape) is not None}

    def present(name: str) -> bool:
        shape = graph.types[name].shape
        return shape is not None and len(shape) > 3 and (len(shape), shape[-1]) in alike and shape[-2] == tokens

    return tuple(name for name in graph.outputs if present(name))


def causal(graph: Graph, sequence: Dim) -> tuple[str, ...]:
    """The names of the nodes whose keys and values can be kept: causal attentions over the whole sequence."""
    found = []
    for node in graph.nodes:
        operator = traits_of(node)
        if operator.causal is None or operator.past is None or len(node.inputs) > operator.past[0]:
            continue
        keys = _heads(node, graph, 1, "kv_num_heads")
        if operator.causal(node.attributes) and keys[2] == sequence:
            found.append(node.name)
    return tuple(found)


def with_cache(graph: Graph, names: Iterable[str], past: int) -> tuple[Graph, tuple[str, ...]]:
    """The graph in which these nodes are given the keys and values of `past` tokens, as inputs; and those inputs'
    names. What a node computes of its own tokens stays: its output does not change its shape."""
    chosen, types, nodes, added = set(names), dict(graph.types), [], []
    for node in graph.nodes:
        if node.name in chosen:
            given = []
            for position, what in ((1, "past_key"), (2, "past_value")):
                batch, heads, _, size = _heads(node, graph, position, "kv_num_heads")
                name = f"{node.name}.{what}"
                types[name] = TensorType(graph.types[node.inputs[position]].dtype, (batch, heads, past, size))
                given.append(name)
            first = (traits_of(node).past or (len(node.inputs),))[0]
            inputs = (*node.inputs, *("",) * (first - len(node.inputs)), *given)
            node = replace(node, inputs=inputs)
            added += given
        nodes.append(node)
    return replace(graph, inputs=(*graph.inputs, *added), nodes=tuple(nodes), types=types), tuple(added)


def stored_as(graph: Graph, names: Iterable[str], dtype: DType | None) -> Graph:
    """The graph with its cache in another element type."""
    if dtype is None:
        return graph
    types = dict(graph.types)
    for name in names:
        types[name] = types[name]._replace(dtype=dtype)
    return replace(graph, types=types)


def _heads(node: Node, graph: Graph, position: int, attribute: str) -> tuple[Dim, Dim, Dim, Dim]:
    heads = int(node.attributes.get(attribute, 0))
    return by_head(graph.types[node.inputs[position]], heads, "K" if position == 1 else "V", attribute)
