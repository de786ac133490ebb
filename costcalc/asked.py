"""Remembers what shape rules answered: networks repeat their layers, and a rule gives the same for the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from costcalc.dim import Poly
from costcalc.ir import TensorType

Types = tuple[TensorType, ...]
MOST = 1 << 14
"""Answers that are kept at most."""
LONGEST = 64
"""Elements of the largest tensor that an answer is kept for."""

SHARED: dict[Any, Types] = {}
"""The answers of this process. A question names the rules that it is put to, so an answer holds for every graph."""


class Asked:
    """Answers by question. Only those without symbols are kept: a rule that sees a symbol may assume something about
    it each time. own is set by whoever gives a rule something of its node's own, a new symbol: that is not kept."""

    def __init__(self, known: dict[Any, Types] = SHARED) -> None:
        self.known = known
        self.own = False

    def of(self, question: Any) -> Types | None:
        """The answer to a question that holds the inputs and all else that it depends on; None: it must be asked."""
        self.own = False
        try:
            return self.known.get(question)
        except TypeError:  # an attribute that is a list or a graph has no hash
            return None

    def keep(self, question: Any, inputs: Iterable[TensorType | None], found: Types) -> Types:
        """The answer, kept for the next time where it holds then."""
        if not self.own and plain(inputs) and plain(found):
            if len(self.known) >= MOST:
                self.known.clear()
            try:
                self.known[question] = found
            except TypeError:
                return found
        return found


def plain(types: Iterable[TensorType | None]) -> bool:
    """Whether types are those of tensors whose extents and elements are numbers, and not many elements."""
    for t in types:
        if t is None:
            continue
        if type(t) is not TensorType or t.shape is None or Poly in map(type, t.shape):
            return False
        if t.value is not None and (len(t.value) > LONGEST or Poly in map(type, t.value)):
            return False
    return True
