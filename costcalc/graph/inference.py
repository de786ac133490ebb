"""A node's rule, inputs and attributes -> the types of its outputs, kept for equal nodes: networks repeat blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Union

from costcalc.core.assumptions import Assumption, add_assumptions
from costcalc.core.dim import Poly
from costcalc.core.ir import TensorType
from costcalc.core.memo import Memo

Types = tuple[TensorType, ...]

OptionalTypes = Sequence[Union[TensorType, None]]

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

    def store(self, key: Any, inputs: OptionalTypes, types: Types, assumptions: Iterable[Assumption] = ()) -> Types:
        """Key, input types, output types and what the rule assumed -> the output types, kept under the key where they
        hold for the next node too."""
        assumed = tuple(assumptions)
        try:
            if not self.has_fresh_symbol and are_small(inputs) and are_small(types):
                if assumed or not (are_concrete(inputs) and are_concrete(types)):
                    self.symbolic_types[key] = types, assumed
                else:
                    self.types[key] = types
        except TypeError:
            return types
        return types


def are_small(types: OptionalTypes) -> bool:
    """Whether all types are tensors of known shapes with at most MAX_CACHED_ELEMENTS known elements."""
    for t in types:
        if t is None:
            continue
        if type(t) is not TensorType or t.shape is None or (t.value and len(t.value) > MAX_CACHED_ELEMENTS):
            return False
    return True


def are_concrete(types: OptionalTypes) -> bool:
    """Whether types are small, and their extents and known elements are numbers."""
    if not are_small(types):
        return False
    return not any(t is not None and Poly in map(type, (*(t.shape or ()), *(t.value or ()))) for t in types)
