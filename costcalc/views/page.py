"""Reports to what the HTML page shows, as plain data: totals, layers, blocks, edges, memory by step, devices,
comparison.

Amounts are JSON that JavaScript reads without loss: large integers as digits, formulas as text and order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from costcalc.analysis.grouping import LayerBlock, module_tree
from costcalc.analysis.layers import LayerCost
from costcalc.analysis.memory.footprint import measure_footprint
from costcalc.analysis.report import Report, report_certainty, report_total
from costcalc.analysis.roofline.bounds import multiplied_types
from costcalc.analysis.roofline.energy import memory_fits
from costcalc.analysis.roofline.roofline import Roofline
from costcalc.core.amount import Amount, LowerBound, magnitude
from costcalc.core.dim import Poly, bind_remedy, symbols
from costcalc.core.errors import QuantityError, UndecidedError
from costcalc.core.quantities import CATALOGUE, LAYER_TOTALS
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.core.sanitize import printable
from costcalc.core.settings import option_words
from costcalc.core.units import format_count, format_shape, format_shapes
from costcalc.core.version import __version__
from costcalc.studies.compare import amount_ratio, compare_measurements
from costcalc.studies.measurement import Measurement
from costcalc.views.charts import layer_kinds
from costcalc.views.columns import BACKWARD_COLUMN
from costcalc.views.explain import factor_names, factor_values
from costcalc.views.figures import figure_amount, figure_plain, figure_ratios, refusal_notes
from costcalc.views.placement import placement_notes
from costcalc.views.roofline import (
    ARENA_OF_NO_RUNTIME,
    bandwidth_text,
    bound_text,
    fit_text,
    is_arena_of_no_runtime,
    layers_text,
    rate_text,
    shows_layers,
    to_float,
)
from costcalc.views.summary import inputs_text, report_notes, report_totals
from costcalc.views.table import Total

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
    """A report → one list a column, in execution order; keys are its quantities."""
    kinds = [name for row, name in zip(report.rows, layer_kinds(report), strict=True) if row.state != "constant"]
    rows = report.layers
    return {
        "name": [printable(row.name) for row in rows],
        "op": [printable(row.operator) for row in rows],
        **({"module": [_module_text(row) for row in rows]} if report.graph.modules else {}),
        "kind": list(map(printable, kinds)),
        "output": [printable(format_shapes(tuple(o.type.shape for o in row.outputs))) for row in rows],
        "dtype": [str(row.outputs[0].type.dtype) if row.outputs else "" for row in rows],
        "runs": [amount_data(row.count) for row in rows],
        "state": [row.state for row in rows],
        "working": [printable(macs_working(row)) for row in rows],
        **{key: [amount_data(row.figures.get(key)) for row in rows] for key in keys},
    }


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


def edge_data(report: Report) -> dict[str, Any]:
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
        "inputs": [printable(f"{name} {_shape_text(report, name)}") for name in inputs],
        "pairs": [list(pair) for pair in pairs],
        "outputs": [
            [source[name], printable(f"{name} {_shape_text(report, name)}")]
            for name in _computed_outputs(report, source)
        ],
    }


def _computed_outputs(report: Report, source: dict[str, int]) -> Iterator[str]:
    """A report and the layer behind each tensor → the names of the graph's outputs that a layer computes."""
    for name in dict.fromkeys(report.graph.outputs):
        if source.get(name, -1) >= 0:
            yield name


def _shape_text(report: Report, name: str) -> str:
    return format_shapes((report.graph.types[name].shape,))


def memory_data(report: Report) -> dict[str, Any]:
    """Live bytes at each step of the report's execution, and every buffer; {"open": why} where open symbols leave it
    undecided."""
    try:
        footprint = measure_footprint(report.graph, report.execution._replace(align=None))
    except UndecidedError as error:
        return {"open": str(error)}
    live = footprint.liveness.live_bytes
    if not all(isinstance(n, int) for n in live):
        names = ", ".join(symbols(*live))
        return {"open": f"Live bytes depend on {names}: {bind_remedy(sum(live, 0))}"}
    return {
        "execution": ", ".join(option_words(footprint.execution)),
        "steps": [printable(step.name) for step in footprint.schedule.steps],
        "live": [amount_data(n) for n in live],
        "peak": amount_data(footprint.peak),
        "step": footprint.liveness.peak_step,
        "least": bool(footprint.schedule.unknown),
        "buffers": [
            [
                printable(b.name),
                format_shape(kind.shape),
                str(kind.dtype),
                amount_data(b.nbytes),
                max(b.first_step, 0),
                min(b.last_step, max(len(footprint.schedule.steps) - 1, 0)),
            ]
            for b in footprint.schedule.buffers
            for kind in (footprint.graph.types[b.name],)
        ],
    }


DEFAULT_DEVICES = ("raspberry-pi-5", "rtx4090", "a100-sxm-80gb")
"""The devices of a report that names none: a board, a desktop's and a server's accelerator."""


def device_data(rooflines: Sequence[Roofline]) -> list[dict[str, Any]]:
    """Rooflines → one entry a device; element is what most of the model's multiplications are done in."""
    return [_device_entry(roofline, _main_element_type(roofline)) for roofline in rooflines]


def _main_element_type(roofline: Roofline) -> str:
    if roofline.macs_by_type:
        return max(roofline.macs_by_type, key=lambda pair: pair[1])[0]
    return next(iter(multiplied_types(roofline.report.graph, roofline.report.rows)), "float32")


