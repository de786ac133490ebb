"""A node's rule, inputs and attributes -> the types of its outputs, kept for equal nodes: networks repeat blocks."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TypeVar

from costcalc.core.assumptions import Assumption, add_assumptions
from costcalc.core.dim import Poly
from costcalc.core.ir import TensorType
from costcalc.core.memo import Memo

T = TypeVar("T")

Types = tuple[TensorType, ...]

MAX_CACHED_ELEMENTS = 64
"""Elements of the largest tensor with known values whose node's types are kept."""

INFERRED_TYPES: Memo[Any, Types] = Memo("inferred types", 1 << 14)
"""Output types by the node's rules, inputs and attributes. The rules are part of the key: it holds for every graph."""


class InferenceCache:
    """Output types of nodes by what they depend on. Types without symbols are kept for every graph, those with symbols
    for this one, with the assumptions that the rule made about them. Whoever gives a rule a new symbol of its node sets
    has_fresh_symbol: such types are not kept."""

    def __init__(self, types: dict[Any, Types] = INFERRED_TYPES) -> None:
        self.types = types
        self.symbolic_types: dict[Any, tuple[Types, tuple[Assumption, ...]]] = {}
        self.has_fresh_symbol = False

    def find(self, key: Any) -> Types | None:
        """A key that holds the rules, the inputs and all else that the types depend on -> the types, their assumptions
        made again; None where they are not kept."""
        self.has_fresh_symbol = False
        try:
            types = self.types.get(key)
        except TypeError:  # an attribute that is a list or a graph has no hash
            return None
        if types is None and key in self.symbolic_types:
            types, assumptions = self.symbolic_types[key]
            add_assumptions(assumptions)
        return types

    def store(self, key: Any, types: Types) -> Types:
        """Key and output types of a node with concrete inputs -> the types, kept under the key where they hold for the
        next node too."""
        if not self.has_fresh_symbol and are_concrete(types):
            _keep(self.types, key, types)
        return types

    def store_symbolic(
        self, key: Any, inputs: Iterable[TensorType | None], types: Types, assumptions: Iterable[Assumption]
    ) -> Types:
        """The same of a node whose inputs have symbols, with what its rule assumed."""
        all_types = filter(None, (*inputs, *types))
        if not self.has_fresh_symbol and all(type(t) is TensorType and not is_long(t) for t in all_types):
            _keep(self.symbolic_types, key, (types, tuple(assumptions)))
        return types


def _keep(table: dict[Any, T], key: Any, value: T) -> None:
    with suppress(TypeError):  # an attribute that is a list or a graph has no hash
        table[key] = value


def is_long(t: TensorType) -> bool:
    """Whether a tensor has more than MAX_CACHED_ELEMENTS known elements."""
    return t.value is not None and len(t.value) > MAX_CACHED_ELEMENTS


def are_concrete(types: Iterable[TensorType | None]) -> bool:
    """Whether all types are tensors whose extents and known elements are numbers, at most MAX_CACHED_ELEMENTS of
    them."""
    for t in types:
        if t is None:
            continue
        if type(t) is not TensorType or t.shape is None or Poly in map(type, t.shape):
            return False
        if t.value is not None and (is_long(t) or Poly in map(type, t.value)):
            return False
    return True
