"""The uses of a layer of a file, some of them rewritten → conditions on an option that tell these from the others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations
from typing import NamedTuple

from costcalc.errors import CostcalcError
from costcalc.load.expression import evaluate
from costcalc.load.trace import Call
from costcalc.load.yaml_nodes import Scalar

OPTIONS = ("kernel", "groups", "stride", "filters")
"""What may tell uses apart, in the order in which it is asked."""


class When(NamedTuple):
    """Conditions of the old layer and of the new ones, as expressions: one is 0 where the other is not."""

    old: str
    new: str


def told(calls: Sequence[Call], starts: set[int]) -> When | None:
    """Conditions that hold for the uses whose first node is one of starts, and for the others; None where neither one
    option nor two together have other values there."""
    known = {key: values for key in OPTIONS if (values := _values(calls, key)) is not None}
    mine = [call.first in starts for call in calls]
    for keys in chain(combinations(known, 1), combinations(known, 2)):
        rows = list(zip(*(known[key] for key in keys), strict=True))
        ours = {row for row, own in zip(rows, mine, strict=True) if own}
        others = {row for row, own in zip(rows, mine, strict=True) if not own}
        if ours & others:
            continue
        texts = [_text(calls, key) for key in keys]
        if others == {(1,)}:
            return When(f"1 // {texts[0]}", f"{texts[0]} - 1")
        product = _product(texts, min(ours, others, key=len))
        opposite = _zero(product, squares=len(keys) > 1)
        return When(product, opposite) if len(ours) <= len(others) else When(opposite, product)
    return None


def _values(calls: Sequence[Call], key: str) -> list[int] | None:
    """What an option is at each use; None where it is not given, a list, a word, or no whole number."""
    node = calls[0].item.options.get(key)
    if not isinstance(node, Scalar):
        return None
    try:
        values = [evaluate(node.text, call.names) for call in calls]
    except CostcalcError:  # a word, or an extent that is open: another option may tell
        return None
    return [v for v in values if type(v) is int] if all(type(v) is int for v in values) else None


def _text(calls: Sequence[Call], key: str) -> str:
    node = calls[0].item.options[key]
    assert isinstance(node, Scalar)
    return node.text if node.text.isidentifier() else f"({node.text})"


def _product(texts: Sequence[str], rows: set[tuple[int, ...]]) -> str:
    """0 where the options have the values of one of the rows."""
    terms = [_distance(texts, row) for row in sorted(rows)]
    return terms[0] if len(terms) == 1 else " * ".join(f"({term})" for term in terms)


def _distance(texts: Sequence[str], row: Sequence[int]) -> str:
    """0 where each option has its value."""
    parts = [f"{text} - {value}" for text, value in zip(texts, row, strict=True)]
    return parts[0] if len(parts) == 1 else " + ".join(f"({part}) ** 2" for part in parts)


def _zero(expression: str, squares: bool) -> str:
    """1 where the expression is 0, else 0; squares tells that it is never below 0."""
    return f"1 // (1 + {expression})" if squares else f"1 // (1 + ({expression}) ** 2)"
