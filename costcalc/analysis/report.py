"""Graph -> Report: rows and totals as plain data, exact, with what is open, assumed and unknown.

Rows → sums by kind, by role and by operand precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from costcalc.analysis.cost import cost_nodes
from costcalc.analysis.layers import QUANTITIES, Row, UnknownOp, bind_row, make_rows, unknown_ops
from costcalc.analysis.memory.liveness import schedule, timeline
from costcalc.analysis.operand_types import Precisions
from costcalc.analysis.options import ExecutionOptions
from costcalc.core.amount import AtLeast
from costcalc.core.assumptions import Assumption
from costcalc.core.dim import Dim, Poly, substitute, symbols
from costcalc.core.errors import UndecidedError
from costcalc.core.formula import KINDS, ROLES
from costcalc.core.ir import Graph
from costcalc.core.quantities import CATALOGUE
from costcalc.core.result import Result
from costcalc.core.units import exact
from costcalc.graph.bind import bind_graph, check_binding

if TYPE_CHECKING:
    from costcalc.core.amount import Amount


def flops_by(rows: Iterable[Row], names: Iterable[str], key: Callable[[str, str], str]) -> dict[str, Dim]:
    """FLOPs by what key makes of the kind and role of a piece of work; the first name is that of 2 × MACs."""
    sums: dict[str, Dim] = dict.fromkeys(names, 0)
    rows = tuple(rows)
    sums[next(iter(sums))] = 2 * sum([macs for row in rows if (macs := row.amounts["macs"]) is not None])
    alike: dict[int, list[Row]] = {}
    for row in rows:
        alike.setdefault(id(row.cost), []).append(row)
    for same in alike.values():
        cost, runs = same[0].cost, sum([row.count for row in same])
        for work in cost.work if cost else ():
            name = key(work.kind, work.role)
            sums[name] = sums.get(name, 0) + work.formula.value * runs
    return sums


def macs_by_precision(graph: Graph, rows: Iterable[Row]) -> dict[str, Dim]:
    """MACs by the element types that are multiplied."""
    precisions, sums = Precisions(graph), dict[str, Dim]()
    for row, node in zip(rows, graph.nodes, strict=True):
        macs = row.amounts["macs"]
        if macs is not None and macs != 0:
            name = precisions.of(node)
            sums[name] = sums.get(name, 0) + macs
    return sums


FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Report(Result):
    """What a model costs. totals add the known figures; lower_bound says that some are unknown (print `≥`).

    bound are the symbols that have a value (a default batch of 1 too), open_symbols those that have none; notes say
    what was decided by default, assumptions what open extents are taken for. execution is what the peak rests on.
    """

    name: str
    source: str
    rows: tuple[Row, ...]
    totals: Mapping[str, Dim]
    lower_bound: bool
    unknown: tuple[UnknownOp, ...]
    bound: Mapping[str, Dim]
    assumptions: tuple[Assumption, ...]
    notes: tuple[str, ...]
    graph: Graph
    execution: ExecutionOptions

    @property
    def open_symbols(self) -> tuple[str, ...]:
        """The symbols that the totals and the shapes still hold."""
        shapes = {output.type.shape for row in self.rows for output in row.outputs}
        return symbols(*self.totals.values(), *{d for shape in shapes for d in shape or () if isinstance(d, Poly)})

    @property
    def upper_bound(self) -> bool:
        """Whether an If is open, so that the totals count its dearer branch."""
        return bool(self.graph.choices)

    @property
    def macs(self) -> Dim:
        return self.totals["macs"]

    @property
    def flops(self) -> Dim:
        return self.totals["flops"]

    @property
    def params(self) -> Dim:
        return self.totals["params"]

    @property
    def layers(self) -> tuple[Row, ...]:
        """The rows in execution order, without constants."""
        return tuple([row for row in self.rows if row.state != "constant"])

    def accounted(self) -> dict[str, int]:
        """How many nodes are costed by a rule, free, constant, and unknown."""
        counts = {"costed": 0, "free": 0, "constant": 0, "unknown": 0}
        for row in self.rows:
            counts[row.state] += 1
        return counts

    def flops_by_kind(self) -> dict[str, Dim]:
        """FLOPs by what the operation is; a multiply-accumulate counts as two."""
        return flops_by(self.rows, ("multiply_accumulate", *KINDS), lambda kind, role: kind)

    def flops_by_role(self) -> dict[str, Dim]:
        """FLOPs by what they are for: contraction (2 × MACs), bias, normalization, activation, …"""
        return flops_by(self.rows, ("contraction", *ROLES), lambda kind, role: role)

    def macs_by_precision(self) -> dict[str, Dim]:
        """MACs by the element types that are multiplied: fp32, fp16×int4, uint8×int8 …"""
        return macs_by_precision(self.graph, self.rows)

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the table."""
        mark = "≥ " if self.lower_bound else ""
        return f"<Report {self.name}: {mark}{exact(self.macs)} MACs, {exact(self.params)} params>"

    def bind(self, dims: Mapping[str, int]) -> Report:
        """The report with symbols bound. UsageError for a name that is no open symbol and for a value below 1,
        AssumptionError where a value breaks what the graph rests on."""
        present = symbols(*{d for t in self.graph.types.values() for d in t.shape or ()}, *self.totals.values())
        check_binding(dims, (*present, *self.bound))
        dims = {name: value for name, value in dims.items() if name in present}
        for assumption in self.assumptions:
            assumption.check(dims)
        rows = tuple(bind_row(row, dims) for row in self.rows)
        graph = bind_graph(self.graph, dims)
        totals = {name: substitute(value, dims) for name, value in self.totals.items()} | peak(graph, self.execution)
        return replace(self, rows=rows, totals=totals, bound={**self.bound, **dims}, graph=graph)


