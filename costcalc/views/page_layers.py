"""A report's layers -> columns of the page's table, the tree of blocks over them, and which layer reads which.

Amounts become JSON that JavaScript reads without loss: large integers as digits, formulas as text and order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from costcalc.analysis.grouping import LayerBlock, block_tree
from costcalc.analysis.layers import LayerCost
from costcalc.analysis.report import Report
from costcalc.core.amount import Amount, LowerBound, magnitude
from costcalc.core.dim import Poly
from costcalc.core.quantities import LAYER_TOTALS
from costcalc.core.sanitize import printable
from costcalc.core.units import format_count, format_shapes
from costcalc.views.charts import layer_kinds
from costcalc.views.explain import factor_names, factor_values

MAX_SAFE_INTEGER = 2**53
"""JavaScript's numbers are exact below this."""

MAX_ORDER = 10**300
"""Formulas are put in order by floats; what is beyond this is all the same."""


def amount_data(value: Amount) -> Any:
    """1234; "9007199254740993" where a number would lose digits; {"text": "3·seq²", "order": [2, 3]}; {"least": …};
    null where it is not known."""
    if isinstance(value, LowerBound):
        return {"least": amount_data(value.value)}
    if isinstance(value, Poly):
        degree, coefficient = magnitude(value)
        return {"text": format_count(value), "order": [degree, float(max(-MAX_ORDER, min(MAX_ORDER, coefficient)))]}
    if value is None or abs(value) < MAX_SAFE_INTEGER:
        return value
    return str(value)


MAX_NESTING = 100
"""Blocks are nested no deeper: JSON and the page's scripts walk them by calling themselves."""

QUANTITIES = tuple([key for key in LAYER_TOTALS if key != "buffers"])


def layer_data(report: Report, keys: Sequence[str] = QUANTITIES) -> dict[str, list[Any]]:
    """One list a column, in execution order; keys are its quantities."""
    kind = [name for row, name in zip(report.rows, layer_kinds(report), strict=True) if row.state != "constant"]
    rows = report.layers
    return {
        "name": [printable(row.name) for row in rows],
        "op": [printable(row.operator) for row in rows],
        "kind": list(map(printable, kind)),
        "output": [printable(format_shapes(tuple(o.type.shape for o in row.outputs))) for row in rows],
        "dtype": [str(row.outputs[0].type.dtype) if row.outputs else "" for row in rows],
        "runs": [amount_data(row.count) for row in rows],
        "state": [row.state for row in rows],
        "working": [printable(macs_working(row)) for row in rows],
        **{key: [amount_data(row.amounts.get(key)) for row in rows] for key in keys},
    }


def macs_working(row: LayerCost) -> str:
    """How a layer's MACs come about: `#filter params × #filters = 27 × 5`; "" where it has none."""
    terms = row.cost.macs.terms if row.cost else ()
    if not terms:
        return ""
    return (
        " + ".join(factor_names(t.factors) for t in terms) + " = " + " + ".join(factor_values(t.factors) for t in terms)
    )


def block_data(report: Report) -> list[Any]:
    """The tree: a block is [label, child, …], a layer its index. One at the DEEPEST level holds all layers below."""
    rows = report.layers
    place = {id(row): i for i, row in enumerate(rows)}
    return _nested(block_tree(rows), place)


def _nested(root: LayerBlock, place: dict[int, int]) -> list[Any]:
    """Depth first with a stack."""
    whole: list[Any] = [""]
    stack: list[tuple[LayerBlock, list[Any]]] = [(root, whole)]
    while stack:
        block, into = stack.pop()
        for child in block.children.values():
            if not child.children:
                into.append(place[id(child.rows[0])])
                continue
            inner: list[Any] = [printable(child.path[-1])]
            into.append(inner)
            if len(child.path) < MAX_NESTING:
                stack.append((child, inner))
            else:
                inner.extend(place[id(row)] for row in child.rows)
    return whole


def edge_data(report: Report) -> dict[str, Any]:
    """Which layer reads which: pairs of indices, a graph input as -1, -2, …; an output as a pair with `outputs`.
    Constants are no layers, and what they give is no edge."""
    graph = report.graph
    nodes = [n for n, row in zip(graph.nodes, report.rows, strict=True) if row.state != "constant"]
    known = [name for name in graph.inputs if name not in graph.initializers]
    source: dict[str, int] = {name: -1 - i for i, name in enumerate(known)}
    for i, node in enumerate(nodes):
        source.update(dict.fromkeys(filter(None, node.outputs), i))
    pairs = dict.fromkeys((source[v], i) for i, node in enumerate(nodes) for v in node.inputs if v in source)
    return {
        "inputs": [printable(f"{name} {_shape(report, name)}") for name in known],
        "pairs": [list(pair) for pair in pairs],
        "outputs": [[source[name], printable(f"{name} {_shape(report, name)}")] for name in _given(report, source)],
    }


def _given(report: Report, source: dict[str, int]) -> Iterator[str]:
    """The graph's outputs that a layer computes."""
    for name in dict.fromkeys(report.graph.outputs):
        if source.get(name, -1) >= 0:
            yield name


def _shape(report: Report, name: str) -> str:
    return format_shapes((report.graph.types[name].shape,))
