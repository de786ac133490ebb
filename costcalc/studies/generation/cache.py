"""What a decoder keeps of earlier tokens: nodes that keep it, its inputs in a pass, its size by the number of tokens.

Each operator says what it keeps (Traits.caches): keys and values of all earlier tokens or of the last ones, latent
vectors, or a state whose size no length changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from costcalc.core.dim import Dim, Poly, substitute, symbol, symbols
from costcalc.core.elision import list_symbols
from costcalc.core.errors import UsageError
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
    """The types of all that a decoder keeps of `tokens` earlier tokens of each of its texts, and the tokens of a page:
    memory is taken in whole pages."""

    types: tuple[TensorType, ...]
    page: int = 1

    def elements(self, tokens: int) -> int:
        """Numbers that are kept of so many tokens."""
        return sum(self._elements_of(t, tokens) for t in self.types)

    def nbytes(self, tokens: int) -> int:
        """Bytes that are kept of so many tokens: the elements of a type together fill whole bytes."""
        sums: dict[int, int] = {}
        for t in self.types:
            sums[t.dtype.bits] = sums.get(t.dtype.bits, 0) + self._elements_of(t, tokens)
        return sum((elements * bits + 7) // 8 for bits, elements in sums.items())

    def _elements_of(self, tensor_type: TensorType, tokens: int) -> int:
        """Elements of a part of the cache: what grows with the tokens fills whole pages."""
        elements = 1
        for extent in tensor_type.shape or ():
            bound = _known(substitute(extent, {TOKENS: tokens}))
            elements *= bound if isinstance(extent, int) else -(-bound // self.page) * self.page
        return elements

    def formula(self) -> Dim:
        """Bytes by the number of tokens, in the symbol `tokens`."""
        total: Dim = 0
        for bits, elements in self._elements_by_bits():
            total = total + (elements * bits // 8 if bits % 8 else elements * (bits // 8))
        return total

    @property
    def unpaged(self) -> CacheSize:
        """The same in pages of one token: what the numbers themselves take."""
        return self._replace(page=1)

    @property
    def is_proportional(self) -> bool:
        """Whether the bytes grow with the number of tokens without end and from 0 on."""
        formula = self.formula()
        return (
            isinstance(formula, Poly)
            and formula == symbol(TOKENS) * self.unpaged.elements(1) * self.types[0].dtype.bits // 8
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


def check_cache(types: Iterable[TensorType], tokens: Dim) -> None:
    """The types of a cache of so many tokens -> nothing. UsageError where more than the tokens is open in them."""
    extents = [extent for t in types for extent in t.shape or ()]
    open_symbols = set(symbols(*extents)) - set(symbols(tokens))
    if open_symbols:
        fact = f"what the model keeps of a text depends on {list_symbols(open_symbols)}"
        raise UsageError(fact, "a cache grows with the tokens alone: bind what else is open, or use costcalc analyze")


def cache_size(types: Sequence[TensorType], page: int = 1) -> CacheSize:
    """The types of a cache in the symbol `tokens` -> its size, in pages of so many tokens."""
    return CacheSize(tuple(types), page)


TOKEN_COUNT = symbol(TOKENS)
