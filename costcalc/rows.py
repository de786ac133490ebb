"""NodeCost -> Row: one layer with its figures, how it is bound, and how it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from costcalc.binding import bind_cost
from costcalc.core.quantities import LAYER_TOTALS
from costcalc.cost import NodeCost
from costcalc.dim import Dim, Poly, substitute
from costcalc.formula import Cost
from costcalc.ir import TensorType, bind_type

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

    def __getitem__(self, quantity: str) -> Dim | None:
        return self.amounts[quantity]


@dataclass(frozen=True, slots=True)
class UnknownOp:
    """An operator without a rule, or behind a shape that is not known, and the layers it stands in."""

    op_type: str
    domain: str
    layers: tuple[str, ...]


def unknown_ops(rows: Iterable[Row]) -> tuple[UnknownOp, ...]:
    """The unknown rows by their operators."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.state == "unknown":
            found.setdefault((row.op_type, row.domain), []).append(row.name)
    return tuple(UnknownOp(op, domain, tuple(names)) for (op, domain), names in found.items())


def row_of(item: NodeCost) -> Row:
    """A node's figures over all its runs."""
    node, cost, storage, count = item.node, item.cost, item.storage, item.node.count
    memory = None if item.activation_bytes is None else item.activation_bytes * count
    amounts: dict[str, Dim | None] = {
        "macs": None if item.macs is None else item.macs * count,
        "flops": None if item.flops is None else item.flops * count,
        "params": storage.params,
        "buffers": storage.buffers,
        "weight_bytes": storage.weight_bytes,
        "activation_bytes": memory,
        "traffic_bytes": None if item.traffic_bytes is None else item.traffic_bytes * count,
    }
    outputs = tuple([Output(*pair) for pair in zip(filter(None, node.outputs), item.outputs, strict=True)])
    scope = node.scope
    return Row(node.name, node.op_type, node.domain, scope, count, outputs, node.inputs, cost, item.state, amounts)


def bind_row(row: Row, dims: Mapping[str, int]) -> Row:
    """The row with symbols bound."""
    amounts = {k: None if v is None else substitute(v, dims) for k, v in row.amounts.items()}
    outputs = tuple(Output(o.name, bind_type(o.type, dims)) for o in row.outputs)
    cost = row.cost and bind_cost(row.cost, dims)
    return replace(row, amounts=amounts, outputs=outputs, count=substitute(row.count, dims), cost=cost)


def plain(d: Dim | None) -> int | str | None:
    """A quantity for JSON and CSV: an int, a formula's text, or None."""
    return str(d) if isinstance(d, Poly) else d


def row_dict(row: Row) -> dict[str, Any]:
    """The layer's entry of the JSON report."""
    return {
        "name": row.name,
        "op_type": row.op_type,
        "domain": row.domain,
        "scope": list(row.scope),
        "count": plain(row.count),
        "outputs": [
            {
                "name": o.name,
                "dtype": str(o.type.dtype),
                "shape": None if o.type.shape is None else [plain(d) for d in o.type.shape],
            }
            for o in row.outputs
        ],
        "state": row.state,
        **{name: plain(value) for name, value in row.amounts.items()},
    }