def is_lower_bound(report: Report, key: str) -> bool:
    """Whether a total leaves something out: a layer's part of a column that it rests on is unknown."""
    columns = CATALOGUE[key].columns
    return report.lower_bound and any(row.amounts.get(column, 0) is None for row in report.rows for column in columns)


NODE_BY_NODE = ExecutionOptions()
"""Nothing in place, nothing fused, in the given order."""


def peak(graph: Graph, execution: ExecutionOptions = NODE_BY_NODE) -> dict[str, Dim]:
    """The peak of live activation bytes under an execution (views share memory), and the arena's size where the
    execution has an alignment; without what open symbols leave undecided."""
    if execution == NODE_BY_NODE:
        value = timeline(schedule(graph)).peak
        return {} if value is None else {"peak_activation_bytes": value}
    from costcalc.analysis.memory.footprint import footprint

    try:
        needed = footprint(graph, execution)
    except UndecidedError:
        return {} if execution.align is None else peak(graph, replace(execution, align=None))
    totals = {"peak_activation_bytes": needed.peak, "arena_bytes": needed.arena and needed.arena.size}
    return {key: value for key, value in totals.items() if value is not None}


def sum_figures(rows: Iterable[Row]) -> dict[str, Dim]:
    """Layers -> the sum of each of their figures; a part that is not known counts as nothing."""
    figures = [row.amounts for row in rows]
    return {key: sum([amount for amounts in figures if (amount := amounts[key]) is not None]) for key in QUANTITIES}


def analyze_graph(graph: Graph, execution: ExecutionOptions = NODE_BY_NODE) -> Report:
    """Costs a graph and sums it up; the peak is that of the execution."""
    rows = make_rows(cost_nodes(graph))
    totals = sum_figures(rows) | peak(graph, execution)
    unknown = unknown_ops(rows)
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


def total(report: Report, key: str) -> Amount:
    """A total; AtLeast where a layer's part of it is unknown."""
    value = report.totals[key]
    return AtLeast(value) if is_lower_bound(report, key) else value
