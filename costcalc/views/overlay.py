"""Report of a model file -> the costs of the file's nodes in the form of a viewer: Netron's attachment with metrics, or
the node data of Model Explorer.

Netron (https://github.com/lutzroeder/netron, source/view.js, `metadata.Attachment`): JSON with the signature
`netron:attachment`; an entry of `metrics` names a node by `target`, its name, or by `identifier`, the number that the
viewer shows where nodes have no names (TensorFlow Lite), or a value by its name.

Model Explorer (https://github.com/google-ai-edge/model-explorer, node_data_builder.py): `results` by the node's id
(TensorFlow Lite: its number; PyTorch: its name; ONNX, by the adapter model-explorer-onnx: its name, `node` with a
number where it has none), with a gradient; by the graph's id where there are several graphs.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from costcalc.analysis.layers import LAYER_QUANTITIES
from costcalc.analysis.report import Report
from costcalc.analysis.roofline.roofline import Roofline
from costcalc.core.amount import LowerBound, json_amount, sum_amounts
from costcalc.core.dim import Dim, Poly, bind_remedy
from costcalc.core.errors import UsageError, suggest_choice
from costcalc.core.quantities import parse_quantity
from costcalc.core.sanitize import escape_controls
from costcalc.core.units import format_percent
from costcalc.frontends import hold_source
from costcalc.frontends.file_nodes import FileNode, FileNodes, read_file_nodes
from costcalc.frontends.source import ModelSource
from costcalc.studies.measurement import measure
from costcalc.studies.options import Settings
from costcalc.views.columns import BACKWARD_COLUMN
from costcalc.views.placement import placed_bounds

VIEWERS = ("netron", "model-explorer")

GRADIENT = ({"stop": 0, "bgColor": "#ffffff"}, {"stop": 0.5, "bgColor": "#f6c667"}, {"stop": 1, "bgColor": "#c0392b"})
"""Colours of nodes in Model Explorer from the least to the most."""

NODE_QUANTITIES = (*LAYER_QUANTITIES, "time")
"""The names of the quantities that nodes have; time is of a device: `time.t4`."""

EXACT_IN_JAVASCRIPT = 2**53
"""A larger integer is written as text: a viewer would round it."""


def overlay_text(model: ModelSource, viewer: str, settings: Settings, quantity: str = "") -> str:
    """A model file, a viewer and settings -> the text of the file that the viewer takes. quantity is one that layers
    have (time.DEVICE with a device); Netron has all unless it is named, Model Explorer takes one: macs unless named.
    UsageError for a model that no viewer opens, for another viewer, and for a quantity that layers do not have."""
    if viewer not in VIEWERS:
        raise UsageError(f"there is no viewer {viewer!r}", suggest_choice(viewer, VIEWERS))
    if "signature" in settings.params:
        raise UsageError("an overlay is of the file's first subgraph", "leave --set signature out")
    held = hold_source(model)
    measurement = measure(held, settings)  # first: what is wrong with a file is said as everywhere
    nodes = read_file_nodes(held)
    rooflines = measurement.rooflines()
    if viewer == "netron":
        costs = node_costs(measurement.report, nodes, rooflines, quantity)
        document = netron_document(measurement.report, costs)
    else:
        key = quantity or "macs"
        document = explorer_document(node_costs(measurement.report, nodes, rooflines, key), parse_quantity(key).label)
    return escape_controls(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1))


class NodeCosts(NamedTuple):
    """The costs of a file's nodes: for each quantity the figure of each node (None where no layer stands for it), an
    inner graph's counted at its owner too."""

    nodes: FileNodes
    figures: dict[str, list[Any]]


def node_costs(report: Report, nodes: FileNodes, rooflines: Sequence[Roofline] = (), quantity: str = "") -> NodeCosts:
    """A report and the nodes of its file -> their costs: of one quantity where it is named, else of all that layers
    have. UsageError where layers do not have it."""
    layer_figures = _layer_figures(report, rooflines)
    if quantity and quantity not in layer_figures:
        fact = f"no layer has a figure of {quantity!r}"
        raise UsageError(fact, suggest_choice(quantity, layer_figures))
    keys = [quantity] if quantity else list(layer_figures)
    members: list[list[int]] = [[] for _ in nodes.nodes]
    for index, place in enumerate(nodes.find_nodes(report.graph)):  # rows are the graph's nodes, in their order
        while place is not None:
            members[place].append(index)
            place = nodes.nodes[place].owner
    return NodeCosts(nodes, {key: [_sum(layer_figures[key], part) for part in members] for key in keys})


def _layer_figures(report: Report, rooflines: Sequence[Roofline]) -> dict[str, list[Any]]:
    """Quantity -> the figure of each row; times are seconds."""
    keys = [*LAYER_QUANTITIES, *[BACKWARD_COLUMN] * (BACKWARD_COLUMN in report.totals)]
    figures: dict[str, list[Any]] = {key: [row.figures.get(key) for row in report.rows] for key in keys}
    for roofline in rooflines:
        seconds = [bound.seconds for bound in placed_bounds(roofline)]
        figures[f"time.{roofline.profile.id}"] = [None if value is None else float(value) for value in seconds]
    return figures


