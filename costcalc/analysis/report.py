"""Graph to Report: layers and totals as exact plain data, with what is open, assumed and unknown; FLOPs by kind and by
role, MACs by operand precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from costcalc.analysis.cost import cost_nodes
from costcalc.analysis.experts import active_params
from costcalc.analysis.layers import (
    LayerCost,
    LayerOutput,
    UnknownOperator,
    bind_layer,
    group_unknown,
    make_layers,
    sum_figures,
    total_certainty,
)
from costcalc.analysis.memory import memory_totals
from costcalc.analysis.operand_types import OperandPrecisions, weight_bytes_by_dtype
from costcalc.analysis.options import ExecutionOptions
from costcalc.core.amount import LowerBound
from costcalc.core.assumptions import Assumption
from costcalc.core.budget import MAX_BITS, check_limit, limited_work
from costcalc.core.dim import Dim, Poly, limited_range, substitute, sum_dims, symbols, terms_of
from costcalc.core.elision import bind_options, list_symbols
from costcalc.core.errors import OpenQuantityError
from costcalc.core.formula import KINDS, ROLES
from costcalc.core.ir import DType, Graph, bind_type
from costcalc.core.quantities import CATALOGUE
from costcalc.core.quantity import Certainty, QuantityMap
from costcalc.core.result import Result, short_repr
from costcalc.core.settings import non_defaults
from costcalc.core.units import format_count
from costcalc.graph.bind import bind_graph, check_binding, check_limits, resolve_limits

if TYPE_CHECKING:
    from costcalc.core.amount import Amount


def group_flops(rows: Iterable[LayerCost], names: Iterable[str], key: Callable[[str, str], str]) -> dict[str, Dim]:
    """Rows -> FLOPs by key(kind, role) of each piece of work; the first of names stands for 2 × MACs."""
    sums: dict[str, Dim] = dict.fromkeys(names, 0)
    rows = tuple(rows)
    sums[next(iter(sums))] = 2 * sum_dims([macs for row in rows if (macs := row.figures["macs"]) is not None])
    rows_by_cost: dict[int, list[LayerCost]] = {}
    for row in rows:
        rows_by_cost.setdefault(id(row.cost), []).append(row)
    for equal_rows in rows_by_cost.values():
        cost, runs = equal_rows[0].cost, sum_dims([row.count for row in equal_rows])
        for work in cost.work if cost else ():
            name = key(work.kind, work.role)
            sums[name] = sums.get(name, 0) + work.formula.value * runs
    return sums


def group_macs(graph: Graph, rows: Iterable[LayerCost]) -> dict[str, Dim]:
    """Graph and its rows -> MACs by the element types that are multiplied."""
    precisions, macs_by_precision = OperandPrecisions(graph), dict[str, list[Dim]]()
    for row, node in zip(rows, graph.nodes, strict=True):
        macs = row.figures["macs"]
        if macs is not None and macs != 0:
            macs_by_precision.setdefault(precisions.find_precision(node), []).append(macs)
    return {name: sum_dims(macs) for name, macs in macs_by_precision.items()}


FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, repr=False)
class Report(Result):
    """What a model costs. totals sum the known figures of the rows; lower_bound says that some are unknown (print `≥`).

    bound_symbols maps the symbols that have a value to it (a default batch of 1 too), open_symbols names those without;
    notes say what was decided by default, assumptions what open extents are taken for. execution is that of the peak
    and of the arena.
    """

    name: str
    source: str
    rows: tuple[LayerCost, ...]
    totals: Mapping[str, Dim]
    lower_bound: bool
    unknown: tuple[UnknownOperator, ...]
    bound_symbols: Mapping[str, Dim]
    assumptions: tuple[Assumption, ...]
    notes: tuple[str, ...]
    graph: Graph
    execution: ExecutionOptions

    def __post_init__(self) -> None:
        object.__setattr__(self, "totals", QuantityMap(self.totals))

    @property
    def open_symbols(self) -> tuple[str, ...]:
        """The symbols that the totals and the shapes still contain."""
        shapes = {output.type.shape for row in self.rows for output in row.outputs}
        return symbols(*self.totals.values(), *{d for shape in shapes for d in shape or () if isinstance(d, Poly)})

    @property
    def inputs(self) -> tuple[LayerOutput, ...]:
        """The graph's inputs with their types."""
        types = self.graph.types
        return tuple([LayerOutput(name, bind_type(types[name], self.bound_symbols)) for name in self.graph.inputs])

    @property
    def element_types(self) -> frozenset[DType]:
        """The element types of all values of the graph."""
        return frozenset([t.dtype for t in self.graph.types.values()])

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that are not their defaults, by name, as costcalc.analyze takes them: of the reading, the
        execution and training."""
        settings = dict(self.graph.settings)
        if self.execution != NODE_BY_NODE:
            settings["execution"] = non_defaults(self.execution)
        if self.step is not None:
            settings["training"] = non_defaults(self.step.options) or True
        return settings

    @property
    def open_branches(self) -> tuple[str, ...]:
        """The Ifs whose condition is open: the totals count the more expensive branch of each."""
        return self.graph.choices

    @property
    def upper_bound(self) -> bool:
        """Whether the totals are upper bounds: the condition of an If is open."""
        return bool(self.open_branches)

    @property
    def step(self) -> Any:
        """What a training step costs, a TrainingStep; None in a report without training."""
        return None

    @property
    def macs(self) -> Dim:
        """Multiply-accumulates of contractions."""
        return self.totals["macs"]

    @property
    def flops(self) -> Dim:
        """2 × MACs and elementwise operations."""
        return self.totals["flops"]

    @property
    def params(self) -> Dim:
        """Learned values; a shared tensor counts once."""
        return self.totals["params"]

    @property
    def buffers(self) -> Dim:
        """Stored values that are not learned."""
        return self.totals["buffers"]

    @property
    def weight_bytes(self) -> Dim:
        """Bytes of parameters and buffers as they are stored."""
        return self.totals["weight_bytes"]

    @property
    def activation_bytes(self) -> Dim:
        """Bytes of all values that are computed, views apart."""
        return self.totals["activation_bytes"]

    @property
    def traffic_bytes(self) -> Dim:
        """Bytes that layers read and write, one by one."""
        return self.totals["traffic_bytes"]

    @property
    def peak_activation_bytes(self) -> Dim:
        """The most bytes of values that are alive at once. OpenQuantityError where open symbols leave it undecided."""
        if "peak_activation_bytes" not in self.totals:
            raise OpenQuantityError(*open_peak(self))
        return self.totals["peak_activation_bytes"]

    @property
    def layers(self) -> tuple[LayerCost, ...]:
        """The rows in execution order, without constants."""
        return tuple([row for row in self.rows if row.state != "constant"])

    @property
    def symbol_limits(self) -> dict[str, int]:
        """The open symbols that depend on data (a Loop's trips, NonMaxSuppression's boxes) -> the largest number that
        each can be, where there is one."""
        limits = resolve_limits(self.graph)
        return {name: limits[name] for name in self.open_symbols if name in limits} if limits else {}

    @property
    def total_limits(self) -> dict[str, int]:
        """The totals that depend on symbols with such a limit -> a number that each does not exceed. Totals that other
        open symbols or unknown operators leave without a bound are missing."""
        limits = self.symbol_limits
        if not limits:
            return {}
        highs = {
            key: limited_range(value, limits)[1]
            for key, value in self.totals.items()
            if isinstance(value, Poly) and not is_lower_bound(self, key)
        }
        return {key: int(high) for key, high in highs.items() if high < math.inf}

    def count_states(self) -> dict[str, int]:
        """Number of nodes by state: costed by a rule, free, constant, unknown."""
        counts = {"costed": 0, "free": 0, "constant": 0, "unknown": 0}
        for row in self.rows:
            counts[row.state] += 1
        return counts

    def flops_by_kind(self) -> dict[str, Dim]:
        """FLOPs by the kind of operation; a multiply-accumulate counts as two."""
        return group_flops(self.rows, ("multiply_accumulate", *KINDS), lambda kind, role: kind)

    def flops_by_role(self) -> dict[str, Dim]:
        """FLOPs by their role: contraction (2 × MACs), bias, normalization, activation, …"""
        return group_flops(self.rows, ("contraction", *ROLES), lambda kind, role: role)

    def macs_by_precision(self) -> dict[str, Dim]:
        """MACs by the element types that are multiplied: fp32, fp16×int4, uint8×int8 …"""
        return group_macs(self.graph, self.rows)

    def weight_bytes_by_dtype(self) -> dict[str, Dim]:
        """Weight bytes by their stored element type."""
        return weight_bytes_by_dtype(self.graph)

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the table."""
        mark = "≥ " if self.lower_bound else ""
        facts = f"{mark}{format_count(self.macs)} MACs, {format_count(self.params)} params"
        return short_repr("Report", self.name, facts)

    def bind(self, dims: Mapping[str, int]) -> Report:
        """Values of symbols -> the report with these symbols bound. UsageError for a name that is no open symbol and
        for a value below 0, AssumptionError where a value contradicts an assumption of the graph, or is larger than an
        extent that depends on data can be."""
        present = symbols(*{d for t in self.graph.types.values() for d in t.shape or ()}, *self.totals.values())
        check_binding(dims, (*present, *self.bound_symbols))
        dims = {name: value for name, value in dims.items() if name in present}
        for assumption in self.assumptions:
            assumption.check(dims)
        check_limits(self.graph, dims)
        graph = bind_graph(self.graph, dims)
        if 0 in dims.values():  # formulas hold for extents of at least 1: a reduction of nothing costs 0, not -1
            return analyze_graph(graph, self.execution)
        rows = tuple(bind_layer(row, dims) for row in self.rows)
        totals = {name: substitute(value, dims) for name, value in self.totals.items()} | memory_totals(
            graph, self.execution
        )
        return replace(self, rows=rows, totals=totals, bound_symbols={**self.bound_symbols, **dims}, graph=graph)


