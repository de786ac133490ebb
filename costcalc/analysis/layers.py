"""NodeCost -> Row: one layer with its figures, how it is bound, and how it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from costcalc.analysis.cost import NodeCost
from costcalc.core.dim import Dim, substitute
from costcalc.core.formula import Cost
from costcalc.core.ir import TensorType, bind_type, qualified
from costcalc.core.quantities import LAYER_TOTALS
from costcalc.graph.bind import bind_cost
from costcalc.graph.parameters import Storage

QUANTITIES = LAYER_TOTALS
"""The figures of a row and of the totals, over all runs of a node. None where one is not known."""

Amounts = Mapping[str, "Dim | None"]


class Output(NamedTuple):
    """A row's output: its value's name and type."""

    name: str
    type: TensorType


@dataclass(frozen=True, slots=True)
class Row:
    """One layer: a node with its figures. cost holds the formulas of one run, for explain (None: unknown)."""

    name: str
    op_type: str
    domain: str
    scope: tuple[str, ...]
    count: Dim
    outputs: tuple[Output, ...]
    inputs: tuple[str, ...]
    cost: Cost | None
    state: str
    amounts: Amounts

    @property
    def operator(self) -> str:
        """The operator with its domain, unless that is ONNX's own."""
        return qualified(self.domain, self.op_type)

    def __getitem__(self, quantity: str) -> Dim | None:
        return self.amounts[quantity]


class UnknownOp(NamedTuple):
    """An operator without a rule, or behind a shape that is not known, and the layers it stands in."""

    op_type: str
    domain: str
    layers: tuple[str, ...]

    @property
    def operator(self) -> str:
        """The operator with its domain, unless that is ONNX's own."""
        return qualified(self.domain, self.op_type)


def unknown_ops(rows: Iterable[Row]) -> tuple[UnknownOp, ...]:
    """The unknown rows by their operators."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.state == "unknown":
            found.setdefault((row.op_type, row.domain), []).append(row.name)
    return tuple(UnknownOp(op, domain, tuple(names)) for (op, domain), names in found.items())


def make_rows(items: Iterable[NodeCost]) -> tuple[Row, ...]:
    """The figures of nodes over all their runs. Rows with the same figures share one mapping."""
    known: dict[tuple[Dim | Storage | None, ...], Amounts] = {}
    rows = []
    for item in items:
        node, storage, count = item.node, item.storage, item.node.count
        key = (item.macs, item.flops, storage, item.activation_bytes, item.traffic_bytes, count)
        amounts = known.get(key)
        if amounts is None:
            amounts = known[key] = _amounts(item)
        outputs = tuple(map(Output, filter(None, node.outputs), item.outputs))
        rows.append(
            Row(
                node.name,
                node.op_type,
                node.domain,
                node.scope,
                count,
                outputs,
                node.inputs,
                item.cost,
                item.state,
                amounts,
            )
        )
    return tuple(rows)


def _amounts(item: NodeCost) -> Amounts:
    storage, count = item.storage, item.node.count
    return {
        "macs": None if item.macs is None else item.macs * count,
        "flops": None if item.flops is None else item.flops * count,
        "params": storage.params,
        "buffers": storage.buffers,
        "weight_bytes": storage.weight_bytes,
        "activation_bytes": None if item.activation_bytes is None else item.activation_bytes * count,
        "traffic_bytes": None if item.traffic_bytes is None else item.traffic_bytes * count,
    }


def bind_row(row: Row, dims: Mapping[str, int]) -> Row:
    """The row with symbols bound."""
    amounts = {k: None if v is None else substitute(v, dims) for k, v in row.amounts.items()}
    outputs = tuple(Output(o.name, bind_type(o.type, dims)) for o in row.outputs)
    cost = row.cost and bind_cost(row.cost, dims)
    return replace(row, amounts=amounts, outputs=outputs, count=substitute(row.count, dims), cost=cost)
