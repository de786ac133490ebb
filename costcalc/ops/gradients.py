"""What the gradients of an operator's contractions cost, by rule.

A contraction multiplies two sides and sums. The gradient of either side contracts the output's gradient with the other
side over the same extents, so it costs what the forward contraction costs: dW of a convolution, dA and dB of a product,
dQ, dK, dV and dP of an attention. A rule tells, for each product of an operator's cost formula, which inputs stand on
either side. What is not a contraction (biases, activations, normalisations, look-ups) has gradients without MACs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.core.formula import Formula
from costcalc.core.registry import Types
from costcalc.core.traits import Contraction, Positions, Traits


def contractions(
    operator: Traits, formula: Formula, types: Types, attributes: Mapping[str, Any]
) -> tuple[Contraction, ...] | None:
    """The contractions of an operator; () where it has none, None where no rule knows their gradients."""
    if not formula.terms:
        return ()
    rule = operator.gradient
    return None if rule is None else rule(formula, types, attributes)


def present(names: Sequence[str], positions: Positions) -> list[str]:
    """The names of the inputs at these positions that are there."""
    return [names[p] for p in positions if p < len(names) and names[p]]
