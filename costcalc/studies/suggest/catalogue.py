"""The rules by their ids: what each is called, what it is worth in theory, what accuracy does, where it is from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from costcalc.graph.index import GraphIndex
from costcalc.studies.suggest.replacement import RewriteMatch, RewriteOptions

MatchFinder = Callable[[GraphIndex, RewriteOptions], Iterator[RewriteMatch]]

MEASURE = "another function: train it and measure its accuracy"

EXACT = "the same function at inference (up to rounding): accuracy stays"


class RewriteRule(NamedTuple):
    """A rewrite. ratio is that of MACs in the field's names ("" where MACs stay), accuracy MEASURE or EXACT."""

    id: str
    title: str
    ratio: str
    accuracy: str
    source: str
    find: MatchFinder

    @property
    def explanation(self) -> str:
        """The docstring of the rule's function on one line."""
        return " ".join((self.find.__doc__ or "").split())


RULES: dict[str, RewriteRule] = {}


def rule(
    id: str, title: str, *, ratio: str = "", accuracy: str = MEASURE, source: str
) -> Callable[[MatchFinder], MatchFinder]:
    """Registers a function (index, options) -> matches. Its docstring is what `costcalc suggest MODEL N` says."""

    def register(function: MatchFinder) -> MatchFinder:
        RULES[id] = RewriteRule(id, title, ratio, accuracy, source, function)
        return function

    return register
