"""An operator, its cost formula and types -> its contractions, whose gradients the backward pass computes.

A contraction multiplies two sides and sums. The gradient of either side contracts the output's gradient with the other
side over the same extents, so it costs what the forward contraction costs: dW of a convolution, dA and dB of a product,
dQ, dK, dV and dP of an attention. A gradient rule names, for each product of an operator's cost formula, the inputs of
either side. Gradients of other operators (biases, activations, normalisations, look-ups) have no MACs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.core.formula import Formula
from costcalc.core.registry import Types
from costcalc.core.traits import Contraction, Positions, Traits


def find_contractions(
    operator: Traits, formula: Formula, types: Types, attributes: Mapping[str, Any]
) -> tuple[Contraction, ...] | None:
    """An operator, its cost formula, input types and attributes -> its contractions; () where it has none, None where
    no gradient rule is registered."""
    if not formula.terms:
        return ()
    rule = operator.gradient
    return None if rule is None else rule(formula, types, attributes)


def present_inputs(names: Sequence[str], positions: Positions) -> list[str]:
    """The names of the inputs at these positions that are there."""
    return [names[p] for p in positions if p < len(names) and names[p]]