def _sum(figures: Sequence[Any], rows: Sequence[int]) -> Any:
    """Figures and rows -> their sum; None where there are no rows, or a figure of one is not known."""
    parts = [figures[row] for row in rows]
    if not parts or any(part is None for part in parts):
        return None
    if any(isinstance(part, float) for part in parts):
        return sum(parts)
    total = sum_amounts(parts)
    return None if isinstance(total, LowerBound) else total


def netron_document(report: Report, costs: NodeCosts) -> dict[str, Any]:
    """Costs of nodes -> Netron's attachment: the totals at the model and at its only
    graph, each node's figures and share at the node. A node
    that Netron cannot tell from another, or that has no name, has them at its first output."""
    kinds = ("model", "graph") if len(costs.nodes.graphs) == 1 else ("model",)
    totals = [
        {"kind": kind, "target": "", "name": key, "value": _netron_value(value)}
        for kind in kinds
        for key, value in report.totals.items()
        if value is not None
    ]
    return {"signature": "netron:attachment", "metrics": [*totals, *_netron_entries(report, costs)]}


def _netron_entries(report: Report, costs: NodeCosts) -> Iterator[dict[str, Any]]:
    file = costs.nodes
    names = _netron_names(file)
    counts = Counter(names)
    for position, node in enumerate(file.nodes):
        target = _netron_target(node, file, names[position] if counts[names[position]] == 1 else "")
        for key, figures in costs.figures.items() if target else ():
            value, total = figures[position], report.totals.get(key)
            if value is None:
                continue
            yield {**target, "name": key, "value": _netron_value(value)}
            if isinstance(value, int) and isinstance(total, int) and value and total:
                yield {**target, "name": f"{key} share", "value": format_percent(value / total)}


def _netron_names(file: FileNodes) -> list[str]:
    """The names that Netron shows of nodes: the file's; of a `.pt2` file a call's only output, else its operator and
    overload in snake case (`topk_default`), with a number where that is taken."""
    if file.form != "pt2":
        return [node.name for node in file.nodes]
    numbers: Counter[str] = Counter()
    names = []
    for node in file.nodes:
        if len(node.outputs) == 1:
            names.append(node.outputs[0])
            continue
        overloaded = ".".join(node.op_type.split(".")[1:])
        name = re.sub(r"[^0-9a-zA-Z_]+", "_", re.sub(r"(?<!^)(?=[A-Z])", "_", overloaded)).lower()
        names.append(f"{name}_{numbers[name]}" if numbers[name] else name)
        numbers[name] += 1
    return names


def _netron_target(node: FileNode, file: FileNodes, name: str) -> dict[str, str]:
    """A node and its name in Netron, where that is its own -> how Netron finds it; {} where it cannot."""
    if file.form == "tflite":
        if all(size <= node.number for size in file.sizes[1:]):
            return {"kind": "node", "identifier": str(node.number)}
    elif name:
        return {"kind": "node", "target": name.partition("\n")[0]}
    output = next(filter(None, node.outputs), "")
    return {"kind": "value", "target": output.partition("\n")[0]} if output else {}


def _netron_value(value: Dim | float) -> Any:
    if isinstance(value, int) and abs(value) > EXACT_IN_JAVASCRIPT:
        return f"{value:,}"
    return value if isinstance(value, float) else json_amount(value)


def explorer_document(costs: NodeCosts, label: str) -> dict[str, Any]:
    """Costs of nodes in one quantity -> Model Explorer's node data. UsageError where a figure depends on an open
    symbol, for colours need numbers."""
    ((key, figures),) = costs.figures.items()
    graphs: dict[str, dict[str, Any]] = {}
    for (graph, ident), value in zip(_explorer_ids(costs.nodes), figures, strict=True):
        if isinstance(value, Poly):
            raise UsageError(f"{key} depends on open extents, and Model Explorer colours numbers", bind_remedy(value))
        if value is not None:
            graphs.setdefault(graph, {})[ident] = {"value": value}
    data = {graph: {"name": label, "results": results, "gradient": list(GRADIENT)} for graph, results in graphs.items()}
    return data if len(costs.nodes.graphs) > 1 else next(iter(data.values()), {"name": label, "results": {}})


def _explorer_ids(file: FileNodes) -> list[tuple[str, str]]:
    """For each node the id of its graph and its own."""
    if file.form == "tflite":
        return [(file.graphs[0], str(node.number)) for node in file.nodes]
    if file.form == "pt2":
        return [(file.graphs[0], node.name) for node in file.nodes]
    names = _adapter_names(file)
    ids: list[tuple[str, str]] = []
    for node, name in zip(file.nodes, names, strict=True):
        graph = file.graphs[0] or "<main>"
        if node.owner is not None:
            owner = file.nodes[node.owner]
            outer_graph, outer_name = ids[node.owner]
            if owner.has_branches:  # the adapter moves the nodes of its branches into the graph around it
                graph, name = outer_graph, f"{outer_name}/{node.attribute}/{name}"
            else:
                graph = f"{outer_name}/{node.attribute}"
        ids.append((graph, name))
    return ids


def _adapter_names(file: FileNodes) -> list[str]:
    """The names that the adapter gives ONNX nodes: each once in its graph, a number behind one that is taken."""
    used: dict[int, set[str]] = {}
    numbers: Counter[str] = Counter()
    names = []
    for node in file.nodes:
        taken = used.setdefault(node.graph, set())
        base = name = node.name or "node"
        while name in taken:
            numbers[base] += 1
            name = f"{base}_{numbers[base]}"
        taken.add(name)
        names.append(name)
    return names
