"""Call to the terms of the figure that torchvision 0.29.1 publishes as GFLOPS in its table of weights, at the size that
the weights are for.

Multiply-accumulates of convolutions and matrix products, those of attention included, divided by 10⁹ and rounded to
three decimals: what costcalc counts as MACs.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.studies.reconcile.account import Counter, Term, mac_terms
from costcalc.studies.reconcile.call import ModuleCall


def count(call: ModuleCall) -> Iterator[Term]:
    """Call -> the terms that torchvision's table counts of it."""
    yield from mac_terms(call)


TORCHVISION = Counter("torchvision", "0.29.1", "GFLOPS", count, ("rounded to a million in its table",))
