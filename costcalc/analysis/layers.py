"""NodeCost to LayerCost: a layer with its figures over all runs of its node; layers bound, and summed to the totals
of a graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from costcalc.analysis.cost import NodeCost, NodeFigures, figure_nodes
from costcalc.core.dim import Dim, substitute, sum_dims
from costcalc.core.formula import Cost
from costcalc.core.ir import Graph, Module, TensorType, bind_type, qualified_name
from costcalc.core.quantities import CATALOGUE, LAYER_TOTALS
from costcalc.core.quantity import Certainty, QuantityMap
from costcalc.core.registry import rule_state
from costcalc.core.result import short_repr
from costcalc.core.units import format_count
from costcalc.graph.bind import bind_cost
from costcalc.graph.parameters import StoredCount

LAYER_QUANTITIES = LAYER_TOTALS
"""Keys of a layer's figures, and of the totals that sum them."""

LayerFigures = Mapping[str, "Dim | None"]
"""Quantity's key -> a layer's figure over all runs of its node; None where it is unknown."""


class LayerOutput(NamedTuple):
    """An output of a layer: its value's name and type."""

    name: str
    type: TensorType

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr("LayerOutput", self.name, str(self.type))


@dataclass(frozen=True, slots=True, repr=False)
class LayerCost:
    """One layer: a node with its figures over `count` runs. cost holds the formulas of one run (None:
    unknown), state is costed, free, constant or unknown; module is the one that it stands in, where the model has
    such."""

    name: str
    op_type: str
    domain: str
    scope: tuple[str, ...]
    count: Dim
    outputs: tuple[LayerOutput, ...]
    inputs: tuple[str, ...]
    cost: Cost | None
    state: str
    figures: LayerFigures
    module: Module | None = None

    @property
    def operator(self) -> str:
        """The operator's name, with its domain unless that is ONNX's own."""
        return qualified_name(self.domain, self.op_type)

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        macs = self.figures["macs"]
        facts = f"{self.operator}, {'?' if macs is None else format_count(macs)} MACs"
        return short_repr("LayerCost", self.name, facts)

    @property
    def macs(self) -> Dim | None:
        """Multiply-accumulates of contractions; None where they are not known."""
        return self.figures["macs"]

    @property
    def flops(self) -> Dim | None:
        """2 × MACs and elementwise operations; None where they are not known."""
        return self.figures["flops"]

    @property
    def params(self) -> Dim | None:
        """Learned values, a shared tensor at the first layer that reads it."""
        return self.figures["params"]

    @property
    def buffers(self) -> Dim | None:
        """Stored values that are not learned."""
        return self.figures["buffers"]

    @property
    def weight_bytes(self) -> Dim | None:
        """Bytes of parameters and buffers as they are stored."""
        return self.figures["weight_bytes"]

    @property
    def activation_bytes(self) -> Dim | None:
        """Bytes of the outputs, 0 of a view; None where a shape is not known."""
        return self.figures["activation_bytes"]

    @property
    def traffic_bytes(self) -> Dim | None:
        """Bytes that are read and written, weights included; None where a shape is not known."""
        return self.figures["traffic_bytes"]

    def __getitem__(self, quantity: str) -> Dim | None:
        """A figure by its key. KeyError, with the key that was meant, for another."""
        return self.figures[quantity]


class UnknownOperator(NamedTuple):
    """An operator whose cost is not known, the names of its layers, and what lacks first: a rule, the shape of an
    output, or a figure that the rule cannot tell."""

    op_type: str
    domain: str
    layers: tuple[str, ...]
    lack: Literal["rule", "shape", "figure"]

    @property
    def operator(self) -> str:
        """The operator's name, with its domain unless that is ONNX's own."""
        return qualified_name(self.domain, self.op_type)


def group_unknown(rows: Iterable[LayerCost]) -> tuple[UnknownOperator, ...]:
    """Rows -> the unknown ones by operator, in order of first use."""
    unknown: dict[tuple[str, str], list[LayerCost]] = {}
    for row in rows:
        if row.state == "unknown":
            unknown.setdefault((row.op_type, row.domain), []).append(row)
    return tuple(
        UnknownOperator(op, domain, tuple([row.name for row in same]), _lack(same[0]))
        for (op, domain), same in unknown.items()
    )


def _lack(row: LayerCost) -> Literal["rule", "shape", "figure"]:
    """Unknown row -> what its figures lack."""
    if rule_state(row.domain, row.op_type) not in ("costed", "free"):
        return "rule"
    return "shape" if any(output.type.shape is None for output in row.outputs) else "figure"


