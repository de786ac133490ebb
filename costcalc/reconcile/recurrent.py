"""Recurrent layers as calls: the sizes that counters look at."""

from __future__ import annotations

from costcalc.core.traits import traits_of
from costcalc.dim import Dim
from costcalc.ir import Node
from costcalc.reconcile.call import Call
from costcalc.reconcile.layers import CostIndex


def is_recurrent(node: Node) -> bool:
    """Whether a node is a recurrent layer of decimal numbers."""
    t = traits_of(node)
    return t.kind == "recurrent" and not t.straight_through and not t.quantises_input


def recurrent(flow: CostIndex, node: Node, one: Call) -> Call:
    """A call as one layer of a recurrent network, in one or both directions: steps counts positions of all
    sequences."""
    steps, batch, features = flow.type(node.inputs[0]).shape or (1, 1, 1)
    directions, rows, _ = flow.type(node.inputs[1]).shape or (1, 1, 1)
    *_, hidden = flow.type(node.inputs[2]).shape or (1,)
    gates = rows // hidden
    bias = flow.elements(node.inputs[3]) if len(node.inputs) > 3 and node.inputs[3] else 0
    weight: Dim = sum((flow.elements(name) for name in node.inputs[1:3]), 0)
    also = (("steps", steps * batch), ("features", features), ("hidden", hidden), ("gates", gates),
            ("directions", directions))  # fmt: skip
    return one._replace(weight=weight, bias=bias, batch=batch, also=also)