def is_lower_bound(report: Report, key: str) -> bool:
    """Whether a total of a report leaves something out: a layer's figure that it sums is unknown."""
    columns = CATALOGUE[key].columns
    return report.lower_bound and any(row.figures.get(column, 0) is None for row in report.rows for column in columns)


def report_certainty(report: Report, key: str) -> Certainty:
    """Report and quantity -> its certainty: unknown operators make it a lower bound, an open If an upper bound."""
    incomplete = CATALOGUE[key].columns if is_lower_bound(report, key) else ()
    return total_certainty(key, incomplete, report.upper_bound)


NODE_BY_NODE = ExecutionOptions()
"""The default execution: nothing in place, nothing fused, in the graph's order."""


def analyze_graph(graph: Graph, execution: ExecutionOptions = NODE_BY_NODE) -> Report:
    """Graph -> its report; the peak (and the arena) are those of the execution."""
    with limited_work("the analysis", nodes=len(graph.nodes)):
        rows = make_layers(cost_nodes(graph), graph)
        totals = sum_figures(row.figures for row in rows) | memory_totals(graph, execution)
        active = active_params(graph)
        totals |= {} if active is None else {"active_params": active}
        for key, total in totals.items():
            bits = max(c.bit_length() for _, c in terms_of(total)) if total is not None else 0
            check_limit(bits, MAX_BITS, f"bits of {key}", "check the extents")
    unknown = group_unknown(rows)
    return Report(
        graph.name,
        graph.source,
        rows,
        totals,
        bool(unknown),
        unknown,
        dict(graph.symbols),
        graph.assumptions,
        graph.notes,
        graph,
        execution,
    )


def report_total(report: Report, key: str) -> Amount:
    """Report and quantity -> the total; LowerBound where a layer's figure of it is unknown, None where open symbols
    leave it undecided (open_peak says why)."""
    value = report.totals.get(key)
    return value if value is None or not is_lower_bound(report, key) else LowerBound(value)


def open_peak(report: Report) -> tuple[str, str]:
    """Report whose peak open symbols leave undecided -> why, and the remedy."""
    names = report.open_symbols
    return f"which step needs the most memory depends on {list_symbols(names)}", open_remedy(names)


def open_remedy(names: Iterable[str]) -> str:
    """Open symbols -> how they are bound: `bind with --dim height=… --dim width=…`."""
    return f"bind with {bind_options(names)}"
