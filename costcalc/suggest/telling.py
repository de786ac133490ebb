"""The uses of a layer of a file, some of them rewritten → conditions on an option that tell these from the others."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Conditions that hold for the uses whose first node is one of starts, and for the others; None where no option has
    other values there."""
    for key in OPTIONS:
        node = calls[0].item.options.get(key)
        if not isinstance(node, Scalar):
            continue
        try:
            values = [(evaluate(node.text, call.names), call.first in starts) for call in calls]
        except CostcalcError:  # a word, or an extent that is open: another option may tell
            continue
        ours, others = {v for v, mine in values if mine}, {v for v, mine in values if not mine}
        if ours & others or not all(type(v) is int for v in ours | others):
            continue
        text = node.text if node.text.isidentifier() else f"({node.text})"
        if others == {1}:
            return When(f"1 // {text}", f"{text} - 1")
        if len(ours) <= len(others):
            return When(_product(text, ours), _zero(_product(text, ours)))
        return When(_zero(_product(text, others)), _product(text, others))
    return None


def _product(text: str, values: set[int]) -> str:
    """0 where the option has one of the values."""
    terms = [f"{text} - {value}" for value in sorted(values)]
    return terms[0] if len(terms) == 1 else " * ".join(f"({term})" for term in terms)


def _zero(expression: str) -> str:
    """1 where the expression is 0, else 0."""
    return f"1 // (1 + ({expression}) ** 2)"