def _device_entry(roofline: Roofline, element: str) -> dict[str, Any]:
    profile, peak = roofline.profile, roofline.profile.find_peak(element)
    bounds = [
        bound for row, bound in zip(roofline.report.rows, roofline.layers, strict=True) if row.state != "constant"
    ]
    decided = not roofline.open_symbols and not roofline.report.upper_bound
    return {
        "id": printable(profile.id),
        "name": printable(profile.name),
        "variant": printable(profile.variant),
        "precision": peak[0] if peak else element,
        "peak": float(peak[1].value) if peak else None,
        "peak_text": rate_text(peak[1].value, peak[0]) if peak else "",
        "bandwidth": float(profile.bandwidth.value) if profile.bandwidth else None,
        "bandwidth_text": bandwidth_text(profile.bandwidth.value) if profile.bandwidth else "",
        "lower_bound": bound_text(roofline) if decided and roofline.model.seconds is not None else "",
        "seconds": to_float(roofline.model.seconds) if decided else None,
        "layer_by_layer": layers_text(roofline) if decided and shows_layers(roofline) else "",
        "open": list(roofline.open_symbols),
        "without_peak": list(roofline.without_peak),
        "fits": [[text, fits] for text, fits in _fits(roofline)],
        "placement": [[note.label.strip(), printable(note.text)] for note in placement_notes(roofline)],
        "times": [to_float(bound.seconds) for bound in bounds],
        "bound_by": [bound.bound_by for bound in bounds],
    }


def _fits(roofline: Roofline) -> Iterator[tuple[str, bool]]:
    """Roofline -> a sentence for each memory, and whether it holds what it must; of an arena that no runtime has laid
    out, that it is larger."""
    report, profile = roofline.report, roofline.profile
    yield from ((fit_text(fit), fit.fits) for fit in memory_fits(report, profile))
    if is_arena_of_no_runtime(report, profile):
        yield ARENA_OF_NO_RUNTIME, True


def page_content(measurements: Sequence[Measurement], devices: Sequence[str] = ()) -> dict[str, Any]:
    """Models, and the devices that they are shown on (the usual ones where none is named) -> the page's data. Two or
    more models are compared too. Quantities that the settings ask for stand among the totals."""
    reports = [measurement.available_report for measurement in measurements]
    keys = [*QUANTITIES, *[BACKWARD_COLUMN for _ in range(any(BACKWARD_COLUMN in report.totals for report in reports))]]
    return {
        "version": __version__,
        "quantities": [[key, CATALOGUE[key].label] for key in keys],
        "models": [_model_entry(measurement, keys, devices or DEFAULT_DEVICES) for measurement in measurements],
        "comparison": _comparison_entry(measurements) if len(measurements) > 1 else None,
    }


def _model_entry(measurement: Measurement, keys: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    report = measurement.available_report
    figures = {ref: measurement.attempt(ref) for ref in measurement.settings.quantities()}
    new_figures = {ref: figure for ref, figure in figures.items() if ref.key not in report.totals}
    notes = (
        *report_notes(report),
        *refusal_notes((report.name,), {ref: [figure] for ref, figure in new_figures.items()}),
    )
    upper_labels = {CATALOGUE[key].label for key in report.totals if report_certainty(report, key) == "upper"}
    rooflines = {measurement.profile(name).id: measurement.roofline(name) for name in names}
    return {
        "name": printable(report.name),
        "source": printable(report.source),
        "inputs": printable(inputs_text(report)),
        "totals": {
            **{ref.key: figure_plain(figure) for ref, figure in figures.items()},
            **{key: amount_data(report_total(report, key)) for key in report.totals},
        },
        "facts": [
            *[
                [total.label, amount_data(total.value), total.kind, _bound_data(total, total.label in upper_labels)]
                for total in report_totals(report)
            ],
            *[
                [ref.label, _figure_data(ref, figure), ref.quantity.kind, None]
                for ref, figure in new_figures.items()
                if isinstance(figure, Figure)
            ],
        ],
        "remarks": [[note.label, printable(note.text), note.warning] for note in notes],
        "layers": layer_data(report, keys),
        "blocks": block_data(report),
        "edges": edge_data(report),
        "memory": memory_data(report),
        "devices": device_data([replace(roofline, report=report) for roofline in rooflines.values()]),
    }


def _bound_data(total: Total, is_upper: bool) -> Any:
    """A total → [a number that it does not exceed, for what values of its symbols]; true where it is itself such a
    number, for an If is open; null."""
    return [amount_data(total.limit), printable(total.limits)] if total.limit is not None else is_upper or None


def _figure_data(ref: QuantityRef, figure: Figure | QuantityError) -> Any:
    """A figure for the page: an amount, or its text where it is none, which stands below all amounts in an order."""
    amount = figure_amount(ref, figure)
    return {"text": amount, "order": [-1, 0]} if isinstance(amount, str) else amount_data(amount)


def _comparison_entry(measurements: Sequence[Measurement]) -> dict[str, Any]:
    comparison = compare_measurements(measurements)
    return {
        "names": [printable(name) for name in comparison.names],
        "totals": [
            *[
                [CATALOGUE[key].label, CATALOGUE[key].kind, *_side_by_side(amounts)]
                for key, amounts in comparison.totals().items()
            ],
            *[
                [ref.label, ref.quantity.kind, [_figure_data(ref, figure) for figure in row], figure_ratios(ref, row)]
                for ref, row in comparison.figures.items()
            ],
        ],
        "operators": [[printable(op), "number", *_side_by_side(a)] for op, a in comparison.by_operator().items()],
    }


def _side_by_side(amounts: Sequence[Any]) -> list[Any]:
    """Amounts → the amounts for JSON, and their ratios to the first."""
    return [[amount_data(a) for a in amounts], [amount_ratio(a, amounts[0]) for a in amounts]]
