"""Rows → sums by kind, by role and by operand precision."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from costcalc.dim import Dim
from costcalc.ir import Graph
from costcalc.operands import Precisions
from costcalc.rows import Row


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
