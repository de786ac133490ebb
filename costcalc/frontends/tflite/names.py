"""Names of tensors and operators as a file has them -> names of values, of nodes (each of its own), and of operators.

A file may give two tensors one name, or none.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.frontends.tflite.model import OperatorCall
from costcalc.ops.tflite import CUSTOM, FLEX, TFLITE

FLEX_PREFIX = "Flex"
"""Begins the names of custom operators that TensorFlow's own kernels run."""


def unique_names(texts: Sequence[str], prefix: str = "") -> list[str]:
    """The names of tensors in order -> the same, each once: an empty one is `tensor_3` by its index, one that is taken
    has its index behind it."""
    taken: set[str] = set()
    names: list[str] = []
    for index, text in enumerate(texts):
        name = f"{prefix}{text or f'tensor_{index}'}"
        while name in taken:
            name = f"{name}#{index}"
        taken.add(name)
        names.append(name)
    return names


class NodeNames:
    """Names of nodes, each given once."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.numbers: dict[str, int] = {}

    def name(self, operator: str, layer: str) -> str:
        """An operator and the name of its layer ("" without one) -> the name of its node: the layer's or the
        operator's, with a number where it is taken."""
        base = name = layer or operator
        while name in self.taken:  # the numbers of a base go on: a file may call all its layers alike
            self.numbers[base] = self.numbers.get(base, 1) + 1
            name = f"{base}_{self.numbers[base]}"
        self.taken.add(name)
        return name


def name_operator(operator: OperatorCall) -> tuple[str, str]:
    """A call -> (domain, op_type) of its node."""
    if not operator.is_custom:
        return TFLITE, operator.name
    if operator.name.startswith(FLEX_PREFIX) and len(operator.name) > len(FLEX_PREFIX):
        return FLEX, operator.name[len(FLEX_PREFIX) :]
    return CUSTOM, operator.name
