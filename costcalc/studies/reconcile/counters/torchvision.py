"""torchvision 0.29.1: the figure that its table of weights publishes as GFLOPS, at the size that the weights are for.

Multiply-accumulates of convolutions and matrix products, those of attention included, divided by 10⁹ and rounded to
three decimals: what costcalc counts as MACs.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.studies.reconcile.account import Part, Tool, macs
from costcalc.studies.reconcile.call import Call


def rule(call: Call) -> Iterator[Part]:
    """What torchvision's table counts of a call."""
    yield from macs(call)


TOOL = Tool("torchvision", "0.29.1", "GFLOPS", rule, ("rounded to a million in its table",))
