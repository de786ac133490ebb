"""A counter: its name and version, what it calls its figure, and its rule for a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from costcalc.reconcile.call import Call
from costcalc.reconcile.part import Part


class Tool(NamedTuple):
    """A counter. unit is what it calls its figure and compares with what costcalc counts (`macs` or `flops` in basis).
    rule gives the parts that it counts of a call; notes are what a reader should know of it. fails says for which call
    it gives no figure at all. nodes: it looks at the nodes of an ONNX graph instead of at calls."""

    name: str
    version: str
    unit: str
    rule: Callable[[Call], Iterable[Part]]
    notes: tuple[str, ...] = ()
    basis: str = "macs"
    fails: Callable[[Call], str] = lambda call: ""
    nodes: bool = False