def make_layers(items: Iterable[NodeCost], graph: Graph | None = None) -> tuple[LayerCost, ...]:
    """Costs of nodes -> a row for each, over all its runs, with its module in the graph. Rows with the same figures
    share one mapping."""
    figures_by_cost: dict[Any, LayerFigures] = {}
    rows = []
    for item in items:
        node = item.node
        key = (item.macs, item.flops, item.storage, item.activation_bytes, item.traffic_bytes, node.count)
        figures = figures_by_cost.get(key)
        if figures is None:
            figures = figures_by_cost[key] = QuantityMap(_layer_figures(item, item.storage, node.count))
        outputs = tuple(map(LayerOutput, filter(None, node.outputs), item.outputs))
        rows.append(
            LayerCost(
                node.name,
                node.op_type,
                node.domain,
                node.scope,
                node.count,
                outputs,
                node.inputs,
                item.cost,
                item.state,
                figures,
                graph.find_module(node) if graph is not None and graph.modules else None,
            )
        )
    return tuple(rows)


def _layer_figures(item: NodeFigures | NodeCost, storage: StoredCount, count: Dim) -> LayerFigures:
    """Figures of one run of a node, what it stores and its number of runs -> its figures over all of them."""
    return {
        "macs": None if item.macs is None else item.macs * count,
        "flops": None if item.flops is None else item.flops * count,
        "params": storage.params,
        "buffers": storage.buffers,
        "weight_bytes": storage.weight_bytes,
        "activation_bytes": None if item.activation_bytes is None else item.activation_bytes * count,
        "traffic_bytes": None if item.traffic_bytes is None else item.traffic_bytes * count,
    }


def bind_layer(row: LayerCost, dims: Mapping[str, int]) -> LayerCost:
    """Row and values of symbols -> the row with these symbols bound."""
    figures = QuantityMap({k: None if v is None else substitute(v, dims) for k, v in row.figures.items()})
    outputs = tuple(LayerOutput(o.name, bind_type(o.type, dims)) for o in row.outputs)
    cost = row.cost and bind_cost(row.cost, dims)
    return replace(row, figures=figures, outputs=outputs, count=substitute(row.count, dims), cost=cost)


class CostSums(NamedTuple):
    """totals are the sums of LAYER_TOTALS over all runs of all nodes, without the parts that are unknown; incomplete
    names the columns that such parts are missing from; unknown says that some operator has no rule."""

    totals: dict[str, Dim]
    incomplete: frozenset[str]
    unknown: bool


def sum_figures(figures: Iterable[LayerFigures]) -> dict[str, Dim]:
    """Figures of layers -> their sums by quantity, exact; what is not known of a layer is left out.

    A mapping that several layers share (equal layers do) is added once, times their number.
    """
    figures = tuple(figures)
    layer_counts = Counter(map(id, figures))
    return _sum_repeated([(layer, layer_counts[key]) for key, layer in {id(f): f for f in figures}.items()])


def _sum_repeated(figures: Sequence[tuple[LayerFigures, int]]) -> dict[str, Dim]:
    """Figures, each with the number of layers that have it -> the sums by quantity."""
    return {
        name: sum_dims([value * times for layer, times in figures if (value := layer[name]) is not None])
        for name in LAYER_QUANTITIES
    }


def sum_costs(graph: Graph) -> CostSums:
    """Graph -> the sums of its nodes' figures over all runs, without a row for each node."""
    times: dict[tuple[int, int, Dim], int] = {}
    groups: dict[tuple[int, int, Dim], tuple[NodeFigures, StoredCount, Dim]] = {}
    for node, figures, storage in figure_nodes(graph):
        key = (id(figures), id(storage), node.count)
        try:
            times[key] += 1
        except KeyError:
            times[key] = 1
            groups[key] = (figures, storage, node.count)
    rows = [(_layer_figures(*group), times[key]) for key, group in groups.items()]
    unknown = any(figures.state == "unknown" for figures, _, _ in groups.values())
    incomplete = {name for row, _ in rows for name, value in row.items() if value is None} if unknown else ()
    return CostSums(_sum_repeated(rows), frozenset(incomplete), unknown)


STORED_QUANTITIES = frozenset(("params", "buffers", "weight_bytes"))
"""Quantities that count all branches, whichever is taken."""


def total_certainty(key: str, incomplete: Collection[str], upper: bool) -> Certainty:
    """Quantity's key and the columns with unknown parts -> the certainty of its total; upper says that an open If
    counts its more expensive branch, which changes nothing about what the file stores."""
    quantity = CATALOGUE[key]
    upper = upper and key not in STORED_QUANTITIES
    if quantity.certainty != "exact":
        return quantity.certainty
    is_lower = any(column in incomplete for column in quantity.columns)
    return "estimate" if is_lower and upper else "lower" if is_lower else "upper" if upper else "exact"
