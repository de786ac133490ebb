"""Einsum as torch.einsum: how many combinations of indices it has, and what numpy prints of it."""

from __future__ import annotations

from decimal import Context

from costcalc.dim import Dim, prod
from costcalc.graph.index import operator
from costcalc.ir import Node
from costcalc.ops.einsum import extents_of, parse
from costcalc.reconcile.call import Call
from costcalc.reconcile.layers import CostIndex

PLAIN = frozenset((("a", "b", "c", "a", "b", "d", "a", "c", "d"), ("a", "b", "c", "a", "d", "c", "a", "d", "b")))
"""The indices of `abc,abd->acd` and of `abc,adc->adb`, which fvcore knows without numpy."""


def einsum_sizes(flow: CostIndex, node: Node) -> tuple[tuple[str, Dim], ...]:
    """combinations: the product of the extents of all indices; summed: whether the output lacks one (1 or 0); plain:
    whether the equation is one of PLAIN, under other letters. () for a contraction that is no Einsum."""
    if operator(node) != ("", "Einsum"):
        return ()
    types = [flow.type(name) for name in node.inputs]
    equation = str(node.attributes["equation"])
    inputs, output = parse(equation, tuple(t.rank for t in types))
    extents = extents_of(inputs, types, equation)
    letters = [index for indices in (*inputs, output) for index in indices]
    renamed = {index: chr(ord("a") + place) for place, index in enumerate(dict.fromkeys(letters))}
    plain = len(inputs) == 2 and tuple(renamed[index] for index in letters) in PLAIN
    return (
        ("combinations", prod(extents.values())),
        ("summed", int(len(extents) > len(output))),
        ("plain", int(plain)),
    )


def numpys(call: Call) -> Dim:
    """The operations that numpy.einsum_path prints of a contraction or an einsum: one more than 2 for each combination
    of indices (1 where none is summed), in four digits. While they hold symbols they stay as they are."""
    operations = 2 * call.macs.value if call.macs.terms else call.size("combinations") * (1 + call.size("summed"))
    if not isinstance(operations, int):
        return operations
    return int(DIGITS.create_decimal(operations + 1))


DIGITS = Context(prec=4)
"""numpy prints `1.549e+04`."""

ROUNDED = "einsum in four digits"
"""The part of a figure that is numpy's rounding."""
