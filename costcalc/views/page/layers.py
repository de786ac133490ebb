"""Report -> its layers as columns, the tree of its blocks, and which layer reads which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from costcalc.analysis.grouping import LayerBlock, module_tree
from costcalc.analysis.layers import LayerCost
from costcalc.analysis.report import Report
from costcalc.core.dim import Poly
from costcalc.core.quantities import LAYER_TOTALS
from costcalc.core.sanitize import printable
from costcalc.core.units import format_count, format_shapes
from costcalc.views.charts import layer_kinds
from costcalc.views.explain import factor_names, factor_values
from costcalc.views.page.amounts import amount_data
from costcalc.views.symbol_names import shorten_symbols

QUANTITIES = ("macs", "params", *(key for key in LAYER_TOTALS if key not in ("macs", "params", "buffers")))
"""Quantities of the page in order: parameters stand beside MACs, where a narrow screen still shows them."""

LONGEST_FORMULA = 160
"""Signs of a layer's formula that the page holds."""

MAX_NESTING = 100
"""Blocks are nested no deeper: JSON and the page's scripts walk them by calling themselves."""


def layer_data(
    report: Report, keys: Sequence[str] = QUANTITIES, short: Mapping[str, str] | None = None
) -> dict[str, list[Any]]:
    """A report → one list a column, in execution order; keys are its quantities, short the names of symbols."""
    kinds = [name for row, name in zip(report.rows, layer_kinds(report), strict=True) if row.state != "constant"]
    rows = report.layers
    return {
        "name": [printable(row.name) for row in rows],
        "op": [printable(row.operator) for row in rows],
        **({"module": [_module_text(row) for row in rows]} if report.graph.modules else {}),
        "kind": list(map(printable, kinds)),
        "output": [shorten_symbols(printable(_outputs_text(row)), short or {}) for row in rows],
        "dtype": [str(row.outputs[0].type.dtype) if row.outputs else "" for row in rows],
        "runs": [amount_data(row.count) for row in rows],
        "state": [row.state for row in rows],
        "working": [shorten_symbols(printable(macs_working(row)), short or {}) for row in rows],
        **{key: [amount_data(row.figures.get(key)) for row in rows] for key in keys},
    }


def formula_data(report: Report, keys: Sequence[str], short: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """A report with open symbols → by quantity and index of a layer its formula as text; numbers are left out."""
    formulas: dict[str, dict[str, str]] = {key: {} for key in keys}
    for i, row in enumerate(report.layers):
        for key in keys:
            figure = row.figures.get(key)
            if isinstance(figure, Poly):
                text = shorten_symbols(printable(format_count(figure)), short)
                formulas[key][str(i)] = text if len(text) <= LONGEST_FORMULA else f"{text[:LONGEST_FORMULA]}…"
    return {key: texts for key, texts in formulas.items() if texts}


def _outputs_text(row: LayerCost) -> str:
    return format_shapes(tuple(output.type.shape for output in row.outputs))


def _module_text(row: LayerCost) -> str:
    return printable(row.module.class_name) if row.module else ""


def macs_working(row: LayerCost) -> str:
    """A layer's row → the working of its MACs: `#filter params × #filters = 27 × 5`; "" where it has none."""
    terms = row.cost.macs.terms if row.cost else ()
    if not terms:
        return ""
    return (
        " + ".join(factor_names(t.factors) for t in terms) + " = " + " + ".join(factor_values(t.factors) for t in terms)
    )


def block_data(report: Report) -> list[Any]:
    """The tree, of modules where there are such: a block is [label, child, …], a layer its index. One at the
    deepest level holds all layers below."""
    rows = report.layers
    index_of_row = {id(row): i for i, row in enumerate(rows)}
    return _nest_blocks(module_tree(rows), index_of_row)


def _nest_blocks(root: LayerBlock, index_of_row: dict[int, int]) -> list[Any]:
    """A tree of blocks and each row's index → nested lists [label, child, …], depth first with a stack."""
    tree: list[Any] = [""]
    stack: list[tuple[LayerBlock, list[Any]]] = [(root, tree)]
    while stack:
        block, children = stack.pop()
        for child in block.children.values():
            if not child.children:
                children.append(index_of_row[id(child.rows[0])])
                continue
            branch: list[Any] = [printable(" · ".join(filter(None, (child.label, child.class_name))))]
            children.append(branch)
            if len(child.path) < MAX_NESTING:
                stack.append((child, branch))
            else:
                branch.extend(index_of_row[id(row)] for row in child.rows)
    return tree


def edge_data(report: Report, short: Mapping[str, str]) -> dict[str, Any]:
    """Which layer reads which: pairs of indices, a graph input as -1, -2, …; an output as a pair with `outputs`.
    Constants are no layers, and what they give is no edge."""
    graph = report.graph
    nodes = [n for n, row in zip(graph.nodes, report.rows, strict=True) if row.state != "constant"]
    inputs = graph.data_inputs
    source: dict[str, int] = {name: -1 - i for i, name in enumerate(inputs)}
    for i, node in enumerate(nodes):
        source.update(dict.fromkeys(filter(None, node.outputs), i))
    pairs = dict.fromkeys((source[v], i) for i, node in enumerate(nodes) for v in node.inputs if v in source)
    return {
        "inputs": [printable(f"{name} {_shape_text(report, name, short)}") for name in inputs],
        "pairs": [list(pair) for pair in pairs],
        "outputs": [
            [source[name], printable(f"{name} {_shape_text(report, name, short)}")]
            for name in _computed_outputs(report, source)
        ],
    }


def _computed_outputs(report: Report, source: dict[str, int]) -> Iterator[str]:
    """A report and the layer behind each tensor → the names of the graph's outputs that a layer computes."""
    for name in dict.fromkeys(report.graph.outputs):
        if source.get(name, -1) >= 0:
            yield name


def _shape_text(report: Report, name: str, short: Mapping[str, str]) -> str:
    return shorten_symbols(format_shapes((report.graph.types[name].shape,)), short)
