"""What a decoder keeps of earlier tokens: nodes that keep it, its inputs in a pass, its size by the number of tokens.

Each operator says what it keeps (Traits.caches): keys and values of all earlier tokens or of the last ones, latent
vectors, or a state whose size no length changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from costcalc.core.dim import Dim, Poly, substitute, symbol
from costcalc.core.ir import Graph, Node, TensorType
from costcalc.core.traits import CacheSlot, traits_of

TOKENS = "tokens"
"""The symbol that counts the earlier tokens of a text."""


def keeps_tokens(node: Node) -> bool:
    """Whether a node keeps something of earlier tokens: a recurrent one, or a causal attention."""
    operator = traits_of(node)
    is_causal = operator.causal is None or operator.causal(node.attributes)
    return operator.caches is not None and bool(is_causal)


def cache_slots(node: Node, graph: Graph, tokens: Dim) -> tuple[CacheSlot, ...]:
    """A node -> what it keeps of so many earlier tokens; nothing where it keeps nothing."""
    rule = traits_of(node).caches
    if rule is None or not keeps_tokens(node):
        return ()
    return rule([graph.types[name] if name else None for name in node.inputs], node.attributes, tokens)


def cached_nodes(graph: Graph, sequence: Dim) -> tuple[str, ...]:
    """Graph and its sequence extent -> the names of the nodes over the whole sequence, without earlier tokens, that can
    keep some."""
    names = []
    for node in graph.nodes:
        slots = cache_slots(node, graph, 1)
        if not slots or any(slot.position < len(node.inputs) and node.inputs[slot.position] for slot in slots):
            continue
        if all(sequence in (graph.types[node.inputs[slot.new]].shape or ()) for slot in slots):
            names.append(node.name)
    return tuple(names)


def add_cache(graph: Graph, names: Iterable[str], tokens: Dim) -> tuple[Graph, tuple[str, ...]]:
    """Graph and names of nodes -> the graph in which they read what they keep of `tokens` earlier tokens from new
    inputs, and the names of those inputs. The nodes' outputs keep their shapes: they hold the new tokens only. Nodes
    that keep one value in one form (keys that several layers share) keep it once."""
    cached, types, nodes, added = set(names), dict(graph.types), [], []
    kept: dict[tuple[str, TensorType], str] = {}
    for node in graph.nodes:
        if node.name in cached:
            inputs = list(node.inputs)
            forms = [slot.type for slot in cache_slots(node, graph, symbol(TOKENS))]
            for slot, form in zip(cache_slots(node, graph, tokens), forms, strict=True):
                name = f"{node.name}.{slot.name}"
                if slot.present is None:
                    name = kept.setdefault((node.inputs[slot.new], form), name)
                inputs += [""] * (slot.position + 1 - len(inputs))
                inputs[slot.position] = name
                if name not in types:
                    types[name] = slot.type
                    added.append(name)
            node = node._replace(inputs=tuple(inputs))
        nodes.append(node)
    return graph._replace(inputs=(*graph.inputs, *added), nodes=tuple(nodes), types=types), tuple(added)


def cache_entries(graph: Graph, names: Iterable[str]) -> tuple[str, ...]:
    """Graph of a pass and names of the nodes that keep something -> the values that the pass adds to it."""
    cached = set(names)
    return tuple(dict.fromkeys([name for node in graph.nodes if node.name in cached for name in _entries(node, graph)]))


def _entries(node: Node, graph: Graph) -> Iterator[str]:
    for slot in cache_slots(node, graph, 1):
        if slot.present is None:
            yield node.inputs[slot.new]
        elif slot.present < len(node.outputs) and node.outputs[slot.present]:
            yield node.outputs[slot.present]


class CacheSize(NamedTuple):
    """The types of all that a decoder keeps of `tokens` earlier tokens of each of its texts."""

    types: tuple[TensorType, ...]

    def elements(self, tokens: int) -> int:
        """Numbers that are kept of so many tokens."""
        return sum(_known(substitute(t.elements, {TOKENS: tokens})) for t in self.types)

    def nbytes(self, tokens: int) -> int:
        """Bytes that are kept of so many tokens: the elements of a type together fill whole bytes."""
        return sum((_known(substitute(n, {TOKENS: tokens})) * bits + 7) // 8 for bits, n in self._elements_by_bits())

    def formula(self) -> Dim:
        """Bytes by the number of tokens, in the symbol `tokens`."""
        total: Dim = 0
        for bits, elements in self._elements_by_bits():
            total = total + (elements * bits // 8 if bits % 8 else elements * (bits // 8))
        return total

    @property
    def is_proportional(self) -> bool:
        """Whether the bytes grow with the number of tokens without end and from 0 on."""
        formula = self.formula()
        return (
            isinstance(formula, Poly) and formula == symbol(TOKENS) * self.elements(1) * self.types[0].dtype.bits // 8
        )

    def _elements_by_bits(self) -> list[tuple[int, Dim]]:
        """Elements of each width, in the order in which they come first."""
        sums: dict[int, Dim] = {}
        for t in self.types:
            sums[t.dtype.bits] = sums.get(t.dtype.bits, 0) + t.elements
        return list(sums.items())


def _known(value: Dim) -> int:
    assert not isinstance(value, Poly), "a decoder's batch is bound"
    return value


def cache_size(types: Sequence[TensorType]) -> CacheSize:
    """The types of a cache in the symbol `tokens` -> its size."""
    return CacheSize(tuple(types))


TOKEN_COUNT = symbol(TOKENS)
