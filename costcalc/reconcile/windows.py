"""Windows that an attention stands in: how a map is cut into them."""

from __future__ import annotations

from costcalc.reconcile.layers import NORMS
from costcalc.reconcile.reading import VIEWS, Reading


def cut_products(reading: Reading, value: str) -> int:
    """How many products of sizes the cut into windows takes that a value comes from; 0 where there is none.

    A cut is [N, H/w, w, W/w, w, C], a transposition and [N · H/w · W/w, w · w, C] (or with N apart). Each merging of
    two axes is a product of sizes, but for the windows' own, w · w, which is a number of the model.
    """
    while (node := reading.producer(value)) is not None:
        moving = reading.moving(node)
        if len(moving) != 1 or not (node.op_type in VIEWS or node.op_type in NORMS):
            return 0
        before = reading.producer(moving[0])
        if node.op_type == "Reshape" and before is not None and before.op_type == "Transpose":
            apart, merged = reading.type(moving[0]).rank, reading.type(value).rank
            if apart == 6:
                return max(0, apart - merged - 1)
        value = moving[0]
    return 0
